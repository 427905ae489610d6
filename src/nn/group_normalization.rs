//! `GroupNormalization`: normalises groups of features of a whole sample.

use crate::Element;
use crate::error::{Error, Result, check};
use crate::model::{
    AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, goes_back, in_place,
};
use alloc::format;
use alloc::vec::Vec;
use ndarray::{Array, Array1, ArrayRef, Dimension};

/// Normalises each group of adjacent features over all timesteps, or all pixels, of a sample:
///
/// ```text
/// y = gamma (x - mean) / √(variance + epsilon) + beta
/// ```
/// | array | shape |
/// | --- | --- |
/// | input, output | (samples, …, features) |
/// | gamma, beta | (features); or none (`scale=False`, `center=False`) |
///
/// Masks pass through and change nothing, as in Keras 3. Source: Wu & He, "Group Normalization" (2018);
/// `keras.layers.GroupNormalization`.
///
/// ```
/// use ndarray::array;
/// use recurrent::GroupNormalization;
/// let norm = GroupNormalization::from_weights(2, array![1.0, 1.0], None)?.epsilon(0.0);
/// assert_eq!(norm.forward(&array![[[3.0, 5.0], [7.0, 5.5]]])?, array![[[-1.0, -1.0], [1.0, 1.0]]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone)]
pub struct GroupNormalization<A> {
    groups: usize,
    gamma: Option<Array1<A>>,
    beta: Option<Array1<A>>,
    epsilon: f64,
}

impl<A: Element> GroupNormalization<A> {
    /// Normalises this number of groups, with Keras' default epsilon of 0.001. Returns an error if the lengths of the arrays
    /// differ, or are no multiple of the groups.
    pub fn from_weights(
        groups: usize,
        gamma: impl Into<Option<Array1<A>>>,
        beta: impl Into<Option<Array1<A>>>,
    ) -> Result<Self> {
        let (gamma, beta) = (gamma.into(), beta.into());
        if groups == 0 {
            return Err(Error::value("groups", "at least 1", 0));
        }
        if let (Some(gamma), Some(beta)) = (&gamma, &beta) {
            check("beta", "features", gamma.len(), beta.len())?;
        }
        let norm = GroupNormalization {
            groups,
            gamma,
            beta,
            epsilon: 1e-3,
        };
        if let Some(features) = norm.features() {
            norm.check(features)?;
        }
        Ok(norm)
    }

    /// Sets the constant that is added to the variance; 0.001 by default.
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    fn features(&self) -> Option<usize> {
        let learned = self.gamma.as_ref().or(self.beta.as_ref());
        learned.map(Array1::len)
    }

    fn check(&self, features: usize) -> Result<()> {
        if let Some(expected) = self.features() {
            check("input", "features", expected, features)?;
        }
        if features == 0 || !features.is_multiple_of(self.groups) {
            let expected = format!("a divisor of the {features} features");
            return Err(Error::value("groups", expected, self.groups));
        }
        Ok(())
    }

    /// Normalises an array; the output has the same shape. Returns an error if the features do not fit.
    pub fn forward<D: Dimension>(&self, x: &ArrayRef<A, D>) -> Result<Array<A, D>> {
        self.normalised(x.as_standard_layout().into_owned())
    }

    fn normalised<D: Dimension>(&self, x: Array<A, D>) -> Result<Array<A, D>> {
        let &[samples, .., features] = x.shape() else {
            return Err(Error::Rank {
                array: "input",
                expected: "at least 2 (samples, ..., features)",
                found: x.ndim(),
            });
        };
        self.check(features)?;
        let mut y = super::axis::in_rows(x);
        if let Some(numbers) = y.as_slice_mut() {
            self.normalise(samples, features, numbers);
        }
        Ok(y)
    }

    fn normalise(&self, samples: usize, features: usize, numbers: &mut [A]) {
        let len = numbers.len().checked_div(samples).unwrap_or(0);
        let size = features / self.groups;
        for sample in numbers.chunks_exact_mut(len.max(1)) {
            for group in 0..self.groups {
                let first = group * size;
                let rows = || {
                    sample
                        .chunks_exact(features)
                        .map(|row| &row[first..first + size])
                };
                let (mean, inverse) = self.statistics(|| rows().flatten());
                for row in sample.chunks_exact_mut(features) {
                    for (at, x) in row.iter_mut().enumerate().skip(first).take(size) {
                        let gamma = self.gamma.as_ref().map_or(A::one(), |gamma| gamma[at]);
                        let beta = self.beta.as_ref().map_or(A::zero(), |beta| beta[at]);
                        let scale = inverse * gamma;
                        *x = *x * scale + (beta - mean * scale);
                    }
                }
            }
        }
    }

    /// The mean of the numbers of a group, and the inverse of their deviation.
    pub(super) fn statistics<'x, I>(&self, numbers: impl Fn() -> I) -> (A, A)
    where
        A: 'x,
        I: Iterator<Item = &'x A>,
    {
        let sum = |(sum, count): (A, usize), &x: &A| (sum + x, count + 1);
        let (sum, count) = numbers().fold((A::zero(), 0), sum);
        let count = A::from_f64(count as f64);
        let mean = sum / count;
        let square = |sum, &x: &A| sum + (x - mean) * (x - mean);
        let squares = numbers().fold(A::zero(), square);
        let inverse = A::one() / (squares / count + A::from_f64(self.epsilon)).sqrt();
        (mean, inverse)
    }

    #[cfg(feature = "train")]
    pub(super) fn groups(&self) -> usize {
        self.groups
    }

    #[cfg(feature = "train")]
    pub(super) fn gamma(&self) -> Option<&Array1<A>> {
        self.gamma.as_ref()
    }
}

crate::describe::describe!(GroupNormalization<A>, "group_normalization", {
    groups, epsilon; gamma: optional, beta: optional
} => Ok(GroupNormalization::from_weights(groups, gamma, beta)?.epsilon(epsilon)));

impl<A: Element> core::fmt::Debug for GroupNormalization<A> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        crate::describe::debug::<A>(self, "GroupNormalization", f)
    }
}

impl<A: Element> AnyLayer<A> for GroupNormalization<A> {
    fn name(&self) -> &str {
        "group_normalization"
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

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::WholeSequence("it normalises over the timesteps")
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let shape = inputs.first().map_or(&[][..], |input| &input.axes);
        let &[samples, .., features] = shape else {
            return Ok(None); // a call reports what is wrong
        };
        in_place(self, inputs, move |of: &Self, numbers| {
            of.normalise(samples, features, numbers);
        })
    }

    goes_back!();
    described!();
}
