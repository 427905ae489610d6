//! The layers that surround recurrent layers in models.

mod activation;
mod additive_attention;
#[cfg(any(feature = "keras", feature = "saved"))]
mod ask_mask;
mod attend;
mod attention;
mod axis;
#[cfg(feature = "train")]
mod back;
mod batch_normalization;
mod concatenate;
mod conv1d;
mod conv1d_steps;
mod conv1d_transpose;
mod conv2d;
mod conv2d_transpose;
mod convolution;
mod cropping1d;
mod cropping2d;
mod dense;
#[cfg(any(feature = "keras", feature = "saved"))]
mod distributed;
mod dot;
mod dropout;
mod embedding;
mod filters;
mod flatten;
#[cfg(any(feature = "amp", feature = "saved"))]
mod gain;
mod global_pooling1d;
mod global_pooling2d;
mod group_normalization;
mod heads;
mod identity;
#[cfg(any(feature = "keras", feature = "saved"))]
mod lambda;
mod layer_normalization;
mod masking;
mod merge;
mod moved;
mod multi_head_attention;
#[cfg(any(feature = "keras", feature = "saved"))]
mod no_mask;
mod normalization;
#[cfg(any(feature = "keras", feature = "saved"))]
mod old_merge;
#[cfg(any(feature = "keras", feature = "saved"))]
mod op;
mod p_relu;
mod padding;
mod permute;
mod pool;
mod pooling1d;
mod pooling2d;
mod projection;
mod repeat_vector;
mod rescaling;
mod reshape;
mod rms_normalization;
mod slide;
mod softmax;
mod spread;
mod time_distributed;
mod transposed;
mod unit_normalization;
#[cfg(any(feature = "keras", feature = "saved"))]
mod unrolled;
mod up_sampling1d;
mod up_sampling2d;
mod zero_padding1d;
mod zero_padding2d;

pub use additive_attention::AdditiveAttention;
pub use attention::Attention;
pub use batch_normalization::BatchNormalization;
pub use concatenate::Concatenate;
pub use conv1d::{Conv1d, Conv1dBuilder};
pub use conv1d_transpose::{Conv1dTranspose, Conv1dTransposeBuilder};
pub use conv2d::{Conv2d, Conv2dBuilder};
pub use conv2d_transpose::{Conv2dTranspose, Conv2dTransposeBuilder};
pub use cropping1d::Cropping1d;
pub use cropping2d::Cropping2d;
pub use dense::Dense;
pub use dot::Dot;
pub use dropout::{AlphaDropout, Dropout, GaussianDropout, GaussianNoise, SpatialDropout1d};
pub use embedding::Embedding;
pub use flatten::Flatten;
pub use global_pooling1d::GlobalPooling1d;
pub use global_pooling2d::GlobalPooling2d;
pub use group_normalization::GroupNormalization;
pub use identity::Identity;
pub use layer_normalization::LayerNormalization;
pub use masking::Masking;
pub use merge::Merge;
pub use multi_head_attention::MultiHeadAttention;
pub use normalization::Normalization;
pub use p_relu::PRelu;
pub use padding::Padding;
pub use permute::Permute;
pub use pooling1d::Pooling1d;
pub use pooling2d::Pooling2d;
pub use repeat_vector::RepeatVector;
pub use rescaling::Rescaling;
pub use reshape::Reshape;
pub use rms_normalization::RmsNormalization;
pub use softmax::Softmax;
pub use time_distributed::TimeDistributed;
pub use unit_normalization::UnitNormalization;
pub use up_sampling1d::UpSampling1d;
pub use up_sampling2d::UpSampling2d;
pub use zero_padding1d::ZeroPadding1d;
pub use zero_padding2d::ZeroPadding2d;

// Layers that only files need.
#[cfg(feature = "keras")]
pub(crate) use attend::Unseen;
#[cfg(any(feature = "amp", feature = "saved"))]
pub(crate) use gain::Gain;
#[cfg(any(feature = "keras", feature = "saved"))]
pub(crate) use lambda::lambda;
#[cfg(feature = "keras")]
pub(crate) use op::{
    Along, Arrange, Binary, Constant, Cut, Elementwise, Op, Product, Reduce, Slice, Unary,
};
#[cfg(any(feature = "keras", feature = "saved"))]
pub(crate) use {
    ask_mask::AskMask, distributed::Distributed, no_mask::NoMask, old_merge::OldMerge, op::OpLayer,
    unrolled::Unrolled,
};
