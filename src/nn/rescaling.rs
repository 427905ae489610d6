//! `Rescaling`: multiplies all numbers, and adds to them.

use super::spread::spread;
use crate::Element;
use crate::error::Result;
use crate::model::{
    AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, goes_back, in_place,
};
use alloc::vec::Vec;
use ndarray::{Array, ArrayD, ArrayRef, Dimension, Zip, arr0};

/// Multiplies its input by a scale and adds an offset: `y = x · scale + offset`.
///
/// | array | shape |
/// | --- | --- |
/// | input, output | the same |
/// | scale, offset | one number, or an array that is repeated along the first axes of the input |
///
/// Masks pass through and change nothing. Source: `keras.layers.Rescaling`.
///
/// ```
/// use ndarray::array;
/// use recurrent::Rescaling;
/// let centred = Rescaling::new(1.0 / 127.5, -1.0);
/// assert_eq!(centred.forward(&array![[0.0, 255.0]])?, array![[-1.0, 1.0]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Rescaling<A> {
    pub(super) scale: ArrayD<A>,
    offset: ArrayD<A>,
}

impl<A: Element> Rescaling<A> {
    /// The same scale and offset for all numbers.
    pub fn new(scale: A, offset: A) -> Self {
        Self::by(arr0(scale).into_dyn(), arr0(offset).into_dyn())
    }

    /// Scales and offsets that are repeated along the first axes of the input: an array with one axis has a number for
    /// each feature.
    pub fn by(scale: ArrayD<A>, offset: ArrayD<A>) -> Self {
        Rescaling { scale, offset }
    }

    /// Rescales an array; the output has the same shape. Returns an error if the scale or the offset does not fit it.
    pub fn forward<D: Dimension>(&self, x: &ArrayRef<A, D>) -> Result<Array<A, D>> {
        self.rescaled(x.to_owned())
    }

    fn rescaled<D: Dimension>(&self, x: Array<A, D>) -> Result<Array<A, D>> {
        let mut x = x.into_dyn();
        let scale = spread("scale", &self.scale, x.shape())?;
        let offset = spread("offset", &self.offset, x.shape())?;
        let all = Zip::from(&mut x).and(&scale).and(&offset);
        all.for_each(|y, &scale, &offset| *y = *y * scale + offset);
        Ok(x.into_dimensionality()?)
    }

    /// Whether all samples and timesteps of inputs with this number of axes are treated alike.
    fn is_of_features(&self, axes: usize) -> bool {
        let alike = |x: &ArrayD<A>| {
            let before = (x.ndim() + 2).saturating_sub(axes);
            x.ndim() <= axes
                && x.shape()[..before.min(x.ndim())]
                    .iter()
                    .all(|&len| len == 1)
        };
        alike(&self.scale) && alike(&self.offset)
    }
}

crate::describe::describe!(Rescaling<A>, "rescaling", {
    ; scale: array constant, offset: array constant
} => Ok(Rescaling { scale, offset }));

impl<A: Element> AnyLayer<A> for Rescaling<A> {
    fn name(&self) -> &str {
        "rescaling"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        Ok(Tensor {
            values: self.rescaled(input.values)?,
            mask: input.mask,
        })
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        inputs.to_vec()
    }

    fn stepwise(&self, axes: &[usize]) -> Stepwise {
        match axes.first() {
            Some(&axes) if self.is_of_features(axes) => Stepwise::EachTimestep,
            _ => Stepwise::WholeSequence("its scale differs between timesteps"),
        }
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let shape = inputs.first().map_or(&[][..], |input| &input.axes);
        if !self.is_of_features(shape.len()) {
            return Ok(None);
        }
        let features: Vec<usize> = shape.iter().skip(2).copied().collect();
        let one = [&[1, 1][..shape.len().min(2)], features.as_slice()].concat();
        let all = |name, x: &ArrayD<A>| -> Result<Vec<A>> {
            Ok(spread(name, x, &one)?.iter().copied().collect())
        };
        let (scale, offset) = (all("scale", &self.scale)?, all("offset", &self.offset)?);
        in_place(self, inputs, move |_, numbers| {
            for row in numbers.chunks_exact_mut(scale.len().max(1)) {
                for ((y, &scale), &offset) in row.iter_mut().zip(&scale).zip(&offset) {
                    *y = *y * scale + offset;
                }
            }
        })
    }

    goes_back!();
    described!();
}
