//! A layer normalisation backwards.
//!
//! ```text
//! n = (x - mean) / √(variance + epsilon)      y = gamma n + beta
//! g = gamma dy      dx = (g - mean(g) - n mean(g n)) / √(variance + epsilon)
//! dgamma = Σ dy n   dbeta = Σ dy
//! ```

use super::rows::{in_order, is_reached, turned, turned_back};
use crate::backward::back_over_normal;
use crate::error::Result;
use crate::model::BackwardCall;
use crate::{Element, LayerNormalization};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array1, Array2, ArrayD};

impl<A: Element> LayerNormalization<A> {
    pub(in crate::nn) fn back_over(
        &self,
        mut call: BackwardCall<A>,
    ) -> Result<Vec<Option<ArrayD<A>>>> {
        let Some(d) = &call.upstream[0] else {
            return Ok(vec![None]);
        };
        let shape = d.shape().to_vec();
        let axes = self.places(shape.len())?;
        let mut order: Vec<usize> = (0..shape.len())
            .filter(|axis| !axes.contains(axis))
            .collect();
        let mut lens: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
        let width = axes.iter().map(|&axis| shape[axis]).product();
        lens.push(width);
        order.extend(axes);
        let x = turned(call.inputs[0].values.view(), &order, width);
        let d = turned(d.view(), &order, width);
        let mut dx = Array2::zeros(d.dim());
        let (mut of_gamma, mut of_beta) = (Array1::zeros(width), Array1::zeros(width));
        let gamma: Option<Vec<A>> = self
            .gamma
            .as_ref()
            .map(|gamma| gamma.iter().copied().collect());
        for row in in_order(&lens) {
            let (x, d) = (x.row(row), d.row(row));
            if !is_reached(d) {
                continue;
            }
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
        for (name, sums) in [("gamma", &of_gamma), ("beta", &of_beta)] {
            if let Some(gradient) = call.weights.array(name) {
                gradient
                    .iter_mut()
                    .zip(sums)
                    .for_each(|(to, &sum)| *to += sum);
            }
        }
        Ok(vec![Some(turned_back(dx, &order, &shape))])
    }
}
