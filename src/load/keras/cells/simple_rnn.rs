//! `SimpleRnnArguments`: what a file says of a `SimpleRNN`.

use super::form::{bias_of, dropout, units_of, wants};
use crate::error::Result;
use crate::load::keras::arguments::{Arguments, same};
use crate::load::keras::config::Config;
use crate::load::keras::context::Context;
use crate::load::keras::plan::{Arrays, Wanted, next, next_matrix};
use crate::{Activation, Element, SimpleRnn, SimpleRnnBuilder};
use alloc::vec::Vec;
use ndarray::Ix1;

/// The arguments of a `SimpleRNN`, from a configuration or from the shapes of its arrays.
pub struct SimpleRnnArguments {
    units: usize,
    activation: Activation,
    use_bias: bool,
    dropout: [f64; 2],
}

impl Arguments for SimpleRnnArguments {
    const CLASS: &'static str = "SimpleRNN";

    fn read(context: &Context, _: &str, config: &Config) -> Result<Self> {
        Ok(SimpleRnnArguments {
            units: config.count("units")?,
            activation: context.activation(config, "activation", Activation::Tanh)?,
            use_bias: config.bool_or("use_bias", true)?,
            dropout: dropout(config)?,
        })
    }

    /// Keras' defaults for arrays of these shapes.
    fn of_shapes(_: &Context, shapes: &[&[usize]]) -> Result<Self> {
        Ok(SimpleRnnArguments {
            units: units_of(shapes, 1)?,
            activation: Activation::Tanh,
            use_bias: bias_of(shapes)?.is_some(),
            dropout: [0.0; 2],
        })
    }

    fn wants(&self) -> Vec<Wanted> {
        let bias = self.use_bias.then(|| [Some(self.units)].into());
        wants((self.units, self.units), bias)
    }
}

impl SimpleRnnArguments {
    /// The layer; `set` may change its options.
    pub fn make<A: Element>(
        &self,
        arrays: &mut Arrays,
        set: impl FnOnce(SimpleRnnBuilder<A>) -> SimpleRnnBuilder<A>,
    ) -> Result<SimpleRnn<A>> {
        let (kernel, recurrent_kernel) = (next_matrix(arrays)?, next_matrix(arrays)?);
        let bias = self.use_bias.then(|| next::<A, Ix1>(arrays)).transpose()?;
        let builder = SimpleRnn::builder(kernel.dim().0, self.units)
            .activation(self.activation)
            .use_bias(self.use_bias)
            .dropout(self.dropout[0])
            .recurrent_dropout(self.dropout[1]);
        set(builder).from_matrices(&*kernel, &*recurrent_kernel, bias)
    }

    /// Refuses a layer whose options are not these.
    pub fn check<A: Element>(&self, made: &SimpleRnn<A>) -> Result<()> {
        same("activation", self.activation, made.activation())
    }
}
