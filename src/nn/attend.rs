//! What all attention layers do: scores become weights, and weights an average of values.

use crate::error::{Result, check, check_size, wrong_inputs};
use crate::model::{Shape, Tensor};
use crate::{Activation, Element};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array2, Array3, ArrayView1, ArrayView2, ArrayView3, Axis, CowArray, Ix2, s};

/// What becomes of the score of a value that a query may not see. This decides what a query gets that may see none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub(crate) enum Unseen {
    /// It is lowered by 10⁹: all values count as much as they would without a mask.
    Lowered,
    /// It becomes -10⁹: all values count alike.
    Replaced,
    /// The same, and its weight is 0 after the softmax: no value counts.
    Dropped,
}

/// The amount by which scores are lowered, as in Keras.
const MASKED: f64 = 1e9;

/// Turns scores (queries, timesteps) into weights.
pub(super) fn weigh<A: Element>(
    scores: &mut Array2<A>,
    unseen: Unseen,
    sees: impl Fn(usize, usize) -> bool,
) {
    let masked = A::from_f64(MASKED);
    for (i, row) in scores.outer_iter_mut().enumerate() {
        let Some(row) = row.into_slice() else {
            continue;
        };
        let hidden = |(j, _): &(usize, &mut A)| !sees(i, *j);
        for (_, score) in row.iter_mut().enumerate().filter(hidden) {
            *score = match unseen {
                Unseen::Lowered => *score - masked,
                Unseen::Replaced | Unseen::Dropped => -masked,
            };
        }
        Activation::Softmax.apply(row);
        if unseen == Unseen::Dropped {
            let hidden = row.iter_mut().enumerate().filter(hidden);
            hidden.for_each(|(_, weight)| *weight = A::zero());
        }
    }
}

/// `a · b`, in row-major order. Each of its sums has one order, whatever the layout of the matrices.
pub(super) fn product<A: Element>(a: &ArrayView2<A>, b: &ArrayView2<A>) -> Array2<A> {
    let product = a.as_standard_layout().dot(&b.as_standard_layout());
    // The product of empty matrices is not always in row-major order.
    product.as_standard_layout().into_owned()
}

/// The attention of Luong and Bahdanau, which differ in their scores.
pub(super) struct Attend {
    pub causal: bool,
    pub keep_scores: bool,
}

pub(super) const INPUTS: &str = "2 or 3 (query, value and perhaps key)";

impl Attend {
    /// The outputs of a layer. `scores` computes (queries, timesteps) from the query and the key of a sample.
    pub fn outputs<A: Element>(
        &self,
        inputs: &[Tensor<A>],
        scores: impl Fn(ArrayView2<A>, ArrayView2<A>) -> Array2<A>,
    ) -> Result<Vec<Tensor<A>>> {
        let (query, value, key) = match inputs {
            [query, value] => (query, value, value),
            [query, value, key] => (query, value, key),
            _ => return Err(wrong_inputs(INPUTS, inputs.len())),
        };
        query.check_mask()?;
        value.check_mask()?;
        let (values, scores) = self.attend(
            [
                query.axes("query", "3 (samples, queries, features)")?,
                value.axes("value", "3 (samples, timesteps, outputs)")?,
                key.axes("key", "3 (samples, timesteps, features)")?,
            ],
            [query.mask.as_ref(), value.mask.as_ref()],
            scores,
        )?;
        let mask = query.mask.clone();
        let values = values.into_dyn();
        let mut outputs = vec![Tensor { values, mask }];
        outputs.extend(scores.map(Tensor::bare));
        Ok(outputs)
    }

    /// One output for every timestep of the query, and the weights of all values, with the masks of the query and the
    /// value.
    pub fn attend<A: Element>(
        &self,
        [query, value, key]: [ArrayView3<A>; 3],
        [query_mask, value_mask]: [Option<&Array2<bool>>; 2],
        scores: impl Fn(ArrayView2<A>, ArrayView2<A>) -> Array2<A>,
    ) -> Result<(Array3<A>, Option<Array3<A>>)> {
        let ((samples, queries, features), (_, timesteps, outputs)) = (query.dim(), value.dim());
        check("value", "samples", samples, value.dim().0)?;
        check("key", "samples", samples, key.dim().0)?;
        check("key", "timesteps", timesteps, key.dim().1)?;
        check("key", "features", features, key.dim().2)?;
        check_size("scores", &[queries, timesteps])?;
        check_size("output", &[samples, queries, outputs])?;
        let mut kept = None;
        if self.keep_scores {
            check_size("scores", &[samples, queries, timesteps])?;
            kept = Some(Array3::zeros((samples, queries, timesteps)));
        }
        let mut y = Array3::zeros((samples, queries, outputs));
        if y.is_empty() && kept.as_ref().is_none_or(Array3::is_empty) {
            return Ok((y, kept));
        }
        for sample in 0..samples {
            let at = s![sample, .., ..];
            let mask = value_mask.map(|mask| mask.row(sample));
            let (value, key) = (
                self.seen(value.slice(at), mask),
                self.seen(key.slice(at), mask),
            );
            let mut weights = scores(query.slice(at), key.view());
            weigh(&mut weights, Unseen::Lowered, |i, j| {
                let real = value_mask.is_none_or(|mask| mask[[sample, j]]);
                real && !(self.causal && j > i)
            });
            let mut y = y.slice_mut(at);
            y.assign(&weights.dot(&value));
            for (i, mut y) in y.outer_iter_mut().enumerate() {
                if query_mask.is_some_and(|mask| !mask[[sample, i]]) {
                    y.fill(A::zero());
                }
            }
            if let Some(kept) = &mut kept {
                kept.index_axis_mut(Axis(0), sample).assign(&weights);
            }
        }
        Ok((y, kept))
    }

    /// The timesteps of a sample with 0 in place of those that no query attends to, so that a NaN in padding reaches
    /// nothing. If a query has nothing but masked timesteps to attend to, all are read.
    pub fn seen<'x, A: Element>(
        &self,
        x: ArrayView2<'x, A>,
        mask: Option<ArrayView1<bool>>,
    ) -> CowArray<'x, A, Ix2> {
        let Some(mask) = mask else { return x.into() };
        let every_query_sees = if self.causal {
            mask.first() == Some(&true)
        } else {
            mask.iter().any(|&real| real)
        };
        if !every_query_sees || mask.iter().all(|&real| real) {
            return x.into();
        }
        let mut seen = x.to_owned();
        for (mut step, _) in seen.outer_iter_mut().zip(mask).filter(|(_, real)| !**real) {
            step.fill(A::zero());
        }
        seen.into()
    }

    /// The shapes of the outputs of a layer.
    pub fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let len = |input: usize, axis| inputs.get(input).and_then(|shape| shape.len_of(axis));
        let mut shapes = vec![Shape::from([len(0, 0), len(0, 1), len(1, 2)])];
        let scores = || Shape::from([len(0, 0), len(0, 1), len(1, 1)]);
        shapes.extend(self.keep_scores.then(scores));
        shapes
    }
}
