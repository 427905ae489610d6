//! The products of vectors backwards, sample by sample.
//!
//! ```text
//! y = X · Yᵀ               dX = dy · Y               dY = dyᵀ · X
//! x̂ = x / |x|              dx = (dx̂ - x̂ (x̂ · dx̂)) / |x|            with `normalize`
//! ```
//! Sums run over ascending vectors. Vectors that no gradient reaches are not read.

use super::rows::{is_reached, turned, turned_back};
use crate::backward::{Factor, add_outer_to};
use crate::error::Result;
use crate::kernel::Isa;
use crate::model::BackwardCall;
use crate::nn::axis::place_in_sample;
use crate::nn::dot::inverse_length;
use crate::{Dot, Element};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array2, Array3, ArrayD, Axis, s};

impl Dot {
    pub(in crate::nn) fn back_over<A: Element>(
        self,
        call: BackwardCall<A>,
    ) -> Result<Vec<Option<ArrayD<A>>>> {
        let (Some(Some(d)), [x, y]) = (call.upstream.first(), call.inputs) else {
            return Ok(vec![None; call.inputs.len()]);
        };
        let inputs = [&x.values, &y.values];
        let mut orders = Vec::new();
        let mut vectors = Vec::new();
        for (x, axis) in inputs.into_iter().zip(self.axes) {
            let axis = place_in_sample(axis, x.ndim())?;
            let mut order: Vec<usize> = (0..x.ndim()).filter(|&at| at != axis).collect();
            order.push(axis);
            orders.push(order);
            vectors.push(self.vectors(&x.view(), axis)?.0);
        }
        let (x, y) = (&vectors[0], &vectors[1]);
        let numbers = d.iter().copied().collect();
        let d = Array3::from_shape_vec((x.dim().0, x.dim().1, y.dim().1), numbers)?;
        let isa = Isa::detect();
        let mut of = [Array3::zeros(x.dim()), Array3::zeros(y.dim())];
        for (sample, d) in d.outer_iter().enumerate() {
            let rows: Vec<usize> = (0..d.nrows()).filter(|&i| is_reached(d.row(i))).collect();
            let columns = (0..d.ncols()).filter(|&j| is_reached(d.column(j)));
            let columns: Vec<usize> = columns.collect();
            let d = d.select(Axis(0), &rows).select(Axis(1), &columns);
            let x = x.index_axis(Axis(0), sample).select(Axis(0), &rows);
            let y = y.index_axis(Axis(0), sample).select(Axis(0), &columns);
            let (mut dx, mut dy) = (Array2::zeros(x.dim()), Array2::zeros(y.dim()));
            Factor::new(&y, isa).add(d.view(), &mut dx.view_mut());
            add_outer_to(dy.view_mut(), d.view(), x.view(), 0, isa);
            for (of, (at, d)) in of.iter_mut().zip([(rows, dx), (columns, dy)]) {
                for (at, d) in at.into_iter().zip(d.rows()) {
                    of.slice_mut(s![sample, at, ..]).assign(&d);
                }
            }
        }
        let mut gradients = Vec::new();
        for (((of, order), unit), x) in of.into_iter().zip(&orders).zip(&vectors).zip(inputs) {
            let (samples, rows, len) = of.dim();
            let mut of = of.into_shape_with_order((samples * rows, len))?;
            if self.normalize {
                let unit = unit.to_shape((samples * rows, len))?;
                let raw = turned(x.view(), order, len);
                for ((mut d, unit), raw) in
                    of.rows_mut().into_iter().zip(unit.rows()).zip(raw.rows())
                {
                    if !is_reached(d.view()) {
                        continue;
                    }
                    let (inverse, is_unit) = inverse_length(raw.iter());
                    let along = d
                        .iter()
                        .zip(unit)
                        .fold(A::zero(), |sum, (&d, &x)| sum + d * x);
                    for (d, &x) in d.iter_mut().zip(unit) {
                        // A vector that is too short is only stretched by a constant.
                        let across = if is_unit { *d - x * along } else { *d };
                        *d = across * inverse;
                    }
                }
            }
            gradients.push(Some(turned_back(of, order, x.shape())));
        }
        Ok(gradients)
    }
}
