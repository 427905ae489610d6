//! `Pooling2d`: the maximum or the average over windows of images.

use super::padding::Padding;
use super::pool::Pool;
use super::slide::Slide;
use crate::Element;
use crate::error::{Error, Result};
use crate::model::{AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, goes_back};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array4, ArrayRef, Ix4};

/// The maximum or the average of every channel over windows of images: (samples, height, width, channels) in, (samples,
/// rows, columns, channels) out. The padding of [`Padding::Same`] does not count. No mask passes on, as in Keras. Pairs
/// are of the height and the width. Source: `keras.layers.MaxPooling2D`, `AveragePooling2D`.
///
/// ```
/// use ndarray::array;
/// use recurrent::{Padding, Pooling2d};
/// let image = array![[[[1.0], [3.0], [2.0]], [[5.0], [1.0], [0.0]]]];
/// assert_eq!(Pooling2d::max([2, 2])?.forward(&image)?, array![[[[5.0]]]]);
/// let average = Pooling2d::average([2, 2])?.padding(Padding::Same)?;
/// assert_eq!(average.forward(&image)?, array![[[[2.5], [1.0]]]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pooling2d {
    pub(super) pool: Pool,
    pool_size: [usize; 2],
    strides: [usize; 2],
    padding: Padding,
}

impl Pooling2d {
    /// Takes the maximum of windows of `pool_size`. By default, windows do not overlap. Returns an error if a length is 0.
    pub fn max(pool_size: [usize; 2]) -> Result<Self> {
        Self::new(Pool::Max, pool_size)
    }

    /// Takes the average of windows of `pool_size`. By default, windows do not overlap. Returns an error if a length is 0.
    pub fn average(pool_size: [usize; 2]) -> Result<Self> {
        Self::new(Pool::Average, pool_size)
    }

    fn new(pool: Pool, pool_size: [usize; 2]) -> Result<Self> {
        at_least_1("pool_size", pool_size)?;
        Ok(Pooling2d {
            pool,
            pool_size,
            strides: pool_size,
            padding: Padding::Valid,
        })
    }

    /// Sets the distances between the starts of two windows. Returns an error if one is 0.
    pub fn strides(mut self, strides: [usize; 2]) -> Result<Self> {
        at_least_1("strides", strides)?;
        self.strides = strides;
        Ok(self)
    }

    /// Sets how the windows treat the borders: [`Padding::Valid`] or [`Padding::Same`].
    pub fn padding(mut self, padding: Padding) -> Result<Self> {
        if padding == Padding::Causal {
            return Err(Error::value("padding", "Valid or Same", "Causal"));
        }
        self.padding = padding;
        Ok(self)
    }

    /// Computes (samples, height, width, channels) to (samples, rows, columns, channels). Returns an error if an image
    /// without padding is smaller than a window.
    pub fn forward<A: Element>(&self, x: &ArrayRef<A, Ix4>) -> Result<Array4<A>> {
        let (_, height, width, _) = x.dim();
        let slides = [self.slide(0, height)?, self.slide(1, width)?];
        self.pool.windows(&x.view(), slides)
    }

    /// The windows along the height (0) or the width (1).
    pub(super) fn slide(&self, axis: usize, len: usize) -> Result<Slide> {
        let (size, strides) = (self.pool_size[axis], self.strides[axis]);
        Slide::new(["height", "width"][axis], self.padding, len, size, strides)
    }
}

fn at_least_1(name: &'static str, found: [usize; 2]) -> Result<()> {
    if found.contains(&0) {
        return Err(Error::value(name, "at least 1", format!("{found:?}")));
    }
    Ok(())
}
crate::describe::describe!(Pooling2d, "pooling2d", { pool, pool_size, strides, padding } => {
    Pooling2d::new(pool, pool_size)?.strides(strides)?.padding(padding)
});

impl<A: Element> AnyLayer<A> for Pooling2d {
    fn name(&self) -> &str {
        match self.pool {
            Pool::Max => "max_pooling2d",
            Pool::Average => "average_pooling2d",
        }
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        let x = input.axes("input", "4 (samples, height, width, channels)")?;
        Pooling2d::forward(self, &x).map(Tensor::bare)
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let count = |axis: usize, len| Some(self.slide(axis, len).ok()?.windows.count);
        vec![Shape::of_image(inputs, count)]
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::WholeSequence(
            "it pools whole images (TimeDistributed applies it to each of a video)",
        )
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let [_, height, width, _] = *inputs.first().map_or(&[][..], |input| &input.axes) else {
            return Ok(None); // a call reports what is wrong
        };
        let slides = [self.slide(0, height)?, self.slide(1, width)?];
        self.pool.plan(self, inputs, slides)
    }

    goes_back!();
    described!();
}
