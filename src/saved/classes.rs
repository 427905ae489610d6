//! Which class in a file is which type of layer.

use crate::describe::{In, Saved};
use crate::error::{Error, Result};
use crate::layer::Flags;
use crate::model::{make, make_cell};
use crate::nn::{AskMask, Distributed, Gain, NoMask, OldMerge, OpLayer, Unrolled};
use crate::wrap::AnyRecurrent;
use crate::{
    Activation, AdditiveAttention, AlphaDropout, AnyLayer, Attention, BatchNormalization,
    Bidirectional, Concatenate, Conv1d, Conv1dTranspose, Conv2d, Conv2dTranspose, Cropping1d,
    Cropping2d, Dense, Dot, Dropout, Element, Embedding, Flatten, GaussianDropout, GaussianNoise,
    GlobalPooling1d, GlobalPooling2d, GroupNormalization, Gru, Identity, Layer, LayerApart,
    LayerNormalization, Lstm, Masking, Merge, Model, MultiHeadAttention, Normalization, PRelu,
    Permute, Pooling1d, Pooling2d, RepeatVector, Rescaling, Reshape, RmsNormalization, SimpleRnn,
    Softmax, SpatialDropout1d, Stacked, TimeDistributed, UnitNormalization, UpSampling1d,
    UpSampling2d, ZeroPadding1d, ZeroPadding2d,
};
use alloc::boxed::Box;

type Any<A> = Box<dyn AnyLayer<A>>;

fn boxed<A: Element, L: AnyLayer<A> + Saved>(from: &mut In) -> Result<Any<A>> {
    Ok(Box::new(L::read_from(from)?))
}

type Read<A> = fn(&mut In) -> Result<Any<A>>;
/// A `Bidirectional` with the same type in both directions.
type Twice<C> = Bidirectional<C, C>;
type Two<C> = Stacked<C, C>;

/// A recurrent layer of a cell of the caller's own.
fn own_cell<A: Element>(from: &mut In) -> Result<Any<A>> {
    let flags = Flags::read_from(from)?;
    from.layer_by("layer", |inner| {
        let (maker, cell) = inner.own_cell()?;
        make_cell(&maker, &cell, flags)
    })
}

/// Chooses the type of a recurrent layer with flags. One cell, or two of the same type, has a concrete type; others are
/// [`AnyRecurrent`].
fn flagged<A: Element>(from: &In) -> Read<A> {
    match from.name_inside(&["layer"]) {
        "simple_rnn" => boxed::<A, Layer<SimpleRnn<A>>>,
        "lstm" => boxed::<A, Layer<Lstm<A>>>,
        "gru" => boxed::<A, Layer<Gru<A>>>,
        "rnn" => own_cell::<A>,
        "bidirectional" => match both(from, &["layer"], ["forward", "backward"]) {
            "simple_rnn" => boxed::<A, Layer<Twice<SimpleRnn<A>>>>,
            "lstm" => boxed::<A, Layer<Twice<Lstm<A>>>>,
            "gru" => boxed::<A, Layer<Twice<Gru<A>>>>,
            _ => boxed::<A, Layer<Twice<AnyRecurrent<A>>>>,
        },
        "stacked" => match both(from, &["layer"], ["lower", "upper"]) {
            "simple_rnn" => boxed::<A, Layer<Two<SimpleRnn<A>>>>,
            "lstm" => boxed::<A, Layer<Two<Lstm<A>>>>,
            "gru" => boxed::<A, Layer<Two<Gru<A>>>>,
            _ => boxed::<A, Layer<AnyRecurrent<A>>>,
        },
        _ => boxed::<A, Layer<AnyRecurrent<A>>>,
    }
}

/// Chooses the type of a `Bidirectional` that returns the outputs of both directions.
fn apart<A: Element>(from: &In) -> Read<A> {
    match both(from, &["layer", "layer"], ["forward", "backward"]) {
        "simple_rnn" => boxed::<A, LayerApart<SimpleRnn<A>, SimpleRnn<A>>>,
        "lstm" => boxed::<A, LayerApart<Lstm<A>, Lstm<A>>>,
        "gru" => boxed::<A, LayerApart<Gru<A>, Gru<A>>>,
        _ => boxed::<A, LayerApart<AnyRecurrent<A>, AnyRecurrent<A>>>,
    }
}

/// The class of two layers inside the one at this path, or an empty text if their classes differ.
fn both<'f>(from: &'f In, path: &[&str], keys: [&str; 2]) -> &'f str {
    let [first, second] = keys.map(|key| from.name_inside(&[path, &[key]].concat()));
    if first == second { first } else { "" }
}

/// A layer of a model, of any class.
impl<A: Element> Saved for Any<A> {
    type Number = A;

    fn read_from(from: &mut In) -> Result<Self> {
        let read: Read<A> = match from.name() {
            "layer" => flagged(from),
            "layer_apart" => apart(from),
            "model" => boxed::<A, Model<A>>,
            "time_distributed" => boxed::<A, TimeDistributed<Self>>,
            "embedding" => boxed::<A, Embedding<A>>,
            "masking" => boxed::<A, Masking<A>>,
            "dense" => boxed::<A, Dense<A>>,
            "conv1d" => boxed::<A, Conv1d<A>>,
            "conv2d" => boxed::<A, Conv2d<A>>,
            "conv1d_transpose" => boxed::<A, Conv1dTranspose<A>>,
            "conv2d_transpose" => boxed::<A, Conv2dTranspose<A>>,
            "group_normalization" => boxed::<A, GroupNormalization<A>>,
            "p_relu" => boxed::<A, PRelu<A>>,
            "rms_normalization" => boxed::<A, RmsNormalization<A>>,
            "unit_normalization" => boxed::<A, UnitNormalization>,
            "batch_normalization" => boxed::<A, BatchNormalization<A>>,
            "layer_normalization" => boxed::<A, LayerNormalization<A>>,
            "additive_attention" => boxed::<A, AdditiveAttention<A>>,
            "attention" => boxed::<A, Attention<A>>,
            "multi_head_attention" => boxed::<A, MultiHeadAttention<A>>,
            "normalization" => boxed::<A, Normalization<A>>,
            "rescaling" => boxed::<A, Rescaling<A>>,
            "activation" => boxed::<A, Activation>,
            "merge" => boxed::<A, Merge>,
            "concatenate" => boxed::<A, Concatenate>,
            "alpha_dropout" => boxed::<A, AlphaDropout>,
            "cropping1d" => boxed::<A, Cropping1d>,
            "gain" => boxed::<A, Gain<A>>,
            "cropping2d" => boxed::<A, Cropping2d>,
            "dot" => boxed::<A, Dot>,
            "dropout" => boxed::<A, Dropout>,
            "flatten" => boxed::<A, Flatten>,
            "gaussian_dropout" => boxed::<A, GaussianDropout>,
            "gaussian_noise" => boxed::<A, GaussianNoise>,
            "global_pooling1d" => boxed::<A, GlobalPooling1d>,
            "global_pooling2d" => boxed::<A, GlobalPooling2d>,
            "identity" => boxed::<A, Identity>,
            "permute" => boxed::<A, Permute>,
            "pooling1d" => boxed::<A, Pooling1d>,
            "pooling2d" => boxed::<A, Pooling2d>,
            "repeat_vector" => boxed::<A, RepeatVector>,
            "reshape" => boxed::<A, Reshape>,
            "softmax" => boxed::<A, Softmax>,
            "spatial_dropout1d" => boxed::<A, SpatialDropout1d>,
            "up_sampling1d" => boxed::<A, UpSampling1d>,
            "up_sampling2d" => boxed::<A, UpSampling2d>,
            "zero_padding1d" => boxed::<A, ZeroPadding1d>,
            "zero_padding2d" => boxed::<A, ZeroPadding2d>,
            "own" => |from| {
                let (maker, layer) = from.own()?;
                make(&maker, &layer)
            },
            "keras_distributed" => boxed::<A, Distributed<A>>,
            "keras_mask" => boxed::<A, AskMask>,
            "keras_merge" => boxed::<A, OldMerge<Self>>,
            "keras_no_mask" => boxed::<A, NoMask>,
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
