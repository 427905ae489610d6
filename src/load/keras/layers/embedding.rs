//! `EmbeddingArguments`: what a file says of an `Embedding`.

use crate::error::{Error, Result, axes};
use crate::load::keras::arguments::Arguments;
use crate::load::keras::config::Config;
use crate::load::keras::context::Context;
use crate::load::keras::made::{Asked, Made, Planned};
use crate::load::keras::plan::{Arrays, Plan, Wanted, next};
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

/// `Embedding`.
pub fn embedding<A: Element>(of: &Asked<A>) -> Planned<A> {
    let arguments = EmbeddingArguments::read(of.context, EmbeddingArguments::CLASS, of.config)?;
    Ok(Plan::of_arrays(arguments.wants(), move |arrays| {
        Ok(Made::of(arguments.make(arrays)?))
    }))
}
