//! `Stepper`: takes single steps of a layer of a model; and the values between layers.

use super::any_layer::wrong_inputs;
use super::kept::another_model;
use super::{AnyLayer, Slot, Stepwise, Tensor};
use crate::Element;
use crate::error::{Error, Result, check, check_size};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use core::any::Any;
use core::marker::PhantomData;
use ndarray::{Array2, ArrayD, ArrayView2, ArrayViewD, IxDyn};

/// Takes single steps of one call of a layer. It owns the scratch memory of a step. Each step borrows the layer and the
/// state, so a stepper can be stored beside the model, however the model is owned.
pub trait Stepper<A: Element>: Send {
    /// Takes one step between values of the planned shapes.
    fn step(
        &mut self,
        layer: &dyn AnyLayer<A>,
        slot: &mut Option<Slot>,
        inputs: Inputs<'_, A>,
        outputs: &mut [Value<A>],
    ) -> Result<()>;

    /// Checks a state that came from elsewhere, and converts it to the form that steps use.
    fn admit(&self, layer: &dyn AnyLayer<A>, slot: &mut Slot) -> Result<()> {
        let _ = (layer, slot);
        Ok(())
    }
}

/// The stepper of a call, and what is known about the call before the first step.
pub struct Planned<A> {
    pub stepper: Box<dyn Stepper<A>>,
    pub outputs: Vec<StepShape>,
    /// The state before the first step; `None` if the layer keeps no state.
    pub fresh: Option<Slot>,
    /// Whether a step can refuse its input values.
    pub may_fail: bool,
}

/// The shape of a value in a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepShape {
    /// The axes of the [`Tensor`]: samples first, then one timestep if the value belongs to a sequence.
    pub axes: Vec<usize>,
    /// Whether it is one timestep of a sequence, and not the result of the whole sequence so far.
    pub is_timestep: bool,
}

impl StepShape {
    /// The length of its mask.
    fn mask_len(&self) -> usize {
        let [samples, timesteps] = self.mask_dim();
        samples.saturating_mul(timesteps)
    }

    /// (samples, timesteps).
    pub(crate) fn mask_dim(&self) -> [usize; 2] {
        [0, 1].map(|axis| self.axes.get(axis).copied().unwrap_or(1))
    }

    /// The axes without the timestep, if there is one.
    pub(crate) fn of_step(&self) -> Vec<usize> {
        let mut axes = self.axes.clone();
        if self.is_timestep && axes.len() > 1 {
            axes.remove(1);
        }
        axes
    }

    /// The length of the last axis.
    pub(crate) fn last(&self) -> usize {
        self.axes.last().copied().unwrap_or(1)
    }
}

/// A value between two layers: its numbers in row-major order, and the mask of its timesteps while there is one.
pub struct Value<A> {
    pub(crate) shape: StepShape,
    pub(crate) numbers: Vec<A>,
    mask: Vec<bool>,
    is_masked: bool,
}

impl<A: Element> Value<A> {
    /// Zeros without a mask, with memory for one.
    pub(crate) fn new(shape: StepShape) -> Result<Self> {
        check_size("value of a step", &shape.axes)?;
        let count = shape.axes.iter().product();
        // An empty value may have any number of samples.
        let mask_len = if count == 0 { 0 } else { shape.mask_len() };
        Ok(Value {
            numbers: vec![A::zero(); count],
            mask: Vec::with_capacity(mask_len),
            is_masked: false,
            shape,
        })
    }

    /// The mask in row-major order, (samples, timesteps): `false` at padding.
    #[inline]
    pub(crate) fn mask(&self) -> Option<&[bool]> {
        self.is_masked.then_some(&*self.mask)
    }

    /// Sets the mask, or removes it. The caller has checked its length.
    #[inline]
    pub(crate) fn set_mask(&mut self, mask: Option<&[bool]>) {
        self.is_masked = mask.is_some();
        if let Some(mask) = mask {
            self.mask.clear();
            self.mask.extend_from_slice(mask);
        }
    }

    /// The mask, to be written.
    pub(crate) fn mask_mut(&mut self) -> &mut [bool] {
        self.both_mut().1
    }

    /// The numbers and the mask, to be written.
    pub(crate) fn both_mut(&mut self) -> (&mut [A], &mut [bool]) {
        self.is_masked = true;
        self.mask.resize(self.shape.mask_len(), true);
        (&mut self.numbers, &mut self.mask)
    }

    /// Copies numbers and mask of a value of the same shape.
    #[inline]
    pub(crate) fn copy(&mut self, from: &Self) {
        self.numbers.copy_from_slice(&from.numbers);
        self.set_mask(from.mask());
    }

    /// Copies the numbers of an array of this shape.
    pub(crate) fn assign(&mut self, x: &ArrayViewD<A>) {
        match x.as_slice() {
            Some(x) => self.numbers.copy_from_slice(x),
            None => self.numbers.iter_mut().zip(x).for_each(|(to, &x)| *to = x),
        }
    }

    pub(crate) fn to_flow(&self) -> Result<Tensor<A>> {
        self.flow(self.mask())
    }

    /// Sets the numbers and this mask, both of the right length.
    fn flow(&self, mask: Option<&[bool]>) -> Result<Tensor<A>> {
        let values = ArrayD::from_shape_vec(IxDyn(&self.shape.axes), self.numbers.clone())?;
        let mask = mask.map(|mask| Array2::from_shape_vec(self.shape.mask_dim(), mask.to_vec()));
        Ok(Tensor {
            values,
            mask: mask.transpose()?,
        })
    }

    /// Copies numbers and mask of a tensor, which must have this shape.
    pub(crate) fn take(&mut self, flow: &Tensor<A>) -> Result<()> {
        if flow.values.shape() != self.shape.axes {
            let expected = format!("{:?} as before", self.shape.axes);
            let found = format!("{:?}", flow.values.shape());
            return Err(Error::value("shape of a value", expected, found));
        }
        flow.check_mask()?;
        self.assign(&flow.values.view());
        match &flow.mask {
            Some(mask) => {
                let to = self.mask_mut().iter_mut();
                to.zip(mask).for_each(|(to, &real)| *to = real);
            }
            None => self.set_mask(None),
        }
        Ok(())
    }
}

/// The inputs of a call.
#[derive(Clone, Copy)]
pub struct Inputs<'v, A> {
    values: &'v [Value<A>],
    at: &'v [usize],
    is_bare: bool,
}

impl<'v, A: Element> Inputs<'v, A> {
    /// The members of `values` at these indices.
    #[inline]
    pub(crate) fn new(values: &'v [Value<A>], at: &'v [usize]) -> Self {
        let is_bare = false;
        Inputs {
            values,
            at,
            is_bare,
        }
    }

    /// These inputs with all masks hidden.
    #[cfg(any(feature = "keras", feature = "saved"))]
    pub(crate) fn bare(self) -> Self {
        let is_bare = true;
        Inputs { is_bare, ..self }
    }

    /// The masks of all inputs.
    pub(crate) fn masks(self) -> impl ExactSizeIterator<Item = Option<&'v [bool]>> + Clone {
        self.iter()
            .map(move |input| input.mask().filter(|_| !self.is_bare))
    }

    #[inline]
    pub(crate) fn iter(self) -> impl ExactSizeIterator<Item = &'v Value<A>> + Clone {
        self.at.iter().map(move |&at| &self.values[at])
    }

    /// The first input, the only one of most layers.
    #[inline]
    pub(crate) fn first(self) -> Result<&'v Value<A>> {
        match self.at {
            [first, ..] => Ok(&self.values[*first]),
            [] => Err(wrong_inputs("at least 1", 0)),
        }
    }
}

/// The only output.
#[inline]
pub(crate) fn only_output<A>(outputs: &mut [Value<A>]) -> Result<&mut Value<A>> {
    match outputs {
        [output] => Ok(output),
        _ => Err(Error::value("number of outputs", 1, outputs.len())),
    }
}

/// Row-major numbers as an array (samples, features).
#[inline]
pub(crate) fn rows<A>(numbers: &[A], samples: usize) -> Result<ArrayView2<'_, A>> {
    if samples == 1 {
        // Faster than the general path.
        return Ok(ndarray::aview1(numbers).insert_axis(ndarray::Axis(0)));
    }
    let features = numbers.len().checked_div(samples).unwrap_or(0);
    Ok(ArrayView2::from_shape((samples, features), numbers)?)
}

/// The layer of a stepper in its concrete type, also through a pointer.
#[inline]
pub(crate) fn lent<A: Element, L: AnyLayer<A>>(layer: &dyn AnyLayer<A>) -> Result<&L> {
    match (layer as &dyn Any).downcast_ref() {
        Some(layer) => Ok(layer),
        None => lent(layer.inside().ok_or_else(another_model)?),
    }
}

/// Plans the steps of a call with inputs of these shapes.
pub(crate) fn plan<A: Element>(
    layer: &dyn AnyLayer<A>,
    inputs: &[StepShape],
) -> Result<Planned<A>> {
    let timesteps = inputs.iter().filter(|input| input.is_timestep).count();
    if timesteps > 0 && timesteps < inputs.len() {
        let expected = "all of one kind: a result of the sequence changes with every timestep, also for the earlier ones";
        let found = "one timestep, and the result of a sequence";
        return Err(Error::value("input", expected, found));
    }
    let axes: Vec<usize> = inputs.iter().map(|input| input.axes.len()).collect();
    if timesteps > 0
        && let Stepwise::WholeSequence(why) = layer.stepwise(&axes)
    {
        let expected = format!("a whole sequence: {why}");
        return Err(Error::value("input", expected, "one timestep"));
    }
    match layer.stepper(inputs)? {
        Some(planned) => Ok(planned),
        None if timesteps > 0 && layer.stepwise(&axes) == Stepwise::Carries => {
            let expected = "a whole sequence: it does not say how it takes a step";
            Err(Error::value("input", expected, "one timestep"))
        }
        None => Ok(Planned {
            stepper: Box::new(Anew),
            outputs: tried(layer, inputs)?,
            fresh: None,
            may_fail: true,
        }),
    }
}

/// The shapes of the outputs, found by a call on zeros. The call also checks that the inputs fit.
fn tried<A: Element>(layer: &dyn AnyLayer<A>, inputs: &[StepShape]) -> Result<Vec<StepShape>> {
    let is_timestep = inputs.iter().any(|input| input.is_timestep);
    let zeros = |input: &StepShape| Value::new(input.clone())?.to_flow();
    let (flows, _) = layer.call(inputs.iter().map(zeros).collect::<Result<_>>()?, None)?;
    let shape = |flow: Tensor<A>| {
        let axes = flow.values.shape().to_vec();
        if is_timestep {
            let timesteps = axes.get(1).copied().unwrap_or(0);
            check("output", "timesteps", 1, timesteps)?;
        }
        Ok(StepShape { axes, is_timestep })
    };
    flows.into_iter().map(shape).collect()
}

/// A layer that is called anew at every step: one that works timestep by timestep without a stepper, or one whose input
/// is the result of the sequence so far.
struct Anew;

impl<A: Element> Stepper<A> for Anew {
    fn step(
        &mut self,
        layer: &dyn AnyLayer<A>,
        _: &mut Option<Slot>,
        inputs: Inputs<'_, A>,
        outputs: &mut [Value<A>],
    ) -> Result<()> {
        let flow = |(input, mask)| Value::flow(input, mask);
        let flows = inputs.iter().zip(inputs.masks()).map(flow);
        let (flows, _) = layer.call(flows.collect::<Result<_>>()?, None)?;
        if flows.len() != outputs.len() {
            let expected = outputs.len();
            return Err(Error::value("number of outputs", expected, flows.len()));
        }
        let mut both = outputs.iter_mut().zip(&flows);
        both.try_for_each(|(output, flow)| output.take(flow))
    }
}

/// A layer that keeps nothing between steps, as a function of its inputs.
struct Each<L, F>(F, PhantomData<fn(L)>);

impl<A: Element, L: AnyLayer<A>, F> Stepper<A> for Each<L, F>
where
    F: FnMut(&L, Inputs<'_, A>, &mut Value<A>) -> Result<()> + Send,
{
    #[inline]
    fn step(
        &mut self,
        layer: &dyn AnyLayer<A>,
        _: &mut Option<Slot>,
        inputs: Inputs<'_, A>,
        outputs: &mut [Value<A>],
    ) -> Result<()> {
        (self.0)(lent(layer)?, inputs, only_output(outputs)?)
    }
}

/// The stepper of a layer with one output that keeps no state and accepts every input of the right shape. A call on
/// zeros checks the shapes.
pub(crate) fn each<A: Element, L: AnyLayer<A>>(
    layer: &L,
    inputs: &[StepShape],
    step: impl FnMut(&L, Inputs<'_, A>, &mut Value<A>) -> Result<()> + Send + 'static,
) -> Result<Option<Planned<A>>> {
    Ok(Some(Planned {
        stepper: Box::new(Each(step, PhantomData)),
        outputs: tried(layer, inputs)?,
        fresh: None,
        may_fail: false,
    }))
}

/// The stepper of a layer with one input and one output that keeps no state and may refuse its input values.
pub(crate) fn each_or_err<A: Element, L: AnyLayer<A>>(
    layer: &L,
    inputs: &[StepShape],
    step: impl FnMut(&L, Inputs<'_, A>, &mut Value<A>) -> Result<()> + Send + 'static,
) -> Result<Option<Planned<A>>> {
    let planned = each(layer, inputs, step)?;
    Ok(planned.map(|planned| Planned {
        may_fail: true,
        ..planned
    }))
}

/// The stepper of a layer that changes the numbers of its only input in place; masks pass through.
pub(crate) fn in_place<A: Element, L: AnyLayer<A>>(
    layer: &L,
    inputs: &[StepShape],
    mut change: impl FnMut(&L, &mut [A]) + Send + 'static,
) -> Result<Option<Planned<A>>> {
    each(layer, inputs, move |layer, inputs, output| {
        output.copy(inputs.first()?);
        change(layer, &mut output.numbers);
        Ok(())
    })
}
