//! The order in which the rows of a tensor add to the gradients of weights.

use crate::Element;
use alloc::vec::Vec;
use ndarray::{Array2, ArrayD, ArrayView1};

/// The rows of the last axis of a tensor, as a matrix (rows, numbers) in row-major order.
pub fn matrix<A: Element>(tensor: &ArrayD<A>) -> Array2<A> {
    let width = tensor.shape().last().copied().unwrap_or(1);
    let rows = tensor.len() / width.max(1);
    let numbers: Vec<A> = tensor.iter().copied().collect();
    Array2::from_shape_vec((rows, width), numbers).unwrap_or_default()
}

/// The rows of a tensor of this shape, the last timestep first, then ascending samples: the order of recurrent layers. Axis
/// 1 is the timesteps if there are three axes or more.
pub fn in_order(shape: &[usize]) -> Vec<usize> {
    let [samples, timesteps, inner @ .., _] = shape else {
        return (0..shape[..shape.len().saturating_sub(1)].iter().product()).collect();
    };
    let inner: usize = inner.iter().product();
    let rows = (0..*timesteps).rev().flat_map(|t| {
        (0..*samples).flat_map(move |sample| {
            let first = (sample * timesteps + t) * inner;
            first..first + inner
        })
    });
    rows.collect()
}

/// Whether a gradient reaches a row. A row that it does not reach is not read, so that NaN in padding stays where it is.
pub fn is_reached<A: Element>(d: ArrayView1<A>) -> bool {
    d.iter().any(|&d| d != A::zero())
}
