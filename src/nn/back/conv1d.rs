//! A convolution backwards: that of a dense layer over the flattened windows. What reaches a window is added to the
//! timesteps that it read.

use super::rows::{in_order, is_reached, matrix};
use crate::backward::{Factor, add_outer_to, add_vector};
use crate::error::Result;
use crate::model::BackwardCall;
use crate::{Activation, Conv1d, Element};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array2, Array3, ArrayD, Axis, Ix3, s};

impl<A: Element> Conv1d<A> {
    pub(in crate::nn) fn back_over(
        &self,
        mut call: BackwardCall<A>,
    ) -> Result<Vec<Option<ArrayD<A>>>> {
        let Some(d) = &call.upstream[0] else {
            return Ok(vec![None]);
        };
        let x = call.inputs[0].axes::<Ix3>("input", "3 (samples, timesteps, features)")?;
        let (count, timesteps) = (d.shape()[1], x.dim().1);
        let windows = self.windows(timesteps)?;
        let (d, shape) = (matrix(d), d.shape());
        let mut order = in_order(shape);
        order.retain(|&row| is_reached(d.row(row)));
        let mut dz = d.select(Axis(0), &order);
        let y = matrix(&call.outputs[0].values).select(Axis(0), &order);
        let z = match self.activation() {
            Activation::Linear => y.clone(),
            _ => matrix(&self.sums(&x)?.into_dyn()).select(Axis(0), &order),
        };
        for ((mut d, z), y) in dz.rows_mut().into_iter().zip(z.rows()).zip(y.rows()) {
            if let (Some(d), Some(z), Some(y)) = (d.as_slice_mut(), z.as_slice(), y.as_slice()) {
                self.activation().back(z, y, d);
            }
        }
        add_vector(call.weights.array("bias"), dz.view());
        let (features, taps) = (self.features() / self.groups().len(), self.kernel_size());
        let mut dx = Array3::zeros(x.dim());
        for (group, dense) in self.groups().iter().enumerate() {
            let first = group * dense.units();
            let dz = dz.slice(s![.., first..first + dense.units()]);
            let of_group = group * features..(group + 1) * features;
            let reads = |row: usize| {
                let (sample, window) = (row / count, row % count);
                let read = move |tap| {
                    let t = self.timestep(windows, timesteps, window, tap)?;
                    Some((sample, t, tap * features..(tap + 1) * features))
                };
                (0..taps).filter_map(read)
            };
            let mut rows = Array2::zeros((order.len(), taps * features));
            for (&row, mut to) in order.iter().zip(rows.rows_mut()) {
                for (sample, t, part) in reads(row) {
                    let read = x.slice(s![sample, t, of_group.clone()]);
                    to.slice_mut(s![part]).assign(&read);
                }
            }
            if let Some(gradient) = call.weights.array("kernel") {
                let shape = (taps * features, self.filters());
                let gradient = gradient.view_mut().into_shape_with_order(shape)?;
                add_outer_to(gradient, rows.view(), dz, first, dense.isa());
            }
            rows.fill(A::zero());
            Factor::new(&dense.kernel().t(), dense.isa()).add(dz, &mut rows.view_mut());
            for (&row, d) in order.iter().zip(rows.rows()) {
                for (sample, t, part) in reads(row) {
                    let mut to = dx.slice_mut(s![sample, t, of_group.clone()]);
                    to += &d.slice(s![part]);
                }
            }
        }
        Ok(vec![Some(dx.into_dyn())])
    }
}
