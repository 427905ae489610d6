//! `Pooling1d`: the maximum or the average over windows of timesteps.

use super::padding::Padding;
use super::pool::Pool;
use super::slide::Slide;
use crate::Element;
use crate::error::{Error, Result};
use crate::model::{AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, goes_back};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array3, ArrayRef, Axis, Ix3};

/// The maximum or the average of every feature over windows of timesteps: (samples, timesteps, features) in, (samples,
/// windows, features) out. The padding of [`Padding::Same`] does not count. No mask passes on, as in Keras, and masked
/// timesteps are read like all others. Source: `keras.layers.MaxPooling1D`, `AveragePooling1D`.
///
/// ```
/// use ndarray::array;
/// use recurrent::{Padding, Pooling1d};
/// let x = array![[[1.0], [3.0], [2.0]]];
/// assert_eq!(Pooling1d::max(2)?.forward(&x)?, array![[[3.0]]]);
/// assert_eq!(Pooling1d::average(2)?.padding(Padding::Same)?.forward(&x)?, array![[[2.0], [2.0]]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pooling1d {
    pub(super) pool: Pool,
    pub(super) pool_size: usize,
    pub(super) strides: usize,
    padding: Padding,
}

impl Pooling1d {
    /// Takes the maximum of `pool_size` timesteps. By default, windows do not overlap. Returns an error if `pool_size`
    /// is 0.
    pub fn max(pool_size: usize) -> Result<Self> {
        Self::new(Pool::Max, pool_size)
    }

    /// Takes the average of `pool_size` timesteps. By default, windows do not overlap. Returns an error if `pool_size`
    /// is 0.
    pub fn average(pool_size: usize) -> Result<Self> {
        Self::new(Pool::Average, pool_size)
    }

    fn new(pool: Pool, pool_size: usize) -> Result<Self> {
        if pool_size == 0 {
            return Err(Error::value("pool_size", "at least 1", 0));
        }
        Ok(Pooling1d {
            pool,
            pool_size,
            strides: pool_size,
            padding: Padding::Valid,
        })
    }

    /// Sets the distance between the starts of two windows, in timesteps.
    pub fn strides(mut self, strides: usize) -> Result<Self> {
        if strides == 0 {
            return Err(Error::value("strides", "at least 1", 0));
        }
        self.strides = strides;
        Ok(self)
    }

    /// Sets how the windows treat both ends: [`Padding::Valid`] or [`Padding::Same`].
    pub fn padding(mut self, padding: Padding) -> Result<Self> {
        if padding == Padding::Causal {
            return Err(Error::value("padding", "Valid or Same", "Causal"));
        }
        self.padding = padding;
        Ok(self)
    }

    /// Computes (samples, timesteps, features) to (samples, windows, features).
    pub fn forward<A: Element>(&self, x: &ArrayRef<A, Ix3>) -> Result<Array3<A>> {
        let slides = [Slide::of_one(), self.slide(x.dim().1)?];
        let x = x.view().insert_axis(Axis(1));
        let y = self.pool.windows(&x, slides)?;
        Ok(y.index_axis_move(Axis(1), 0))
    }

    pub(super) fn slide(&self, timesteps: usize) -> Result<Slide> {
        let name = "number of timesteps";
        Slide::new(name, self.padding, timesteps, self.pool_size, self.strides)
    }
}
crate::describe::describe!(Pooling1d, "pooling1d", { pool, pool_size, strides, padding } => {
    Pooling1d::new(pool, pool_size)?.strides(strides)?.padding(padding)
});

impl<A: Element> AnyLayer<A> for Pooling1d {
    fn name(&self) -> &str {
        match self.pool {
            Pool::Max => "max_pooling1d",
            Pool::Average => "average_pooling1d",
        }
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        let x = input.axes("input", "3 (samples, timesteps, features)")?;
        Pooling1d::forward(self, &x).map(Tensor::bare)
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let count = |timesteps| self.slide(timesteps).ok().map(|slide| slide.windows.count);
        vec![
            inputs
                .first()
                .unwrap_or(&Shape::unknown())
                .with_timesteps(count),
        ]
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::WholeSequence("it pools timesteps")
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let [_, timesteps, _] = *inputs.first().map_or(&[][..], |input| &input.axes) else {
            return Ok(None); // a call reports what is wrong
        };
        let slides = [Slide::of_one(), self.slide(timesteps)?];
        self.pool.plan(self, inputs, slides)
    }

    goes_back!();
    described!();
}
