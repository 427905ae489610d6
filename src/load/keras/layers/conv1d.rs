//! `Conv1D`, `DepthwiseConv1D` and `Conv1DTranspose`.

use crate::error::Result;
use crate::load::keras::config::Config;
use crate::load::keras::made::{Asked, Made, Planned};
use crate::load::keras::plan::{Plan, next};
use crate::{Activation, Conv1d, Conv1dBuilder, Conv1dTranspose, Element};
use alloc::vec::Vec;
use ndarray::{Array1, Array3, Axis, Ix1, Ix3, IxDyn};

/// The options that `Conv1D` and `DepthwiseConv1D` have.
pub fn builder<A: Element>(of: &Asked<A>) -> Result<Conv1dBuilder<A>> {
    let (context, config) = (of.context, of.config);
    config.channels_last()?;
    Ok(Conv1d::<A>::builder()
        .strides(config.count_of_axis("strides", Some(1))?)
        .dilation_rate(config.count_of_axis("dilation_rate", Some(1))?)
        .padding(config.padding()?)
        .activation(context.activation(config, "activation", Activation::Linear)?))
}

/// `Conv1D`.
pub fn conv1d<A: Element>(of: &Asked<A>) -> Planned<A> {
    let (context, config) = (of.context, of.config);
    let builder = builder(of)?.groups(config.count_of_axis("groups", Some(1))?);
    let filters = config.count("filters")?;
    let kernel_size = config.count_of_axis("kernel_size", None)?;
    let use_bias = config.bool_or("use_bias", true)?;
    // Keras 1 had a second axis of pixels.
    let of_keras1 = context.version.major() == 1;
    let turned = context.turned_kernels;
    let shape = if of_keras1 {
        [Some(kernel_size), Some(1), None, Some(filters)].into()
    } else {
        [Some(kernel_size), None, Some(filters)].into()
    };
    let mut wanted = Vec::from([("kernel", shape)]);
    wanted.extend(use_bias.then(|| ("bias", [Some(filters)].into())));
    Ok(Plan::of_arrays(wanted, move |arrays| {
        let mut kernel = next::<A, IxDyn>(arrays)?;
        if of_keras1 {
            kernel = kernel.index_axis_move(Axis(1), 0);
        }
        if turned {
            kernel.invert_axis(Axis(0));
        }
        let bias = use_bias.then(|| next::<A, Ix1>(arrays)).transpose()?;
        let kernel = kernel.as_standard_layout().into_owned();
        let conv = builder.from_weights(kernel.into_dimensionality::<Ix3>()?, bias)?;
        let features = conv.features();
        Ok(Made::of_features(conv, features))
    }))
}

/// `DepthwiseConv1D`: a group for each channel.
pub fn depthwise_conv1d<A: Element>(of: &Asked<A>) -> Planned<A> {
    let (context, config) = (of.context, of.config);
    context.check_not_turned(config)?;
    config.only("groups", "1")?; // Keras 2 writes it, and does not mean those of the layer
    let builder = builder(of)?;
    let multiplier = config.count_of_axis("depth_multiplier", Some(1))?;
    let kernel_size = config.count_of_axis("kernel_size", None)?;
    let use_bias = config.bool_or("use_bias", true)?;
    let shape = [Some(kernel_size), None, Some(multiplier)].into();
    let mut wanted = Vec::from([("depthwise_kernel", shape)]);
    wanted.extend(use_bias.then(|| ("bias", [None].into())));
    Ok(Plan::of_arrays(wanted, move |arrays| {
        let kernel = next::<A, Ix3>(arrays)?;
        let bias = use_bias.then(|| next::<A, Ix1>(arrays)).transpose()?;
        let conv = depthwise(builder, kernel, bias)?;
        let features = conv.features();
        Ok(Made::of_features(conv, features))
    }))
}

/// A convolution with a group for each channel. The kernel (`kernel_size`, channels, `depth_multiplier`) has the filters of
/// the groups one after the other already.
pub fn depthwise<A: Element>(
    builder: Conv1dBuilder<A>,
    kernel: Array3<A>,
    bias: Option<Array1<A>>,
) -> Result<Conv1d<A>> {
    let (size, channels, multiplier) = kernel.dim();
    let kernel = kernel.as_standard_layout().into_owned();
    let kernel = kernel.into_shape_with_order((size, 1, channels * multiplier))?;
    builder.groups(channels).from_weights(kernel, bias)
}

/// `Conv1DTranspose`.
pub fn conv1d_transpose<A: Element>(of: &Asked<A>) -> Planned<A> {
    let (context, config) = (of.context, of.config);
    context.check_not_turned(config)?;
    config.channels_last()?;
    config.only("groups", "1")?; // Keras 2 writes it
    without_dilation(config, &[config.count_of_axis("dilation_rate", Some(1))?])?;
    let more = match config.optional("output_padding") {
        Some(_) => Some(config.count_of_axis("output_padding", None)?),
        None => None,
    };
    let builder = Conv1dTranspose::<A>::builder()
        .strides(config.count_of_axis("strides", Some(1))?)
        .output_padding(more)
        .padding(config.padding()?)
        .activation(context.activation(config, "activation", Activation::Linear)?);
    let filters = config.count("filters")?;
    let kernel_size = config.count_of_axis("kernel_size", None)?;
    let use_bias = config.bool_or("use_bias", true)?;
    let shape = [Some(kernel_size), Some(filters), None].into();
    let mut wanted = Vec::from([("kernel", shape)]);
    wanted.extend(use_bias.then(|| ("bias", [Some(filters)].into())));
    Ok(Plan::of_arrays(wanted, move |arrays| {
        let kernel = next::<A, Ix3>(arrays)?;
        let bias = use_bias.then(|| next::<A, Ix1>(arrays)).transpose()?;
        let conv = builder.from_weights(kernel, bias)?;
        let features = conv.features();
        Ok(Made::of_features(conv, features))
    }))
}

/// Refuses a transposed convolution whose kernel has holes.
pub fn without_dilation(config: &Config, found: &[usize]) -> Result<()> {
    match found.iter().find(|&&rate| rate != 1) {
        Some(rate) => Err(config.refuse("dilation_rate", 1, rate)),
        None => Ok(()),
    }
}
