//! `SeparableConv1D` and `SeparableConv2D`: a depthwise convolution, then a layer on the last axis.

use super::conv1d::{builder as builder1d, depthwise as depthwise1d};
use super::conv2d::{builder as builder2d, depthwise as depthwise2d};
use crate::error::Result;
use crate::load::keras::made::{Asked, Made, Planned};
use crate::load::keras::plan::{Plan, next};
use crate::{Activation, AnyLayer, Dense, Element, Model};
use alloc::vec::Vec;
use ndarray::{Array2, Array3, Array4, ArrayD, Ix1, IxDyn};

/// `SeparableConv1D`.
pub fn separable_conv1d<A: Element>(of: &Asked<A>) -> Planned<A> {
    let builder = builder1d(of)?.activation(Activation::Linear);
    let size = [of.config.count_of_axis("kernel_size", None)?];
    plan(of, &size, move |kernel: Array3<A>| {
        depthwise1d(builder, kernel, None)
    })
}

/// `SeparableConv2D`.
pub fn separable_conv2d<A: Element>(of: &Asked<A>) -> Planned<A> {
    let builder = builder2d(of)?.activation(Activation::Linear);
    let size = of.config.counts_of_image("kernel_size", None)?;
    plan(of, &size, move |kernel: Array4<A>| {
        depthwise2d(builder, kernel, None)
    })
}

/// A model of both layers. `make` makes the first one of its kernel.
fn plan<A: Element, D: ndarray::Dimension, L: AnyLayer<A>>(
    of: &Asked<A>,
    kernel_size: &[usize],
    make: impl FnOnce(ndarray::Array<A, D>) -> Result<L> + 'static,
) -> Planned<A> {
    let (context, config) = (of.context, of.config);
    context.check_not_turned(config)?;
    config.only("groups", "1")?; // Keras 2 writes it
    let filters = config.count("filters")?;
    let multiplier = config.count_of_axis("depth_multiplier", Some(1))?;
    let use_bias = config.bool_or("use_bias", true)?;
    let activation = context.activation(config, "activation", Activation::Linear)?;
    let axes = kernel_size.iter().copied().map(Some);
    let depthwise: Vec<_> = axes.chain([None, Some(multiplier)]).collect();
    let ones = kernel_size.iter().map(|_| Some(1));
    let pointwise: Vec<_> = ones.chain([None, Some(filters)]).collect();
    let mut wanted = Vec::from([
        ("depthwise_kernel", depthwise),
        ("pointwise_kernel", pointwise),
    ]);
    wanted.extend(use_bias.then(|| ("bias", [Some(filters)].into())));
    Ok(Plan::of_arrays(wanted, move |arrays| {
        let depthwise = next::<A, D>(arrays)?;
        let channels = depthwise.shape()[depthwise.ndim() - 2];
        let pointwise: ArrayD<A> = next::<A, IxDyn>(arrays)?;
        let rows = pointwise.shape()[pointwise.ndim() - 2];
        let pointwise = pointwise.as_standard_layout().into_owned();
        let pointwise: Array2<A> = pointwise.into_shape_with_order((rows, filters))?;
        let bias = use_bias.then(|| next::<A, Ix1>(arrays)).transpose()?;
        crate::error::check("pointwise_kernel", "channels", channels * multiplier, rows)?;
        let pointwise = Dense::from_weights(pointwise, bias)?.with_activation(activation)?;
        let mut graph = Model::graph();
        let x = graph.input("input");
        let y = graph.add("depthwise", make(depthwise)?, [x])?;
        let y = graph.add("pointwise", pointwise, [y])?;
        Ok(Made::of_features(graph.finish([y])?, channels))
    }))
}
