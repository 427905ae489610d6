//! `Flatten`: joins all axes of a sample.

use super::axis::in_rows;
use crate::Element;
use crate::error::{Error, Result};
use crate::model::{
    AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, each, goes_back,
};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array, Array2, ArrayRef, Dimension};

/// Joins all axes of a sample into one: (samples, timesteps, features) in, (samples, timesteps · features) out, and
/// likewise for any number of axes. No mask passes on, as in Keras. Source: `keras.layers.Flatten`.
///
/// ```
/// use ndarray::array;
/// use recurrent::Flatten;
/// assert_eq!(Flatten.forward(&array![[[1.0, 2.0], [3.0, 4.0]]])?, array![[1.0, 2.0, 3.0, 4.0]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flatten;

impl Flatten {
    /// Computes (samples, …) to (samples, numbers); (samples) becomes (samples, 1).
    pub fn forward<A: Element, D: Dimension>(&self, x: &ArrayRef<A, D>) -> Result<Array2<A>> {
        Self::flat(x.as_standard_layout().into_owned())
    }

    fn flat<A: Element, D: Dimension>(x: Array<A, D>) -> Result<Array2<A>> {
        let Some((&samples, of_sample)) = x.shape().split_first() else {
            return Err(Error::Rank {
                array: "input",
                expected: "at least 1 (samples, ...)",
                found: 0,
            });
        };
        let numbers = of_sample.iter().copied().fold(1, usize::saturating_mul);
        Ok(x.into_shape_with_order((samples, numbers))?)
    }
}
crate::describe::describe!(Flatten, "flatten", {} => Ok(Flatten));

impl<A: Element> AnyLayer<A> for Flatten {
    fn name(&self) -> &str {
        "flatten"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        Flatten::flat(in_rows(input.values)).map(Tensor::bare)
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let input = inputs.first();
        let numbers = input.and_then(|input| {
            let of_sample = input.axes()?.get(1..)?.iter();
            of_sample.copied().try_fold(1, |n, len| len?.checked_mul(n))
        });
        let samples = input.and_then(|input| input.len_of(0));
        vec![Shape::from([samples, numbers])]
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::WholeSequence("it puts all timesteps in a row")
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        each(self, inputs, |_, inputs, output| {
            output.numbers.copy_from_slice(&inputs.first()?.numbers);
            Ok(())
        })
    }

    goes_back!();
    described!();
}
