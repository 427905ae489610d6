//! Cells: `LSTM`, `LSTMCell`, `CuDNNLSTM` … and stacks of them.

use super::config::{Config, items};
use super::context::{Context, Layout};
use super::gates::{self, wants_of_gates};
use super::layer::groups;
use super::object::Object;
use super::plan::{Plan, Wanted, next, next_matrix};
use crate::error::Result;
use crate::kernel::Matrix;
use crate::load::from::AnyRecurrent;
use crate::{Activation, Element, Gru, GruBias, Lstm, Recurrent, SimpleRnn};
use alloc::boxed::Box;
use alloc::vec::Vec;
use ndarray::{Array1, Ix1, Ix2};

/// A plan of a cell.
type CellPlan<A> = Plan<A, AnyRecurrent<A>>;

/// The cell of a layer or the cell itself, if the class is one. Its arguments are read; those of the layer are left.
pub fn cell<A: Element>(
    context: &Context,
    class: &str,
    config: &Config,
) -> Result<Option<CellPlan<A>>> {
    let name = class.strip_suffix("Cell").unwrap_or(class);
    let plan = match name {
        "SimpleRNN" => simple_rnn(context, config)?,
        "LSTM" => lstm(context, config)?,
        "GRU" => gru(context, config)?,
        "CuDNNLSTM" => cudnn_lstm(config)?,
        "CuDNNGRU" => cudnn_gru(config)?,
        _ => return Ok(None),
    };
    Ok(Some(plan))
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
            let expected = "SimpleRNNCell, LSTMCell, GRUCell or StackedRNNCells";
            crate::Error::file(&part, expected, object.class)
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

/// Columns of that many gates.
fn columns(config: &Config, units: usize, gates: usize) -> Result<usize> {
    let refuse = || config.refuse("units", "a count of this machine", units);
    units.checked_mul(gates).ok_or_else(refuse)
}

/// Kernel, recurrent kernel, and a bias of this shape if there is one.
fn arrays<A: Element, T: 'static>(
    (units, columns): (usize, usize),
    bias: Option<Vec<Option<usize>>>,
    make: impl FnOnce(&dyn Matrix<A>, &dyn Matrix<A>, &mut super::plan::Arrays<A>) -> Result<T>
    + 'static,
) -> Plan<A, T> {
    Plan::of_arrays(wants((units, columns), bias), |arrays| {
        let (kernel, recurrent_kernel) = (next_matrix(arrays)?, next_matrix(arrays)?);
        make(&*kernel, &*recurrent_kernel, arrays)
    })
}

fn wants((units, columns): (usize, usize), bias: Option<Vec<Option<usize>>>) -> Vec<Wanted> {
    let mut wants = Vec::from([
        ("kernel", [None, Some(columns)].into()),
        ("recurrent_kernel", [Some(units), Some(columns)].into()),
    ]);
    wants.extend(bias.map(|shape| ("bias", shape)));
    wants
}

fn simple_rnn<A: Element>(context: &Context, config: &Config) -> Result<CellPlan<A>> {
    let units = config.count("units")?;
    let activation = context.activation(config, "activation", Activation::Tanh)?;
    let use_bias = config.bool_or("use_bias", true)?;
    let bias = use_bias.then(|| [Some(units)].into());
    Ok(arrays(
        (units, units),
        bias,
        move |kernel, recurrent_kernel, arrays| {
            let bias = use_bias.then(|| next::<A, Ix1>(arrays)).transpose()?;
            let builder = SimpleRnn::builder(kernel.dim().0, units).activation(activation);
            let layer = builder
                .use_bias(use_bias)
                .from_matrices(kernel, recurrent_kernel, bias)?;
            Ok(AnyRecurrent::SimpleRnn(layer))
        },
    ))
}

/// The activation of the gates; what is not in the file is decided by its version.
fn recurrent_activation(context: &Context, config: &Config) -> Result<Activation> {
    match config.optional("recurrent_activation") {
        Some(_) => context.activation(config, "recurrent_activation", Activation::Sigmoid),
        None => context.recurrent_activation(config.part()),
    }
}

/// Whether there is an array for every gate: Keras 1, unless it was told to use few large products.
fn is_gate_by_gate(context: &Context, config: &Config) -> Result<bool> {
    let of_keras1 = context.version.major() == 1 && context.layout == Layout::Lists;
    Ok(config.text_or("consume_less", "cpu")? != "gpu" && of_keras1)
}

fn lstm<A: Element>(context: &Context, config: &Config) -> Result<CellPlan<A>> {
    let units = config.count("units")?;
    let columns = columns(config, units, 4)?;
    let activation = context.activation(config, "activation", Activation::Tanh)?;
    let gates = recurrent_activation(context, config)?;
    let use_bias = config.bool_or("use_bias", true)?;
    let make =
        move |kernel: &dyn Matrix<A>, recurrent_kernel: &dyn Matrix<A>, bias: Option<Array1<A>>| {
            let builder = Lstm::builder(kernel.dim().0, units).activation(activation);
            let builder = builder.recurrent_activation(gates).use_bias(use_bias);
            let layer = builder.from_matrices(kernel, recurrent_kernel, bias)?;
            Ok(AnyRecurrent::Lstm(layer))
        };
    if is_gate_by_gate(context, config)? {
        return Ok(Plan::of_arrays(
            wants_of_gates(&gates::LSTM_KERAS1, units),
            move |arrays| {
                let (kernel, recurrent_kernel, bias) =
                    gates::joined(arrays, &gates::LSTM_FROM_KERAS1)?;
                make(&kernel, &recurrent_kernel, Some(bias))
            },
        ));
    }
    let bias = use_bias.then(|| [Some(columns)].into());
    Ok(arrays(
        (units, columns),
        bias,
        move |kernel, recurrent_kernel, arrays| {
            let bias = use_bias.then(|| next::<A, Ix1>(arrays)).transpose()?;
            make(kernel, recurrent_kernel, bias)
        },
    ))
}

fn gru<A: Element>(context: &Context, config: &Config) -> Result<CellPlan<A>> {
    let units = config.count("units")?;
    let columns = columns(config, units, 3)?;
    let activation = context.activation(config, "activation", Activation::Tanh)?;
    let gates = recurrent_activation(context, config)?;
    let use_bias = config.bool_or("use_bias", true)?;
    let reset_after = match config.optional("reset_after") {
        Some(_) => config.flag("reset_after")?,
        None => context.reset_after(config.part())?,
    };
    let make = move |kernel: &dyn Matrix<A>, recurrent_kernel: &dyn Matrix<A>, bias: GruBias<A>| {
        let builder = Gru::builder(kernel.dim().0, units).activation(activation);
        let builder = builder.recurrent_activation(gates).use_bias(use_bias);
        let builder = builder.reset_after(reset_after);
        let layer = builder.from_matrices(kernel, recurrent_kernel, bias)?;
        Ok(AnyRecurrent::Gru(layer))
    };
    if is_gate_by_gate(context, config)? {
        return Ok(Plan::of_arrays(
            wants_of_gates(&gates::GRU_KERAS1, units),
            move |arrays| {
                let (kernel, recurrent_kernel, bias) =
                    gates::joined(arrays, &gates::GRU_FROM_KERAS1)?;
                make(&kernel, &recurrent_kernel, bias.into())
            },
        ));
    }
    let shape = if reset_after {
        [Some(2), Some(columns)].into()
    } else {
        [Some(columns)].into()
    };
    let bias = use_bias.then_some(shape);
    Ok(arrays(
        (units, columns),
        bias,
        move |kernel, recurrent_kernel, arrays| {
            let bias = match (use_bias, reset_after) {
                (false, _) => GruBias::None,
                (true, true) => next::<A, Ix2>(arrays)?.into(),
                (true, false) => next::<A, Ix1>(arrays)?.into(),
            };
            make(kernel, recurrent_kernel, bias)
        },
    ))
}

fn cudnn_lstm<A: Element>(config: &Config) -> Result<CellPlan<A>> {
    let units = config.count("units")?;
    let (columns, biases) = (columns(config, units, 4)?, columns(config, units, 8)?);
    let bias = [Some(biases)].into();
    Ok(Plan::of_arrays(
        wants((units, columns), Some(bias)),
        |arrays| {
            let (kernel, recurrent_kernel) = (next::<A, Ix2>(arrays)?, next::<A, Ix2>(arrays)?);
            let (kernel, recurrent_kernel) = gates::from_cudnn(kernel, recurrent_kernel, 4)?;
            let rows = gates::cudnn_bias(next::<A, Ix1>(arrays)?)?;
            let bias = &rows.row(0) + &rows.row(1);
            Ok(AnyRecurrent::Lstm(Lstm::from_weights(
                kernel,
                recurrent_kernel,
                bias,
            )?))
        },
    ))
}

fn cudnn_gru<A: Element>(config: &Config) -> Result<CellPlan<A>> {
    let units = config.count("units")?;
    let (columns, biases) = (columns(config, units, 3)?, columns(config, units, 6)?);
    let bias = [Some(biases)].into();
    Ok(Plan::of_arrays(
        wants((units, columns), Some(bias)),
        |arrays| {
            let (kernel, recurrent_kernel) = (next::<A, Ix2>(arrays)?, next::<A, Ix2>(arrays)?);
            let (kernel, recurrent_kernel) = gates::from_cudnn(kernel, recurrent_kernel, 3)?;
            let bias = gates::cudnn_bias(next::<A, Ix1>(arrays)?)?;
            Ok(AnyRecurrent::Gru(Gru::from_weights(
                kernel,
                recurrent_kernel,
                bias,
            )?))
        },
    ))
}
