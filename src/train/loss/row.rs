//! `RowLoss`: the loss of a row of outputs; what such losses share.

use crate::Element;
use alloc::vec::Vec;

/// A loss of one row of outputs, from which a batch is put together.
pub(super) trait RowLoss<A> {
    /// Returns the loss, and writes `scale` times its gradient into `g`.
    ///
    /// `y` has the numbers or the class of the row; `column` is the place of its first number on the last axis.
    fn row(
        &self,
        column: usize,
        y: &[A],
        p: &[A],
        scale: f64,
        g: &mut [A],
        room: &mut Vec<f64>,
    ) -> f64;
}

/// The mean over a row of a loss of each number: of its column, y and p, the loss and its slope.
pub(super) fn mean_of_row<A: Element>(
    (y, p): (&[A], &[A]),
    scale: f64,
    g: &mut [A],
    element: impl Fn(usize, f64, f64) -> (f64, f64),
) -> f64 {
    let (count, mut sum) = (p.len() as f64, 0.0);
    for (k, g) in g.iter_mut().enumerate() {
        let (value, slope) = element(k, y[k].as_f64(), p[k].as_f64());
        sum += value;
        *g = A::from_f64(slope * (scale / count));
    }
    sum / count
}

/// Probabilities between Keras' epsilon and an upper end.
///
/// The ends are `f64` for outputs in `f32`, too: there 1 - 1e-7 would be a fifth off, and so would the losses at that end.
#[derive(Clone, Copy)]
pub(super) struct Clip {
    high: f64,
}

impl Clip {
    /// `keras.backend.epsilon()`.
    const EPSILON: f64 = 1e-7;

    /// From epsilon to 1 minus epsilon.
    pub(super) const INSIDE: Self = Self::below(1.0 - Self::EPSILON);

    /// From epsilon to this number.
    pub(super) const fn below(high: f64) -> Self {
        Clip { high }
    }

    pub(super) fn of(self, p: f64) -> f64 {
        p.clamp(Self::EPSILON, self.high)
    }

    /// Hands a gradient through where nothing was clipped. Both ends count as inside.
    pub(super) fn slope(self, p: f64, slope: f64) -> f64 {
        let clipped = p < Self::EPSILON || p > self.high;
        if clipped { 0.0 } else { slope }
    }
}

/// A product in which 0 times anything is 0, also where an infinity stands for what cannot be.
pub(super) fn times(factor: f64, x: f64) -> f64 {
    if factor == 0.0 { 0.0 } else { factor * x }
}

/// The probabilities that belong to the scores of a row.
pub(super) struct Softmax {
    max: f64,
    sum: f64,
    log_sum: f64,
}

impl Softmax {
    /// Keeps `exp(x - max)` of each score.
    pub(super) fn of<A: Element>(scores: &[A], exps: &mut Vec<f64>) -> Self {
        let scores = scores.iter().map(|x| x.as_f64());
        let max = scores.clone().fold(f64::NEG_INFINITY, f64::max);
        exps.clear();
        exps.extend(scores.map(|x| libm::exp(x - max)));
        let sum: f64 = exps.iter().sum();
        let log_sum = libm::log(sum);
        Softmax { max, sum, log_sum }
    }

    /// The logarithm of the probability of this score.
    pub(super) fn log<A: Element>(&self, score: A) -> f64 {
        score.as_f64() - self.max - self.log_sum
    }

    /// The probability that belongs to this exponential.
    pub(super) fn probability(&self, exp: f64) -> f64 {
        exp / self.sum
    }
}
