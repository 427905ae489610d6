//! The classes of layers that this crate has, and what reads each.

mod attention;
mod conv1d;
mod conv2d;
mod dense;
mod embedding;
mod images;
mod multi_head_attention;
mod normalization;
mod p_relu;
mod recurrent;
mod rescaling;
mod separable;
mod time_distributed;
mod without_weights;

pub use dense::DenseArguments;
pub use embedding::EmbeddingArguments;
pub use recurrent::read_flags;

use super::activation;
use super::cells::is_cell;
use super::context::Context;
use super::made::Read;
use super::object::Object;
use super::own::own;
use super::unknown::missing;
use crate::error::Result;
use crate::{Element, GlobalPooling1d, GlobalPooling2d, Merge, Pooling1d, Pooling2d};
use attention::{additive_attention, attention};
use conv1d::{conv1d, conv1d_transpose, depthwise_conv1d};
use conv2d::{conv2d, conv2d_transpose, depthwise_conv2d};
use dense::dense;
use embedding::embedding;
use images::{cropping2d, global_pooling2d, pooling2d, up_sampling2d, zero_padding2d};
use multi_head_attention::{group_query_attention, multi_head_attention};
use normalization::{
    batch_normalization, group_normalization, layer_normalization, rms_normalization,
    unit_normalization,
};
use p_relu::p_relu;
use recurrent::{bidirectional, recurrent};
use rescaling::{normalization, rescaling};
use separable::{separable_conv1d, separable_conv2d};
use time_distributed::time_distributed;
use without_weights as bare;

/// What reads a layer of this class; `None` if this crate has no such layer. (Models are not among them.)
pub fn reader<A: Element>(class: &str) -> Option<Read<A>> {
    Some(match class {
        "RNN" => recurrent,
        _ if is_cell(class) && !class.ends_with("Cell") => recurrent,
        "Bidirectional" => bidirectional,
        "TimeDistributed" => time_distributed,
        _ => return single(class),
    })
}

/// The same of a layer that is neither recurrent nor made of layers.
pub fn single<A: Element>(class: &str) -> Option<Read<A>> {
    let read: Read<A> = match class {
        "AdditiveAttention" => additive_attention,
        "Add" => |of| bare::combine(of, Merge::Add),
        "Attention" => attention,
        "Average" => |of| bare::combine(of, Merge::Average),
        "AveragePooling1D" => |of| bare::pooling(of, Pooling1d::average),
        "AveragePooling2D" => |of| pooling2d(of, Pooling2d::average),
        "BatchNormalization" => batch_normalization,
        "Concatenate" => bare::concatenate,
        "Conv1D" => conv1d,
        "Conv1DTranspose" => conv1d_transpose,
        "Conv2D" => conv2d,
        "Conv2DTranspose" => conv2d_transpose,
        "Cropping1D" => bare::cropping1d,
        "Cropping2D" => cropping2d,
        "Dense" => dense,
        "DepthwiseConv1D" => depthwise_conv1d,
        "DepthwiseConv2D" => depthwise_conv2d,
        "ActivityRegularization" | "Identity" => bare::identity,
        "AlphaDropout" => bare::alpha_dropout,
        "Dropout" => bare::dropout,
        "GaussianDropout" => bare::gaussian_dropout,
        "GaussianNoise" => bare::gaussian_noise,
        "Dot" => attention::dot,
        "Embedding" => embedding,
        "Flatten" => bare::flatten,
        "GlobalAveragePooling1D" => |of| bare::global_pooling(of, GlobalPooling1d::average()),
        "GlobalAveragePooling2D" => |of| global_pooling2d(of, GlobalPooling2d::average()),
        "GlobalMaxPooling1D" => |of| bare::global_pooling(of, GlobalPooling1d::max()),
        "GlobalMaxPooling2D" => |of| global_pooling2d(of, GlobalPooling2d::max()),
        "GroupNormalization" => group_normalization,
        "GroupQueryAttention" | "GroupedQueryAttention" => group_query_attention,
        "LayerNormalization" => layer_normalization,
        "Masking" => bare::masking,
        "MaxPooling1D" => |of| bare::pooling(of, Pooling1d::max),
        "MaxPooling2D" => |of| pooling2d(of, Pooling2d::max),
        "Maximum" => |of| bare::combine(of, Merge::Maximum),
        "Minimum" => |of| bare::combine(of, Merge::Minimum),
        "MultiHeadAttention" => multi_head_attention,
        "Multiply" => |of| bare::combine(of, Merge::Multiply),
        "Normalization" => normalization,
        "PReLU" => p_relu,
        "Permute" => bare::permute,
        "RepeatVector" => bare::repeat_vector,
        "RMSNormalization" => rms_normalization,
        "Rescaling" => rescaling,
        "Reshape" => bare::reshape,
        "SeparableConv1D" | "SeparableConvolution1D" => separable_conv1d,
        "SeparableConv2D" | "SeparableConvolution2D" => separable_conv2d,
        "Softmax" => bare::softmax,
        "SpatialDropout1D" | "SpatialDropout2D" => bare::spatial_dropout,
        "Subtract" => |of| bare::combine(of, Merge::Subtract),
        "UnitNormalization" => unit_normalization,
        "UpSampling1D" => bare::up_sampling1d,
        "UpSampling2D" => up_sampling2d,
        "ZeroPadding1D" => bare::zero_padding1d,
        "ZeroPadding2D" => zero_padding2d,
        _ => {
            activation::reader(class)?;
            bare::activation
        }
    };
    Some(read)
}

/// Refuses a layer of a class that neither this crate nor the caller has. What its arguments say does not matter then, nor
/// do those of its calls.
pub fn check<A: Element>(context: &Context, object: &Object) -> Result<()> {
    if own(context, object).is_some() {
        return Ok(());
    }
    object.check_home()?;
    if object.is_model() || reader::<A>(object.class).is_some() {
        return Ok(());
    }
    Err(missing(object))
}
