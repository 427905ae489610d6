//! An RMS normalisation backwards.
//!
//! ```text
//! n = x / √(mean(x²) + epsilon)      y = scale n
//! g = scale dy      dx = (g - n mean(g n)) / √(mean(x²) + epsilon)      dscale = Σ dy n
//! ```

use super::rows::{Along, add_sums};
use crate::error::Result;
use crate::model::BackwardCall;
use crate::{Element, RmsNormalization};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array2, ArrayD};

impl<A: Element> RmsNormalization<A> {
    pub(in crate::nn) fn back_over(
        &self,
        mut call: BackwardCall<A>,
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
        let mut of_scale = vec![A::zero(); along.width()];
        let count = A::from_f64(along.width() as f64);
        for row in along.reached(&d) {
            let (x, d) = (x.row(row), d.row(row));
            let inverse = self.inverse(&x.to_vec());
            let n = x.mapv(|x| x * inverse);
            let pairs = of_scale.iter_mut().zip(&n).zip(d);
            pairs.for_each(|((sum, &n), &d)| *sum += d * n);
            let mut g = dx.row_mut(row);
            let pairs = g.iter_mut().zip(d).zip(self.scale());
            pairs.for_each(|((g, &d), &scale)| *g = d * scale);
            let mean = g
                .iter()
                .zip(&n)
                .fold(A::zero(), |sum, (&g, &n)| sum + g * n)
                / count;
            let pairs = g.iter_mut().zip(&n);
            pairs.for_each(|(g, &n)| *g = inverse * (*g - n * mean));
        }
        add_sums(call.weights.array("scale"), &of_scale);
        Ok(vec![Some(along.tensor(dx))])
    }
}
