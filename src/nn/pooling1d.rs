//! `Pooling1d`: the maximum or the average over windows of timesteps.

use super::padding::{Padding, Windows};
use crate::Element;
use crate::error::{Error, Result, check_size};
use crate::model::{AnyLayer, Shape, Stepwise, Tensor, described, goes_back};
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use ndarray::{Array3, ArrayRef, ArrayView2, ArrayViewMut1, Axis, Ix3, s};

/// How the timesteps of a window are pooled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(rename_all = "snake_case", deny_unknown_fields)
)]
pub(super) enum Pool {
    Max,
    Average,
}

impl Pool {
    /// Pools one feature over at least one timestep.
    pub(super) fn pool<A: Element>(self, x: ArrayView2<A>, mut y: ArrayViewMut1<A>) {
        let timesteps = A::from_f64(x.nrows() as f64);
        for (t, x) in x.outer_iter().enumerate() {
            y.zip_mut_with(&x, |y, &x| match self {
                _ if t == 0 => *y = x,
                // A NaN stays.
                Pool::Max if x > *y || x.is_nan() => *y = x,
                Pool::Max => {}
                Pool::Average => *y += x,
            });
        }
        if self == Pool::Average {
            y /= timesteps;
        }
    }
}

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

    /// The timesteps of a window, of which the first starts this number before the input.
    pub(super) fn timesteps_of(
        &self,
        window: usize,
        before: usize,
        timesteps: usize,
    ) -> Range<usize> {
        let from = window * self.strides;
        let to = from.saturating_add(self.pool_size) - before;
        from.saturating_sub(before)..to.min(timesteps)
    }

    /// Where the windows over this number of timesteps lie.
    pub(super) fn windows(&self, timesteps: usize) -> Result<Windows> {
        self.padding
            .windows(timesteps, self.pool_size, self.strides)
    }

    /// Computes (samples, timesteps, features) to (samples, windows, features).
    pub fn forward<A: Element>(&self, x: &ArrayRef<A, Ix3>) -> Result<Array3<A>> {
        let (samples, timesteps, features) = x.dim();
        let windows = self.windows(timesteps)?;
        check_size("output", &[samples, windows.count, features])?;
        let mut y = Array3::zeros((samples, windows.count, features));
        if y.is_empty() {
            return Ok(y);
        }
        for (x, mut y) in x.outer_iter().zip(y.outer_iter_mut()) {
            for (window, y) in y.axis_iter_mut(Axis(0)).enumerate() {
                let of = self.timesteps_of(window, windows.before, timesteps);
                self.pool.pool(x.slice(s![of, ..]), y);
            }
        }
        Ok(y)
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
        let count = |timesteps| {
            let windows = self.windows(timesteps);
            windows.ok().map(|windows| windows.count)
        };
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

    goes_back!();
    described!();
}
