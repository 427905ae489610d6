//! A layer normalisation backwards.
//!
//! ```text
//! n = (x - mean) / √(variance + epsilon)      y = gamma n + beta
//! g = gamma dy      dx = (g - mean(g) - n mean(g n)) / √(variance + epsilon)
//! dgamma = Σ dy n   dbeta = Σ dy
//! ```

use super::rows::{Along, add_sums};
use crate::backward::back_over_normal;
use crate::error::Result;
use crate::model::BackwardCall;
use crate::{Element, LayerNormalization};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array2, ArrayD};

impl<A: Element> LayerNormalization<A> {
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
        let (mut of_gamma, mut of_beta) = (
            vec![A::zero(); along.width()],
            vec![A::zero(); along.width()],
        );
        let gamma: Option<Vec<A>> = self
            .gamma
            .as_ref()
            .map(|gamma| gamma.iter().copied().collect());
        for row in along.reached(&d) {
            let (x, d) = (x.row(row), d.row(row));
            let (mean, inverse) = self.statistics(&x.to_vec());
            let normal = x.mapv(|x| (x - mean) * inverse);
            let pairs = d.iter().zip(&normal);
            for ((sum_n, sum), (&d, &n)) in of_gamma.iter_mut().zip(&mut of_beta).zip(pairs) {
                *sum_n += d * n;
                *sum += d;
            }
            let mut g = dx.row_mut(row);
            g.assign(&d);
            if let Some(gamma) = &gamma {
                g.iter_mut().zip(gamma).for_each(|(g, &gamma)| *g *= gamma);
            }
            back_over_normal(g, normal.view(), inverse);
        }
        add_sums(call.weights.array("gamma"), &of_gamma);
        add_sums(call.weights.array("beta"), &of_beta);
        Ok(vec![Some(along.tensor(dx))])
    }
}
