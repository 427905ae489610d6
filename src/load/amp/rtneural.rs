//! Models of RTNeural and AIDA-X: Keras' layers, one after the other.

use super::chain::Chain;
use super::part::Part;
use crate::error::{Error, Result};
use crate::{
    Activation, BatchNormalization, Conv1d, Dense, Element, Gru, GruBias, Lstm, Model, Padding,
};
use alloc::format;
use alloc::vec::Vec;
use ndarray::Array1;

/// At most this many decibels are silence in AIDA-X.
const SILENCE: f64 = -90.0;

/// Reads the model, and the number of its inputs.
pub fn read<A: Element>(file: &Part) -> Result<(Model<A>, usize)> {
    let inputs = features(&file.need("in_shape")?)?;
    let skip = match file.get("in_skip") {
        None => 0,
        Some(skip) => match skip.whole_number()? {
            skip @ 0..=1 => skip,
            _ => return Err(skip.refuse("0 or 1")),
        },
    };
    let [before, after] = ["in_gain", "out_gain"].map(|key| gain::<A>(file, key));
    let mut chain = Chain::new(inputs, before?)?;
    let layers = file.need("layers")?;
    let list = layers.list()?;
    if list.is_empty() {
        return Err(layers.refuse("at least one layer"));
    }
    for layer in &list {
        let kind = layer.need("type")?;
        let units = features(&layer.need("shape")?)?;
        let read = add(&mut chain, layer, &kind, units);
        read.map_err(|error| within(error, &layer.name))?;
        if chain.width() != units {
            let expected = format!("{} features, as the layer has", chain.width());
            return Err(layer.need("shape")?.last()?.refuse(expected));
        }
    }
    Ok((chain.finish(skip, after?)?, inputs))
}

/// A layer that cannot be made; the errors of the file itself have their place already.
fn within(error: Error, name: &str) -> Error {
    match error {
        Error::File { .. } | Error::InFile { .. } => error,
        error => error.within(name),
    }
}

/// The last number of a shape, of timesteps that have one axis.
fn features(shape: &Part) -> Result<usize> {
    if shape.value.as_array().is_some_and(|axes| axes.len() > 3) {
        let expected = "at most 3 axes (samples, timesteps, features): images are not streamed";
        return Err(shape.refuse(expected));
    }
    shape.last()?.size()
}

/// A gain, in decibels in the file.
fn gain<A: Element>(file: &Part, key: &str) -> Result<f64> {
    let Some(part) = file.get(key) else {
        return Ok(1.0);
    };
    let decibels = part.number()?;
    if decibels <= SILENCE {
        return Ok(0.0);
    }
    let gain = libm::pow(10.0, decibels / 20.0);
    if A::from_f64(gain).is_finite() {
        return Ok(gain);
    }
    Err(part.refuse("decibels of a gain that is a finite number"))
}

/// Adds one layer of the file.
fn add<A: Element>(chain: &mut Chain<A>, layer: &Part, kind: &Part, units: usize) -> Result<()> {
    let weights = layer.need("weights")?.list()?;
    let counted = |counts: &[usize]| {
        if counts.contains(&weights.len()) {
            return Ok(());
        }
        let counts: Vec<_> = counts.iter().map(|count| format!("{count}")).collect();
        let expected = format!("{} arrays", counts.join(" or "));
        Err(layer.need("weights")?.refuse(expected))
    };
    let features = chain.width();
    let of_units = |at: usize| weights.get(at).map(|part| part.array(units)).transpose();
    match kind.text()? {
        "dense" | "time-distributed-dense" => {
            counted(&[1, 2])?;
            let kernel = weights[0].array((features, units))?;
            let dense = Dense::from_weights(kernel, of_units(1)?)?;
            chain.push("dense", dense, units)?;
            activate(chain, layer)
        }
        "conv1d" => {
            counted(&[1, 2])?;
            let [size, dilation] = ["kernel_size", "dilation"].map(|key| {
                let part = layer.need(key)?;
                part.last()?.size()
            });
            let groups = layer.get("groups").map_or(Ok(1), |groups| groups.size())?;
            if !features.is_multiple_of(groups) {
                let expected = format!("a divisor of the {features} features");
                return Err(layer.need("groups")?.refuse(expected));
            }
            let kernel = weights[0].array((size?, features / groups, units))?;
            let conv = Conv1d::builder()
                .padding(Padding::Causal)
                .dilation_rate(dilation?)
                .groups(groups)
                .from_weights(kernel, of_units(1)?)?;
            chain.push("conv1d", conv, units)?;
            activate(chain, layer)
        }
        "lstm" => {
            of_tanh(layer)?;
            counted(&[3])?;
            let [kernel, recurrent] = [features, units].map(|rows| (rows, units.saturating_mul(4)));
            let lstm = Lstm::from_weights(
                weights[0].array(kernel)?,
                weights[1].array(recurrent)?,
                weights[2].array::<A, _>(recurrent.1)?,
            )?;
            chain.recurrent("lstm", lstm)
        }
        "gru" => {
            of_tanh(layer)?;
            counted(&[3])?;
            let [kernel, recurrent, bias] =
                [features, units, 2].map(|rows| (rows, units.saturating_mul(3)));
            let gru = Gru::from_weights(
                weights[0].array(kernel)?,
                weights[1].array(recurrent)?,
                GruBias::ResetAfter(weights[2].array(bias)?),
            )?;
            chain.recurrent("gru", gru)
        }
        "batchnorm" => {
            counted(&[2, 4])?;
            let epsilon = layer.need("epsilon")?;
            let (scale, first) = if weights.len() == 4 {
                ((of_units(0)?, of_units(1)?), 2)
            } else {
                ((None, None), 0)
            };
            let mean = weights[first].array(units)?;
            let variance: Array1<A> = weights[first + 1].array(units)?;
            let number = A::from_f64(epsilon.number()?);
            if !variance.iter().all(|&x| x + number > A::zero()) {
                return Err(epsilon.refuse("a number that makes every variance positive"));
            }
            let norm = BatchNormalization::from_weights(scale.0, scale.1, mean, variance)?;
            let norm = norm.epsilon(epsilon.number()?);
            chain.push("batch_normalization", norm, units)
        }
        "prelu" => {
            counted(&[1])?;
            // One slope for each feature, or one for all of them.
            let is_shared = weights[0].shape() == [1, 1];
            let slopes = if is_shared { 1 } else { features };
            let slopes = weights[0].array((1, slopes))?;
            let alpha = |feature: usize| slopes[[0, if is_shared { 0 } else { feature }]];
            chain.prelu(Array1::from_shape_fn(features, alpha))
        }
        "activation" => activate(chain, layer),
        "conv2d" | "batchnorm2d" => {
            let expected = "a layer of timesteps: images are not streamed";
            Err(kind.refuse(expected))
        }
        _ => {
            let expected =
                "dense, time-distributed-dense, conv1d, lstm, gru, batchnorm, prelu or activation";
            Err(kind.refuse(expected))
        }
    }
}

/// Adds the activation of a layer, if it has one.
fn activate<A: Element>(chain: &mut Chain<A>, layer: &Part) -> Result<()> {
    let Some(part) = layer.get("activation") else {
        return Ok(());
    };
    let activation = match part.text()? {
        "" | "linear" => return Ok(()),
        "tanh" => Activation::Tanh,
        "relu" => Activation::Relu,
        "sigmoid" => Activation::Sigmoid,
        "softmax" => Activation::Softmax,
        "elu" => Activation::Elu { alpha: 1.0 },
        _ => return Err(part.refuse("tanh, relu, sigmoid, softmax, elu or an empty text")),
    };
    chain.push("activation", activation, chain.width())
}

/// Refuses a recurrent layer with another activation: RTNeural has none.
fn of_tanh(layer: &Part) -> Result<()> {
    match layer.get("activation") {
        Some(part) if !["", "tanh"].contains(&part.text()?) => {
            Err(part.refuse("tanh or an empty text"))
        }
        _ => Ok(()),
    }
}
