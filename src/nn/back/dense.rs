//! A dense layer backwards.
//!
//! ```text
//! z = x @ K + b     y = a(z)
//! dz = dy * a'(z)   dx = dz @ Kᵀ      dK = Σ xᵀ dz      db = Σ dz
//! ```

use super::rows::{affine_back, in_order, is_reached, matrix};
use crate::error::Result;
use crate::model::BackwardCall;
use crate::{Activation, Dense, Element};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{ArrayD, Axis};

impl<A: Element> Dense<A> {
    pub(in crate::nn) fn back_over(
        &self,
        mut call: BackwardCall<A>,
    ) -> Result<Vec<Option<ArrayD<A>>>> {
        let Some(d) = &call.upstream[0] else {
            return Ok(vec![None]);
        };
        let (x, d) = (&call.inputs[0].values, matrix(d));
        let mut order = in_order(x.shape());
        order.retain(|&row| is_reached(d.row(row)));
        let x_rows = x.to_shape((d.nrows(), self.features()))?;
        let x_rows = x_rows.select(Axis(0), &order);
        let y = &call.outputs[0].values;
        let y = y.to_shape((d.nrows(), self.units()))?;
        let y = y.select(Axis(0), &order);
        let mut dz = d.select(Axis(0), &order);
        let activation = if call.of_sums {
            Activation::Linear
        } else {
            self.activation()
        };
        let z = match activation {
            // The slope follows from the output alone.
            Activation::Linear
            | Activation::Tanh
            | Activation::Sigmoid
            | Activation::Softmax
            | Activation::LogSoftmax => y.clone(),
            _ => self.sums(&x_rows)?,
        };
        for ((mut d, z), y) in dz.rows_mut().into_iter().zip(z.rows()).zip(y.rows()) {
            if let (Some(d), Some(z), Some(y)) = (d.as_slice_mut(), z.as_slice(), y.as_slice()) {
                activation.back(z, y, d);
            }
        }
        let rows = (order.as_slice(), d.nrows());
        let dx = affine_back(self, rows, x_rows.view(), dz.view(), &mut call.weights)?;
        let dx = dx.into_shape_with_order(x.raw_dim())?;
        Ok(vec![Some(dx)])
    }
}
