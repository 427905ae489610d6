//! `ZeroPadding2d`: adds zeros around images.

use super::moved::moved;
use crate::Element;
use crate::error::{Result, check_size};
use crate::model::{AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, goes_back};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array4, ArrayRef, Ix4, s};

/// Adds zeros around images: (samples, height, width, channels) in, the same with larger images out. No mask passes on,
/// as in Keras. Source: `keras.layers.ZeroPadding2D`.
///
/// ```
/// use ndarray::array;
/// use recurrent::ZeroPadding2d;
/// let padding = ZeroPadding2d::new([1, 0], [0, 1]); // a row above, a column on the right
/// assert_eq!(padding.forward(&array![[[[5.0]]]])?, array![[[[0.0], [0.0]], [[5.0], [0.0]]]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZeroPadding2d {
    pub(super) height: [usize; 2],
    pub(super) width: [usize; 2],
}

impl ZeroPadding2d {
    /// Adds these numbers of rows at the top and at the bottom, and of columns on the left and on the right.
    pub fn new(height: [usize; 2], width: [usize; 2]) -> Self {
        ZeroPadding2d { height, width }
    }

    fn sides(self) -> [[usize; 2]; 2] {
        [self.height, self.width]
    }

    /// Computes (samples, height, width, channels) to the same with larger images.
    pub fn forward<A: Element>(&self, x: &ArrayRef<A, Ix4>) -> Result<Array4<A>> {
        let (samples, height, width, channels) = x.dim();
        let [rows, columns] = self.sides();
        let shape = [samples, more(rows, height), more(columns, width), channels];
        check_size("output", &shape)?;
        let mut y = Array4::zeros(shape);
        let (rows, columns) = (rows[0]..rows[0] + height, columns[0]..columns[0] + width);
        y.slice_mut(s![.., rows, columns, ..]).assign(x);
        Ok(y)
    }
}

fn more([before, after]: [usize; 2], len: usize) -> usize {
    before.saturating_add(len).saturating_add(after)
}
crate::describe::describe!(ZeroPadding2d, "zero_padding2d", { height, width } => Ok(ZeroPadding2d { height, width }));

impl<A: Element> AnyLayer<A> for ZeroPadding2d {
    fn name(&self) -> &str {
        "zero_padding2d"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        let x = input.axes("input", "4 (samples, height, width, channels)")?;
        ZeroPadding2d::forward(self, &x).map(Tensor::bare)
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let len = |axis: usize, len| Some(more(self.sides()[axis], len));
        vec![Shape::of_image(inputs, len)]
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::WholeSequence(
            "it pads whole images (TimeDistributed applies it to each of a video)",
        )
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        moved(self, inputs)
    }

    goes_back!();
    described!();
}
