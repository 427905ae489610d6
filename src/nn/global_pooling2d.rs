//! `GlobalPooling2d`: the maximum or the average over whole images.

use super::pool::Pool;
use crate::Element;
use crate::error::{Error, Result};
use crate::model::{
    AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, each, goes_back,
};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array2, ArrayRef, Axis, Ix4};

/// The maximum or the average of every channel over all places of an image: (samples, height, width, channels) in,
/// (samples, channels) out. No mask passes on or is read, as in Keras. Source: `keras.layers.GlobalMaxPooling2D`,
/// `GlobalAveragePooling2D`.
///
/// ```
/// use ndarray::array;
/// use recurrent::GlobalPooling2d;
/// let image = array![[[[1.0], [2.0]], [[6.0], [3.0]]]];
/// assert_eq!(GlobalPooling2d::max().forward(&image)?, array![[6.0]]);
/// assert_eq!(GlobalPooling2d::average().forward(&image)?, array![[3.0]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobalPooling2d {
    pub(super) pool: Pool,
    keepdims: bool,
}

impl GlobalPooling2d {
    /// Takes the maximum of each channel.
    pub fn max() -> Self {
        GlobalPooling2d {
            pool: Pool::Max,
            keepdims: false,
        }
    }

    /// Takes the average of each channel.
    pub fn average() -> Self {
        GlobalPooling2d {
            pool: Pool::Average,
            keepdims: false,
        }
    }

    /// Sets whether the height and the width stay, with length 1, in a [`Model`](crate::Model): (samples, 1, 1, channels)
    /// out.
    pub fn keepdims(mut self, yes: bool) -> Self {
        self.keepdims = yes;
        self
    }

    /// Computes (samples, height, width, channels) to (samples, channels). Returns an error if an image is empty.
    pub fn forward<A: Element>(&self, x: &ArrayRef<A, Ix4>) -> Result<Array2<A>> {
        let (samples, height, width, channels) = x.dim();
        if height == 0 || width == 0 {
            let found = format!("{height} x {width}");
            return Err(Error::value("size of an image", "at least 1 x 1", found));
        }
        let mut y = Array2::zeros((samples, channels));
        if y.is_empty() {
            return Ok(y);
        }
        for (x, mut y) in x.outer_iter().zip(y.outer_iter_mut()) {
            let x = x.as_standard_layout();
            if let (Some(x), Some(y)) = (x.as_slice(), y.as_slice_mut()) {
                self.pool.rows(x.chunks_exact(channels), y);
            }
        }
        Ok(y)
    }
}
crate::describe::describe!(GlobalPooling2d, "global_pooling2d", { pool, keepdims } => Ok(GlobalPooling2d { pool, keepdims }));

impl<A: Element> AnyLayer<A> for GlobalPooling2d {
    fn name(&self) -> &str {
        match self.pool {
            Pool::Max => "global_max_pooling2d",
            Pool::Average => "global_average_pooling2d",
        }
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        let x = input.axes("input", "4 (samples, height, width, channels)")?;
        let y = GlobalPooling2d::forward(self, &x)?;
        Ok(if self.keepdims {
            Tensor::bare(y.insert_axis(Axis(1)).insert_axis(Axis(1)))
        } else {
            Tensor::bare(y)
        })
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let [samples, channels] =
            [0, 3].map(|axis| inputs.first().and_then(|input| input.len_of(axis)));
        vec![if self.keepdims {
            Shape::from([samples, Some(1), Some(1), channels])
        } else {
            Shape::from([samples, channels])
        }]
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::WholeSequence(
            "it pools whole images (TimeDistributed applies it to each of a video)",
        )
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let [samples, height, width, channels] = *inputs.first().map_or(&[][..], |of| &of.axes)
        else {
            return Ok(None); // a call reports what is wrong
        };
        if [samples, height, width, channels].contains(&0) {
            return Ok(None);
        }
        each(self, inputs, move |of: &Self, inputs, output| {
            let images = inputs
                .first()?
                .numbers
                .chunks_exact(height * width * channels);
            for (x, y) in images.zip(output.numbers.chunks_exact_mut(channels)) {
                of.pool.rows(x.chunks_exact(channels), y);
            }
            output.set_mask(None);
            Ok(())
        })
    }

    goes_back!();
    described!();
}
