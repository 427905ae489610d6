//! `AdditiveAttention`: attention whose scores are a sum over features.

use super::attend::{Attend, INPUTS};
use crate::error::{Result, check, wrong_inputs};
use crate::model::{AnyLayer, Shape, Stepwise, Tensor, described, goes_back};
use crate::{Activation, Element};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array1, Array2, Array3, ArrayRef, ArrayView2, Ix3};

/// Additive attention (Bahdanau's). Each timestep of the query gets a weighted average of the values; the weights say
/// how well the keys match it.
///
/// ```text
/// scores[i, j] = Σ scale · tanh(query[i] + key[j])                  scale = 1 if there is none
/// output[i]    = Σj softmax(scores[i])[j] · value[j]
/// ```
/// | array | shape |
/// | --- | --- |
/// | query | (samples, queries, features) |
/// | value | (samples, timesteps, outputs) |
/// | key | (samples, timesteps, features); the value, if there are two inputs |
/// | scale | (features), or none (`use_scale=False`) |
/// | output | (samples, queries, outputs) |
/// | weights, if they are returned | (samples, queries, timesteps) |
///
/// The inputs and their masks are those of [`Attention`](crate::Attention). Source: Bahdanau et al., "Neural Machine
/// Translation by Jointly Learning to Align and Translate" (2015); `keras.layers.AdditiveAttention`.
///
/// ```
/// use ndarray::array;
/// use recurrent::AdditiveAttention;
/// let (query, value) = (array![[[0.0]]], array![[[1.0], [3.0]]]);
/// let attention = AdditiveAttention::from_weights(array![0.0]); // a scale of 0: all values count alike
/// assert_eq!(attention.forward(&query, &value, &value)?, array![[[2.0]]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct AdditiveAttention<A> {
    pub(super) scale: Option<Array1<A>>,
    causal: bool,
    return_attention_scores: bool,
}

impl<A: Element> AdditiveAttention<A> {
    /// Makes a layer with this scale (features), or with `None`: `use_scale=False`.
    pub fn from_weights(scale: impl Into<Option<Array1<A>>>) -> Self {
        AdditiveAttention {
            scale: scale.into(),
            causal: false,
            return_attention_scores: false,
        }
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
        self.check_features(query.dim().2)?;
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

    fn check_features(&self, found: usize) -> Result<()> {
        match &self.scale {
            Some(scale) => check("query", "features", scale.len(), found),
            None => Ok(()),
        }
    }

    /// (queries, timesteps) of one sample.
    pub(super) fn scores(&self, query: ArrayView2<A>, key: ArrayView2<A>) -> Array2<A> {
        let mut terms = vec![A::zero(); query.ncols()];
        Array2::from_shape_fn((query.nrows(), key.nrows()), |(i, j)| {
            for (term, (&q, &k)) in terms.iter_mut().zip(query.row(i).iter().zip(key.row(j))) {
                *term = q + k;
            }
            Activation::Tanh.apply(&mut terms);
            if let Some(scale) = &self.scale {
                terms.iter_mut().zip(scale).for_each(|(t, &s)| *t *= s);
            }
            terms.iter().fold(A::zero(), |all, &term| all + term)
        })
    }
}

crate::describe::describe!(AdditiveAttention<A>, "additive_attention", {
    causal, return_attention_scores; scale: optional
} => Ok(AdditiveAttention { scale, causal, return_attention_scores }));

impl<A: Element> AnyLayer<A> for AdditiveAttention<A> {
    fn name(&self) -> &str {
        "additive_attention"
    }

    fn forward(&self, _: Tensor<A>) -> Result<Tensor<A>> {
        Err(wrong_inputs(INPUTS, 1))
    }

    fn forward_all(&self, inputs: Vec<Tensor<A>>) -> Result<Vec<Tensor<A>>> {
        // Of an input without axes `outputs` says more.
        if let Some(&features) = inputs.first().and_then(|x| x.values.shape().get(2)) {
            self.check_features(features)?;
        }
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

    fn with_all_outputs(&self) -> Option<Box<dyn AnyLayer<A>>> {
        let more = self.clone().return_attention_scores(true);
        (!self.return_attention_scores).then(|| Box::new(more) as Box<dyn AnyLayer<A>>)
    }

    goes_back!();
    described!();
}
