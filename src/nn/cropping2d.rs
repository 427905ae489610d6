//! `Cropping2d`: removes the borders of images.

use super::moved::moved;
use crate::Element;
use crate::error::{Error, Result};
use crate::model::{AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, goes_back};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use ndarray::{Array4, ArrayRef, Ix4, s};

/// Removes the borders of images: (samples, height, width, channels) in, the same with smaller images, which are not
/// empty, out. No mask passes on, as in Keras. Source: `keras.layers.Cropping2D`.
///
/// ```
/// use ndarray::array;
/// use recurrent::Cropping2d;
/// let cropping = Cropping2d::new([1, 0], [0, 0]); // the first row
/// assert_eq!(cropping.forward(&array![[[[5.0]], [[6.0]]]])?, array![[[[6.0]]]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cropping2d {
    pub(super) height: [usize; 2],
    pub(super) width: [usize; 2],
}

impl Cropping2d {
    /// Removes these numbers of rows at the top and at the bottom, and of columns on the left and on the right.
    pub fn new(height: [usize; 2], width: [usize; 2]) -> Self {
        Cropping2d { height, width }
    }

    /// What remains of the height (0) or the width (1), at least one row or column.
    fn left(self, axis: usize, len: usize) -> Option<Range<usize>> {
        let [before, after] = [self.height, self.width][axis];
        let end = len.checked_sub(after)?;
        (before < end).then_some(before..end)
    }

    fn checked(self, axis: usize, len: usize) -> Result<Range<usize>> {
        self.left(axis, len).ok_or_else(|| {
            let [before, after] = [self.height, self.width][axis];
            let expected = format!("more than {before} + {after}");
            Error::value(["height", "width"][axis], expected, len)
        })
    }

    /// Computes the output, with smaller images. Returns an error if nothing would remain.
    pub fn forward<A: Element>(&self, x: &ArrayRef<A, Ix4>) -> Result<Array4<A>> {
        let (_, height, width, _) = x.dim();
        let (rows, columns) = (self.checked(0, height)?, self.checked(1, width)?);
        Ok(x.slice(s![.., rows, columns, ..]).to_owned())
    }
}
crate::describe::describe!(Cropping2d, "cropping2d", { height, width } => Ok(Cropping2d { height, width }));

impl<A: Element> AnyLayer<A> for Cropping2d {
    fn name(&self) -> &str {
        "cropping2d"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        let x = input.axes("input", "4 (samples, height, width, channels)")?;
        Cropping2d::forward(self, &x).map(Tensor::bare)
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let len = |axis, len| Some(self.left(axis, len)?.len());
        vec![Shape::of_image(inputs, len)]
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::WholeSequence(
            "it crops whole images (TimeDistributed applies it to each of a video)",
        )
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        moved(self, inputs)
    }

    goes_back!();
    described!();
}
