//! `TimeDistributed`: applies one layer at every timestep.

use super::axis::in_rows;
use crate::Element;
use crate::describe::{Describe, Part, PartMut};
#[cfg(feature = "saved")]
use crate::describe::{In, Saved};
use crate::error::{Error, Result, check, wrong_inputs};
use crate::model::{
    AnyLayer, Inputs, Planned, Shape, Slot, StepShape, Stepper, Stepwise, Tensor, Value, described,
    each_layer, each_layer_mut, lent, only_output, plan,
};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::marker::PhantomData;
use ndarray::IxDyn;

/// Applies a layer to every timestep independently: (samples, timesteps, …) in, (samples, timesteps, …) out. The mask
/// passes through. Source: `keras.layers.TimeDistributed`.
///
/// A [`Dense`](crate::Dense) does not need it, since it works on the last axis anyway.
///
/// If the input has a mask, an inner layer that reads masks is an error, since the mask is not its own.
///
/// ```
/// use ndarray::{Array3, array};
/// use recurrent::{Dense, Model, TimeDistributed};
/// let dense = Dense::from_weights(array![[1.0], [2.0]], array![0.5])?;
/// let model = Model::new().add(TimeDistributed::new(dense));
/// assert_eq!(model.forward(&Array3::ones((2, 3, 2)))?.shape(), [2, 3, 1]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TimeDistributed<L> {
    pub(super) layer: L,
}

impl<L> TimeDistributed<L> {
    /// Wraps a layer, which sees one timestep at a time.
    pub fn new(layer: L) -> Self {
        TimeDistributed { layer }
    }

    /// The layer inside.
    pub fn inner(&self) -> &L {
        &self.layer
    }
}

impl<A: Element, L: AnyLayer<A>> Describe<A> for TimeDistributed<L> {
    fn class(&self) -> &'static str {
        "time_distributed"
    }

    fn parts(&self, each: &mut dyn FnMut(Part<A>)) {
        let TimeDistributed { layer } = self;
        each_layer(each, "layer", None, layer);
    }

    fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<A>)) {
        each_layer_mut(each, None, &mut self.layer);
    }

    fn duplicate(&self) -> Option<Self> {
        self.layer.copied().map(TimeDistributed::new)
    }
}

#[cfg(feature = "saved")]
impl<L: AnyLayer<L::Number> + Saved> Saved for TimeDistributed<L> {
    type Number = L::Number;

    fn read_from(from: &mut In) -> Result<Self> {
        from.class("time_distributed")?;
        from.layer("layer").map(TimeDistributed::new)
    }
}

impl<A: Element, L: AnyLayer<A>> AnyLayer<A> for TimeDistributed<L> {
    fn name(&self) -> &str {
        "time_distributed"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        let [samples, timesteps] = check_input(&input, self.layer.uses_mask())?;
        let rows = samples * timesteps;
        let folded: Vec<usize> = [&[rows], &input.values.shape()[2..]].concat();
        let values = reshape(input.values, &folded)?;
        let inner = self.layer.forward(Tensor { values, mask: None })?.values;
        check_rows(rows, &inner)?;
        let unfolded: Vec<usize> = [&[samples, timesteps], &inner.shape()[1..]].concat();
        Ok(Tensor {
            values: reshape(inner, &unfolded)?,
            mask: input.mask,
        })
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let Some([samples, timesteps, rest @ ..]) = inputs.first().and_then(Shape::axes) else {
            return vec![Shape::unknown()];
        };
        let inner = Shape::from([&[*samples], rest].concat());
        let inner = self.layer.output_shapes(&[inner]);
        let shape = match inner.first().and_then(Shape::axes) {
            Some([samples, rest @ ..]) => [&[*samples, *timesteps], rest].concat().into(),
            _ => Shape::unknown(),
        };
        vec![shape]
    }

    /// The inner layer would take a mask for one of its own timesteps.
    fn uses_mask(&self) -> bool {
        true
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::EachTimestep
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let [input] = inputs else {
            return Err(wrong_inputs(1, inputs.len()));
        };
        let [samples, timesteps, rest @ ..] = input.axes.as_slice() else {
            return Ok(None); // a call reports what is wrong
        };
        if rest.is_empty() || self.layer.output_count() != 1 {
            return Ok(None);
        }
        let rows = StepShape {
            axes: [&[samples * timesteps], rest].concat(),
            is_timestep: false,
        };
        let inner = plan(&self.layer, core::slice::from_ref(&rows))?;
        let [output] = inner.outputs.as_slice() else {
            return Ok(None);
        };
        let Some((_, of_output)) = output.axes.split_first() else {
            return Ok(None);
        };
        if output.axes[0] != rows.axes[0] {
            return Ok(None);
        }
        let uses_mask = self.layer.uses_mask();
        Ok(Some(Planned {
            outputs: vec![StepShape {
                axes: [&[*samples, *timesteps], of_output].concat(),
                is_timestep: input.is_timestep,
            }],
            fresh: None,
            may_fail: inner.may_fail || uses_mask,
            stepper: Box::new(Steps {
                inner: inner.stepper,
                values: [Value::new(rows)?, Value::new(output.clone())?],
                uses_mask,
                of: PhantomData::<fn(L)>,
            }),
        }))
    }

    fn step_features(&self, input: usize) -> Option<Vec<usize>> {
        self.layer.step_features(input)
    }

    #[cfg(feature = "train")]
    fn record(&self, call: crate::model::RecordCall<A>) -> Result<crate::model::Called<A>> {
        self.record_call(call)
    }

    #[cfg(feature = "train")]
    fn backward(
        &self,
        call: crate::model::BackwardCall<A>,
    ) -> Result<Vec<Option<ndarray::ArrayD<A>>>> {
        self.back_over(call)
    }

    #[cfg(feature = "train")]
    fn has_backward(&self) -> bool {
        self.layer.has_backward()
    }

    #[cfg(feature = "train")]
    fn moved(
        &self,
        tape: &crate::backward::Tape,
        phase: &crate::model::Phase,
        each: &mut crate::model::Moves<A>,
    ) {
        if let Some(tape) = Self::inner_tape::<A>(tape) {
            self.layer.moved(tape, phase, each);
        }
    }

    #[cfg(feature = "train")]
    fn drawn(
        &self,
        tape: &crate::backward::Tape,
        phase: &crate::model::Phase,
        each: &mut dyn FnMut(&str, ndarray::ArrayD<f64>),
    ) {
        if let Some(tape) = Self::inner_tape::<A>(tape) {
            self.layer.drawn(tape, phase, each);
        }
    }

    described!();
}

/// The samples and timesteps of an input that fits.
pub(super) fn check_input<A>(input: &Tensor<A>, uses_mask: bool) -> Result<[usize; 2]> {
    let [samples, timesteps, _, ..] = *input.values.shape() else {
        return Err(Error::Rank {
            array: "input",
            expected: "at least 3 (samples, timesteps, ...)",
            found: input.values.ndim(),
        });
    };
    check_mask(input.mask.is_some(), uses_mask)?;
    Ok([samples, timesteps])
}

/// Returns an error unless the layer inside returned this number of rows.
pub(super) fn check_rows<A>(rows: usize, inner: &ndarray::ArrayD<A>) -> Result<()> {
    let Some(&found) = inner.shape().first() else {
        return Err(Error::Rank {
            array: "output",
            expected: "at least 1",
            found: 0,
        });
    };
    let (array, name) = ("output of the layer inside", "rows (samples x timesteps)");
    check(array, name, rows, found)
}

fn check_mask(is_masked: bool, is_read: bool) -> Result<()> {
    if is_masked && is_read {
        let expected = "none: the layer inside TimeDistributed reads masks of its own steps";
        return Err(Error::value("mask", expected, "one of the outer timesteps"));
    }
    Ok(())
}

/// The stepper of the layer inside, for which samples and timesteps are both rows.
struct Steps<A, L> {
    inner: Box<dyn Stepper<A>>,
    /// The input and the output of the inner layer.
    values: [Value<A>; 2],
    uses_mask: bool,
    of: PhantomData<fn(L)>,
}

impl<A: Element, L: AnyLayer<A>> Stepper<A> for Steps<A, L> {
    fn step(
        &mut self,
        layer: &dyn AnyLayer<A>,
        slot: &mut Option<Slot>,
        inputs: Inputs<'_, A>,
        outputs: &mut [Value<A>],
    ) -> Result<()> {
        let layer: &TimeDistributed<L> = lent(layer)?;
        let (input, output) = (inputs.first()?, only_output(outputs)?);
        check_mask(input.mask().is_some(), self.uses_mask)?;
        let (from, to) = self.values.split_at_mut(1);
        from[0].numbers.copy_from_slice(&input.numbers);
        self.inner
            .step(&layer.layer, slot, Inputs::new(from, &[0]), to)?;
        output.numbers.copy_from_slice(&to[0].numbers);
        output.set_mask(input.mask());
        Ok(())
    }
}

/// Gives the numbers another shape, in the same order.
fn reshape<A: Element>(x: ndarray::ArrayD<A>, shape: &[usize]) -> Result<ndarray::ArrayD<A>> {
    let found = x.len();
    in_rows(x)
        .into_shape_with_order(IxDyn(shape))
        .map_err(|_| Error::Shape {
            array: "input",
            axis: "numbers",
            expected: shape.iter().product(),
            found,
        })
}
