//! The backward passes of the layers that surround recurrent layers. Each file goes back over the calls of one layer, or of
//! a few that move numbers.

mod activation;
mod attention;
mod batch_normalization;
mod convolution;
mod dense;
mod dot;
mod embedding;
mod group_normalization;
mod layer_normalization;
mod merge;
mod multi_head_attention;
mod noise;
#[cfg(any(feature = "keras", feature = "saved"))]
mod op;
mod p_relu;
mod pooling;
mod projection;
mod rms_normalization;
mod rows;
mod scaling;
mod shapes;
mod softmax;
mod steps;
mod time_distributed;
mod transposed;
mod unit_normalization;

pub(super) use noise::{drawn_noise, noise_back, record_noise};
