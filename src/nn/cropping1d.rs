//! `Cropping1d`: removes timesteps at both ends.

use super::moved::moved;
use crate::Element;
use crate::error::{Error, Result};
use crate::model::{AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, goes_back};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array3, ArrayRef, Ix3, s};

/// Removes timesteps at both ends: (samples, timesteps, features) in, fewer timesteps, at least one, out. No mask
/// passes on, as in Keras. Source: `keras.layers.Cropping1D`.
///
/// ```
/// use ndarray::array;
/// use recurrent::Cropping1d;
/// assert_eq!(Cropping1d::new(1, 0).forward(&array![[[5.0], [6.0]]])?, array![[[6.0]]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cropping1d {
    pub(super) before: usize,
    after: usize,
}

impl Cropping1d {
    /// Removes this number of timesteps at the start and at the end.
    pub fn new(before: usize, after: usize) -> Self {
        Cropping1d { before, after }
    }

    /// The number of timesteps that remain, at least one.
    fn timesteps(self, timesteps: usize) -> Option<usize> {
        let left = timesteps.checked_sub(self.before)?.checked_sub(self.after);
        left.filter(|&left| left > 0)
    }

    /// Computes the output, with fewer timesteps. Returns an error if none would remain.
    pub fn forward<A: Element>(&self, x: &ArrayRef<A, Ix3>) -> Result<Array3<A>> {
        let timesteps = x.dim().1;
        let left = self.timesteps(timesteps).ok_or_else(|| {
            let expected = format!("more than {} + {}", self.before, self.after);
            Error::value("number of timesteps", expected, timesteps)
        })?;
        let inside = self.before..self.before + left;
        Ok(x.slice(s![.., inside, ..]).to_owned())
    }
}
crate::describe::describe!(Cropping1d, "cropping1d", { before, after } => Ok(Cropping1d { before, after }));

impl<A: Element> AnyLayer<A> for Cropping1d {
    fn name(&self) -> &str {
        "cropping1d"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        let x = input.axes("input", "3 (samples, timesteps, features)")?;
        Cropping1d::forward(self, &x).map(Tensor::bare)
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let fewer = |timesteps| self.timesteps(timesteps);
        vec![
            inputs
                .first()
                .unwrap_or(&Shape::unknown())
                .with_timesteps(fewer),
        ]
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::WholeSequence("it leaves timesteps out")
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        moved(self, inputs)
    }

    goes_back!();
    described!();
}
