//! A convolution backwards: that of a dense layer over the flattened windows. What reaches a window is added to the places
//! that it read.
//!
//! ```text
//! z = window @ K + b      y = a(z)
//! dz = dy * a'(z)         dwindow = dz @ Kᵀ      dK = Σ windowᵀ dz      db = Σ dz
//! ```
//! Windows over timesteps are summed from the last to the first, and over ascending samples within a timestep; windows over
//! images in ascending order.

use super::rows::{in_order, is_reached, matrix};
use crate::backward::{Factor, ROWS, add_outer_to, add_vector, spread};
use crate::error::Result;
use crate::gradients::LayerGradients;
use crate::model::BackwardCall;
use crate::nn::convolution::convolve;
use crate::nn::filters::Filters;
use crate::nn::slide::Slide;
use crate::{Activation, Conv1d, Conv2d, Element};
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use ndarray::{Array2, Array4, ArrayD, ArrayView4, Axis, Ix3, Ix4, s};

impl<A: Element> Conv1d<A> {
    pub(in crate::nn) fn back_over(
        &self,
        mut call: BackwardCall<A>,
    ) -> Result<Vec<Option<ArrayD<A>>>> {
        let Some(d) = &call.upstream[0] else {
            return Ok(vec![None]);
        };
        let x = call.inputs[0].axes::<Ix3>("input", "3 (samples, timesteps, features)")?;
        let slides = [Slide::of_one(), self.slide(x.dim().1)?];
        let x = x.insert_axis(Axis(1));
        let of = Outputs {
            activation: self.activation(),
            y: matrix(&call.outputs[0].values),
            d: matrix(d),
        };
        let order = in_order(d.shape());
        let dx = back(&self.filters, &x, slides, &of, order, &mut call.weights)?;
        Ok(vec![Some(dx.index_axis_move(Axis(1), 0).into_dyn())])
    }
}

impl<A: Element> Conv2d<A> {
    pub(in crate::nn) fn back_over(
        &self,
        mut call: BackwardCall<A>,
    ) -> Result<Vec<Option<ArrayD<A>>>> {
        let Some(d) = &call.upstream[0] else {
            return Ok(vec![None]);
        };
        let x = call.inputs[0].axes::<Ix4>("input", "4 (samples, height, width, channels)")?;
        let slides = [self.slide(0, x.dim().1)?, self.slide(1, x.dim().2)?];
        let of = Outputs {
            activation: self.activation(),
            y: matrix(&call.outputs[0].values),
            d: matrix(d),
        };
        let order = (0..of.d.nrows()).collect();
        let dx = back(&self.filters, &x, slides, &of, order, &mut call.weights)?;
        Ok(vec![Some(dx.into_dyn())])
    }
}

/// What a convolution gave, and what reaches it: (windows, filters).
struct Outputs<A> {
    activation: Activation,
    y: Array2<A>,
    d: Array2<A>,
}

/// Goes back over the windows in this order, of which those without a gradient are left out.
fn back<A: Element>(
    filters: &Filters<A>,
    x: &ArrayView4<A>,
    slides: [Slide; 2],
    of: &Outputs<A>,
    mut order: Vec<usize>,
    weights: &mut LayerGradients<A>,
) -> Result<Array4<A>> {
    order.retain(|&row| is_reached(of.d.row(row)));
    let mut sums = None;
    if of.activation != Activation::Linear {
        let all = convolve(filters, x, slides, Activation::Linear)?;
        sums = Some(matrix(&all.into_dyn()));
    }
    let kernels = filters.groups().iter();
    let kernels: Vec<_> = kernels
        .map(|dense| Factor::new(&dense.kernel().t(), dense.isa()))
        .collect();
    let taps: usize = filters.kernel_size().iter().product();
    let features = filters.group_features();
    let mut dx = Array4::zeros(x.dim());
    for order in order.chunks(ROWS) {
        let mut dz = of.d.select(Axis(0), order);
        if let Some(sums) = &sums {
            for (mut d, &row) in dz.rows_mut().into_iter().zip(order) {
                let (z, y) = (sums.row(row), of.y.row(row));
                if let (Some(d), Some(z), Some(y)) = (d.as_slice_mut(), z.as_slice(), y.as_slice())
                {
                    of.activation.back(z, y, d);
                }
            }
        }
        add_vector(weights.array("bias"), dz.view());
        let mut rows = spread(order.len(), taps * features);
        for (group, (dense, kernel)) in filters.groups().iter().zip(&kernels).enumerate() {
            let first = group * dense.units();
            let dz = dz.slice(s![.., first..first + dense.units()]);
            let of_group = group * features..(group + 1) * features;
            // The padding is 0.
            rows.fill(A::zero());
            for (&row, mut to) in order.iter().zip(rows.rows_mut()) {
                for (tap, [sample, i, j]) in read_by(slides, row) {
                    let read = x.slice(s![sample, i, j, of_group.clone()]);
                    to.slice_mut(s![part(tap, features)]).assign(&read);
                }
            }
            if let Some(gradient) = weights.array("kernel") {
                let shape = (taps * features, filters.count());
                let gradient = gradient.view_mut().into_shape_with_order(shape)?;
                add_outer_to(gradient, rows.view(), dz, first, dense.isa());
            }
            rows.fill(A::zero());
            kernel.add(dz, &mut rows.view_mut());
            for (&row, d) in order.iter().zip(rows.rows()) {
                for (tap, [sample, i, j]) in read_by(slides, row) {
                    let mut to = dx.slice_mut(s![sample, i, j, of_group.clone()]);
                    to += &d.slice(s![part(tap, features)]);
                }
            }
        }
    }
    Ok(dx)
}

/// The features of a tap in a flattened window.
fn part(tap: usize, features: usize) -> Range<usize> {
    tap * features..(tap + 1) * features
}

/// The places that the window of an output reads: the tap of each, its sample, row and column. Taps in the padding are left
/// out.
fn read_by(slides: [Slide; 2], output: usize) -> impl Iterator<Item = (usize, [usize; 3])> {
    let [rows, columns] = slides;
    let (window, column) = (
        output / columns.windows.count,
        output % columns.windows.count,
    );
    let (sample, row) = (window / rows.windows.count, window % rows.windows.count);
    (0..rows.size).flat_map(move |a| {
        let i = rows.place(row, a);
        (0..columns.size).filter_map(move |b| {
            let at = [sample, i?, columns.place(column, b)?];
            Some((a * columns.size + b, at))
        })
    })
}
