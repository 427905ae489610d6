//! What stands around recurrent layers.

use super::arguments::Arguments;
use super::config::Config;
use super::context::Context;
use super::dense::DenseArguments;
use super::embedding::EmbeddingArguments;
use super::known::missing;
use super::layer::{Made, Usage, snake_case};
use super::object::Object;
use super::plan::{Plan, Wanted, next};
use crate::error::Result;
use crate::nn::OldMerge;
use crate::{
    Activation, AnyLayer, Attention, BatchNormalization, Concatenate, Conv1d, Cropping1d, Element,
    Flatten, GlobalPooling1d, Identity, LayerNormalization, Masking, Merge, Padding, Permute,
    Pooling1d, RepeatVector, Reshape, Softmax, UpSampling1d, ZeroPadding1d,
};
use alloc::sync::Arc;
use alloc::vec::Vec;
use ndarray::{ArrayD, Axis, Ix0, Ix1, Ix3, IxDyn};

/// A layer without weights.
fn bare<A: Element>(layer: impl AnyLayer<A> + 'static) -> Plan<Made<A>> {
    Plan::of(Made {
        layer: Arc::new(layer),
        features: None,
    })
}

/// A layer and the features that its weights are for.
fn made<A: Element>(layer: impl AnyLayer<A> + 'static, features: usize) -> Made<A> {
    Made {
        layer: Arc::new(layer),
        features: Some(features),
    }
}

/// A layer that is neither recurrent nor made of layers.
pub fn other<A: Element>(
    context: &Context,
    object: &Object,
    usage: Usage,
) -> Result<Plan<Made<A>>> {
    let config = &object.config()?;
    if let Some(activation) = context.activation_layer(object.class, config)? {
        return Ok(bare(activation));
    }
    let plan = match object.class {
        "Dense" => dense(context, config)?,
        "Embedding" => embedding(context, config)?,
        "Conv1D" => conv1d(context, config)?,
        "BatchNormalization" => batch_normalization(config)?,
        "LayerNormalization" => layer_normalization(config)?,
        "Attention" => attention(config, usage)?,
        _ => without_weights(context, object, config)?,
    };
    context.check_dtype(config)?;
    config.done()?;
    Ok(plan)
}

/// A layer of several inputs, by the rules of its version.
fn merge<A: Element>(
    context: &Context,
    layer: impl AnyLayer<A> + 'static,
    along_time: bool,
) -> Plan<Made<A>> {
    if context.version.merges_by_masks() {
        bare(layer)
    } else {
        bare(OldMerge { layer, along_time })
    }
}

fn combine<A: Element>(context: &Context, of: Merge) -> Plan<Made<A>> {
    merge(context, of, false)
}

fn without_weights<A: Element>(
    context: &Context,
    object: &Object,
    config: &Config,
) -> Result<Plan<Made<A>>> {
    Ok(match object.class {
        "Dropout"
        | "GaussianDropout"
        | "GaussianNoise"
        | "AlphaDropout"
        | "ActivityRegularization"
        | "Identity" => bare(Identity::of(snake_case(object.class))),
        "SpatialDropout1D" => {
            channels_last(config)?;
            bare(Identity::of(snake_case(object.class)))
        }
        "Masking" => bare(Masking::new(A::from_f64(
            config.number_or("mask_value", 0.0)?,
        ))),
        "RepeatVector" => bare(RepeatVector::new(config.count("n")?)),
        "Flatten" => {
            channels_last(config)?;
            bare(Flatten)
        }
        "Reshape" => {
            config.get("target_shape")?;
            bare(Reshape::new(&config.integers("target_shape", &[])?)?)
        }
        "Permute" => {
            config.get("dims")?;
            let dims = config.integers("dims", &[])?;
            let dims: Vec<usize> = dims
                .iter()
                .map(|&axis| usize::try_from(axis).unwrap_or(0))
                .collect();
            bare(Permute::new(&dims)?)
        }
        "Softmax" => match config.integers("axis", &[-1])?.as_slice() {
            [axis] => bare(Softmax::over(*axis)),
            axes => return Err(config.refuse("axis", "one axis", axes.len())),
        },
        "Add" => combine(context, Merge::Add),
        "Subtract" => combine(context, Merge::Subtract),
        "Multiply" => combine(context, Merge::Multiply),
        "Average" => combine(context, Merge::Average),
        "Maximum" => combine(context, Merge::Maximum),
        "Minimum" => combine(context, Merge::Minimum),
        "Concatenate" => {
            let axis = config.integer_or("axis", -1)?;
            merge(context, Concatenate::new(axis), axis == 1 || axis == -2)
        }
        "MaxPooling1D" => bare(pooling(config, Pooling1d::max)?),
        "AveragePooling1D" => bare(pooling(config, Pooling1d::average)?),
        "GlobalMaxPooling1D" => bare(global_pooling(config, GlobalPooling1d::max())?),
        "GlobalAveragePooling1D" => bare(global_pooling(config, GlobalPooling1d::average())?),
        "ZeroPadding1D" => {
            channels_last(config)?;
            let [before, behind] = config.both_ends("padding")?;
            bare(ZeroPadding1d::new(before, behind))
        }
        "Cropping1D" => {
            let [before, behind] = config.both_ends("cropping")?;
            bare(Cropping1d::new(before, behind))
        }
        "UpSampling1D" => bare(UpSampling1d::new(config.count_of_axis("size", Some(2))?)?),
        _ => return Err(missing(object)),
    })
}

/// Refuses features before timesteps.
fn channels_last(config: &Config) -> Result<()> {
    config.only("data_format", "channels_last")
}

/// A bias of so many numbers, if there is one.
fn with_bias(kernel: Wanted, use_bias: bool, numbers: usize) -> Vec<Wanted> {
    let mut wanted = Vec::from([kernel]);
    wanted.extend(use_bias.then(|| ("bias", [Some(numbers)].into())));
    wanted
}

fn dense<A: Element>(context: &Context, config: &Config) -> Result<Plan<Made<A>>> {
    let of = DenseArguments::read(context, DenseArguments::CLASS, config)?;
    Ok(Plan::of_arrays(of.wants(), move |arrays| {
        let dense = of.make(arrays)?;
        let features = dense.features();
        Ok(made(dense, features))
    }))
}

fn embedding<A: Element>(context: &Context, config: &Config) -> Result<Plan<Made<A>>> {
    let of = EmbeddingArguments::read(context, EmbeddingArguments::CLASS, config)?;
    Ok(Plan::of_arrays(of.wants(), move |arrays| {
        Ok(Made {
            layer: Arc::new(of.make(arrays)?),
            features: None,
        })
    }))
}

fn padding(config: &Config) -> Result<Padding> {
    match config.text_or("padding", "valid")? {
        "valid" => Ok(Padding::Valid),
        "same" => Ok(Padding::Same),
        "causal" => Ok(Padding::Causal),
        other => Err(config.refuse("padding", "valid, same or causal", other)),
    }
}

fn conv1d<A: Element>(context: &Context, config: &Config) -> Result<Plan<Made<A>>> {
    channels_last(config)?;
    let filters = config.count("filters")?;
    let kernel_size = config.count_of_axis("kernel_size", None)?;
    let use_bias = config.bool_or("use_bias", true)?;
    let builder = Conv1d::<A>::builder()
        .strides(config.count_of_axis("strides", Some(1))?)
        .dilation_rate(config.count_of_axis("dilation_rate", Some(1))?)
        .groups(config.count_of_axis("groups", Some(1))?)
        .padding(padding(config)?)
        .activation(context.activation(config, "activation", Activation::Linear)?);
    // Keras 1 had a second axis of pixels.
    let of_keras1 = context.version.major() == 1;
    let turned = context.turned_kernels;
    let shape = if of_keras1 {
        [Some(kernel_size), Some(1), None, Some(filters)].into()
    } else {
        [Some(kernel_size), None, Some(filters)].into()
    };
    let wanted = with_bias(("kernel", shape), use_bias, filters);
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
        Ok(made(conv, features))
    }))
}

fn pooling(config: &Config, pool: fn(usize) -> Result<Pooling1d>) -> Result<Pooling1d> {
    channels_last(config)?;
    let pool_size = config.count_of_axis("pool_size", Some(2))?;
    let strides = config.count_of_axis("strides", Some(pool_size))?;
    pool(pool_size)?.strides(strides)?.padding(padding(config)?)
}

fn global_pooling(config: &Config, pool: GlobalPooling1d) -> Result<GlobalPooling1d> {
    channels_last(config)?;
    Ok(pool.keepdims(config.flag("keepdims")?))
}

/// The arrays that are there, of those that may be left out.
fn optional<A: Element>(
    arrays: &mut super::plan::Arrays,
    [scale, center]: [bool; 2],
) -> Result<[Option<ArrayD<A>>; 2]> {
    let gamma = scale.then(|| next(arrays)).transpose()?;
    Ok([gamma, center.then(|| next(arrays)).transpose()?])
}

fn gamma_and_beta(scale: bool, center: bool, shape: &[Option<usize>]) -> Vec<Wanted> {
    let gamma = scale.then(|| ("gamma", shape.into()));
    gamma
        .into_iter()
        .chain(center.then(|| ("beta", shape.into())))
        .collect()
}

fn batch_normalization<A: Element>(config: &Config) -> Result<Plan<Made<A>>> {
    config.only("renorm", "false")?;
    // Keras 1 had others, which normalise by what comes in.
    config.only("mode", "0")?;
    let axis = match config.integers("axis", &[-1])?.as_slice() {
        [axis] => *axis,
        axes => return Err(config.refuse("axis", "one axis", axes.len())),
    };
    let epsilon = config.finite_or("epsilon", 1e-3)?;
    let (scale, center) = (
        config.bool_or("scale", true)?,
        config.bool_or("center", true)?,
    );
    let mut wanted = gamma_and_beta(scale, center, &[None]);
    wanted.push(("moving_mean", [None].into()));
    wanted.push(("moving_variance", [None].into()));
    let trained = wanted.len() - 2;
    let mut plan = Plan::of_arrays(wanted, move |arrays| {
        let [gamma, beta] = optional(arrays, [scale, center])?.map(|array| {
            array
                .map(ndarray::Array::into_dimensionality::<Ix1>)
                .transpose()
        });
        let (mean, variance) = (next::<A, Ix1>(arrays)?, next::<A, Ix1>(arrays)?);
        let norm = BatchNormalization::from_weights(gamma?, beta?, mean, variance)?;
        Ok(Made {
            layer: Arc::new(norm.axis(axis).epsilon(epsilon)),
            features: None,
        })
    });
    plan.wants[trained..]
        .iter_mut()
        .for_each(|want| want.trainable = false);
    Ok(plan)
}

fn layer_normalization<A: Element>(config: &Config) -> Result<Plan<Made<A>>> {
    config.only("rms_scaling", "false")?;
    let axes = config.integers("axis", &[-1])?;
    let epsilon = config.finite_or("epsilon", 1e-3)?;
    let (scale, center) = (
        config.bool_or("scale", true)?,
        config.bool_or("center", true)?,
    );
    let shape: Vec<Option<usize>> = axes.iter().map(|_| None).collect();
    let wanted = gamma_and_beta(scale, center, &shape);
    Ok(Plan::of_arrays(wanted, move |arrays| {
        let [gamma, beta] = optional(arrays, [scale, center])?;
        let norm = LayerNormalization::over(&axes, gamma, beta)?;
        Ok(Made {
            layer: Arc::new(norm.epsilon(epsilon)),
            features: None,
        })
    }))
}

fn attention<A: Element>(config: &Config, usage: Usage) -> Result<Plan<Made<A>>> {
    let use_scale = config.flag("use_scale")?;
    let concat = match config.text_or("score_mode", "dot")? {
        "dot" => false,
        "concat" => true,
        other => return Err(config.refuse("score_mode", "dot or concat", other)),
    };
    // An argument of the layer in TensorFlow 2.0 to 2.9, of its call since then.
    let causal = usage.causal || config.flag("causal")?;
    let scalar = || [].into();
    let mut wanted: Vec<Wanted> = Vec::new();
    wanted.extend(use_scale.then(|| ("scale", scalar())));
    wanted.extend(concat.then(|| ("concat_score_weight", scalar())));
    Ok(Plan::of_arrays(wanted, move |arrays| {
        let mut attention = Attention::new().causal(causal);
        if use_scale {
            attention = attention.scale(next::<A, Ix0>(arrays)?.into_scalar());
        }
        if concat {
            attention = attention.concat(next::<A, Ix0>(arrays)?.into_scalar());
        }
        Ok(Made {
            layer: Arc::new(attention),
            features: None,
        })
    }))
}
