//! A projection into heads backwards: a dense layer without an activation, whose weights have several axes.

use super::rows::{in_order, is_reached};
use crate::Element;
use crate::backward::{Factor, add_outer_to, add_vector};
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
        let dense = &self.dense;
        let (features, units) = (dense.features(), dense.units());
        let (x, dz) = (x.select(Axis(0), &order), dz.select(Axis(0), &order));
        if let Some(gradient) = weights.array("kernel") {
            let gradient = gradient
                .view_mut()
                .into_shape_with_order((features, units))?;
            add_outer_to(gradient, x.view(), dz.view(), 0, dense.isa());
        }
        if let Some(gradient) = weights.array("bias") {
            let shape = gradient.raw_dim();
            let sums = core::mem::take(gradient).into_shape_with_order(units)?;
            let mut sums = sums.into_dyn();
            add_vector(Some(&mut sums), dz.view());
            *gradient = sums.into_shape_with_order(shape)?;
        }
        let mut of_rows = Array2::zeros(x.dim());
        let kernel = Factor::new(&dense.kernel().t(), dense.isa());
        kernel.add(dz.view(), &mut of_rows.view_mut());
        let mut dx = Array2::zeros((groups * timesteps, features));
        for (&row, d) in order.iter().zip(of_rows.rows()) {
            dx.row_mut(row).assign(&d);
        }
        Ok(dx)
    }
}
