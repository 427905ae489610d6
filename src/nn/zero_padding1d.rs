//! `ZeroPadding1d`: adds timesteps of zeros at both ends.

use super::moved::moved;
use crate::Element;
use crate::error::{Result, check_size};
use crate::model::{AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, goes_back};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array3, ArrayRef, Ix3, s};

/// Adds timesteps of zeros at both ends: (samples, timesteps, features) in, (samples, before + timesteps + after,
/// features) out. No mask passes on, as in Keras. Source: `keras.layers.ZeroPadding1D`.
///
/// ```
/// use ndarray::array;
/// use recurrent::ZeroPadding1d;
/// assert_eq!(ZeroPadding1d::new(1, 0).forward(&array![[[5.0]]])?, array![[[0.0], [5.0]]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZeroPadding1d {
    pub(super) before: usize,
    after: usize,
}

impl ZeroPadding1d {
    /// Adds this number of timesteps before the first one and after the last.
    pub fn new(before: usize, after: usize) -> Self {
        ZeroPadding1d { before, after }
    }

    fn timesteps(self, timesteps: usize) -> usize {
        let before = self.before.saturating_add(timesteps);
        before.saturating_add(self.after)
    }

    /// Computes (samples, timesteps, features) to (samples, before + timesteps + after, features).
    pub fn forward<A: Element>(&self, x: &ArrayRef<A, Ix3>) -> Result<Array3<A>> {
        let (samples, timesteps, features) = x.dim();
        let shape = [samples, self.timesteps(timesteps), features];
        check_size("output", &shape)?;
        let mut y = Array3::zeros(shape);
        let inside = self.before..self.before + timesteps;
        y.slice_mut(s![.., inside, ..]).assign(x);
        Ok(y)
    }
}
crate::describe::describe!(ZeroPadding1d, "zero_padding1d", { before, after } => Ok(ZeroPadding1d { before, after }));

impl<A: Element> AnyLayer<A> for ZeroPadding1d {
    fn name(&self) -> &str {
        "zero_padding1d"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        let x = input.axes("input", "3 (samples, timesteps, features)")?;
        ZeroPadding1d::forward(self, &x).map(Tensor::bare)
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let more = |timesteps| Some(self.timesteps(timesteps));
        vec![
            inputs
                .first()
                .unwrap_or(&Shape::unknown())
                .with_timesteps(more),
        ]
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::WholeSequence("it adds timesteps")
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        moved(self, inputs)
    }

    goes_back!();
    described!();
}
