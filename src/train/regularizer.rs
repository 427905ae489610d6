//! `Regularizer`: penalties on large weights.

use super::check::not_negative;
use crate::Element;
use crate::error::{Error, Result};
use alloc::format;
use ndarray::{ArrayRef, Dimension, Zip};

/// A penalty that is added to a loss, so that weights stay small:
///
/// ```text
/// penalty  = l1 · Σ |w| + l2 · Σ w²        without a factor of ½
/// gradient = l1 · sign(w) + 2 · l2 · w     sign(0) = 0
/// ```
/// Source: `keras.regularizers.L1`, `L2` and `L1L2`. The sum is made in `f64`, in row-major order.
///
/// ```
/// use ndarray::array;
/// use recurrent::train::Regularizer;
/// let l2 = Regularizer::l2(0.5)?;
/// let (w, mut gradient) = (array![[1.0, -3.0]], array![[0.0, 0.0]]);
/// assert_eq!(l2.penalty(&w), 5.0);
/// l2.add_gradient(&w, &mut gradient)?;
/// assert_eq!(gradient, array![[1.0, -3.0]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Regularizer {
    l1: f64,
    l2: f64,
}

impl Regularizer {
    /// The penalty l1 · Σ |w|. Keras' default is 0.01. Returns an error if the factor is negative or not finite.
    pub fn l1(l1: f64) -> Result<Self> {
        Self::l1_l2(l1, 0.0)
    }

    /// The penalty l2 · Σ w². Keras' default is 0.01. Returns an error if the factor is negative or not finite.
    pub fn l2(l2: f64) -> Result<Self> {
        Self::l1_l2(0.0, l2)
    }

    /// Both penalties. Returns an error if a factor is negative or not finite.
    pub fn l1_l2(l1: f64, l2: f64) -> Result<Self> {
        not_negative("l1", l1)?;
        not_negative("l2", l2)?;
        Ok(Regularizer { l1, l2 })
    }

    /// The penalty for a weight of any shape.
    pub fn penalty<A: Element, D: Dimension>(&self, weight: &ArrayRef<A, D>) -> f64 {
        let (mut sizes, mut squares) = (0.0, 0.0);
        for w in weight {
            let w = w.as_f64();
            sizes += w.abs();
            squares += w * w;
        }
        self.l1 * sizes + self.l2 * squares
    }

    /// Adds the gradient of the penalty for a weight to a gradient. Returns an error if their shapes differ.
    pub fn add_gradient<A: Element, D: Dimension>(
        &self,
        weight: &ArrayRef<A, D>,
        gradient: &mut ArrayRef<A, D>,
    ) -> Result<()> {
        if weight.shape() != gradient.shape() {
            let expected = format!("{:?} of the weight", weight.shape());
            let found = format!("{:?}", gradient.shape());
            return Err(Error::value("shape of the gradient", expected, found));
        }
        let (l1, l2) = (A::from_f64(self.l1), A::from_f64(2.0 * self.l2));
        Zip::from(gradient)
            .and(weight)
            .for_each(|g, &w| *g = *g + l1 * sign(w) + l2 * w);
        Ok(())
    }
}

/// -1, 0 or 1. (`signum` of 0 is 1.)
pub(crate) fn sign<A: Element>(x: A) -> A {
    if x == A::zero() { x } else { x.signum() }
}
