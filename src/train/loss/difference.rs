//! `Difference`: the losses of output minus true value.

use super::row::{RowLoss, mean_of_row};
use crate::Element;
use alloc::vec::Vec;

/// A function of the difference e between an output and the true value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Difference {
    /// e²
    Squared,
    /// |e|
    Absolute,
    /// e²/2 up to delta, then delta (|e| - delta/2)
    Huber { delta: f64 },
    /// The same, divided by beta; with beta 0 it is |e|.
    SmoothL1 { beta: f64 },
    /// ln cosh e
    LogCosh,
}

impl Difference {
    /// The function and its derivative.
    fn at(self, e: f64) -> (f64, f64) {
        match self {
            Difference::Squared => (e * e, 2.0 * e),
            Difference::Absolute => (e.abs(), sign(e)),
            Difference::Huber { delta } if e.abs() <= delta => (0.5 * e * e, e),
            Difference::Huber { delta } => (delta * (e.abs() - 0.5 * delta), delta * sign(e)),
            Difference::SmoothL1 { beta: 0.0 } => Difference::Absolute.at(e),
            Difference::SmoothL1 { beta } => {
                let (value, slope) = Difference::Huber { delta: beta }.at(e);
                (value / beta, slope / beta)
            }
            Difference::LogCosh => {
                let size = e.abs();
                let value = size + libm::log1p(libm::exp(-2.0 * size)) - core::f64::consts::LN_2;
                (value, libm::tanh(e))
            }
        }
    }
}

impl<A: Element> RowLoss<A> for Difference {
    fn row(&self, _: usize, y: &[A], p: &[A], scale: f64, g: &mut [A], _: &mut Vec<f64>) -> f64 {
        mean_of_row((y, p), scale, g, |_, y, p| self.at(p - y))
    }
}

/// 1, -1, 0 at 0, and NaN of NaN.
fn sign(e: f64) -> f64 {
    if e > 0.0 {
        1.0
    } else if e < 0.0 {
        -1.0
    } else {
        e
    }
}
