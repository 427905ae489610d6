//! PyTorch's state dicts in JSON: recurrent modules, and a linear one after them.

use super::chain::Chain;
use super::part::Part;
use crate::error::{Error, Result};
use crate::load::from_layers::FromLayers;
use crate::load::torch::File;
use crate::{Activation, Deep, Dense, Element, Gru, Lstm, Model, Recurrent, SimpleRnn};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use ndarray::{ArrayD, Axis, Ix1, Ix2};

/// The cell of a recurrent module.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    Lstm,
    Gru,
    /// `nn.RNN` with its default, tanh.
    Rnn,
}

/// A state dict whose arrays were read.
pub struct StateDict {
    part: String,
    file: File<'static>,
    names: Vec<String>,
}

/// What the first array of a recurrent module and of a linear one are called.
const INPUT: &str = "weight_ih_l0";
const STATE: &str = "weight_hh_l0";
const WEIGHT: &str = "weight";
/// At most this many modules: all names of the dict are looked at for each of them.
const MODULES: usize = 64;

impl StateDict {
    pub fn read(part: &Part) -> Result<Self> {
        let (mut arrays, mut names) = (Vec::new(), Vec::new());
        for (name, part) in part.members()? {
            let array: ArrayD<f64> = part.array(part.shape().as_slice())?;
            arrays.push((name, array));
            names.push(name.to_string());
        }
        Ok(StateDict {
            part: part.name.clone(),
            file: File::from_arrays(arrays)?,
            names,
        })
    }

    /// Adds the error's place in the file.
    fn within<T>(&self, result: Result<T>) -> Result<T> {
        let name = if self.part.is_empty() {
            "state dict"
        } else {
            &self.part
        };
        result.map_err(|error| error.within(name))
    }

    /// Adds the recurrent module of this prefix.
    pub fn recurrent<A: Element>(
        &self,
        chain: &mut Chain<A>,
        prefix: &str,
        cell: Cell,
    ) -> Result<()> {
        let is_deep = self.names.contains(&format!("{prefix}weight_ih_l1"));
        let file = &self.file;
        self.within(match (cell, is_deep) {
            (Cell::Lstm, false) => module(chain, "lstm", file.lstm::<A, Lstm<A>>(prefix)),
            (Cell::Lstm, true) => module(chain, "lstm", file.lstm::<A, Deep<Lstm<A>>>(prefix)),
            (Cell::Gru, false) => module(chain, "gru", file.gru::<A, Gru<A>>(prefix)),
            (Cell::Gru, true) => module(chain, "gru", file.gru::<A, Deep<Gru<A>>>(prefix)),
            (Cell::Rnn, false) => {
                let layer = file.rnn::<A, SimpleRnn<A>>(prefix, Activation::Tanh);
                module(chain, "simple_rnn", layer)
            }
            (Cell::Rnn, true) => {
                let layer = file.rnn::<A, Deep<SimpleRnn<A>>>(prefix, Activation::Tanh);
                module(chain, "simple_rnn", layer)
            }
        })
    }

    /// Adds the linear module of this prefix.
    pub fn linear<A: Element>(&self, chain: &mut Chain<A>, prefix: &str) -> Result<()> {
        let mut add = || {
            let name = format!("{prefix}{WEIGHT}");
            let weight = self.file.array::<A, Ix2>(&name)?;
            check_features(&name, chain.width(), weight.len_of(Axis(1)))?;
            let name = format!("{prefix}bias");
            let has_bias = self.names.contains(&name);
            let bias = has_bias.then(|| self.file.array::<A, Ix1>(&name));
            let dense = Dense::from_weights(weight.reversed_axes(), bias.transpose()?)?;
            let units = dense.units();
            chain.push("dense", dense, units)
        };
        let added = add();
        self.within(added)
    }

    /// Refuses arrays of other modules than those of these prefixes.
    pub fn check(&self, prefixes: &[&str]) -> Result<()> {
        let known = |name: &String| prefixes.iter().any(|prefix| name.starts_with(prefix));
        match self.names.iter().find(|name| !known(name)) {
            None => Ok(()),
            Some(name) => {
                let expected = format!("arrays of {} only", prefixes.join(" and "));
                self.within(Err(Error::file(name, expected, "another")))
            }
        }
    }
}

fn check_features(name: &str, expected: usize, found: usize) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    let expected = format!("a module of {expected} inputs, as the one before has outputs");
    Err(Error::file(name, expected, found))
}

fn module<A: Element, L>(chain: &mut Chain<A>, name: &'static str, layer: Result<L>) -> Result<()>
where
    L: FromLayers + Recurrent<Elem = A> + 'static,
{
    let layer = layer?;
    check_features(name, chain.width(), layer.features())?;
    chain.recurrent(name, layer)
}

/// Whether a file is a state dict and nothing else.
pub fn is_one(file: &Part) -> bool {
    let names = file.value.as_object();
    names.is_some_and(|names| names.keys().any(|name| name.ends_with(INPUT)))
}

/// Reads a model of the modules of a state dict, in the order of the file, and the number of its inputs. `text` is the
/// file: the order of its names is the order of the modules.
pub fn read<A: Element>(file: &Part, text: &str) -> Result<(Model<A>, usize)> {
    let dict = StateDict::read(file)?;
    let order = order(text);
    let mut modules: Vec<(usize, String, Option<Cell>)> = Vec::new();
    let mut inputs = None;
    for (name, part) in file.members()? {
        let at = order.get(name).copied().unwrap_or(text.len());
        let (prefix, cell) = if let Some(prefix) = name.strip_suffix(INPUT) {
            (
                prefix,
                Some(cell(&file.need(&format!("{prefix}{STATE}"))?)?),
            )
        } else if let Some(prefix) = name.strip_suffix(WEIGHT) {
            if part.shape().len() != 2 {
                let expected =
                    "2 axes, as a linear module has: the file does not say how others compute";
                return Err(part.refuse(expected));
            }
            (prefix, None)
        } else {
            continue;
        };
        let first = part.shape().get(1).copied().unwrap_or(0);
        if inputs.is_none_or(|(before, _)| at < before) {
            inputs = Some((at, first));
        }
        modules.push((at, prefix.to_string(), cell));
        if modules.len() > MODULES {
            let expected = format!("at most {MODULES} modules");
            return Err(Error::file("state dict", expected, "more"));
        }
    }
    modules.sort();
    let (_, inputs) = inputs.unwrap_or_default();
    let mut chain = Chain::new(inputs, 1.0)?;
    for (at, (_, prefix, cell)) in modules.iter().enumerate() {
        match cell {
            Some(cell) => dict.recurrent(&mut chain, prefix, *cell)?,
            None if at + 1 == modules.len() => dict.linear(&mut chain, prefix)?,
            None => {
                let expected = "at the end: the file does not say which activation comes after a linear module";
                return Err(Error::file(prefix, expected, "before other modules"));
            }
        }
    }
    let prefixes: Vec<&str> = modules.iter().map(|module| &*module.1).collect();
    dict.check(&prefixes)?;
    Ok((chain.finish(0, 1.0)?, inputs))
}

/// Where each text of the file stands for the first time; JSON objects forget the order of their names. A text with an
/// escaped quote is not found, and no module has one in its name.
fn order(text: &str) -> BTreeMap<&str, usize> {
    let mut order = BTreeMap::new();
    let texts = text.split('"').enumerate().filter(|(at, _)| at % 2 == 1);
    for (at, text) in texts {
        order.entry(text).or_insert(at);
    }
    order
}

/// The cell of a module, by the shape of the weights of its state.
fn cell(state: &Part) -> Result<Cell> {
    match state.shape()[..] {
        [rows, units] if units > 0 && rows == units.saturating_mul(4) => Ok(Cell::Lstm),
        [rows, units] if units > 0 && rows == units.saturating_mul(3) => Ok(Cell::Gru),
        _ => {
            let expected = "an LSTM's (4 units, units) or a GRU's (3 units, units)";
            let found = format!("{:?}", state.shape());
            Err(Error::file(&state.name, expected, found))
        }
    }
}
