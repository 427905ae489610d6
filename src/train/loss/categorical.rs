//! `Categorical`: the crossentropy of classes, of which the true ones have probabilities.

use super::row::{Clip, RowLoss, Softmax, times};
use crate::Element;
use alloc::vec::Vec;

/// -Σ y ln p
#[derive(Clone, Debug, Default)]
pub(super) struct Categorical {
    pub(super) from_logits: bool,
    pub(super) label_smoothing: f64,
}

impl<A: Element> RowLoss<A> for Categorical {
    fn row(&self, _: usize, y: &[A], p: &[A], scale: f64, g: &mut [A], room: &mut Vec<f64>) -> f64 {
        let smooth = self.label_smoothing;
        let y = |k: usize| y[k].as_f64() * (1.0 - smooth) + smooth / p.len() as f64;
        let mut value = 0.0;
        if self.from_logits {
            let softmax = Softmax::of(p, room);
            for k in 0..p.len() {
                value -= times(y(k), softmax.log(p[k]));
                // TensorFlow's gradient, also where y does not sum to 1.
                g[k] = A::from_f64((softmax.probability(room[k]) - y(k)) * scale);
            }
            return value;
        }
        // The probabilities are made to sum to 1 first.
        let clip = Clip::INSIDE;
        let sum: f64 = p.iter().map(|p| p.as_f64()).sum();
        let share = |k: usize| p[k].as_f64() / sum;
        let slope = |k: usize| clip.slope(share(k), -y(k) / clip.of(share(k)));
        let mut common = 0.0;
        for k in 0..p.len() {
            value -= y(k) * libm::log(clip.of(share(k)));
            common += slope(k) * share(k);
        }
        for (k, g) in g.iter_mut().enumerate() {
            *g = A::from_f64((slope(k) - common) / sum * scale);
        }
        value
    }
}
