//! Cells: `LSTM`, `LSTMCell`, `CuDNNLSTM` … and stacks of them.

mod form;
mod gru;
mod lstm;
mod simple_rnn;

pub use {gru::GruArguments, lstm::LstmArguments, simple_rnn::SimpleRnnArguments};

use super::arguments::Arguments;
use super::config::{Config, items};
use super::context::Context;
use super::names::groups;
use super::object::{Object, or_by_hand};
use super::plan::Plan;
use crate::error::{Error, Result};
use crate::unroll::Unroll;
use crate::wrap::AnyRecurrent;
use crate::{Element, Recurrent};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::convert::identity;

/// A plan of a cell.
type CellPlan<A> = Plan<AnyRecurrent<A>>;

/// The cells that Keras has.
enum Kind {
    SimpleRnn,
    Lstm,
    Gru,
}

/// Which cell a class is or has; `None` if the class is another one. `name` is without `Cell`.
fn kind(name: &str) -> Option<Kind> {
    match name {
        "SimpleRNN" => Some(Kind::SimpleRnn),
        "LSTM" | "CuDNNLSTM" => Some(Kind::Lstm),
        "GRU" | "CuDNNGRU" => Some(Kind::Gru),
        _ => None,
    }
}

/// Whether a class is a cell or has one of its own.
pub fn is_cell(class: &str) -> bool {
    kind(class.strip_suffix("Cell").unwrap_or(class)).is_some()
}

/// The cell of a layer or the cell itself, if the class is one. Its arguments are read; those of the layer are left.
pub fn cell<A: Element>(
    context: &Context,
    class: &str,
    config: &Config,
) -> Result<Option<CellPlan<A>>> {
    let name = class.strip_suffix("Cell").unwrap_or(class);
    let Some(kind) = kind(name) else {
        return Ok(None);
    };
    Ok(Some(match kind {
        Kind::SimpleRnn => {
            let of = SimpleRnnArguments::read(context, name, config)?;
            Plan::of_arrays(of.wants(), move |arrays| {
                of.make(arrays, identity).map(AnyRecurrent::SimpleRnn)
            })
        }
        Kind::Lstm => {
            let of = LstmArguments::read(context, name, config)?;
            Plan::of_arrays(of.wants(), move |arrays| {
                of.make(arrays, identity).map(AnyRecurrent::Lstm)
            })
        }
        Kind::Gru => {
            let of = GruArguments::read(context, name, config)?;
            Plan::of_arrays(of.wants(), move |arrays| {
                of.make(arrays, identity).map(AnyRecurrent::Gru)
            })
        }
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
