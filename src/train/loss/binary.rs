//! `Binary`: the crossentropy of yes and no.

use super::row::{Clip, RowLoss, mean_of_row, times};
use crate::Element;
use crate::error::{Error, Result};
use alloc::vec::Vec;

/// -(w y ln p + (1 - y) ln(1 - p))
#[derive(Clone, Debug, Default)]
pub(super) struct Binary {
    pub(super) from_logits: bool,
    pub(super) label_smoothing: f64,
    /// w: none, one for all outputs, or one for each.
    pub(super) pos_weight: Vec<f64>,
}

impl Binary {
    pub(super) fn check(&self, outputs: usize) -> Result<()> {
        match self.pos_weight.len() {
            0 | 1 => Ok(()),
            found if found == outputs => Ok(()),
            found => {
                let expected = alloc::format!("of 1 number, or {outputs}, one for each output");
                Err(Error::value(
                    "pos_weight",
                    expected,
                    alloc::format!("of {found}"),
                ))
            }
        }
    }

    /// The loss of a number and its slope.
    fn at(&self, column: usize, y: f64, p: f64) -> (f64, f64) {
        let y = y * (1.0 - self.label_smoothing) + 0.5 * self.label_smoothing;
        let weight = match self.pos_weight[..] {
            [] => 1.0,
            [one] => one,
            ref each => each[column % each.len()],
        };
        let (yes, no) = (weight * y, 1.0 - y);
        if self.from_logits {
            // ln(1 + e^p) and ln(1 + e^-p), and their slopes, the sigmoids of p and -p: all from one exponential.
            let e = libm::exp(-p.abs());
            let log = libm::log1p(e);
            let (near, far) = (1.0 / (1.0 + e), e / (1.0 + e));
            let (of_no, of_yes) = if p >= 0.0 { (near, far) } else { (far, near) };
            let value = times(yes, (-p).max(0.0) + log) + times(no, p.max(0.0) + log);
            return (value, no * of_no - yes * of_yes);
        }
        let clip = Clip::INSIDE;
        let c = clip.of(p);
        let value = -(yes * libm::log(c) + no * libm::log(1.0 - c));
        (value, clip.slope(p, no / (1.0 - c) - yes / c))
    }
}

impl<A: Element> RowLoss<A> for Binary {
    fn row(
        &self,
        column: usize,
        y: &[A],
        p: &[A],
        scale: f64,
        g: &mut [A],
        _: &mut Vec<f64>,
    ) -> f64 {
        mean_of_row((y, p), scale, g, |k, y, p| self.at(column + k, y, p))
    }
}
