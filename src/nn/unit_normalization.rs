//! `UnitNormalization`: scales every timestep to the length 1.

use super::axis::{each_along, places_in_sample, steps_over, together};
use crate::Element;
use crate::error::{Error, Result};
use crate::model::{
    AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, goes_back, in_place,
};
use alloc::vec::Vec;
use ndarray::{Array, ArrayRef, Dimension};

/// Scales each sample independently to the length 1, over the last axis or over several axes: `y = x / √(Σ x²)`. Zeros stay
/// zeros.
///
/// Masks pass through and change nothing, as in Keras. Source: `keras.layers.UnitNormalization`.
///
/// ```
/// use ndarray::array;
/// use recurrent::UnitNormalization;
/// let norm = UnitNormalization::new();
/// assert_eq!(norm.forward(&array![[0.0, 4.0], [0.0, 0.0]])?, array![[0.0, 1.0], [0.0, 0.0]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct UnitNormalization {
    axes: Vec<isize>,
    /// The largest factor, which only numbers near 0 get.
    largest: f64,
}

impl UnitNormalization {
    /// Normalises over the last axis.
    pub fn new() -> Self {
        UnitNormalization {
            axes: [-1].into(),
            largest: 1e12,
        }
    }

    /// Normalises over these axes, in ascending order, counted from 0 (the samples) or, if negative, from the end.
    pub fn over(axes: &[isize]) -> Result<Self> {
        if axes.is_empty() {
            return Err(Error::value("axis", "at least one", "none"));
        }
        Ok(UnitNormalization {
            axes: axes.into(),
            ..Self::new()
        })
    }

    /// Sets the largest factor.
    #[cfg(feature = "keras")]
    pub(crate) fn largest(mut self, largest: f64) -> Self {
        self.largest = largest;
        self
    }

    /// Normalises an array; the output has the same shape. Returns an error if the axes do not fit.
    pub fn forward<A: Element, D: Dimension>(&self, x: &ArrayRef<A, D>) -> Result<Array<A, D>> {
        self.normalised(x.to_owned())
    }

    fn normalised<A: Element, D: Dimension>(&self, x: Array<A, D>) -> Result<Array<A, D>> {
        let axes = self.places(x.ndim())?;
        each_along(x, &axes, |row| self.normalise(row))
    }

    /// The axes counted from the front, ascending.
    pub(super) fn places(&self, axes: usize) -> Result<Vec<usize>> {
        places_in_sample(&self.axes, axes)
    }

    /// The factor of a row, and whether it is the largest one.
    pub(super) fn factor<A: Element>(&self, row: &[A]) -> (A, bool) {
        let squares = row.iter().fold(A::zero(), |sum, &x| sum + x * x);
        let (inverse, largest) = (A::one() / squares.sqrt(), A::from_f64(self.largest));
        // A NaN stays.
        let is_bound = inverse > largest;
        (if is_bound { largest } else { inverse }, is_bound)
    }

    fn normalise<A: Element>(&self, row: &mut [A]) {
        let (factor, _) = self.factor(row);
        row.iter_mut().for_each(|x| *x *= factor);
    }
}

impl Default for UnitNormalization {
    fn default() -> Self {
        Self::new()
    }
}

crate::describe::describe!(UnitNormalization, "unit_normalization", { axes, largest } => {
    let axes: Vec<isize> = axes;
    Ok(UnitNormalization { largest, ..UnitNormalization::over(&axes)? })
});

impl<A: Element> AnyLayer<A> for UnitNormalization {
    fn name(&self) -> &str {
        "unit_normalization"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        Ok(Tensor {
            values: self.normalised(input.values)?,
            mask: input.mask,
        })
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
        in_place(self, inputs, move |of: &Self, numbers| {
            let rows = numbers.chunks_exact_mut(together);
            rows.for_each(|row| of.normalise(row));
        })
    }

    goes_back!();
    described!();
}
