//! What the arguments of all cells have in common: how their arrays are stored, and how the gates are read.

use crate::Activation;
use crate::error::{Error, Result, axes};
use crate::load::keras::arguments::same;
use crate::load::keras::config::Config;
use crate::load::keras::context::{Context, Layout, Overrides};
use crate::load::keras::plan::Wanted;
use crate::load::other_cell::other_cell;
use alloc::vec::Vec;

/// What errors call the arguments of a layer that has no configuration.
pub const ARGUMENTS: &str = "arguments";

/// How the arrays of the gates are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One array for all gates.
    Joined,
    /// An array for every gate: Keras 1, unless it was told to use few large products.
    GateByGate,
    /// Transposed, with two biases.
    CuDnn,
}

impl Form {
    pub fn read(context: &Context, config: &Config) -> Result<Self> {
        let of_keras1 = context.version.major() == 1 && context.layout == Layout::Lists;
        let few_products = config.text_or("consume_less", "cpu")? == "gpu";
        let gate_by_gate = of_keras1 && !few_products;
        Ok(if gate_by_gate {
            Form::GateByGate
        } else {
            Form::Joined
        })
    }

    /// The form of arrays of these shapes, of a cell with `gates` gates.
    pub fn of_shapes(shapes: &[&[usize]], gates: usize) -> Self {
        match *shapes {
            [_, &[units, _], &[numbers]] if numbers == units.saturating_mul(2 * gates) => {
                Form::CuDnn
            }
            _ if shapes.len() == 3 * gates => Form::GateByGate,
            _ => Form::Joined,
        }
    }

    /// How many gates each array is of.
    pub fn gates(self, gates: usize) -> usize {
        match self {
            Form::GateByGate => 1,
            Form::Joined | Form::CuDnn => gates,
        }
    }
}

/// The units of a cell with this number of gates and arrays of these shapes.
pub fn units_of(shapes: &[&[usize]], gates: usize) -> Result<usize> {
    let [_, recurrent_kernel, ..] = *shapes else {
        return Err(Error::file("weights", "one more array", "none"));
    };
    let &[units, columns] = recurrent_kernel else {
        let found = axes(recurrent_kernel.len());
        return Err(Error::file("recurrent_kernel", "2 axes", found));
    };
    match other_cell(gates, units, columns) {
        Some([expected, found]) => Err(Error::file("recurrent_kernel", expected, found)),
        None => Ok(units),
    }
}

/// The shape of the third array, if there is one.
pub fn bias_of<'s>(shapes: &[&'s [usize]]) -> Result<Option<&'s [usize]>> {
    match *shapes {
        [_, _] => Ok(None),
        [_, _, bias] => Ok(Some(bias)),
        _ => Err(Error::file("weights", "3 arrays", shapes.len())),
    }
}

/// Refuses gates that the caller says of all layers where the configuration of this one says others.
pub fn check_gates(said: Activation, overrides: &Overrides) -> Result<()> {
    match overrides.recurrent_activation {
        Some(set) => same("recurrent_activation", said, set),
        None => Ok(()),
    }
}

/// Refuses a product of units and gates that is too large.
pub fn columns(config: &Config, units: usize, gates: usize) -> Result<usize> {
    let refuse = || config.refuse("units", "a count of this machine", units);
    units.checked_mul(gates).ok_or_else(refuse)
}

/// Kernel, recurrent kernel, and a bias of this shape if there is one.
pub fn wants((units, columns): (usize, usize), bias: Option<Vec<Option<usize>>>) -> Vec<Wanted> {
    let mut wants = Vec::from([
        ("kernel", [None, Some(columns)].into()),
        ("recurrent_kernel", [Some(units), Some(columns)].into()),
    ]);
    wants.extend(bias.map(|shape| ("bias", shape)));
    wants
}

/// The rates of dropout, of the inputs and of the states. Keras 1 calls them otherwise.
pub fn dropout(config: &Config) -> Result<[f64; 2]> {
    let rate = |name, of_keras1| -> Result<f64> {
        let rate = config.number_or(of_keras1, 0.0)?;
        let rate = config.number_or(name, rate)?;
        // As Keras: min(1.0, max(0.0, rate)), where NaN becomes 0.
        Ok(if rate.is_nan() {
            0.0
        } else {
            rate.clamp(0.0, 1.0)
        })
    };
    Ok([
        rate("dropout", "dropout_W")?,
        rate("recurrent_dropout", "dropout_U")?,
    ])
}

/// The activation of the gates; what is not in the file is decided by its version.
pub fn recurrent_activation(context: &Context, config: &Config) -> Result<Activation> {
    match config.optional("recurrent_activation") {
        Some(_) => context.activation(config, "recurrent_activation", Activation::Sigmoid),
        None => context.recurrent_activation(config.part()),
    }
}
