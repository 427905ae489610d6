//! How the steps of a layer of a model are planned.

use super::any_layer::{Planned, Stepper};
use super::kept::another_model;
use super::value::{Inputs, StepShape, Value};
use super::{AnyLayer, Slot, Stepwise, Tensor};
use crate::Element;
use crate::error::{Error, Result, check};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use core::any::Any;
use core::marker::PhantomData;
use ndarray::ArrayView2;

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
