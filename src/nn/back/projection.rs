//! A projection into heads backwards: a dense layer without an activation, whose weights have several axes.

use super::rows::{affine_back, in_order, is_reached};
use crate::Element;
use crate::error::Result;
use crate::gradients::LayerGradients;
use crate::nn::projection::Projection;
use alloc::vec::Vec;
use ndarray::{Array2, ArrayView2, Axis};

impl<A: Element> Projection<A> {
    /// Adds the gradients of the weights, and returns that of the rows `x`. The rows are `groups` times as many timesteps;
    /// they are summed from the last timestep to the first, and over ascending groups within a timestep. Rows that no
    /// gradient reaches are not read.
    pub(super) fn back_over(
        &self,
        x: ArrayView2<A>,
        dz: ArrayView2<A>,
        groups: usize,
        mut weights: LayerGradients<A>,
    ) -> Result<Array2<A>> {
        let timesteps = x.nrows().checked_div(groups).unwrap_or(0);
        let mut order: Vec<usize> = in_order(&[groups, timesteps, 1]);
        order.retain(|&row| is_reached(dz.row(row)));
        let (x, dz) = (x.select(Axis(0), &order), dz.select(Axis(0), &order));
        let rows = (order.as_slice(), groups * timesteps);
        affine_back(&self.dense, rows, x.view(), dz.view(), &mut weights)
    }
}
