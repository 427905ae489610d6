//! The names that a recurrent module has in a state dict, and the shapes that belong to them.

use super::super::other_cell::other_cell;
use super::super::rows::Rows;
use crate::Element;
use crate::error::{Error, Result};
use crate::load::format::safetensors::File;
use crate::load::format::{Arrays, Tensor};
use crate::saved::KEY;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use ndarray::{Array, Array2, Dimension};

/// One direction of one layer.
pub(super) struct Direction<A> {
    pub rows: Rows<A>,
    /// `weight_hr`, (size, units), where there is a `proj_size`.
    pub projection: Option<Array2<A>>,
}

/// The arrays of one direction of one layer, of the right shapes and not read yet.
struct Found<'f> {
    input: Tensor<'f>,
    recurrent: Tensor<'f>,
    biases: Option<[Tensor<'f>; 2]>,
    projection: Option<Tensor<'f>>,
}

/// The arrays under a prefix that nobody has asked for.
struct Names<'f> {
    file: &'f File<'f>,
    prefix: &'f str,
    left: BTreeSet<String>,
}

/// All layers of the module under `prefix`, the lowest first, each with its one or two directions. Refuses a module that
/// lacks an array, or has one of another shape, or one more.
pub(super) fn read<A: Element>(
    file: &File,
    prefix: &str,
    gates: usize,
) -> Result<Vec<Vec<Direction<A>>>> {
    let all = file.names()?;
    let under = all.iter().filter_map(|name| name.strip_prefix(prefix));
    let mut names = Names {
        file,
        prefix,
        left: under.map(String::from).collect(),
    };
    let layers = names.layers(gates)?;
    if let Some(name) = names.left.first() {
        let expected = format!("no array beside those of the module {prefix:?}");
        let found = format!("one of shape {:?}", names.tensor(name)?.shape());
        return Err(Error::file(format!("{prefix}{name}"), expected, found));
    }
    let read = |layer: &Vec<Found>| layer.iter().map(Found::read).collect();
    layers.iter().map(read).collect()
}

impl<'f> Names<'f> {
    fn layers(&mut self, gates: usize) -> Result<Vec<Vec<Found<'f>>>> {
        let any = |yes: fn(&str) -> bool| self.left.iter().any(|name| yes(name));
        let has_bias = any(|name| name.starts_with("bias_"));
        let is_both = any(|name| name.ends_with("_reverse"));
        // Only an LSTM has it; elsewhere it is one array too many.
        let is_projected = gates == 4 && any(|name| name.starts_with("weight_hr"));
        // `nn.LSTMCell` and its like do not number their one layer.
        let is_cell = any(|name| name == "weight_ih");
        let top = self.left.iter().filter_map(|name| layer_of(name)).max();
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
        if !self.left.contains(&name)
            && let Some(others) = self.other_modules()?
        {
            let expected = format!("an array {:?}", format!("{}{name}", self.prefix));
            return Err(self.refuse_module(expected, others));
        }
        let first = self.tensor(&name)?;
        if !is_projected {
            self.check_cell(gates, &format!("weight_hh{}", end(0, "")))?;
        }
        let (rows, features) = match *first.shape() {
            [rows, features] if rows > 0 && rows % gates == 0 => (rows, features),
            _ => return Err(refuse(&first, format!("({gates} x units, features)"))),
        };
        let units = rows / gates;
        let size = if is_projected {
            let projection = self.tensor(&format!("weight_hr{}", end(0, "")))?;
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
        if self.file.text(KEY).is_some() {
            return Ok(Some("a file of `saved`, which `saved::load` reads".into()));
        }
        let mut others = Vec::new();
        for name in self.file.names()? {
            let first = ["weight_ih", "weight_ih_l0"];
            if let Some(prefix) = first.iter().find_map(|first| name.strip_suffix(first)) {
                others.push(format!("{prefix:?}"));
            }
        }
        others.truncate(4);
        let prefixes = others.join(", ");
        Ok((!others.is_empty()).then(|| format!("modules with the prefix {prefixes}")))
    }

    /// Whether the module is of a cell with so many gates.
    fn check_cell(&self, gates: usize, recurrent: &str) -> Result<()> {
        if let [rows, units] = *self.tensor(recurrent)?.shape()
            && let Some([expected, found]) = other_cell(gates, units, rows)
        {
            return Err(self.refuse_module(expected.into(), found.into()));
        }
        Ok(())
    }

    fn refuse_module(&self, expected: String, found: String) -> Error {
        Error::file(format!("module {:?}", self.prefix), expected, found)
    }

    fn tensor(&self, name: &str) -> Result<Tensor<'f>> {
        self.file.tensor(&format!("{}{name}", self.prefix))
    }

    /// The array of that name and shape, which is then no longer left.
    fn take(&mut self, name: String, shape: &[usize]) -> Result<Tensor<'f>> {
        let tensor = self.tensor(&name)?;
        if tensor.shape() != shape {
            return Err(refuse(&tensor, format!("{shape:?}")));
        }
        self.left.remove(&name);
        Ok(tensor)
    }
}

fn refuse(tensor: &Tensor, expected: String) -> Error {
    let found = format!("{:?}", tensor.shape());
    Error::file(tensor.name(), format!("shape {expected}"), found)
}

/// The number behind the last `_l`.
fn layer_of(name: &str) -> Option<usize> {
    let name = name.strip_suffix("_reverse").unwrap_or(name);
    name.rsplit_once("_l")?.1.parse().ok()
}

impl Found<'_> {
    fn read<A: Element>(&self) -> Result<Direction<A>> {
        Ok(Direction {
            rows: Rows {
                input: array(&self.input)?,
                recurrent: array(&self.recurrent)?,
                biases: match &self.biases {
                    Some([input, state]) => Some([array(input)?, array(state)?]),
                    None => None,
                },
            },
            projection: self.projection.as_ref().map(array).transpose()?,
        })
    }
}

fn array<A: Element, D: Dimension>(tensor: &Tensor) -> Result<Array<A, D>> {
    Ok(tensor.array()?.into_dimensionality()?)
}
