//! `Attention`: every timestep of one sequence attends to all timesteps of another.

use crate::describe::Scalar;
use crate::error::{Result, check, check_size, wrong_inputs};
use crate::model::{AnyLayer, Shape, Stepwise, Tensor, described, goes_back};
use crate::{Activation, Element};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{
    Array2, Array3, ArrayRef, ArrayView1, ArrayView2, ArrayView3, CowArray, Ix2, Ix3, s,
};

/// Dot-product attention (Luong's). Each timestep of the query gets a weighted average of the values; the weights say
/// how well the keys match it.
///
/// ```text
/// scores[i, j] = scale · query[i] · key[j]                          score_mode "dot"
/// scores[i, j] = weight · Σ tanh(scale · (query[i] + key[j]))       score_mode "concat"
/// output[i]    = Σj softmax(scores[i])[j] · value[j]
/// ```
/// | array | shape |
/// | --- | --- |
/// | query | (samples, queries, features) |
/// | value | (samples, timesteps, outputs) |
/// | key | (samples, timesteps, features); the value, if there are two inputs |
/// | output | (samples, queries, outputs) |
///
/// As in Keras, the inputs are the query, the value and, optionally, the key. Scores of masked values are lowered by
/// 10⁹, so they do not count unless all values are masked. Masked queries give 0. The mask of the query passes on.
/// Source: Luong et al., "Effective Approaches to Attention-based Neural Machine Translation" (2015);
/// `keras.layers.Attention`.
///
/// ```
/// use ndarray::array;
/// use recurrent::Attention;
/// let (query, value) = (array![[[0.0]]], array![[[1.0], [3.0]]]);
/// assert_eq!(Attention::new().forward(&query, &value, &value)?, array![[[2.0]]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention<A> {
    pub(super) scale: Option<Scalar<A>>,
    pub(super) concat_score_weight: Option<Scalar<A>>,
    pub(super) causal: bool,
}

/// The amount by which masked scores are lowered, as in Keras.
const MASKED: f64 = 1e9;

const INPUTS: &str = "2 or 3 (query, value and perhaps key)";

impl<A: Element> Attention<A> {
    /// Dot-product attention without a scale.
    pub fn new() -> Self {
        Attention {
            scale: None,
            concat_score_weight: None,
            causal: false,
        }
    }

    /// Sets the learned scale of `use_scale=True`.
    pub fn scale(mut self, scale: A) -> Self {
        self.scale = Some(Scalar(scale));
        self
    }

    /// Uses `score_mode="concat"` with its learned weight, instead of the dot product.
    pub fn concat(mut self, weight: A) -> Self {
        self.concat_score_weight = Some(Scalar(weight));
        self
    }

    /// Sets whether query `i` attends only to the values up to `i`: Keras' `use_causal_mask`.
    pub fn causal(mut self, yes: bool) -> Self {
        self.causal = yes;
        self
    }

    /// Computes one output for every timestep of the query. Returns an error if the shapes do not fit.
    pub fn forward(
        &self,
        query: &ArrayRef<A, Ix3>,
        value: &ArrayRef<A, Ix3>,
        key: &ArrayRef<A, Ix3>,
    ) -> Result<Array3<A>> {
        self.attend(query.view(), value.view(), key.view(), [None, None])
    }

    /// Computes one output for every timestep of the query, with the masks of the query and the value.
    fn attend(
        &self,
        query: ArrayView3<A>,
        value: ArrayView3<A>,
        key: ArrayView3<A>,
        [query_mask, value_mask]: [Option<&Array2<bool>>; 2],
    ) -> Result<Array3<A>> {
        let ((samples, queries, features), (_, timesteps, outputs)) = (query.dim(), value.dim());
        check("value", "samples", samples, value.dim().0)?;
        check("key", "samples", samples, key.dim().0)?;
        check("key", "timesteps", timesteps, key.dim().1)?;
        check("key", "features", features, key.dim().2)?;
        check_size("scores", &[queries, timesteps])?;
        check_size("output", &[samples, queries, outputs])?;
        let mut y = Array3::zeros((samples, queries, outputs));
        if y.is_empty() {
            return Ok(y);
        }
        for sample in 0..samples {
            let at = s![sample, .., ..];
            let mask = value_mask.map(|mask| mask.row(sample));
            let value = self.seen(value.slice(at), mask);
            let mut scores = self.scores(query.slice(at), self.seen(key.slice(at), mask).view());
            for (i, row) in scores.outer_iter_mut().enumerate() {
                if let Some(row) = row.into_slice() {
                    self.weigh(i, mask, row);
                }
            }
            let mut y = y.slice_mut(at);
            y.assign(&scores.dot(&value));
            for (i, mut y) in y.outer_iter_mut().enumerate() {
                if query_mask.is_some_and(|mask| !mask[[sample, i]]) {
                    y.fill(A::zero());
                }
            }
        }
        Ok(y)
    }

    /// The timesteps of a sample with 0 in place of those that no query attends to, so that a NaN in padding reaches
    /// nothing. If a query has nothing but masked timesteps to attend to, all are read.
    pub(super) fn seen<'x>(
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

    /// Turns the scores of query `i` into weights.
    pub(super) fn weigh(&self, i: usize, mask: Option<ArrayView1<bool>>, scores: &mut [A]) {
        for (j, score) in scores.iter_mut().enumerate() {
            let hidden = mask.is_some_and(|mask| !mask[j]);
            if hidden || self.causal && j > i {
                *score -= A::from_f64(MASKED);
            }
        }
        Activation::Softmax.apply(scores);
    }

    /// (queries, timesteps) of one sample.
    pub(super) fn scores(&self, query: ArrayView2<A>, key: ArrayView2<A>) -> Array2<A> {
        let scale = self.scale.map_or_else(A::one, |scale| scale.0);
        let Some(Scalar(weight)) = self.concat_score_weight else {
            let mut scores = query.dot(&key.t());
            scores.mapv_inplace(|score| score * scale);
            // The product of empty matrices is not always in row-major order.
            return scores.as_standard_layout().into_owned();
        };
        let mut sums = vec![A::zero(); query.ncols()];
        Array2::from_shape_fn((query.nrows(), key.nrows()), |(i, j)| {
            for (sum, (&q, &k)) in sums.iter_mut().zip(query.row(i).iter().zip(key.row(j))) {
                *sum = scale * (q + k);
            }
            Activation::Tanh.apply(&mut sums);
            weight * sums.iter().fold(A::zero(), |all, &sum| all + sum)
        })
    }
}

impl<A: Element> Default for Attention<A> {
    fn default() -> Self {
        Self::new()
    }
}

crate::describe::describe!(Attention<A>, "attention", {
    causal; scale: optional_scalar, concat_score_weight: optional_scalar
} => Ok(Attention { scale, concat_score_weight, causal }));

impl<A: Element> AnyLayer<A> for Attention<A> {
    fn name(&self) -> &str {
        "attention"
    }

    fn forward(&self, _: Tensor<A>) -> Result<Tensor<A>> {
        Err(wrong_inputs(INPUTS, 1))
    }

    fn forward_all(&self, inputs: Vec<Tensor<A>>) -> Result<Vec<Tensor<A>>> {
        let (query, value, key) = match inputs.as_slice() {
            [query, value] => (query, value, value),
            [query, value, key] => (query, value, key),
            _ => return Err(wrong_inputs(INPUTS, inputs.len())),
        };
        query.check_mask()?;
        value.check_mask()?;
        let values = self.attend(
            query.axes("query", "3 (samples, queries, features)")?,
            value.axes("value", "3 (samples, timesteps, outputs)")?,
            key.axes("key", "3 (samples, timesteps, features)")?,
            [query.mask.as_ref(), value.mask.as_ref()],
        )?;
        let mask = query.mask.clone();
        let values = values.into_dyn();
        Ok(vec![Tensor { values, mask }])
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let len = |input: usize, axis| inputs.get(input).and_then(|shape| shape.len_of(axis));
        vec![Shape::from([len(0, 0), len(0, 1), len(1, 2)])]
    }

    fn uses_mask(&self) -> bool {
        true
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::WholeSequence("it looks at all timesteps")
    }

    goes_back!();
    described!();
}
