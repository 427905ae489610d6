//! `Arguments`: what a file says of one kind of layer.

use super::config::Config;
use super::context::{Context, Overrides};
use super::plan::Wanted;
use crate::error::{Error, Result};
use alloc::format;
use alloc::vec::Vec;

/// The arguments of a layer that both [`Weights`](super::Weights) and a whole model make: from its configuration, or from
/// the shapes of its arrays where there is none.
pub trait Arguments: Sized {
    /// The class of Keras.
    const CLASS: &'static str;

    /// From the configuration of this class: that of Keras, or of its cell, or of cuDNN.
    fn read(context: &Context, class: &str, config: &Config) -> Result<Self>;

    /// The defaults of the version, for arrays of these shapes.
    fn of_shapes(context: &Context, shapes: &[&[usize]]) -> Result<Self>;

    /// The arrays that such a layer has.
    fn wants(&self) -> Vec<Wanted>;

    /// Refuses what the caller says of layers without a word about it where the configuration has another word.
    fn check_overrides(&self, _: &Overrides) -> Result<()> {
        Ok(())
    }
}

/// Refuses an option that is not as the configuration of the layer has it.
pub fn same<T: PartialEq + core::fmt::Display>(what: &str, said: T, set: T) -> Result<()> {
    if said == set {
        return Ok(());
    }
    let expected = format!("{said}, as the configuration of the layer says");
    Err(Error::file(what, expected, set))
}
