//! `AskMask`: takes the mask of one value from another.

use crate::Element;
use crate::error::{Result, wrong_inputs};
use crate::model::{
    AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, each, goes_back,
};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::Array2;

/// Sets the mask of its first input from its second input: true where that is not 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AskMask;

crate::describe::describe!(AskMask, "keras_mask", {} => Ok(AskMask));

impl<A: Element> AnyLayer<A> for AskMask {
    fn name(&self) -> &str {
        "mask"
    }

    fn forward(&self, _: Tensor<A>) -> Result<Tensor<A>> {
        Err(wrong_inputs(2, 1))
    }

    fn forward_all(&self, inputs: Vec<Tensor<A>>) -> Result<Vec<Tensor<A>>> {
        let [input, mask] =
            <[Tensor<A>; 2]>::try_from(inputs).map_err(|inputs| wrong_inputs(2, inputs.len()))?;
        let mask = mask.axes::<ndarray::Ix2>("mask", "2 (samples, timesteps)")?;
        let mask: Array2<bool> = mask.mapv(|real| real != A::zero());
        let input = input.masked(&mask);
        input.check_mask()?;
        Ok(vec![input])
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        vec![inputs.first().cloned().unwrap_or_else(Shape::unknown)]
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::EachTimestep
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        each(self, inputs, |_, inputs, output| {
            let mut both = inputs.iter();
            let (Some(input), Some(mask)) = (both.next(), both.next()) else {
                return Err(wrong_inputs(2, inputs.iter().len()));
            };
            output.numbers.copy_from_slice(&input.numbers);
            let to = output.mask_mut().iter_mut();
            to.zip(&mask.numbers)
                .for_each(|(real, &x)| *real = x != A::zero());
            Ok(())
        })
    }

    goes_back!();
    described!();
}
