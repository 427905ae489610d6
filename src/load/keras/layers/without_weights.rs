//! Layers without weights that take a few arguments.

use crate::error::Result;
use crate::load::keras::activation;
use crate::load::keras::config::Config;
use crate::load::keras::made::{Asked, Planned, bare};
use crate::load::keras::names::snake_case;
use crate::load::keras::unknown::missing;
use crate::nn::OldMerge;
use crate::{
    AlphaDropout, AnyLayer, Concatenate, Cropping1d, Dropout, Element, Flatten, GaussianDropout,
    GaussianNoise, GlobalPooling1d, Identity, Masking, Merge, Permute, Pooling1d, RepeatVector,
    Reshape, Softmax, SpatialDropout1d, UpSampling1d, ZeroPadding1d,
};
use alloc::vec::Vec;

/// `Activation`, `ReLU` …
pub fn activation<A: Element>(of: &Asked<A>) -> Planned<A> {
    match activation::reader(of.object.class) {
        Some(read) => bare(read(of.context, of.config)?),
        None => Err(missing(of.object)),
    }
}

/// `Identity`, and `ActivityRegularization`, which changes nothing but a loss.
pub fn identity<A: Element>(of: &Asked<A>) -> Planned<A> {
    bare(Identity::of(snake_case(of.object.class)))
}

/// The argument of a layer that adds noise; Keras 1 has another word for it.
fn rate<A: Element>(of: &Asked<A>, key: &'static str, old: &'static str) -> Result<f64> {
    let given = of.config.number_or(old, 0.0)?;
    of.config.number_or(key, given)
}

/// `Dropout`. Its mask may be the same along some axes.
pub fn dropout<A: Element>(of: &Asked<A>) -> Planned<A> {
    let dropout = Dropout::new(rate(of, "rate", "p")?)?;
    bare(match of.config.open_shape("noise_shape")? {
        Some(shape) => dropout.noise_shape(&shape),
        None => dropout,
    })
}

/// `AlphaDropout`.
pub fn alpha_dropout<A: Element>(of: &Asked<A>) -> Planned<A> {
    let dropout = AlphaDropout::new(rate(of, "rate", "p")?)?;
    bare(match of.config.open_shape("noise_shape")? {
        Some(shape) => dropout.noise_shape(&shape),
        None => dropout,
    })
}

/// `SpatialDropout1D`, `SpatialDropout2D`.
pub fn spatial_dropout<A: Element>(of: &Asked<A>) -> Planned<A> {
    of.config.channels_last()?;
    bare(SpatialDropout1d::new(rate(of, "rate", "p")?)?)
}

/// `GaussianDropout`.
pub fn gaussian_dropout<A: Element>(of: &Asked<A>) -> Planned<A> {
    bare(GaussianDropout::new(rate(of, "rate", "p")?)?)
}

/// `GaussianNoise`.
pub fn gaussian_noise<A: Element>(of: &Asked<A>) -> Planned<A> {
    bare(GaussianNoise::new(rate(of, "stddev", "sigma")?)?)
}

/// `Masking`.
pub fn masking<A: Element>(of: &Asked<A>) -> Planned<A> {
    let value = of.config.number_or("mask_value", 0.0)?;
    bare(Masking::new(A::from_f64(value)))
}

/// `Softmax`.
pub fn softmax<A: Element>(of: &Asked<A>) -> Planned<A> {
    bare(Softmax::over(of.config.axis_or(-1)?))
}

/// `RepeatVector`.
pub fn repeat_vector<A: Element>(of: &Asked<A>) -> Planned<A> {
    bare(RepeatVector::new(of.config.count("n")?))
}

/// `Flatten`.
pub fn flatten<A: Element>(of: &Asked<A>) -> Planned<A> {
    of.config.channels_last()?;
    bare(Flatten)
}

/// `Reshape`.
pub fn reshape<A: Element>(of: &Asked<A>) -> Planned<A> {
    of.config.get("target_shape")?;
    bare(Reshape::new(&of.config.integers("target_shape", &[])?)?)
}

/// `Permute`.
pub fn permute<A: Element>(of: &Asked<A>) -> Planned<A> {
    of.config.get("dims")?;
    let dims = of.config.integers("dims", &[])?;
    let dims = dims.iter().map(|&axis| usize::try_from(axis).unwrap_or(0));
    bare(Permute::new(&dims.collect::<Vec<_>>())?)
}

/// `ZeroPadding1D`.
pub fn zero_padding1d<A: Element>(of: &Asked<A>) -> Planned<A> {
    of.config.channels_last()?;
    let [before, after] = of.config.both_ends("padding")?;
    bare(ZeroPadding1d::new(before, after))
}

/// `Cropping1D`.
pub fn cropping1d<A: Element>(of: &Asked<A>) -> Planned<A> {
    let [before, after] = of.config.both_ends("cropping")?;
    bare(Cropping1d::new(before, after))
}

/// `UpSampling1D`.
pub fn up_sampling1d<A: Element>(of: &Asked<A>) -> Planned<A> {
    let size = of.config.count_of_axis("size", Some(2))?;
    bare(UpSampling1d::new(size)?)
}

/// `MaxPooling1D`, `AveragePooling1D`.
pub fn pooling<A: Element>(of: &Asked<A>, pool: fn(usize) -> Result<Pooling1d>) -> Planned<A> {
    let config: &Config = of.config;
    config.channels_last()?;
    let pool_size = config.count_of_axis("pool_size", Some(2))?;
    let strides = config.count_of_axis("strides", Some(pool_size))?;
    let pool = pool(pool_size)?.strides(strides)?;
    bare(pool.padding(config.padding()?)?)
}

/// `GlobalMaxPooling1D`, `GlobalAveragePooling1D`.
pub fn global_pooling<A: Element>(of: &Asked<A>, pool: GlobalPooling1d) -> Planned<A> {
    of.config.channels_last()?;
    bare(pool.keepdims(of.config.flag("keepdims")?))
}

/// `Add`, `Subtract` …
pub fn combine<A: Element>(of: &Asked<A>, how: Merge) -> Planned<A> {
    merge(of, how, false)
}

/// `Concatenate`.
pub fn concatenate<A: Element>(of: &Asked<A>) -> Planned<A> {
    let axis = of.config.integer_or("axis", -1)?;
    merge(of, Concatenate::new(axis), axis == 1 || axis == -2)
}

/// A layer of several inputs, by the rules of its version.
fn merge<A: Element>(
    of: &Asked<A>,
    layer: impl AnyLayer<A> + 'static,
    along_time: bool,
) -> Planned<A> {
    if of.context.version.merges_by_masks() {
        bare(layer)
    } else {
        bare(OldMerge { layer, along_time })
    }
}
