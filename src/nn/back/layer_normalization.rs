//! A layer normalisation backwards.
//!
//! ```text
//! n = (x - mean) / √(variance + epsilon)      y = gamma n + beta
//! g = gamma dy      dx = (g - mean(g) - n mean(g n)) / √(variance + epsilon)
//! dgamma = Σ dy n   dbeta = Σ dy
//! ```

use super::rows::{in_order, is_reached, turned, turned_back};
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
        let mut sums = [Array1::zeros(width), Array1::zeros(width)];
        let gamma: Option<Vec<A>> = self
            .gamma
            .as_ref()
            .map(|gamma| gamma.iter().copied().collect());
        let count = A::from_f64(width as f64);
        for row in in_order(&lens) {
            let (x, d) = (x.row(row), d.row(row));
            if !is_reached(d) {
                continue;
            }
            let (mean, inverse) = self.statistics(&x.to_vec());
            let normal = x.mapv(|x| (x - mean) * inverse);
            let mut g = d.to_owned();
            if let Some(gamma) = &gamma {
                g.iter_mut().zip(gamma).for_each(|(g, &gamma)| *g *= gamma);
            }
            let zero = A::zero();
            let mean_g = g.iter().fold(zero, |sum, &g| sum + g) / count;
            let pairs = g.iter().zip(&normal);
            let mean_gn = pairs.fold(zero, |sum, (&g, &n)| sum + g * n) / count;
            for (((dx, &g), &n), (at, &d)) in dx
                .row_mut(row)
                .iter_mut()
                .zip(&g)
                .zip(&normal)
                .zip(d.iter().enumerate())
            {
                *dx = inverse * (g - mean_g - n * mean_gn);
                sums[0][at] += d * n;
                sums[1][at] += d;
            }
        }
        for (name, sums) in ["gamma", "beta"].into_iter().zip(&sums) {
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
