//! Attention backwards, sample by sample.
//!
//! ```text
//! p = softmax(scores)      y = p · value
//! dp = dy · valueᵀ         ds = p (dp - Σ dp p)         dvalue = pᵀ · dy
//! dot:     dquery = scale ds · key                       dkey = scale dsᵀ · query
//! concat:  u = weight scale (1 - tanh²) ds               dquery[i] = Σj u[i, j]      dkey[j] = Σi u[i, j]
//! ```
//! A masked query gets nothing, and is not read.

use super::rows::is_reached;
use crate::backward::{Factor, add_outer_to};
use crate::describe::Scalar;
use crate::error::{Error, Result};
use crate::kernel::Isa;
use crate::model::{BackwardCall, Tensor};
use crate::nn::attend::{Unseen, weigh};
use crate::{Activation, Attention, Element};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array1, Array2, Array3, ArrayD, ArrayView2, Axis, Ix3, s};

/// What reaches the inputs of one sample, and the two weights.
struct Gradients<A> {
    query: Array2<A>,
    key: Array2<A>,
    scale: A,
    weight: A,
}

impl<A: Element> Attention<A> {
    pub(in crate::nn) fn back_over(
        &self,
        mut call: BackwardCall<A>,
    ) -> Result<Vec<Option<ArrayD<A>>>> {
        if let Some(Some(_)) = call.upstream.get(1) {
            let expected = "none: it is not implemented";
            return Err(Error::value(
                "gradient of attention scores",
                expected,
                "one",
            ));
        }
        let Some(d) = &call.upstream[0] else {
            return Ok(vec![None; call.inputs.len()]);
        };
        let d = d.view().into_dimensionality::<Ix3>()?;
        let three = |of: &'_ Tensor<A>| -> Result<Array3<A>> {
            Ok(of
                .axes::<Ix3>("input", "3 (samples, timesteps, features)")?
                .to_owned())
        };
        let (query, value) = (three(&call.inputs[0])?, three(&call.inputs[1])?);
        let key = call.inputs.get(2).map(three).transpose()?;
        let key = key.as_ref().unwrap_or(&value);
        let masks = [0, 1].map(|input| call.inputs[input].mask.as_ref());
        let isa = Isa::detect();
        let mut of_query = Array3::zeros(query.dim());
        let mut of_value = Array3::zeros(value.dim());
        let mut of_key = Array3::zeros(key.dim());
        let (mut of_scale, mut of_weight) = (A::zero(), A::zero());
        for sample in 0..query.dim().0 {
            let at = s![sample, .., ..];
            let is_real = |i: usize| masks[0].is_none_or(|mask| mask[[sample, i]]);
            let rows: Vec<usize> = (0..query.dim().1)
                .filter(|&i| is_real(i) && is_reached(d.slice(s![sample, i, ..])))
                .collect();
            if rows.is_empty() {
                continue;
            }
            let mask = masks[1].map(|mask| mask.row(sample));
            let how = self.how();
            let value = how.seen(value.slice(at), mask);
            let key = how.seen(key.slice(at), mask);
            let queries = query.slice(at).select(Axis(0), &rows);
            let d = d.slice(at).select(Axis(0), &rows);
            let mut scores = self.scores(queries.view(), key.view());
            let mut ds = Array2::zeros(scores.dim());
            Factor::new(&value.t(), isa).add(d.view(), &mut ds.view_mut());
            weigh(&mut scores, Unseen::Lowered, |at, j| {
                mask.is_none_or(|mask| mask[j]) && !(how.causal && j > rows[at])
            });
            for (scores, ds) in scores.outer_iter_mut().zip(ds.outer_iter_mut()) {
                if let (Some(scores), Some(ds)) = (scores.into_slice(), ds.into_slice()) {
                    Activation::Softmax.back(scores, scores, ds);
                }
            }
            add_outer_to(of_value.slice_mut(at), scores.view(), d.view(), 0, isa);
            let of = self.back_over_scores(queries.view(), key.view(), &ds, isa);
            for (&i, of) in rows.iter().zip(of.query.rows()) {
                of_query.slice_mut(s![sample, i, ..]).assign(&of);
            }
            of_key.slice_mut(at).assign(&of.key);
            of_scale += of.scale;
            of_weight += of.weight;
        }
        for (name, sum) in [("scale", of_scale), ("concat_score_weight", of_weight)] {
            if let Some(gradient) = call.weights.array(name) {
                gradient.iter_mut().for_each(|to| *to += sum);
            }
        }
        let mut gradients = vec![Some(of_query.into_dyn())];
        if call.inputs.len() == 2 {
            gradients.push(Some((of_value + of_key).into_dyn()));
        } else {
            gradients.extend([Some(of_value.into_dyn()), Some(of_key.into_dyn())]);
        }
        Ok(gradients)
    }

    fn back_over_scores(
        &self,
        query: ArrayView2<A>,
        key: ArrayView2<A>,
        ds: &Array2<A>,
        isa: Isa,
    ) -> Gradients<A> {
        let zero = A::zero();
        let scale = self.scale.map_or_else(A::one, |scale| scale.0);
        let mut of = Gradients {
            query: Array2::zeros(query.dim()),
            key: Array2::zeros(key.dim()),
            scale: zero,
            weight: zero,
        };
        let Some(Scalar(weight)) = self.concat_score_weight else {
            let bare = Attention {
                scale: None,
                ..*self
            }
            .scores(query, key);
            for (&d, &score) in ds.iter().zip(&bare) {
                of.scale += d * score;
            }
            let ds = ds.mapv(|d| d * scale);
            Factor::new(&key, isa).add(ds.view(), &mut of.query.view_mut());
            add_outer_to(of.key.view_mut(), ds.view(), query, 0, isa);
            return of;
        };
        let mut sums = Array1::zeros(query.ncols());
        for ((i, j), &d) in ds.indexed_iter().filter(|(_, d)| **d != zero) {
            let added = &query.row(i) + &key.row(j);
            sums.assign(&added);
            sums.mapv_inplace(|sum| scale * sum);
            if let Some(sums) = sums.as_slice_mut() {
                Activation::Tanh.apply(sums);
            }
            for (feature, (&tanh, &added)) in sums.iter().zip(&added).enumerate() {
                of.weight += d * tanh;
                let u = d * weight * (A::one() - tanh * tanh);
                of.scale += u * added;
                of.query[[i, feature]] += u * scale;
                of.key[[j, feature]] += u * scale;
            }
        }
        of
    }
}
