//! `UpSampling2d`: repeats the rows and columns of images.

use super::moved::moved;
use crate::Element;
use crate::error::{Error, Result, check_size};
use crate::model::{AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, goes_back};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array4, ArrayRef, Ix4};

/// Repeats the rows and columns of images: (samples, height, width, channels) in, (samples, size · height, size · width,
/// channels) out. No mask passes on, as in Keras. Source: `keras.layers.UpSampling2D`, `interpolation="nearest"`.
///
/// ```
/// use ndarray::array;
/// use recurrent::UpSampling2d;
/// let wider = UpSampling2d::new([1, 2])?;
/// assert_eq!(wider.forward(&array![[[[5.0], [6.0]]]])?, array![[[[5.0], [5.0], [6.0], [6.0]]]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpSampling2d {
    pub(super) size: [usize; 2],
}

impl UpSampling2d {
    /// Makes a layer from the number of repetitions of each row and of each column.
    pub fn new(size: [usize; 2]) -> Result<Self> {
        if size.contains(&0) {
            return Err(Error::value("size", "at least 1", format!("{size:?}")));
        }
        Ok(UpSampling2d { size })
    }

    /// Computes (samples, height, width, channels) to (samples, size · height, size · width, channels).
    pub fn forward<A: Element>(&self, x: &ArrayRef<A, Ix4>) -> Result<Array4<A>> {
        let (samples, height, width, channels) = x.dim();
        let [rows, columns] = self.size;
        let (height, width) = (height.saturating_mul(rows), width.saturating_mul(columns));
        let shape = [samples, height, width, channels];
        check_size("output", &shape)?;
        if shape.contains(&0) {
            return Ok(Array4::zeros(shape));
        }
        let number =
            |(sample, row, column, channel)| x[(sample, row / rows, column / columns, channel)];
        let [samples, height, width, channels] = shape;
        let shape = (samples, height, width, channels);
        Ok(Array4::from_shape_fn(shape, number))
    }
}
crate::describe::describe!(UpSampling2d, "up_sampling2d", { size } => UpSampling2d::new(size));

impl<A: Element> AnyLayer<A> for UpSampling2d {
    fn name(&self) -> &str {
        "up_sampling2d"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        let x = input.axes("input", "4 (samples, height, width, channels)")?;
        UpSampling2d::forward(self, &x).map(Tensor::bare)
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let len = |axis: usize, len: usize| len.checked_mul(self.size[axis]);
        vec![Shape::of_image(inputs, len)]
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::WholeSequence(
            "it repeats rows of images (TimeDistributed applies it to each of a video)",
        )
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        moved(self, inputs)
    }

    goes_back!();
    described!();
}
