//! `Distributed`: a layer inside `TimeDistributed` whose mask Keras 2 passes on.

use crate::Element;
use crate::describe::{Describe, Part, PartMut};
#[cfg(feature = "saved")]
use crate::describe::{In, Saved};
use crate::error::{Error, Result};
use crate::model::{
    AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, Value, described, each_layer,
    each_layer_mut,
};
#[cfg(feature = "saved")]
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A layer inside `TimeDistributed` with the rules of Keras 2. There, a mask that the inner layer makes passes on as
/// (samples, timesteps, inner timesteps), and the next `TimeDistributed` obeys it. Masks have two axes here, so such a
/// mask is an error; Keras 3 drops it.
pub(crate) struct Distributed<A>(pub Arc<dyn AnyLayer<A>>);

impl<A: Element> Describe<A> for Distributed<A> {
    fn class(&self) -> &'static str {
        "keras_distributed"
    }

    fn parts(&self, each: &mut dyn FnMut(Part<A>)) {
        each_layer(each, "layer", None, &self.0);
    }

    fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<A>)) {
        each_layer_mut(each, None, &mut self.0);
    }

    fn duplicate(&self) -> Option<Self> {
        Some(Distributed(Arc::clone(&self.0)))
    }
}

#[cfg(feature = "saved")]
impl<A: Element> Saved for Distributed<A> {
    type Number = A;

    fn read_from(from: &mut In) -> Result<Self> {
        from.class("keras_distributed")?;
        let layer: Box<dyn AnyLayer<A>> = from.layer("layer")?;
        Ok(Distributed(layer.into()))
    }
}

impl<A: Element> AnyLayer<A> for Distributed<A> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        let output = self.0.forward(input)?;
        check_bare(&output)?;
        Ok(output)
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        self.0.output_shapes(inputs)
    }

    fn uses_mask(&self) -> bool {
        self.0.uses_mask()
    }

    fn stepwise(&self, axes: &[usize]) -> Stepwise {
        self.0.stepwise(axes)
    }

    /// Masks are made whatever comes in or never: a call says which.
    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let zeros = |input: &StepShape| Value::new(input.clone())?.to_flow();
        let flows = inputs.iter().map(zeros).collect::<Result<_>>()?;
        self.forward_all(flows)?;
        self.0.stepper(inputs)
    }

    fn step_features(&self, input: usize) -> Option<Vec<usize>> {
        self.0.step_features(input)
    }

    fn inside(&self) -> Option<&dyn AnyLayer<A>> {
        Some(&*self.0)
    }

    #[cfg(feature = "train")]
    fn record(&self, call: crate::model::RecordCall<A>) -> Result<crate::model::Called<A>> {
        let (outputs, slot) = self.0.record(call)?;
        outputs.iter().try_for_each(check_bare)?;
        Ok((outputs, slot))
    }

    #[cfg(feature = "train")]
    fn backward(
        &self,
        call: crate::model::BackwardCall<A>,
    ) -> Result<Vec<Option<ndarray::ArrayD<A>>>> {
        self.0.backward(call)
    }

    #[cfg(feature = "train")]
    fn has_backward(&self) -> bool {
        self.0.has_backward()
    }

    #[cfg(feature = "train")]
    fn moved(
        &self,
        tape: &crate::backward::Tape,
        phase: &crate::model::Phase,
        each: &mut crate::model::Moves<A>,
    ) {
        self.0.moved(tape, phase, each);
    }

    #[cfg(feature = "train")]
    fn drawn(
        &self,
        tape: &crate::backward::Tape,
        phase: &crate::model::Phase,
        each: &mut dyn FnMut(&str, ndarray::ArrayD<f64>),
    ) {
        self.0.drawn(tape, phase, each);
    }

    described!();
}

fn check_bare<A>(output: &Tensor<A>) -> Result<()> {
    if output.mask.is_none() {
        return Ok(());
    }
    let expected = "none: Keras 2 hands it on with three axes, and masks have two here";
    Err(Error::value(
        "mask inside of TimeDistributed",
        expected,
        "one",
    ))
}
