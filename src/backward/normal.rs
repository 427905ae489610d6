//! What layer normalisations have in common on the way back.

use crate::Element;
use ndarray::{ArrayView1, ArrayViewMut1};

/// Goes back over `n = (x - mean) · inverse`, where `inverse` is one over the deviation of `x`: turns the gradients `g` of the
/// numbers `n` into those of `x`.
///
/// ```text
/// dx = (g - mean(g) - n mean(g n)) · inverse
/// ```
pub fn back_over_normal<A: Element>(mut g: ArrayViewMut1<A>, n: ArrayView1<A>, inverse: A) {
    let count = A::from_f64(n.len() as f64);
    let mean_g = g.iter().fold(A::zero(), |sum, &g| sum + g) / count;
    let pairs = g.iter().zip(n);
    let mean_gn = pairs.fold(A::zero(), |sum, (&g, &n)| sum + g * n) / count;
    let pairs = g.iter_mut().zip(n);
    pairs.for_each(|(g, &n)| *g = inverse * (*g - mean_g - n * mean_gn));
}
