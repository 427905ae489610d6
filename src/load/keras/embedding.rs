//! `EmbeddingArguments`: what a file says of an `Embedding`.

use super::arguments::Arguments;
use super::config::Config;
use super::context::Context;
use super::plan::{Arrays, Wanted, next};
use crate::error::{Error, Result, axes};
use crate::{Element, Embedding};
use alloc::vec::Vec;
use ndarray::Ix2;

/// The arguments of an `Embedding`, from a configuration or from the shape of its table.
pub struct EmbeddingArguments {
    input_dim: usize,
    output_dim: usize,
    mask_zero: bool,
}

impl Arguments for EmbeddingArguments {
    const CLASS: &'static str = "Embedding";

    fn read(_: &Context, _: &str, config: &Config) -> Result<Self> {
        Ok(EmbeddingArguments {
            input_dim: config.count("input_dim")?,
            output_dim: config.count("output_dim")?,
            mask_zero: config.flag("mask_zero")?,
        })
    }

    /// Keras' defaults for a table of this shape.
    fn of_shapes(_: &Context, shapes: &[&[usize]]) -> Result<Self> {
        let [table] = *shapes else {
            return Err(Error::file("weights", "1 array", shapes.len()));
        };
        let &[input_dim, output_dim] = table else {
            let found = axes(table.len());
            return Err(Error::file("embeddings", "2 axes", found));
        };
        Ok(EmbeddingArguments {
            input_dim,
            output_dim,
            mask_zero: false,
        })
    }

    fn wants(&self) -> Vec<Wanted> {
        let shape = [Some(self.input_dim), Some(self.output_dim)].into();
        Vec::from([("embeddings", shape)])
    }
}

impl EmbeddingArguments {
    pub fn make<A: Element>(&self, arrays: &mut Arrays) -> Result<Embedding<A>> {
        let table = Embedding::from_weights(next::<A, Ix2>(arrays)?)?;
        Ok(table.mask_zero(self.mask_zero))
    }
}
