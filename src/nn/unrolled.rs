//! `Unrolled`: a layer whose masked output Keras gets wrong.

use crate::Element;
use crate::describe::{Describe, Part, PartMut};
#[cfg(feature = "saved")]
use crate::describe::{In, Saved};
use crate::error::{Error, Result};
use crate::model::{
    AnyLayer, Called, Shape, Slot, Stepwise, Tensor, described, each_layer, each_layer_mut,
};
#[cfg(feature = "saved")]
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A recurrent layer with `go_backwards` and `unroll` that sets masked timesteps to 0. Keras up to 3.15 reverses its
/// outputs, but not the mask that sets them to 0. This layer therefore refuses masks; without a mask the results agree.
pub(crate) struct Unrolled<A>(pub Arc<dyn AnyLayer<A>>);

impl<A: Element> Unrolled<A> {
    fn check(inputs: &[Tensor<A>]) -> Result<()> {
        if inputs.iter().all(|input| input.mask.is_none()) {
            return Ok(());
        }
        let expected = "none: with unroll=True Keras zeroes other steps of a backward pass than the masked ones";
        Err(Error::value("mask", expected, "one"))
    }
}

impl<A: Element> Describe<A> for Unrolled<A> {
    fn class(&self) -> &'static str {
        "keras_unrolled"
    }

    fn parts(&self, each: &mut dyn FnMut(Part<A>)) {
        each_layer(each, "layer", None, &self.0);
    }

    fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<A>)) {
        each_layer_mut(each, None, &mut self.0);
    }

    fn duplicate(&self) -> Option<Self> {
        Some(Unrolled(Arc::clone(&self.0)))
    }
}

#[cfg(feature = "saved")]
impl<A: Element> Saved for Unrolled<A> {
    type Number = A;

    fn read_from(from: &mut In) -> Result<Self> {
        from.class("keras_unrolled")?;
        let layer: Box<dyn AnyLayer<A>> = from.layer("layer")?;
        Ok(Unrolled(layer.into()))
    }
}

impl<A: Element> AnyLayer<A> for Unrolled<A> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        Self::check(core::slice::from_ref(&input))?;
        self.0.forward(input)
    }

    fn forward_all(&self, inputs: Vec<Tensor<A>>) -> Result<Vec<Tensor<A>>> {
        Self::check(&inputs)?;
        self.0.forward_all(inputs)
    }

    fn output_count(&self) -> usize {
        self.0.output_count()
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        self.0.output_shapes(inputs)
    }

    fn uses_mask(&self) -> bool {
        true
    }

    fn stepwise(&self, axes: &[usize]) -> Stepwise {
        self.0.stepwise(axes)
    }

    fn call(&self, inputs: Vec<Tensor<A>>, kept: Option<&Slot>) -> Result<Called<A>> {
        Self::check(&inputs)?;
        self.0.call(inputs, kept)
    }

    fn fresh(&self) -> Option<Slot> {
        self.0.fresh()
    }

    #[cfg(feature = "train")]
    fn record(&self, call: crate::model::RecordCall<A>) -> Result<crate::model::Called<A>> {
        Self::check(call.inputs)?;
        self.0.record(call)
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
