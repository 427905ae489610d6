//! A unit normalisation backwards.
//!
//! ```text
//! n = x / √(Σ x²)      dx = (dn - n Σ(dn n)) / √(Σ x²)
//! ```
//! Where the factor is at its bound, near zeros, it is a constant: `dx = factor dn`.

use super::rows::Along;
use crate::error::Result;
use crate::model::BackwardCall;
use crate::{Element, UnitNormalization};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array2, ArrayD};

impl UnitNormalization {
    pub(in crate::nn) fn back_over<A: Element>(
        &self,
        call: BackwardCall<A>,
    ) -> Result<Vec<Option<ArrayD<A>>>> {
        let Some(d) = &call.upstream[0] else {
            return Ok(vec![None]);
        };
        let along = Along::new(&self.places(d.ndim())?, d.shape());
        let (x, d) = (
            along.rows(call.inputs[0].values.view()),
            along.rows(d.view()),
        );
        let mut dx = Array2::zeros(d.dim());
        for row in along.reached(&d) {
            let (x, d) = (x.row(row), d.row(row));
            let (factor, is_bound) = self.factor(&x.to_vec());
            let n = x.mapv(|x| x * factor);
            let mut sum = A::zero();
            if !is_bound {
                sum = d.iter().zip(&n).fold(sum, |sum, (&d, &n)| sum + d * n);
            }
            let mut to = dx.row_mut(row);
            let pairs = to.iter_mut().zip(d).zip(&n);
            pairs.for_each(|((to, &d), &n)| *to = factor * (d - n * sum));
        }
        Ok(vec![Some(along.tensor(dx))])
    }
}
