//! `Conv2D`, `DepthwiseConv2D` and `Conv2DTranspose`.

use super::conv1d::without_dilation;
use crate::error::Result;
use crate::load::keras::made::{Asked, Made, Planned};
use crate::load::keras::plan::{Plan, next};
use crate::{Activation, Conv2d, Conv2dBuilder, Conv2dTranspose, Element};
use alloc::vec::Vec;
use ndarray::{Array1, Array4, Axis, Ix1, Ix4};

/// The options that both have.
pub fn builder<A: Element>(of: &Asked<A>) -> Result<Conv2dBuilder<A>> {
    let (context, config) = (of.context, of.config);
    config.channels_last()?;
    Ok(Conv2d::builder()
        .strides(config.counts_of_image("strides", Some([1, 1]))?)
        .dilation_rate(config.counts_of_image("dilation_rate", Some([1, 1]))?)
        .padding(config.padding()?)
        .activation(context.activation(config, "activation", Activation::Linear)?))
}

/// `Conv2D`.
pub fn conv2d<A: Element>(of: &Asked<A>) -> Planned<A> {
    let config = of.config;
    let builder = builder(of)?.groups(config.count_of_axis("groups", Some(1))?);
    let filters = config.count("filters")?;
    let [height, width] = config.counts_of_image("kernel_size", None)?;
    let kernel = [Some(height), Some(width), None, Some(filters)];
    plan(
        of,
        ("kernel", kernel),
        Some(filters),
        move |kernel, bias| builder.from_weights(kernel, bias),
    )
}

/// `DepthwiseConv2D`: a group for each channel.
pub fn depthwise_conv2d<A: Element>(of: &Asked<A>) -> Planned<A> {
    let config = of.config;
    config.only("groups", "1")?; // Keras 2 writes it, and does not mean those of the layer
    let builder = builder(of)?;
    let multiplier = config.count_of_axis("depth_multiplier", Some(1))?;
    let [height, width] = config.counts_of_image("kernel_size", None)?;
    let kernel = [Some(height), Some(width), None, Some(multiplier)];
    plan(
        of,
        ("depthwise_kernel", kernel),
        None,
        move |kernel, bias| depthwise(builder, kernel, bias),
    )
}

/// A convolution with a group for each channel. The kernel (height, width, channels, `depth_multiplier`) has the filters of
/// the groups one after the other already.
pub fn depthwise<A: Element>(
    builder: Conv2dBuilder<A>,
    kernel: Array4<A>,
    bias: Option<Array1<A>>,
) -> Result<Conv2d<A>> {
    let (height, width, channels, multiplier) = kernel.dim();
    let shape = (height, width, 1, channels * multiplier);
    let kernel = kernel.as_standard_layout().into_owned();
    let kernel = kernel.into_shape_with_order(shape)?;
    builder.groups(channels).from_weights(kernel, bias)
}

/// `Conv2DTranspose`.
pub fn conv2d_transpose<A: Element>(of: &Asked<A>) -> Planned<A> {
    let (context, config) = (of.context, of.config);
    context.check_not_turned(config)?;
    config.channels_last()?;
    config.only("groups", "1")?; // Keras 2 writes it
    without_dilation(
        config,
        &config.counts_of_image("dilation_rate", Some([1, 1]))?,
    )?;
    let more = match config.optional("output_padding") {
        Some(_) => Some(config.counts_of_image("output_padding", None)?),
        None => None,
    };
    let builder = Conv2dTranspose::<A>::builder()
        .strides(config.counts_of_image("strides", Some([1, 1]))?)
        .output_padding(more)
        .padding(config.padding()?)
        .activation(context.activation(config, "activation", Activation::Linear)?);
    let filters = config.count("filters")?;
    let [height, width] = config.counts_of_image("kernel_size", None)?;
    let use_bias = config.bool_or("use_bias", true)?;
    let shape = [Some(height), Some(width), Some(filters), None].into();
    let mut wanted = Vec::from([("kernel", shape)]);
    wanted.extend(use_bias.then(|| ("bias", [Some(filters)].into())));
    Ok(Plan::of_arrays(wanted, move |arrays| {
        let kernel = next::<A, Ix4>(arrays)?;
        let bias = use_bias.then(|| next::<A, Ix1>(arrays)).transpose()?;
        let conv = builder.from_weights(kernel, bias)?;
        let channels = conv.channels();
        Ok(Made::of_features(conv, channels))
    }))
}

/// Reads a kernel, and a bias of this length if it is used.
fn plan<A: Element>(
    of: &Asked<A>,
    (name, kernel): (&'static str, [Option<usize>; 4]),
    bias: Option<usize>,
    make: impl FnOnce(Array4<A>, Option<Array1<A>>) -> Result<Conv2d<A>> + 'static,
) -> Planned<A> {
    let use_bias = of.config.bool_or("use_bias", true)?;
    let turned = of.context.turned_kernels;
    let mut wanted = Vec::from([(name, kernel.into())]);
    wanted.extend(use_bias.then(|| ("bias", [bias].into())));
    Ok(Plan::of_arrays(wanted, move |arrays| {
        let mut kernel = next::<A, Ix4>(arrays)?;
        if turned {
            kernel.invert_axis(Axis(0));
            kernel.invert_axis(Axis(1));
        }
        let bias = use_bias.then(|| next::<A, Ix1>(arrays)).transpose()?;
        let conv = make(kernel, bias)?;
        let channels = conv.channels();
        Ok(Made::of_features(conv, channels))
    }))
}
