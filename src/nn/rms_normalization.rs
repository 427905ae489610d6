//! `RmsNormalization`: scales every timestep to the same size.

use super::axis::{each_along, places_in_sample, steps_over, together};
use crate::Element;
use crate::error::{Error, Result, check};
use crate::model::{
    AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, each, goes_back,
};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array, Array1, ArrayD, ArrayRef, Dimension};

/// Scales each sample independently by the root of the mean of its squares, over the last axis or over several axes:
///
/// ```text
/// y = scale x / √(mean(x²) + epsilon)
/// ```
/// | array | shape |
/// | --- | --- |
/// | input, output | the same |
/// | scale | the lengths of the axes, in their order |
///
/// No mask passes on, as in Keras. Source: Zhang & Sennrich, "Root Mean Square Layer Normalization" (2019);
/// `keras.layers.RMSNormalization`.
///
/// ```
/// use ndarray::array;
/// use recurrent::RmsNormalization;
/// let norm = RmsNormalization::from_weights(array![1.0, 2.0])?.epsilon(0.0);
/// assert_eq!(norm.forward(&array![[4.0, -4.0]])?, array![[1.0, -2.0]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone)]
pub struct RmsNormalization<A> {
    scale: ArrayD<A>,
    axes: Vec<isize>,
    epsilon: f64,
}

impl<A: Element> RmsNormalization<A> {
    /// Normalises over the last axis, with Keras' default epsilon of 0.000001.
    pub fn from_weights(scale: Array1<A>) -> Result<Self> {
        Self::over(&[-1], scale.into_dyn())
    }

    /// Normalises over these axes, in ascending order, counted from 0 (the samples) or, if negative, from the end.
    pub fn over(axes: &[isize], scale: ArrayD<A>) -> Result<Self> {
        if axes.is_empty() {
            return Err(Error::value("axis", "at least one", "none"));
        }
        if scale.ndim() != axes.len() {
            return Err(Error::Rank {
                array: "scale",
                expected: "as many as axes are normalised",
                found: scale.ndim(),
            });
        }
        let scale = scale.as_standard_layout().into_owned();
        Ok(RmsNormalization {
            scale,
            axes: axes.into(),
            epsilon: 1e-6,
        })
    }

    /// Sets the constant that is added to the mean of the squares; 0.000001 by default.
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    /// Normalises an array; the output has the same shape. Returns an error if the axes do not fit.
    pub fn forward<D: Dimension>(&self, x: &ArrayRef<A, D>) -> Result<Array<A, D>> {
        self.normalised(x.to_owned())
    }

    fn normalised<D: Dimension>(&self, x: Array<A, D>) -> Result<Array<A, D>> {
        let axes = self.places(x.ndim())?;
        for (&axis, &found) in axes.iter().zip(self.scale.shape()) {
            check("scale", "numbers along an axis", x.shape()[axis], found)?;
        }
        each_along(x, &axes, |row| self.normalise(row))
    }

    /// The axes counted from the front, ascending.
    pub(super) fn places(&self, axes: usize) -> Result<Vec<usize>> {
        places_in_sample(&self.axes, axes)
    }

    /// One over the root of the mean of the squares of a row.
    pub(super) fn inverse(&self, row: &[A]) -> A {
        let count = A::from_f64(row.len() as f64);
        let squares = row.iter().fold(A::zero(), |sum, &x| sum + x * x);
        A::one() / (squares / count + A::from_f64(self.epsilon)).sqrt()
    }

    #[cfg(feature = "train")]
    pub(super) fn scale(&self) -> &ArrayD<A> {
        &self.scale
    }

    fn normalise(&self, row: &mut [A]) {
        let inverse = self.inverse(row);
        let scaled = row.iter_mut().zip(&self.scale);
        scaled.for_each(|(x, &scale)| *x = *x * inverse * scale);
    }
}

crate::describe::describe!(RmsNormalization<A>, "rms_normalization", { axes, epsilon; scale: array } => {
    let axes: Vec<isize> = axes;
    Ok(RmsNormalization::over(&axes, scale)?.epsilon(epsilon))
});

impl<A: Element> core::fmt::Debug for RmsNormalization<A> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        crate::describe::debug::<A>(self, "RmsNormalization", f)
    }
}

impl<A: Element> AnyLayer<A> for RmsNormalization<A> {
    fn name(&self) -> &str {
        "rms_normalization"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        self.normalised(input.values).map(Tensor::bare)
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        inputs.to_vec()
    }

    fn stepwise(&self, axes: &[usize]) -> Stepwise {
        steps_over(&self.axes, axes)
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let Some(together) = together(&self.axes, inputs)? else {
            return Ok(None);
        };
        each(self, inputs, move |of: &Self, inputs, output| {
            output.numbers.copy_from_slice(&inputs.first()?.numbers);
            output.set_mask(None);
            let rows = output.numbers.chunks_exact_mut(together);
            rows.for_each(|row| of.normalise(row));
            Ok(())
        })
    }

    fn step_features(&self, _: usize) -> Option<Vec<usize>> {
        (self.axes == [-1]).then(|| vec![self.scale.len()])
    }

    goes_back!();
    described!();
}
