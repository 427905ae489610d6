//! A transposed convolution backwards: each pixel of the input gathers what reaches the window that it was spread to.
//!
//! ```text
//! dz = dy * a'(z)      dwindow = dz at the places of the window, 0 where it was cut off
//! dx = dwindow @ K      dK = Σ dwindowᵀ x      db = Σ dz
//! ```
//! Pixels are summed in ascending order of samples, rows and columns, timesteps from the last to the first.

use super::rows::{in_order, is_reached, matrix};
use crate::backward::{Factor, ROWS, add_outer_to, add_vector, spread};
use crate::error::Result;
use crate::gradients::LayerGradients;
use crate::model::BackwardCall;
use crate::nn::transposed::{Spread, Transposed};
use crate::{Activation, Conv1dTranspose, Conv2dTranspose, Element};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array2, Array4, ArrayD, ArrayView4, Axis, Ix3, Ix4, s};

impl<A: Element> Conv1dTranspose<A> {
    pub(in crate::nn) fn back_over(
        &self,
        mut call: BackwardCall<A>,
    ) -> Result<Vec<Option<ArrayD<A>>>> {
        let Some(d) = &call.upstream[0] else {
            return Ok(vec![None]);
        };
        let x = call.inputs[0].axes::<Ix3>("input", "3 (samples, timesteps, features)")?;
        let to = [Spread::of_one(), self.along(x.dim().1)?];
        let x = x.insert_axis(Axis(1));
        let outputs = Outputs {
            activation: self.activation(),
            y: matrix(&call.outputs[0].values),
            d: matrix(d),
            order: in_order(d.shape()),
        };
        let order = in_order(call.inputs[0].values.shape());
        let dx = back(self.weights(), &x, (to, order), outputs, &mut call.weights)?;
        Ok(vec![Some(dx.index_axis_move(Axis(1), 0).into_dyn())])
    }
}

impl<A: Element> Conv2dTranspose<A> {
    pub(in crate::nn) fn back_over(
        &self,
        mut call: BackwardCall<A>,
    ) -> Result<Vec<Option<ArrayD<A>>>> {
        let Some(d) = &call.upstream[0] else {
            return Ok(vec![None]);
        };
        let x = call.inputs[0].axes::<Ix4>("input", "4 (samples, height, width, channels)")?;
        let to = [self.along(0, x.dim().1)?, self.along(1, x.dim().2)?];
        let (samples, height, width, _) = x.dim();
        let d = matrix(d);
        let outputs = Outputs {
            activation: self.activation(),
            y: matrix(&call.outputs[0].values),
            order: (0..d.nrows()).collect(),
            d,
        };
        let order = (0..samples * height * width).collect();
        let dx = back(self.weights(), &x, (to, order), outputs, &mut call.weights)?;
        Ok(vec![Some(dx.into_dyn())])
    }
}

/// What a layer gave, and what reaches it: (pixels, filters), and the order in which they add to the gradient of the bias.
struct Outputs<A> {
    activation: Activation,
    y: Array2<A>,
    d: Array2<A>,
    order: Vec<usize>,
}

impl<A: Element> Outputs<A> {
    /// The gradient of the sums, and that of the bias.
    fn back(
        mut self,
        of: &Transposed<A>,
        x: &ArrayView4<A>,
        to: [Spread; 2],
        weights: &mut LayerGradients<A>,
    ) -> Result<Array2<A>> {
        self.order.retain(|&row| is_reached(self.d.row(row)));
        if self.activation != Activation::Linear {
            let sums = of.spread(x, to, Activation::Linear)?;
            let sums = matrix(&sums.into_dyn());
            for &row in &self.order {
                let (z, y, mut d) = (sums.row(row), self.y.row(row), self.d.row_mut(row));
                if let (Some(d), Some(z), Some(y)) = (d.as_slice_mut(), z.as_slice(), y.as_slice())
                {
                    self.activation.back(z, y, d);
                }
            }
        }
        add_vector(
            weights.array("bias"),
            self.d.select(Axis(0), &self.order).view(),
        );
        Ok(self.d)
    }
}

/// Goes back over the pixels of the input in this order.
fn back<A: Element>(
    of: &Transposed<A>,
    x: &ArrayView4<A>,
    (to, order): ([Spread; 2], Vec<usize>),
    outputs: Outputs<A>,
    weights: &mut LayerGradients<A>,
) -> Result<Array4<A>> {
    let dz = outputs.back(of, x, to, weights)?;
    let (_, height, width, features) = x.dim();
    let (filters, isa) = (of.count(), of.dense().isa());
    let taps: Vec<(usize, usize)> = to[0].taps(to[1]).collect();
    let kernel = Factor::new(&of.dense().kernel().t(), isa);
    let mut dx = Array4::zeros(x.dim());
    for order in order.chunks(ROWS) {
        let mut windows = spread(order.len(), taps.len() * filters);
        let mut numbers = Array2::zeros((order.len(), features));
        let place = |pixel: usize| {
            [
                pixel / width / height,
                pixel / width % height,
                pixel % width,
            ]
        };
        for (at, &pixel) in order.iter().enumerate() {
            let [sample, row, column] = place(pixel);
            let mut window = windows.row_mut(at);
            for (tap, &(a, b)) in taps.iter().enumerate() {
                if let (Some(i), Some(j)) = (to[0].place(row, a), to[1].place(column, b)) {
                    let from = dz.row((sample * to[0].len + i) * to[1].len + j);
                    let part = tap * filters..(tap + 1) * filters;
                    window.slice_mut(s![part]).assign(&from);
                }
            }
            if is_reached(window.view()) {
                numbers
                    .row_mut(at)
                    .assign(&x.slice(s![sample, row, column, ..]));
            }
        }
        if let Some(gradient) = weights.array("kernel") {
            let shape = (taps.len() * filters, features);
            let gradient = gradient.view_mut().into_shape_with_order(shape)?;
            add_outer_to(gradient, windows.view(), numbers.view(), 0, isa);
        }
        numbers.fill(A::zero());
        kernel.add(windows.view(), &mut numbers.view_mut());
        for (&pixel, d) in order.iter().zip(numbers.rows()) {
            let [sample, row, column] = place(pixel);
            dx.slice_mut(s![sample, row, column, ..]).assign(&d);
        }
    }
    Ok(dx)
}
