//! Attention of several heads backwards: over the projection of the output, then head by head, then over the projections of
//! the inputs.
//!
//! ```text
//! p = softmax(scores)      context = p · V                               for each group of samples, and each head
//! dp = dcontext · Vᵀ       ds = p (dp - Σ dp p), 0 where a value is hidden
//! dQ = ds · K / √(key_dim)      dK = dsᵀ · Q / √(key_dim)      dV = pᵀ · dcontext
//! ```
//! If the weights p are an output, their gradient is added to dp. The sums of the projections run from the last timestep to
//! the first; those of a head over ascending timesteps, and over ascending heads of the query where these share a head. A query that no gradient reaches is not read.

use super::rows::{is_reached, turned, turned_back};
use crate::backward::{Factor, add_outer_to};
use crate::error::Result;
use crate::kernel::Isa;
use crate::model::{BackwardCall, Tensor};
use crate::nn::attend::{Unseen, product};
use crate::nn::heads::{Masks, Projected};
use crate::nn::multi_head_attention::Heads;
use crate::{Activation, Element, MultiHeadAttention};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array2, Array4, ArrayD, Axis, s};

impl<A: Element> MultiHeadAttention<A> {
    pub(in crate::nn) fn back_over(
        &self,
        mut call: BackwardCall<A>,
    ) -> Result<Vec<Option<ArrayD<A>>>> {
        let upstream = |at: usize| call.upstream.get(at).and_then(Option::as_ref);
        let (of_output, of_scores) = (upstream(0), upstream(1));
        if of_output.is_none() && of_scores.is_none() {
            return Ok(vec![None; call.inputs.len()]);
        }
        let (inputs, masks) = self.split(call.inputs)?;
        let heads = self.heads_of(&inputs.map(|input| input.values.view()), &masks)?;
        let (groups, queries, count, _) = heads.query.numbers.dim();
        let timesteps = heads.value.numbers.dim().1;
        let size = heads.value.numbers.dim().3;
        let mut of_context = Array2::zeros((groups * queries, count * size));
        if let Some(d) = of_output {
            let mut order = heads.query.order.clone();
            order.extend(order.len()..d.ndim());
            let d = turned(d.view(), &order, self.output.dense.units());
            let context = self.context(&heads, &masks);
            let weights = call.weights.layer("attention_output");
            of_context = self
                .output
                .back_over(context.view(), d.view(), groups, weights)?;
        }
        let of_scores = of_scores.map(|d| {
            let numbers = d.iter().copied().collect();
            Array4::from_shape_vec((groups, count, queries, timesteps), numbers)
        });
        let of_scores = of_scores.transpose()?;
        let mut of = [&heads.query, &heads.value, &heads.key]
            .map(|projected| Array4::zeros(projected.numbers.dim()));
        for group in 0..groups {
            for head in 0..count {
                let rows = s![
                    group * queries..(group + 1) * queries,
                    head * size..(head + 1) * size
                ];
                let d = of_context.slice(rows).to_owned();
                let at_scores = s![group, head, .., ..];
                let of_scores = of_scores.as_ref().map(|d| d.slice(at_scores).to_owned());
                let of_head = self.back_over_head(&heads, &masks, [group, head], &d, of_scores);
                let shared = head / self.together();
                for ((of, of_head), head) in of.iter_mut().zip(of_head).zip([head, shared, shared])
                {
                    let mut of = of.slice_mut(s![group, .., head, ..]);
                    of += &of_head;
                }
            }
        }
        let mut gradients = Vec::new();
        let projections = [&self.query, &self.value, &self.key];
        let of_inputs = inputs
            .iter()
            .zip(projections)
            .zip(["query", "value", "key"]);
        for ((((input, projection), name), of), projected) in
            of_inputs
                .zip(of)
                .zip([&heads.query, &heads.value, &heads.key])
        {
            let mut order = projected.order.clone();
            order.push(order.len());
            let x = turned(input.values.view(), &order, projection.dense.features());
            let dz = of.into_shape_with_order((x.nrows(), projection.dense.units()))?;
            let weights = call.weights.layer(name);
            let dx = projection.back_over(x.view(), dz.view(), groups, weights)?;
            gradients.push(turned_back(dx, &order, input.values.shape()));
        }
        Ok(self.of_inputs(call.inputs, gradients))
    }

    /// The gradients of all inputs: the value is the key as well if there is no key, and an attention mask has none.
    fn of_inputs(&self, inputs: &[Tensor<A>], gradients: Vec<ArrayD<A>>) -> Vec<Option<ArrayD<A>>> {
        let given = inputs.len() - usize::from(self.attention_mask);
        let mut all: Vec<Option<ArrayD<A>>> = Vec::new();
        for (at, d) in gradients.into_iter().enumerate() {
            match all.get_mut(1).filter(|_| at >= given) {
                Some(Some(value)) => *value += &d,
                _ => all.push(Some(d)),
            }
        }
        all.resize(inputs.len(), None);
        all
    }

    /// What the projection of the output takes, (groups · queries, heads · numbers in a head).
    fn context(&self, heads: &Heads<A>, masks: &Masks<A>) -> Array2<A> {
        let (groups, queries, count, _) = heads.query.numbers.dim();
        let size = heads.value.numbers.dim().3;
        let mut context = Array2::zeros((groups * queries, count * size));
        for group in 0..groups {
            for head in 0..count {
                let weights = self.weights(heads, masks, [group, head]);
                let at = s![group, .., head / self.together(), ..];
                let value = heads.value.numbers.slice(at);
                let rows = s![
                    group * queries..(group + 1) * queries,
                    head * size..(head + 1) * size
                ];
                product(&weights.view(), &value).assign_to(context.slice_mut(rows));
            }
        }
        context
    }

    /// The gradients of the projected query, value and key of a head, from those of its context and its weights.
    fn back_over_head(
        &self,
        heads: &Heads<A>,
        masks: &Masks<A>,
        [group, head]: [usize; 2],
        d: &Array2<A>,
        of_scores: Option<Array2<A>>,
    ) -> [Array2<A>; 3] {
        let isa = Isa::detect();
        let of = |of: &Projected<A>, head| of.numbers.slice(s![group, .., head, ..]).to_owned();
        let shared = head / self.together();
        let query = of(&heads.query, head);
        let (value, key) = (of(&heads.value, shared), of(&heads.key, shared));
        let mut gradients = [&query, &value, &key].map(|of| Array2::zeros(of.dim()));
        let mut weights = self.weights(heads, masks, [group, head]);
        let mut ds = of_scores.unwrap_or_else(|| Array2::zeros(weights.dim()));
        // The queries that a gradient reaches.
        let rows: Vec<usize> = (0..query.nrows())
            .filter(|&i| is_reached(d.row(i)) || is_reached(ds.row(i)))
            .collect();
        weights = weights.select(Axis(0), &rows);
        ds = ds.select(Axis(0), &rows);
        let d = d.select(Axis(0), &rows);
        Factor::new(&value.t(), isa).add(d.view(), &mut ds.view_mut());
        add_outer_to(gradients[1].view_mut(), weights.view(), d.view(), 0, isa);
        let inverse = self.inverse();
        for (n, (mut weights, mut ds)) in weights
            .rows_mut()
            .into_iter()
            .zip(ds.rows_mut())
            .enumerate()
        {
            if let (Some(weights), Some(ds)) = (weights.as_slice_mut(), ds.as_slice_mut()) {
                Activation::Softmax.back(weights, weights, ds);
            }
            for (j, ds) in ds.iter_mut().enumerate() {
                let replaced = heads.unseen != Unseen::Lowered
                    && !self.sees(heads, masks, [group, head, rows[n], j]);
                *ds = if replaced { A::zero() } else { *ds * inverse };
            }
        }
        // A query that sees nothing is not read either.
        let seeing: Vec<usize> = (0..rows.len()).filter(|&n| is_reached(ds.row(n))).collect();
        let ds = ds.select(Axis(0), &seeing);
        let rows: Vec<usize> = seeing.iter().map(|&n| rows[n]).collect();
        let query = query.select(Axis(0), &rows);
        let mut of_query = Array2::zeros(query.dim());
        Factor::new(&key, isa).add(ds.view(), &mut of_query.view_mut());
        for (&i, of) in rows.iter().zip(of_query.rows()) {
            gradients[0].row_mut(i).assign(&of);
        }
        add_outer_to(gradients[2].view_mut(), ds.view(), query.view(), 0, isa);
        gradients
    }
}
