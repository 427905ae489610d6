//! A `PRelu` backwards.
//!
//! ```text
//! x > 0: dx = dy      x < 0: dx = alpha dy, dalpha += x dy      x = 0: 0, as in Keras
//! ```

use super::rows::{add_sums, in_order, is_reached, matrix};
use crate::error::Result;
use crate::model::BackwardCall;
use crate::{Element, PRelu};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array2, ArrayD, IxDyn};

impl<A: Element> PRelu<A> {
    pub(in crate::nn) fn back_over(
        &self,
        mut call: BackwardCall<A>,
    ) -> Result<Vec<Option<ArrayD<A>>>> {
        let Some(d) = &call.upstream[0] else {
            return Ok(vec![None]);
        };
        let shape = d.shape().to_vec();
        let slopes: Vec<A> = self.alpha().iter().copied().collect();
        // The slope of each number, by its place among the slopes.
        let places = ArrayD::from_shape_fn(self.alpha().shape(), |_| 0_usize);
        let mut count = 0..;
        let places = places.mapv(|_| count.next().unwrap_or(0));
        let places = places.broadcast(IxDyn(&shape));
        let places: Vec<usize> = places.iter().flatten().copied().collect();
        let (x, d) = (matrix(&call.inputs[0].values), matrix(d));
        let mut dx = Array2::zeros(d.dim());
        let mut of_alpha = vec![A::zero(); slopes.len()];
        for row in in_order(&shape) {
            if !is_reached(d.row(row)) {
                continue;
            }
            let places = &places[row * d.ncols()..];
            for (at, (&x, &d)) in x.row(row).iter().zip(d.row(row)).enumerate() {
                if x < A::zero() {
                    of_alpha[places[at]] += x * d;
                    dx[[row, at]] = slopes[places[at]] * d;
                } else if x != A::zero() {
                    dx[[row, at]] = d; // also of NaN
                }
            }
        }
        add_sums(call.weights.array("alpha"), &of_alpha);
        Ok(vec![Some(dx.into_dyn().into_shape_with_order(shape)?)])
    }
}
