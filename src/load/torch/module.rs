//! The names that a recurrent module has in a state dict, and the shapes that belong to them.

use super::dict::Dict;
use super::form::{Form, forms};
use super::rows::Rows;
use super::weight::Weight;
use crate::Element;
use crate::describe::KEY;
use crate::error::{Error, Result};
use crate::format::Arrays;
use crate::kernel::Matrix;
use crate::load::other_cell::other_cell;
use crate::load::reorder::reorder;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use ndarray::{Array1, Array2};

/// One direction of one layer: the kernels as they are packed, the biases in the same order.
pub(super) struct Direction<'f, A> {
    pub rows: Rows<A, Box<dyn Matrix<A> + 'f>>,
    /// `weight_hr`, (size, units), where there is a `proj_size`.
    pub projection: Option<Array2<A>>,
}

/// The weights of one direction of one layer, of the right shapes and not read yet.
pub(super) struct Found<'f> {
    input: Weight<'f>,
    recurrent: Weight<'f>,
    biases: Option<[Weight<'f>; 2]>,
    projection: Option<Weight<'f>>,
}

/// The weights under a prefix that nobody has asked for.
struct Names<'f> {
    dict: &'f Dict<'f>,
    prefix: &'f str,
    left: BTreeMap<String, Form>,
}

/// All layers of the module under `prefix`, the lowest first, each with its one or two directions. Refuses a module that
/// lacks an array, or has one of another shape, or one more.
pub(super) fn find<'f>(
    dict: &'f Dict<'f>,
    prefix: &'f str,
    gates: usize,
) -> Result<Vec<Vec<Found<'f>>>> {
    let mut names = Names {
        dict,
        prefix,
        left: forms(dict, prefix)?,
    };
    let layers = names.layers(gates)?;
    if let Some(form) = names.left.values().next() {
        let weight = form.weight(dict)?;
        let expected = format!("no array beside those of the module {prefix:?} (`File::ignore`)");
        let found = format!("one of shape {:?}", weight.shape());
        return Err(Error::file(weight.name(), expected, found));
    }
    Ok(layers)
}

impl<'f> Names<'f> {
    fn layers(&mut self, gates: usize) -> Result<Vec<Vec<Found<'f>>>> {
        let any = |yes: fn(&str) -> bool| self.left.keys().any(|name| yes(name));
        let has_bias = any(|name| name.starts_with("bias_"));
        let is_both = any(|name| name.ends_with("_reverse"));
        // Only an LSTM has it; elsewhere it is one array too many.
        let is_projected = gates == 4 && any(|name| name.starts_with("weight_hr"));
        // `nn.LSTMCell` and its like do not number their one layer.
        let is_cell = any(|name| name == "weight_ih");
        let top = self.left.keys().filter_map(|name| layer_of(name)).max();
        let directions = if is_both {
            &["", "_reverse"][..]
        } else {
            &[""]
        };
        let end = |layer: usize, direction: &str| {
            let number = format!("_l{layer}{direction}");
            if is_cell { String::new() } else { number }
        };
        // The first arrays tell the sizes of all.
        let name = format!("weight_ih{}", end(0, ""));
        if !self.left.contains_key(&name)
            && let Some(others) = self.other_modules()?
        {
            let expected = format!("an array {:?}", format!("{}{name}", self.prefix));
            return Err(self.refuse_module(expected, others));
        }
        let first = self.weight(&name)?;
        if !is_projected {
            self.check_cell(gates, &format!("weight_hh{}", end(0, "")))?;
        }
        let (rows, features) = match *first.shape() {
            [rows, features] if rows > 0 && rows % gates == 0 => (rows, features),
            _ => return Err(refuse(&first, format!("({gates} x units, features)"))),
        };
        let units = rows / gates;
        let size = if is_projected {
            let projection = self.weight(&format!("weight_hr{}", end(0, "")))?;
            projection.shape().first().copied().unwrap_or(0)
        } else {
            units
        };
        let mut layers = Vec::new();
        for k in 0..=top.unwrap_or(0) {
            let features = match k {
                0 => features,
                _ => size.saturating_mul(directions.len()),
            };
            let mut layer = Vec::new();
            for direction in directions {
                let end = end(k, direction);
                let mut take = |name, shape: &[usize]| self.take(format!("{name}{end}"), shape);
                let input = take("weight_ih", &[rows, features])?;
                let recurrent = take("weight_hh", &[rows, size])?;
                let biases = if has_bias {
                    Some([take("bias_ih", &[rows])?, take("bias_hh", &[rows])?])
                } else {
                    None
                };
                let projection = is_projected.then(|| take("weight_hr", &[size, units]));
                layer.push(Found {
                    input,
                    recurrent,
                    biases,
                    projection: projection.transpose()?,
                });
            }
            layers.push(layer);
        }
        Ok(layers)
    }

    /// What the file has instead of the module, if that can be told.
    fn other_modules(&self) -> Result<Option<String>> {
        if self.dict.text(KEY).is_some() {
            return Ok(Some("a file of `saved`, which `saved::load` reads".into()));
        }
        let mut others = Vec::new();
        for name in self.dict.names()? {
            let first = [
                "weight_ih",
                "weight_ih_l0",
                "weight_ih_l0_v",
                "parametrizations.weight_ih_l0.original1",
            ];
            if let Some(prefix) = first.iter().find_map(|first| name.strip_suffix(first)) {
                others.push(format!("{prefix:?}"));
            }
        }
        others.truncate(4);
        let prefixes = others.join(", ");
        Ok((!others.is_empty()).then(|| format!("modules with the prefix {prefixes}")))
    }

    /// Whether the module is of a cell with this many gates.
    fn check_cell(&self, gates: usize, recurrent: &str) -> Result<()> {
        if let [rows, units] = *self.weight(recurrent)?.shape()
            && let Some([expected, found]) = other_cell(gates, units, rows)
        {
            return Err(self.refuse_module(expected.into(), found.into()));
        }
        Ok(())
    }

    fn refuse_module(&self, expected: String, found: String) -> Error {
        Error::file(format!("module {:?}", self.prefix), expected, found)
    }

    fn weight(&self, name: &str) -> Result<Weight<'f>> {
        match self.left.get(name) {
            Some(form) => form.weight(self.dict),
            // Which says what there is instead.
            None => Form::Plain(format!("{}{name}", self.prefix)).weight(self.dict),
        }
    }

    /// The weight of that name and shape, which is then no longer left.
    fn take(&mut self, name: String, shape: &[usize]) -> Result<Weight<'f>> {
        let weight = self.weight(&name)?;
        if weight.shape() != shape {
            return Err(refuse(&weight, format!("{shape:?}")));
        }
        self.left.remove(&name);
        Ok(weight)
    }
}

fn refuse(weight: &Weight, expected: String) -> Error {
    let found = format!("{:?}", weight.shape());
    Error::file(weight.name(), format!("shape {expected}"), found)
}

/// The number after the last `_l`.
fn layer_of(name: &str) -> Option<usize> {
    let name = name.strip_suffix("_reverse").unwrap_or(name);
    name.rsplit_once("_l")?.1.parse().ok()
}

impl<'f> Found<'f> {
    /// Its gates in the order of this crate: block `k` is what block `order[k]` is in PyTorch.
    pub fn read<A: Element>(self, order: &'static [usize]) -> Result<Direction<'f, A>> {
        let bias = |weight: Weight| -> Result<Array1<A>> {
            let bias: Array1<A> = weight.array()?;
            Ok(reorder(bias.view(), order))
        };
        Ok(Direction {
            rows: Rows {
                input: self.input.matrix(order)?,
                recurrent: self.recurrent.matrix(order)?,
                biases: match self.biases {
                    Some([input, state]) => Some([bias(input)?, bias(state)?]),
                    None => None,
                },
            },
            projection: match self.projection {
                Some(projection) => Some(projection.array()?),
                None => None,
            },
        })
    }
}
