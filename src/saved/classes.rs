//! Which class in a file is which layer.

use crate::describe::{In, Saved};
use crate::error::{Error, Result};
use crate::nn::{AskMask, Distributed, OldMerge, OpLayer, Unrolled};
use crate::wrap::AnyRecurrent;
use crate::{
    Activation, AnyLayer, Attention, BatchNormalization, Concatenate, Conv1d, Cropping1d, Dense,
    Element, Embedding, Flatten, GlobalPooling1d, Identity, Layer, LayerApart, LayerNormalization,
    Masking, Merge, Model, Permute, Pooling1d, RepeatVector, Reshape, Softmax, TimeDistributed,
    UpSampling1d, ZeroPadding1d,
};
use alloc::boxed::Box;

type Any<A> = Box<dyn AnyLayer<A>>;

fn boxed<A: Element, L: AnyLayer<A> + Saved>(from: &mut In) -> Result<Any<A>> {
    Ok(Box::new(L::read_from(from)?))
}

/// A layer of a model, whatever it is.
impl<A: Element> Saved for Any<A> {
    type Number = A;

    fn read_from(from: &mut In) -> Result<Self> {
        let read = match from.name() {
            "layer" => boxed::<A, Layer<AnyRecurrent<A>>>,
            "layer_apart" => boxed::<A, LayerApart<AnyRecurrent<A>, AnyRecurrent<A>>>,
            "model" => boxed::<A, Model<A>>,
            "time_distributed" => boxed::<A, TimeDistributed<Self>>,
            "embedding" => boxed::<A, Embedding<A>>,
            "masking" => boxed::<A, Masking<A>>,
            "dense" => boxed::<A, Dense<A>>,
            "conv1d" => boxed::<A, Conv1d<A>>,
            "batch_normalization" => boxed::<A, BatchNormalization<A>>,
            "layer_normalization" => boxed::<A, LayerNormalization<A>>,
            "attention" => boxed::<A, Attention<A>>,
            "activation" => boxed::<A, Activation>,
            "merge" => boxed::<A, Merge>,
            "concatenate" => boxed::<A, Concatenate>,
            "cropping1d" => boxed::<A, Cropping1d>,
            "flatten" => boxed::<A, Flatten>,
            "global_pooling1d" => boxed::<A, GlobalPooling1d>,
            "identity" => boxed::<A, Identity>,
            "permute" => boxed::<A, Permute>,
            "pooling1d" => boxed::<A, Pooling1d>,
            "repeat_vector" => boxed::<A, RepeatVector>,
            "reshape" => boxed::<A, Reshape>,
            "softmax" => boxed::<A, Softmax>,
            "up_sampling1d" => boxed::<A, UpSampling1d>,
            "zero_padding1d" => boxed::<A, ZeroPadding1d>,
            "keras_distributed" => boxed::<A, Distributed<A>>,
            "keras_mask" => boxed::<A, AskMask>,
            "keras_merge" => boxed::<A, OldMerge<Self>>,
            "keras_op" => boxed::<A, OpLayer>,
            "keras_unrolled" => boxed::<A, Unrolled<A>>,
            class => return Err(Error::file("class", "a layer of a model", class)),
        };
        read(from)
    }
}

impl<A: Element> Saved for AnyRecurrent<A> {
    type Number = A;

    fn read_from(from: &mut In) -> Result<Self> {
        Ok(match from.name() {
            "simple_rnn" => AnyRecurrent::SimpleRnn(Saved::read_from(from)?),
            "lstm" => AnyRecurrent::Lstm(Saved::read_from(from)?),
            "gru" => AnyRecurrent::Gru(Saved::read_from(from)?),
            "stacked" => AnyRecurrent::Stacked(Box::new(Saved::read_from(from)?)),
            "bidirectional" => AnyRecurrent::Bidirectional(Box::new(Saved::read_from(from)?)),
            "deep" => AnyRecurrent::Deep(Saved::read_from(from)?),
            class => return Err(Error::file("class", "a recurrent layer", class)),
        })
    }
}
