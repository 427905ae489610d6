//! `Kl`: the Kullback-Leibler divergence.

use super::row::{Clip, RowLoss};
use crate::Element;
use alloc::vec::Vec;

/// Σ y ln(y/p)
#[derive(Clone, Copy, Debug)]
pub(super) struct Kl;

impl<A: Element> RowLoss<A> for Kl {
    fn row(&self, _: usize, y: &[A], p: &[A], scale: f64, g: &mut [A], _: &mut Vec<f64>) -> f64 {
        let clip = Clip::below(1.0);
        let mut value = 0.0;
        for k in 0..p.len() {
            let (y, p) = (clip.of(y[k].as_f64()), p[k].as_f64());
            value += y * libm::log(y / clip.of(p));
            g[k] = A::from_f64(clip.slope(p, -y / clip.of(p)) * scale);
        }
        value
    }
}
