//! `DenseArguments`: what a file says of a `Dense`.

use crate::error::{Error, Result, axes};
use crate::load::keras::arguments::Arguments;
use crate::load::keras::config::Config;
use crate::load::keras::context::Context;
use crate::load::keras::made::{Asked, Made, Planned};
use crate::load::keras::plan::{Arrays, Plan, Wanted, next};
use crate::{Activation, Dense, Element};
use alloc::vec::Vec;
use ndarray::{Ix1, Ix2};

/// The arguments of a `Dense`, from a configuration or from the shapes of its arrays.
pub struct DenseArguments {
    units: usize,
    use_bias: bool,
    activation: Activation,
}

impl Arguments for DenseArguments {
    const CLASS: &'static str = "Dense";

    fn read(context: &Context, _: &str, config: &Config) -> Result<Self> {
        Ok(DenseArguments {
            units: config.count("units")?,
            use_bias: config.bool_or("use_bias", true)?,
            activation: context.activation(config, "activation", Activation::Linear)?,
        })
    }

    /// Keras' defaults for arrays of these shapes.
    fn of_shapes(_: &Context, shapes: &[&[usize]]) -> Result<Self> {
        let (&[_, units], use_bias) = (match *shapes {
            [kernel] => (kernel, false),
            [kernel, _] => (kernel, true),
            _ => return Err(Error::file("weights", "1 or 2 arrays", shapes.len())),
        }) else {
            let found = shapes.first().map_or(0, |kernel| kernel.len());
            return Err(Error::file("kernel", "2 axes", axes(found)));
        };
        Ok(DenseArguments {
            units,
            use_bias,
            activation: Activation::Linear,
        })
    }

    fn wants(&self) -> Vec<Wanted> {
        let mut wants = Vec::from([("kernel", [None, Some(self.units)].into())]);
        wants.extend(self.use_bias.then(|| ("bias", [Some(self.units)].into())));
        wants
    }
}

impl DenseArguments {
    pub fn make<A: Element>(&self, arrays: &mut Arrays) -> Result<Dense<A>> {
        let kernel = next::<A, Ix2>(arrays)?;
        let bias = self.use_bias.then(|| next::<A, Ix1>(arrays)).transpose()?;
        Dense::from_weights(kernel, bias)?.with_activation(self.activation)
    }
}

/// `Dense`.
pub fn dense<A: Element>(of: &Asked<A>) -> Planned<A> {
    let arguments = DenseArguments::read(of.context, DenseArguments::CLASS, of.config)?;
    Ok(Plan::of_arrays(arguments.wants(), move |arrays| {
        let dense = arguments.make(arrays)?;
        let features = dense.features();
        Ok(Made::of_features(dense, features))
    }))
}
