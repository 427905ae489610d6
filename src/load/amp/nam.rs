//! Models of Neural Amp Modeler: stacked LSTMs with trained initial states, and a linear head.

use super::chain::Chain;
use super::part::Part;
use crate::error::{Error, Result};
use crate::{Dense, Element, Lstm, LstmState, Model};
use alloc::format;
use ndarray::{Array1, ArrayView1, s};

/// Reads the model, and the number of its inputs.
pub fn read<A: Element>(file: &Part) -> Result<(Model<A>, usize)> {
    let architecture = file.need("architecture")?;
    if architecture.text()? != "LSTM" {
        return Err(architecture.refuse("LSTM: this crate runs no other architecture"));
    }
    let config = file.need("config")?;
    let size = |key: &str| config.need(key)?.size();
    let (inputs, units, layers) = (
        size("input_size")?,
        size("hidden_size")?,
        size("num_layers")?,
    );
    let channels = |key: &str| config.get(key).map_or(Ok(1), |channels| channels.size());
    if channels("in_channels")? > 1 {
        return Err(config.need("in_channels")?.refuse(1));
    }
    let outputs = channels("out_channels")?;
    let weights = file.need("weights")?;
    let found = weights.shape().first().copied().unwrap_or(0);
    let expected = count(inputs, units, layers, outputs);
    if expected != Some(found) {
        let expected = match expected {
            Some(count) => format!("{count} numbers"),
            None => "fewer layers and units".into(),
        };
        return Err(weights.refuse(format!("{expected}, for what `config` says")));
    }
    let numbers: Array1<A> = weights.array(found)?;
    let mut rest = numbers.view();
    let mut chain = Chain::new(inputs, 1.0)?;
    for _ in 0..layers {
        chain.recurrent("lstm", lstm(&mut rest, chain.width(), units)?)?;
    }
    let kernel = take(&mut rest, outputs * units);
    let kernel = kernel.into_shape_with_order((outputs, units))?;
    let bias = take(&mut rest, outputs).to_owned();
    let head = Dense::from_weights(kernel.reversed_axes().to_owned(), bias)?;
    chain.push("dense", head, outputs)?;
    if !rest.is_empty() {
        return Err(Error::file(&weights.name, "nothing more", rest.len()));
    }
    Ok((chain.finish(0, 1.0)?, inputs))
}

/// How many numbers a model has.
fn count(inputs: usize, units: usize, layers: usize, outputs: usize) -> Option<usize> {
    // The weights and the bias of four gates, and the two arrays of the initial state.
    let layer = |features: usize| {
        let rows = features.checked_add(units)?.checked_add(1)?;
        let gates = rows.checked_mul(units)?.checked_mul(4)?;
        gates.checked_add(units.checked_mul(2)?)
    };
    let others = layer(units)?.checked_mul(layers - 1)?;
    let head = units.checked_add(1)?.checked_mul(outputs)?;
    layer(inputs)?.checked_add(others)?.checked_add(head)
}

/// The next layer: its weights for input and state side by side (4 units, features + units), gate below gate in the order
/// i, f, g, o; the bias; `h` and `c` before the first sample.
fn lstm<A: Element>(rest: &mut ArrayView1<A>, features: usize, units: usize) -> Result<Lstm<A>> {
    let columns = features + units;
    let both = take(rest, 4 * units * columns);
    let both = both.into_shape_with_order((4 * units, columns))?;
    let kernel = both.slice(s![.., ..features]).t().to_owned();
    let recurrent = both.slice(s![.., features..]).t().to_owned();
    let bias = take(rest, 4 * units).to_owned();
    let [h, c] = [(); 2].map(|()| {
        let row = take(rest, units);
        row.to_owned().insert_axis(ndarray::Axis(0))
    });
    Lstm::builder(features, units)
        .initial_state(LstmState { h, c })
        .from_weights(kernel, recurrent, bias)
}

/// The next numbers, which were counted.
fn take<'w, A>(rest: &mut ArrayView1<'w, A>, count: usize) -> ArrayView1<'w, A> {
    let (first, after) = rest.split_at(ndarray::Axis(0), count);
    *rest = after;
    first
}
