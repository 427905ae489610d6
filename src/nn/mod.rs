//! The layers that surround recurrent layers in models.

mod activation;
mod additive_attention;
#[cfg(any(feature = "keras", feature = "saved"))]
mod ask_mask;
mod attend;
mod attention;
mod axis;
mod batch_normalization;
mod concatenate;
mod conv1d;
mod conv1d_steps;
mod cropping1d;
mod dense;
#[cfg(any(feature = "keras", feature = "saved"))]
mod distributed;
mod dot;
mod embedding;
mod flatten;
mod global_pooling1d;
mod identity;
mod layer_normalization;
mod masking;
mod merge;
mod multi_head_attention;
#[cfg(any(feature = "keras", feature = "saved"))]
mod no_mask;
mod normalization;
#[cfg(any(feature = "keras", feature = "saved"))]
mod old_merge;
#[cfg(any(feature = "keras", feature = "saved"))]
mod op;
mod padding;
mod permute;
mod pooling1d;
mod projection;
mod repeat_vector;
mod rescaling;
mod reshape;
mod softmax;
mod spread;
mod time_distributed;
#[cfg(any(feature = "keras", feature = "saved"))]
mod unrolled;
mod up_sampling1d;
mod zero_padding1d;

pub use additive_attention::AdditiveAttention;
pub use attention::Attention;
pub use batch_normalization::BatchNormalization;
pub use concatenate::Concatenate;
pub use conv1d::{Conv1d, Conv1dBuilder};
pub use cropping1d::Cropping1d;
pub use dense::Dense;
pub use dot::Dot;
pub use embedding::Embedding;
pub use flatten::Flatten;
pub use global_pooling1d::GlobalPooling1d;
pub use identity::Identity;
pub use layer_normalization::LayerNormalization;
pub use masking::Masking;
pub use merge::Merge;
pub use multi_head_attention::MultiHeadAttention;
pub use normalization::Normalization;
pub use padding::Padding;
pub use permute::Permute;
pub use pooling1d::Pooling1d;
pub use repeat_vector::RepeatVector;
pub use rescaling::Rescaling;
pub use reshape::Reshape;
pub use softmax::Softmax;
pub use time_distributed::TimeDistributed;
pub use up_sampling1d::UpSampling1d;
pub use zero_padding1d::ZeroPadding1d;

// Layers that only Keras files need.
#[cfg(feature = "keras")]
pub(crate) use attend::Unseen;
#[cfg(feature = "keras")]
pub(crate) use op::{Along, Binary, Cut, Op};
#[cfg(any(feature = "keras", feature = "saved"))]
pub(crate) use {
    ask_mask::AskMask, distributed::Distributed, no_mask::NoMask, old_merge::OldMerge, op::OpLayer,
    unrolled::Unrolled,
};
