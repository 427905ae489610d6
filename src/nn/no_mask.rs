//! `NoMask`: a value without its mask.

use crate::Element;
use crate::error::Result;
use crate::model::{
    AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, each, goes_back,
};
use alloc::vec::Vec;

/// Drops the mask of its input, as a `MultiHeadAttention` of Keras 3 does with the values that it was called with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoMask;

crate::describe::describe!(NoMask, "keras_no_mask", {} => Ok(NoMask));

impl<A: Element> AnyLayer<A> for NoMask {
    fn name(&self) -> &str {
        "no_mask"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        Ok(Tensor {
            mask: None,
            ..input
        })
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        inputs.to_vec()
    }

    fn uses_mask(&self) -> bool {
        true
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::EachTimestep
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        each(self, inputs, |_, inputs, output| {
            output.numbers.copy_from_slice(&inputs.first()?.numbers);
            output.set_mask(None);
            Ok(())
        })
    }

    goes_back!();
    described!();
}
