//! Layers of images that have no weights.

use crate::error::Result;
use crate::load::keras::made::{Asked, Planned, bare};
use crate::{Cropping2d, Element, GlobalPooling2d, Pooling2d, UpSampling2d, ZeroPadding2d};

/// `MaxPooling2D`, `AveragePooling2D`.
pub fn pooling2d<A: Element>(
    of: &Asked<A>,
    pool: fn([usize; 2]) -> Result<Pooling2d>,
) -> Planned<A> {
    let config = of.config;
    config.channels_last()?;
    let pool_size = config.counts_of_image("pool_size", Some([2, 2]))?;
    let strides = config.counts_of_image("strides", Some(pool_size))?;
    let pool = pool(pool_size)?.strides(strides)?;
    bare(pool.padding(config.padding()?)?)
}

/// `GlobalMaxPooling2D`, `GlobalAveragePooling2D`.
pub fn global_pooling2d<A: Element>(of: &Asked<A>, pool: GlobalPooling2d) -> Planned<A> {
    of.config.channels_last()?;
    bare(pool.keepdims(of.config.flag("keepdims")?))
}

/// `ZeroPadding2D`.
pub fn zero_padding2d<A: Element>(of: &Asked<A>) -> Planned<A> {
    of.config.channels_last()?;
    let [height, width] = of.config.ends_of_image("padding", [1, 1])?;
    bare(ZeroPadding2d::new(height, width))
}

/// `Cropping2D`.
pub fn cropping2d<A: Element>(of: &Asked<A>) -> Planned<A> {
    of.config.channels_last()?;
    let [height, width] = of.config.ends_of_image("cropping", [0, 0])?;
    bare(Cropping2d::new(height, width))
}

/// `UpSampling2D`.
pub fn up_sampling2d<A: Element>(of: &Asked<A>) -> Planned<A> {
    of.config.channels_last()?;
    of.config.only("interpolation", "nearest")?;
    bare(UpSampling2d::new(
        of.config.counts_of_image("size", Some([2, 2]))?,
    )?)
}
