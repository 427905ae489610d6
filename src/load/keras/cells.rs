//! Cells: `LSTM`, `LSTMCell`, `CuDNNLSTM` … and stacks of them.

mod gru;
mod lstm;
mod simple_rnn;

pub use {gru::GruArguments, lstm::LstmArguments, simple_rnn::SimpleRnnArguments};

use super::arguments::{Arguments, same};
use super::config::{Config, items};
use super::context::{Context, Layout, Overrides};
use super::known::or_by_hand;
use super::layer::groups;
use super::object::Object;
use super::plan::{Plan, Wanted};
use crate::error::{Error, Result, axes};
use crate::load::other_cell::other_cell;
use crate::unroll::Unroll;
use crate::wrap::AnyRecurrent;
use crate::{Activation, Element, Recurrent};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::convert::identity;

/// What errors call the arguments of a layer that has no configuration.
const ARGUMENTS: &str = "arguments";

/// A plan of a cell.
type CellPlan<A> = Plan<AnyRecurrent<A>>;

/// Whether a class is a cell or has one of its own.
pub fn is_cell(class: &str) -> bool {
    let name = class.strip_suffix("Cell").unwrap_or(class);
    matches!(
        name,
        "SimpleRNN" | "LSTM" | "GRU" | "CuDNNLSTM" | "CuDNNGRU"
    )
}

/// The cell of a layer or the cell itself, if the class is one. Its arguments are read; those of the layer are left.
pub fn cell<A: Element>(
    context: &Context,
    class: &str,
    config: &Config,
) -> Result<Option<CellPlan<A>>> {
    let name = class.strip_suffix("Cell").unwrap_or(class);
    Ok(Some(match name {
        "SimpleRNN" => {
            let of = SimpleRnnArguments::read(context, name, config)?;
            Plan::of_arrays(of.wants(), move |arrays| {
                of.make(arrays, identity).map(AnyRecurrent::SimpleRnn)
            })
        }
        "LSTM" | "CuDNNLSTM" => {
            let of = LstmArguments::read(context, name, config)?;
            Plan::of_arrays(of.wants(), move |arrays| {
                of.make(arrays, identity).map(AnyRecurrent::Lstm)
            })
        }
        "GRU" | "CuDNNGRU" => {
            let of = GruArguments::read(context, name, config)?;
            Plan::of_arrays(of.wants(), move |arrays| {
                of.make(arrays, identity).map(AnyRecurrent::Gru)
            })
        }
        _ => return Ok(None),
    }))
}

/// What a `RNN` has as `cell`.
pub fn cell_object<A: Element>(context: &Context, object: &Object) -> Result<CellPlan<A>> {
    let (config, part) = (object.config()?, object.part());
    let plan = if object.class == "StackedRNNCells" {
        stacked(context, &config)?
    } else {
        // A layer is no cell, though it has one.
        let is_cell = object.class.ends_with("Cell");
        let plan = cell(context, object.class, &config)?.filter(|_| is_cell);
        plan.ok_or_else(|| {
            let expected = or_by_hand!("SimpleRNNCell, LSTMCell, GRUCell or StackedRNNCells");
            Error::file(&part, expected, object.class)
        })?
    };
    context.check_dtype(&config)?;
    config.done()?;
    Ok(plan.frozen(!object.is_trainable()).within(&part))
}

fn stacked<A: Element>(context: &Context, config: &Config) -> Result<CellPlan<A>> {
    let Some(cells) = items(config.get("cells")?) else {
        return Err(config.refuse("cells", "a list", "something else"));
    };
    // Who returns or takes states asks for it.
    config.flag("reverse_state_order")?;
    let objects: Vec<Object> = cells
        .iter()
        .map(|cell| Object::read(cell, config.part()))
        .collect::<Result<_>>()?;
    let groups = groups(objects.iter().map(|object| object.class));
    let mut plans = Vec::new();
    for (object, group) in objects.iter().zip(groups) {
        let plan = cell_object(context, object)?;
        plans.push(plan.under(&group).under("cells"));
    }
    let part = config.refuse("cells", "at least one", "none");
    Ok(Plan::all(plans).map(|layers| {
        let mut layers = layers.into_iter();
        let lowest = layers.next().ok_or(part)?;
        let stack =
            |lower: AnyRecurrent<A>, upper| AnyRecurrent::Stacked(Box::new(lower.then(upper)));
        let all = layers.fold(lowest, stack);
        all.check()?;
        Ok(all)
    }))
}

/// How the arrays of the gates are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// One array for all gates.
    Joined,
    /// An array for every gate: Keras 1, unless it was told to use few large products.
    GateByGate,
    /// Transposed, with two biases.
    CuDnn,
}

impl Form {
    fn read(context: &Context, config: &Config) -> Result<Self> {
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
    fn of_shapes(shapes: &[&[usize]], gates: usize) -> Self {
        match *shapes {
            [_, &[units, _], &[numbers]] if numbers == units.saturating_mul(2 * gates) => {
                Form::CuDnn
            }
            _ if shapes.len() == 3 * gates => Form::GateByGate,
            _ => Form::Joined,
        }
    }

    /// How many gates each array is of.
    fn gates(self, gates: usize) -> usize {
        match self {
            Form::GateByGate => 1,
            Form::Joined | Form::CuDnn => gates,
        }
    }
}

/// The units of a cell with this number of gates and arrays of these shapes.
fn units_of(shapes: &[&[usize]], gates: usize) -> Result<usize> {
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
fn bias_of<'s>(shapes: &[&'s [usize]]) -> Result<Option<&'s [usize]>> {
    match *shapes {
        [_, _] => Ok(None),
        [_, _, bias] => Ok(Some(bias)),
        _ => Err(Error::file("weights", "3 arrays", shapes.len())),
    }
}

/// Refuses gates that the caller says of all layers where the configuration of this one says others.
fn check_gates(said: Activation, overrides: &Overrides) -> Result<()> {
    match overrides.recurrent_activation {
        Some(set) => same("recurrent_activation", said, set),
        None => Ok(()),
    }
}

/// Refuses a product of units and gates that is too large.
fn columns(config: &Config, units: usize, gates: usize) -> Result<usize> {
    let refuse = || config.refuse("units", "a count of this machine", units);
    units.checked_mul(gates).ok_or_else(refuse)
}

/// Kernel, recurrent kernel, and a bias of this shape if there is one.
fn wants((units, columns): (usize, usize), bias: Option<Vec<Option<usize>>>) -> Vec<Wanted> {
    let mut wants = Vec::from([
        ("kernel", [None, Some(columns)].into()),
        ("recurrent_kernel", [Some(units), Some(columns)].into()),
    ]);
    wants.extend(bias.map(|shape| ("bias", shape)));
    wants
}

/// The activation of the gates; what is not in the file is decided by its version.
fn recurrent_activation(context: &Context, config: &Config) -> Result<Activation> {
    match config.optional("recurrent_activation") {
        Some(_) => context.activation(config, "recurrent_activation", Activation::Sigmoid),
        None => context.recurrent_activation(config.part()),
    }
}
