//! Products of matrices backwards: `dA = d · Bᵀ`, `dB = Aᵀ · d`. A matrix that stands for several gets the sum over ascending
//! places.

use super::Gradients;
use crate::Element;
use crate::model::BackwardCall;
use crate::nn::attend::product;
use crate::nn::op::Product;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{ArrayD, ArrayView2, ArrayViewD, ArrayViewMut2, Axis, Dimension, Ix2, indices};

impl Product {
    pub(super) fn back_over<A: Element>(
        &self,
        call: &BackwardCall<A>,
        d: &ArrayD<A>,
    ) -> Gradients<A> {
        let mut inputs = call.inputs.iter();
        let mut operands = Vec::new();
        for (constant, is_transposed) in self.operands.iter().zip(self.transposed) {
            let mut x = match constant {
                Some(constant) => constant.array()?,
                None => match inputs.next() {
                    Some(input) => input.values.clone(),
                    None => return Ok(vec![None; call.inputs.len()]),
                },
            };
            if is_transposed {
                swap_last(&mut x);
            }
            operands.push(x);
        }
        let mut gradients: Vec<ArrayD<A>> = operands
            .iter()
            .map(|x| ArrayD::zeros(x.raw_dim()))
            .collect();
        for at in indices(&d.shape()[..d.ndim() - 2]) {
            let at = at.slice();
            let of = matrix(d.view(), at)?;
            let (a, b) = (
                matrix(operands[0].view(), at)?,
                matrix(operands[1].view(), at)?,
            );
            let of_a = product(&of, &b.t());
            let of_b = product(&a.t(), &of);
            let mut to = matrix_mut(&mut gradients[0], at)?;
            to += &of_a;
            let mut to = matrix_mut(&mut gradients[1], at)?;
            to += &of_b;
        }
        let all = gradients.into_iter().zip(self.transposed);
        let all = all.map(|(mut gradient, is_transposed)| {
            if is_transposed {
                swap_last(&mut gradient);
            }
            gradient.as_standard_layout().into_owned()
        });
        let of_inputs = all
            .zip(&self.operands)
            .filter(|(_, constant)| constant.is_none());
        Ok(of_inputs.map(|(gradient, _)| Some(gradient)).collect())
    }
}

fn swap_last<A>(x: &mut ArrayD<A>) {
    let axes = x.ndim();
    x.swap_axes(axes - 2, axes - 1);
}

/// The index of an axis before the matrix, which is aligned at the last one and may have length 1.
fn index_of(shape: &[usize], at: &[usize]) -> Vec<usize> {
    let before = &shape[..shape.len() - 2];
    let at = &at[at.len() - before.len()..];
    let pairs = before.iter().zip(at);
    pairs
        .map(|(&len, &at)| if len == 1 { 0 } else { at })
        .collect()
}

fn matrix<'x, A>(
    mut x: ArrayViewD<'x, A>,
    at: &[usize],
) -> Result<ArrayView2<'x, A>, ndarray::ShapeError> {
    for index in index_of(x.shape(), at) {
        x.index_axis_inplace(Axis(0), index);
    }
    x.into_dimensionality::<Ix2>()
}

fn matrix_mut<'x, A>(
    x: &'x mut ArrayD<A>,
    at: &[usize],
) -> Result<ArrayViewMut2<'x, A>, ndarray::ShapeError> {
    let mut x = x.view_mut();
    for index in index_of(x.shape(), at) {
        x.index_axis_inplace(Axis(0), index);
    }
    x.into_dimensionality::<Ix2>()
}
