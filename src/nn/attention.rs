//! `Attention`: every timestep of one sequence attends to all timesteps of another.

use super::attend::{Attend, INPUTS, product};
use crate::describe::Scalar;
use crate::error::{Result, wrong_inputs};
use crate::model::{AnyLayer, Shape, Stepwise, Tensor, described, goes_back};
use crate::{Activation, Element};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array2, Array3, ArrayRef, ArrayView2, Ix3};

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
/// | weights, if they are returned | (samples, queries, timesteps) |
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
    pub(super) return_attention_scores: bool,
}

impl<A: Element> Attention<A> {
    /// Dot-product attention without a scale.
    pub fn new() -> Self {
        Attention {
            scale: None,
            concat_score_weight: None,
            causal: false,
            return_attention_scores: false,
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

    /// Sets whether the layer has a second output in a model: the weights of the values, `softmax(scores)`.
    pub fn return_attention_scores(mut self, yes: bool) -> Self {
        self.return_attention_scores = yes;
        self
    }

    /// Computes one output for every timestep of the query. Returns an error if the shapes do not fit.
    pub fn forward(
        &self,
        query: &ArrayRef<A, Ix3>,
        value: &ArrayRef<A, Ix3>,
        key: &ArrayRef<A, Ix3>,
    ) -> Result<Array3<A>> {
        let all = [query.view(), value.view(), key.view()];
        let scores = |query: ArrayView2<A>, key: ArrayView2<A>| self.scores(query, key);
        let (y, _) = self.how().attend(all, [None, None], scores)?;
        Ok(y)
    }

    pub(super) fn how(&self) -> Attend {
        Attend {
            causal: self.causal,
            keep_scores: self.return_attention_scores,
        }
    }

    /// (queries, timesteps) of one sample.
    pub(super) fn scores(&self, query: ArrayView2<A>, key: ArrayView2<A>) -> Array2<A> {
        let scale = self.scale.map_or_else(A::one, |scale| scale.0);
        let Some(Scalar(weight)) = self.concat_score_weight else {
            return product(&query, &key.t()) * scale;
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
    causal, return_attention_scores; scale: optional_scalar, concat_score_weight: optional_scalar
} => Ok(Attention { scale, concat_score_weight, causal, return_attention_scores }));

impl<A: Element> AnyLayer<A> for Attention<A> {
    fn name(&self) -> &str {
        "attention"
    }

    fn forward(&self, _: Tensor<A>) -> Result<Tensor<A>> {
        Err(wrong_inputs(INPUTS, 1))
    }

    fn forward_all(&self, inputs: Vec<Tensor<A>>) -> Result<Vec<Tensor<A>>> {
        self.how()
            .outputs(&inputs, |query, key| self.scores(query, key))
    }

    fn output_count(&self) -> usize {
        1 + usize::from(self.return_attention_scores)
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        self.how().output_shapes(inputs)
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
