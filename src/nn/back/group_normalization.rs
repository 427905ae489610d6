//! A group normalisation backwards: over each group of a sample, as a layer normalisation goes back over a row.

use super::rows::{add_sums, is_reached, turned, turned_back};
use crate::backward::back_over_normal;
use crate::error::Result;
use crate::model::BackwardCall;
use crate::{Element, GroupNormalization};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array2, ArrayD};

impl<A: Element> GroupNormalization<A> {
    pub(in crate::nn) fn back_over(
        &self,
        mut call: BackwardCall<A>,
    ) -> Result<Vec<Option<ArrayD<A>>>> {
        let Some(d) = &call.upstream[0] else {
            return Ok(vec![None]);
        };
        let shape = d.shape().to_vec();
        let [samples, inner @ .., features] = shape.as_slice() else {
            return Ok(vec![None]); // the forward pass refused it
        };
        let size = features / self.groups();
        let pixels = inner.iter().product::<usize>();
        // The numbers of a group in a sample are a row.
        let parts = [*samples, pixels, self.groups(), size];
        let (order, width) = ([0, 2, 1, 3], pixels * size);
        let rows = |tensor: &ArrayD<A>| -> Result<Array2<A>> {
            let tensor = tensor.as_standard_layout();
            let parts = tensor.to_shape(parts.as_slice())?;
            Ok(turned(parts.view(), &order, width))
        };
        let (x, d) = (rows(&call.inputs[0].values)?, rows(d)?);
        let mut dx = Array2::zeros(d.dim());
        let (mut of_gamma, mut of_beta) = (vec![A::zero(); *features], vec![A::zero(); *features]);
        for row in (0..d.nrows()).filter(|&row| is_reached(d.row(row))) {
            let (x, d) = (x.row(row), d.row(row));
            let (mean, inverse) = self.statistics(|| x.into_iter());
            let n = x.mapv(|x| (x - mean) * inverse);
            let first = row % self.groups() * size;
            let mut g = dx.row_mut(row);
            for (at, ((g, &d), &n)) in g.iter_mut().zip(d).zip(&n).enumerate() {
                let feature = first + at % size;
                of_gamma[feature] += d * n;
                of_beta[feature] += d;
                *g = self.gamma().map_or(d, |gamma| d * gamma[feature]);
            }
            back_over_normal(g, n.view(), inverse);
        }
        add_sums(call.weights.array("gamma"), &of_gamma);
        add_sums(call.weights.array("beta"), &of_beta);
        let dx = turned_back(dx, &order, &parts);
        Ok(vec![Some(dx.into_shape_with_order(shape)?)])
    }
}
