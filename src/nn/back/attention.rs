//! Attention backwards, sample by sample.
//!
//! ```text
//! p = softmax(scores)      y = p · value
//! dp = dy · valueᵀ         ds = p (dp - Σ dp p)         dvalue = pᵀ · dy
//! dot:     dquery = scale ds · key                       dkey = scale dsᵀ · query
//! concat:  u = weight scale (1 - tanh²) ds               dquery[i] = Σj u[i, j]      dkey[j] = Σi u[i, j]
//! additive: the same, with a weight for each feature and without a scale
//! ```
//! If the weights p are an output, their gradient is added to dp. A masked query gets nothing from the output, and is not
//! read.

use super::rows::is_reached;
use crate::backward::{Factor, add_outer_to};
use crate::describe::Scalar;
use crate::error::Result;
use crate::kernel::Isa;
use crate::model::{BackwardCall, Tensor};
use crate::nn::attend::{Attend, Unseen, weigh};
use crate::{Activation, AdditiveAttention, Attention, Element};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array1, Array2, Array3, ArrayD, ArrayView2, ArrayView3, Axis, Ix3, s};

/// What reaches the query and the key of one sample, and the weights of the layer in the order of their names.
struct Gradients<A> {
    query: Array2<A>,
    key: Array2<A>,
    weights: Vec<Array1<A>>,
}

impl<A: Element> Gradients<A> {
    fn zeros(query: ArrayView2<A>, key: ArrayView2<A>) -> Self {
        Gradients {
            query: Array2::zeros(query.dim()),
            key: Array2::zeros(key.dim()),
            weights: Vec::new(),
        }
    }
}

/// The scores of an attention layer, and the way back over them.
trait Scored<A> {
    /// The names of the weights.
    const WEIGHTS: &'static [&'static str];

    fn attend(&self) -> Attend;

    /// (queries, timesteps) of one sample.
    fn scored(&self, query: ArrayView2<A>, key: ArrayView2<A>) -> Array2<A>;

    /// What reaches all that the scores of a sample were computed of.
    fn back_over_scores(
        &self,
        query: ArrayView2<A>,
        key: ArrayView2<A>,
        ds: &Array2<A>,
        isa: Isa,
    ) -> Gradients<A>;
}

impl<A: Element> Attention<A> {
    pub(in crate::nn) fn back_over(&self, call: BackwardCall<A>) -> Result<Vec<Option<ArrayD<A>>>> {
        back(self, call)
    }
}

impl<A: Element> AdditiveAttention<A> {
    pub(in crate::nn) fn back_over(&self, call: BackwardCall<A>) -> Result<Vec<Option<ArrayD<A>>>> {
        back(self, call)
    }
}

fn back<A: Element, S: Scored<A>>(
    of: &S,
    mut call: BackwardCall<A>,
) -> Result<Vec<Option<ArrayD<A>>>> {
    let three_axes = |at: usize| -> Result<Option<ArrayView3<A>>> {
        let d = call.upstream.get(at).and_then(Option::as_ref);
        Ok(d.map(|d| d.view().into_dimensionality()).transpose()?)
    };
    let (of_output, of_scores) = (three_axes(0)?, three_axes(1)?);
    if of_output.is_none() && of_scores.is_none() {
        return Ok(vec![None; call.inputs.len()]);
    }
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
    let mut of_weights: Vec<Array1<A>> = Vec::new();
    let how = of.attend();
    for sample in 0..query.dim().0 {
        let at = s![sample, .., ..];
        let row = |d: &Option<ArrayView3<A>>, i: usize| -> Option<Array1<A>> {
            let row = d.as_ref()?.slice(s![sample, i, ..]);
            is_reached(row).then(|| row.to_owned())
        };
        let is_real = |i: &usize| masks[0].is_none_or(|mask| mask[[sample, *i]]);
        let output_row = |i: usize| row(&of_output, Some(i).filter(is_real)?);
        let rows: Vec<usize> = (0..query.dim().1)
            .filter(|&i| output_row(i).is_some() || row(&of_scores, i).is_some())
            .collect();
        if rows.is_empty() {
            continue;
        }
        let mask = masks[1].map(|mask| mask.row(sample));
        let value = how.seen(value.slice(at), mask);
        let key = how.seen(key.slice(at), mask);
        let queries = query.slice(at).select(Axis(0), &rows);
        let mut d = Array2::zeros((rows.len(), value.ncols()));
        for (mut d, &i) in d.rows_mut().into_iter().zip(&rows) {
            output_row(i).iter().for_each(|row| d.assign(row));
        }
        let mut scores = of.scored(queries.view(), key.view());
        let mut ds = Array2::zeros(scores.dim());
        Factor::new(&value.t(), isa).add(d.view(), &mut ds.view_mut());
        for (mut ds, &i) in ds.rows_mut().into_iter().zip(&rows) {
            row(&of_scores, i).iter().for_each(|row| ds += row);
        }
        weigh(&mut scores, Unseen::Lowered, |at, j| {
            mask.is_none_or(|mask| mask[j]) && !(how.causal && j > rows[at])
        });
        for (scores, ds) in scores.outer_iter_mut().zip(ds.outer_iter_mut()) {
            if let (Some(scores), Some(ds)) = (scores.into_slice(), ds.into_slice()) {
                Activation::Softmax.back(scores, scores, ds);
            }
        }
        add_outer_to(of_value.slice_mut(at), scores.view(), d.view(), 0, isa);
        let reached = of.back_over_scores(queries.view(), key.view(), &ds, isa);
        for (&i, of) in rows.iter().zip(reached.query.rows()) {
            of_query.slice_mut(s![sample, i, ..]).assign(&of);
        }
        of_key.slice_mut(at).assign(&reached.key);
        if of_weights.is_empty() {
            of_weights = reached.weights;
        } else {
            let sums = of_weights.iter_mut().zip(reached.weights);
            sums.for_each(|(sum, d)| *sum += &d);
        }
    }
    for (name, sums) in S::WEIGHTS.iter().zip(&of_weights) {
        if let Some(gradient) = call.weights.array(name) {
            let both = gradient.iter_mut().zip(sums);
            both.for_each(|(to, &sum)| *to += sum);
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

impl<A: Element> Scored<A> for Attention<A> {
    const WEIGHTS: &'static [&'static str] = &["scale", "concat_score_weight"];

    fn attend(&self) -> Attend {
        self.how()
    }

    fn scored(&self, query: ArrayView2<A>, key: ArrayView2<A>) -> Array2<A> {
        self.scores(query, key)
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
        let mut of = Gradients::zeros(query, key);
        let (mut of_scale, mut of_weight) = (zero, zero);
        let Some(Scalar(weight)) = self.concat_score_weight else {
            let bare = Attention {
                scale: None,
                ..*self
            }
            .scores(query, key);
            for (&d, &score) in ds.iter().zip(&bare) {
                of_scale += d * score;
            }
            of.weights = [of_scale, of_weight]
                .map(|sum| Array1::from_elem(1, sum))
                .into();
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
                of_weight += d * tanh;
                let u = d * weight * (A::one() - tanh * tanh);
                of_scale += u * added;
                of.query[[i, feature]] += u * scale;
                of.key[[j, feature]] += u * scale;
            }
        }
        of.weights = [of_scale, of_weight]
            .map(|sum| Array1::from_elem(1, sum))
            .into();
        of
    }
}

impl<A: Element> Scored<A> for AdditiveAttention<A> {
    const WEIGHTS: &'static [&'static str] = &["scale"];

    fn attend(&self) -> Attend {
        self.how()
    }

    fn scored(&self, query: ArrayView2<A>, key: ArrayView2<A>) -> Array2<A> {
        self.scores(query, key)
    }

    fn back_over_scores(
        &self,
        query: ArrayView2<A>,
        key: ArrayView2<A>,
        ds: &Array2<A>,
        _: Isa,
    ) -> Gradients<A> {
        let mut of = Gradients::zeros(query, key);
        let mut of_scale = Array1::zeros(query.ncols());
        let mut tanhs = Array1::zeros(query.ncols());
        for ((i, j), &d) in ds.indexed_iter().filter(|(_, d)| **d != A::zero()) {
            tanhs.assign(&(&query.row(i) + &key.row(j)));
            if let Some(sums) = tanhs.as_slice_mut() {
                Activation::Tanh.apply(sums);
            }
            for (feature, &tanh) in tanhs.iter().enumerate() {
                let scale = self
                    .scale
                    .as_ref()
                    .map_or_else(A::one, |scale| scale[feature]);
                let u = d * scale * (A::one() - tanh * tanh);
                of_scale[feature] += d * tanh;
                of.query[[i, feature]] += u;
                of.key[[j, feature]] += u;
            }
        }
        of.weights = vec![of_scale];
        of
    }
}
