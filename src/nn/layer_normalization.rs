//! `LayerNormalization`: normalises every timestep.

use super::axis::{each_along, places_in_sample, steps_over, together};
use crate::Element;
use crate::error::{Error, Result, check};
use crate::model::{
    AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, goes_back, in_place,
};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array, Array1, ArrayD, ArrayRef, Dimension};

/// Normalises each sample independently, over the last axis or over several axes:
///
/// ```text
/// y = gamma (x - mean) / √(variance + epsilon) + beta
/// ```
/// | array | shape |
/// | --- | --- |
/// | input, output | the same |
/// | gamma, beta | the lengths of the axes, in their order; or none (`scale=False`, `center=False`) |
///
/// Masks pass through and change nothing, as in Keras. Source: Ba, Kiros & Hinton, "Layer Normalization" (2016);
/// `keras.layers.LayerNormalization`.
///
/// ```
/// use ndarray::array;
/// use recurrent::LayerNormalization;
/// let norm = LayerNormalization::from_weights(array![1.0, 1.0], array![0.0, 5.0])?.epsilon(0.0);
/// assert_eq!(norm.forward(&array![[3.0, 7.0]])?, array![[-1.0, 6.0]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone)]
pub struct LayerNormalization<A> {
    pub(super) gamma: Option<ArrayD<A>>,
    pub(super) beta: Option<ArrayD<A>>,
    axes: Vec<isize>,
    epsilon: f64,
}

impl<A: Element> LayerNormalization<A> {
    /// Normalises over the last axis, with Keras' default epsilon of 0.001.
    pub fn from_weights(
        gamma: impl Into<Option<Array1<A>>>,
        beta: impl Into<Option<Array1<A>>>,
    ) -> Result<Self> {
        let (gamma, beta) = (gamma.into(), beta.into());
        Self::over(
            &[-1],
            gamma.map(Array1::into_dyn),
            beta.map(Array1::into_dyn),
        )
    }

    /// Normalises over these axes, in ascending order, counted from 0 (the samples) or, if negative, from the end.
    pub fn over(
        axes: &[isize],
        gamma: impl Into<Option<ArrayD<A>>>,
        beta: impl Into<Option<ArrayD<A>>>,
    ) -> Result<Self> {
        let (gamma, beta) = (gamma.into(), beta.into());
        for (array, given) in [("gamma", &gamma), ("beta", &beta)] {
            let found = given.as_ref().map_or(axes.len(), ArrayD::ndim);
            if found != axes.len() {
                let expected = "as many as axes are normalised";
                return Err(Error::Rank {
                    array,
                    expected,
                    found,
                });
            }
        }
        if let (Some(gamma), Some(beta)) = (&gamma, &beta) {
            check_shape("beta", gamma.shape(), beta.shape())?;
        }
        if axes.is_empty() {
            return Err(Error::value("axis", "at least one", "none"));
        }
        Ok(LayerNormalization {
            gamma,
            beta,
            axes: axes.into(),
            epsilon: 1e-3,
        })
    }

    /// Sets the constant that is added to the variance; 0.001 by default.
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
        let lens: Vec<usize> = axes.iter().map(|&axis| x.shape()[axis]).collect();
        for (name, array) in [("gamma", &self.gamma), ("beta", &self.beta)] {
            if let Some(array) = array {
                check_shape(name, &lens, array.shape())?;
            }
        }
        each_along(x, &axes, |row| self.normalise(row))
    }

    fn normalise_all(&self, numbers: &mut [A], together: usize) {
        let rows = numbers.chunks_exact_mut(together);
        rows.for_each(|row| self.normalise(row));
    }

    fn normalise(&self, row: &mut [A]) {
        let (mean, inverse) = self.statistics(row);
        let mut gamma = self.gamma.iter().flatten();
        let mut beta = self.beta.iter().flatten();
        for x in row {
            let scale = gamma.next().map_or(inverse, |&gamma| inverse * gamma);
            let offset = beta.next().map_or(A::zero(), |&beta| beta) - mean * scale;
            *x = *x * scale + offset;
        }
    }

    /// The mean of a row, and the inverse of its deviation.
    pub(super) fn statistics(&self, row: &[A]) -> (A, A) {
        let count = A::from_f64(row.len() as f64);
        let mean = row.iter().fold(A::zero(), |sum, &x| sum + x) / count;
        let squares = row
            .iter()
            .fold(A::zero(), |sum, &x| sum + (x - mean) * (x - mean));
        let inverse = A::one() / (squares / count + A::from_f64(self.epsilon)).sqrt();
        (mean, inverse)
    }

    /// The axes counted from the front, ascending.
    pub(super) fn places(&self, axes: usize) -> Result<Vec<usize>> {
        places_in_sample(&self.axes, axes)
    }
}

fn check_shape(array: &'static str, expected: &[usize], found: &[usize]) -> Result<()> {
    let mut lens = expected.iter().zip(found);
    lens.try_for_each(|(&expected, &found)| check(array, "numbers along an axis", expected, found))
}

crate::describe::describe!(LayerNormalization<A>, "layer_normalization", {
    axes, epsilon; gamma: optional, beta: optional
} => {
    let axes: Vec<isize> = axes;
    Ok(LayerNormalization::over(&axes, gamma, beta)?.epsilon(epsilon))
});

impl<A: Element> core::fmt::Debug for LayerNormalization<A> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        crate::describe::debug::<A>(self, "LayerNormalization", f)
    }
}

impl<A: Element> AnyLayer<A> for LayerNormalization<A> {
    fn name(&self) -> &str {
        "layer_normalization"
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
        in_place(self, inputs, move |of, numbers| {
            of.normalise_all(numbers, together);
        })
    }

    fn step_features(&self, _: usize) -> Option<Vec<usize>> {
        let learned = self.gamma.as_ref().or(self.beta.as_ref());
        let learned = learned.filter(|_| self.axes == [-1]);
        learned.map(|array| vec![array.len()])
    }

    goes_back!();
    described!();
}
