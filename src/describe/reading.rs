//! `In`: reads a file, layer by layer.

use super::layer::Describe;
use super::own::{Maker, Own, OwnLayer, same_type};
use super::weight::Scalar;
use crate::arrays::{ToArray, with_axes};
use crate::error::{Error, Result, axes};
use crate::format::json::Value;
use crate::format::{Arrays, RawArray, Unread, safetensors};
use crate::{Element, Limits};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::marker::PhantomData;
use ndarray::{Array, Dimension};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Map;

/// The version of the description. In version 2, `after` names the end of paddings, and a recurrent layer has its own
/// class.
pub(crate) const VERSION: u64 = 2;

/// A layer or model that can be saved and loaded: every layer of this crate, and models of them. The trait is sealed by its
/// hidden method.
pub trait Saved: Describe<<Self as Saved>::Number> + Sized {
    /// The type of the numbers, `f32` or `f64`.
    #[doc(hidden)]
    type Number: Element;

    #[doc(hidden)]
    fn read_from(from: &mut In) -> Result<Self>;
}

/// The description of a layer in a file. Reading a part removes it, so that parts that nobody asked for remain.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Node {
    class: String,
    #[serde(default)]
    config: Map<String, Value>,
    #[serde(default)]
    weights: BTreeMap<String, String>,
    #[serde(default)]
    layers: BTreeMap<String, Value>,
}

/// A file and the layer in it that is being read.
pub struct In<'f> {
    node: Node,
    file: &'f safetensors::File<'f>,
    /// The names of the arrays that no layer has taken yet.
    arrays: &'f mut BTreeSet<String>,
    limits: &'f Limits,
    /// Layers and functions of the caller's own.
    own: &'f Own,
}

/// Reads the layer that `json` describes.
pub(crate) fn read<'f, L: Saved>(
    json: Value,
    file: &'f safetensors::File<'f>,
    arrays: &'f mut BTreeSet<String>,
    limits: &'f Limits,
    own: &'f Own,
) -> Result<L> {
    read_by(json, file, arrays, limits, own, L::read_from)
}

fn read_by<'f, T>(
    json: Value,
    file: &'f safetensors::File<'f>,
    arrays: &'f mut BTreeSet<String>,
    limits: &'f Limits,
    own: &'f Own,
    read: impl FnOnce(&mut In<'f>) -> Result<T>,
) -> Result<T> {
    let node = Node::deserialize(json);
    let node = node.map_err(|error| Error::file("layer", "a description", error))?;
    let mut from = In {
        node,
        file,
        arrays,
        limits,
        own,
    };
    let layer = read(&mut from)?;
    from.done()?;
    Ok(layer)
}

impl<'f> In<'f> {
    /// The class of the layer.
    pub(crate) fn name(&self) -> &str {
        &self.node.class
    }

    /// The class of the inner layer at the end of this path, or an empty text if there is none.
    pub(crate) fn name_inside(&self, path: &[&str]) -> &str {
        let Some((first, path)) = path.split_first() else {
            return self.name();
        };
        let mut inside = self.node.layers.get(*first);
        for key in path {
            inside = inside.and_then(|layer| layer.get("layers")?.get(key));
        }
        let class = inside.and_then(|layer| layer.get("class")?.as_str());
        class.unwrap_or_default()
    }

    /// Refuses a layer of another class.
    pub(crate) fn class(&self, expected: &'static str) -> Result<()> {
        if self.node.class == expected {
            return Ok(());
        }
        let expected = format!("{expected}, as the type says that was asked for");
        Err(Error::file("class", expected, &self.node.class))
    }

    /// Reads an option. Returns an error if it is missing.
    pub(crate) fn get<T: DeserializeOwned + 'static>(&mut self, key: &'static str) -> Result<T> {
        let json = self.node.config.remove(key);
        let json = json.ok_or_else(|| Error::file(key, "an option", "none"))?;
        // The file has the name of a function alone.
        let name = json.get("custom").and_then(Value::as_str);
        let function = name.and_then(|name| self.own.functions.get(name));
        if let Some(function) = function.and_then(|&function| same_type(function)) {
            return Ok(function);
        }
        T::deserialize(json).map_err(|error| Error::file(key, "an option of this layer", error))
    }

    /// Reads an option that older files do not have, where it was this.
    pub(crate) fn get_or<T: DeserializeOwned + 'static>(
        &mut self,
        key: &'static str,
        old: T,
    ) -> Result<T> {
        if self.node.config.contains_key(key) {
            self.get(key)
        } else {
            Ok(old)
        }
    }

    /// Reads an array. Returns an error if it is missing.
    pub(crate) fn array<A: Element, D: Dimension>(
        &mut self,
        key: &'static str,
    ) -> Result<Array<A, D>> {
        let array = self.optional(key)?;
        array.ok_or_else(|| missing(key))
    }

    /// Reads an array that may be missing.
    pub(crate) fn optional<A: Element, D: Dimension>(
        &mut self,
        key: &'static str,
    ) -> Result<Option<Array<A, D>>> {
        let tensor = self.tensor(key)?;
        let array = tensor.map(|tensor| with_axes(tensor.name(), tensor.array()?));
        array.transpose()
    }

    /// Reads a number that is stored as an array. Returns an error if it is missing.
    pub(crate) fn scalar<A: Element>(&mut self, key: &'static str) -> Result<Scalar<A>> {
        self.optional_scalar(key)?.ok_or_else(|| missing(key))
    }

    /// Reads a number that is stored as an array and may be missing.
    pub(crate) fn optional_scalar<A: Element>(
        &mut self,
        key: &'static str,
    ) -> Result<Option<Scalar<A>>> {
        let array = self.optional::<A, ndarray::Ix0>(key)?;
        Ok(array.map(|array| Scalar(array.into_scalar())))
    }

    /// Finds an array with two axes, which is read while it is packed.
    pub(crate) fn matrix(&mut self, key: &'static str) -> Result<Unread<'f>> {
        let tensor = self.tensor(key)?.ok_or_else(|| missing(key))?;
        if tensor.shape().len() != 2 {
            let found = axes(tensor.shape().len());
            return Err(Error::file(tensor.name(), axes(2), found));
        }
        Ok(tensor.unread()?)
    }

    /// Takes the parts of a layer of the caller's own, and what makes it.
    pub(crate) fn own<A: Element>(&mut self) -> Result<(Maker, OwnLayer<'f, A>)> {
        let expected = "a layer of this crate, or one that is given to `saved::Reader::layer`";
        self.own_of(&self.own.layers, expected)
    }

    /// The same of a cell.
    pub(crate) fn own_cell<A: Element>(&mut self) -> Result<(Maker, OwnLayer<'f, A>)> {
        let expected = "a cell of this crate, or one that is given to `saved::Reader::cell`";
        self.own_of(&self.own.cells, expected)
    }

    fn own_of<A: Element>(
        &mut self,
        makers: &'f BTreeMap<String, Maker>,
        expected: &str,
    ) -> Result<(Maker, OwnLayer<'f, A>)> {
        let class: String = self.get("class")?;
        let Some(maker) = makers.get(&class).cloned() else {
            return Err(Error::file("class", expected, class));
        };
        let config = self.get("config")?;
        let names: Vec<String> = self.get("weights")?;
        let mut weights = Vec::new();
        for name in names {
            let array = self.tensor(&name)?.ok_or_else(|| missing(&name))?;
            weights.push((name, array));
        }
        let layer = OwnLayer {
            name: class.clone(),
            class,
            config,
            weights,
            numbers: PhantomData,
        };
        Ok((maker, layer))
    }

    /// Takes an array that no other layer has taken.
    fn tensor(&mut self, key: &str) -> Result<Option<RawArray<'f>>> {
        let Some(name) = self.node.weights.remove(key) else {
            return Ok(None);
        };
        let tensor = self.file.tensor(&name)?;
        if self.arrays.remove(&name) {
            return Ok(Some(tensor));
        }
        let expected = "an array of this layer only";
        Err(Error::file(name, expected, "that of another, too"))
    }

    /// Whether there is an inner layer with this key.
    pub(crate) fn has_layer(&self, key: &str) -> bool {
        self.node.layers.contains_key(key)
    }

    /// Reads an inner layer.
    pub(crate) fn layer<L: Saved>(&mut self, key: &str) -> Result<L> {
        self.layer_by(key, L::read_from)
    }

    /// Reads an inner layer with `read`.
    pub(crate) fn layer_by<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&mut In) -> Result<T>,
    ) -> Result<T> {
        let part = format!("layer {key:?}");
        let json = self.node.layers.remove(key);
        let json = json.ok_or_else(|| Error::file(&part, "a description", "none"))?;
        let layer = read_by(json, self.file, self.arrays, self.limits, self.own, read);
        layer.map_err(|error| error.within(&part))
    }

    /// Refuses a count above the limit of entries.
    pub(crate) fn check_count(&self, part: &str, found: usize) -> Result<()> {
        let most = self.limits.entries;
        if found <= most {
            return Ok(());
        }
        Err(Error::file(part, format!("at most {most}"), found))
    }

    /// Refuses parts that no layer has asked for, since they could change the results.
    fn done(&self) -> Result<()> {
        let Node {
            class,
            config,
            weights,
            layers,
        } = &self.node;
        let left = config.keys().chain(weights.keys()).chain(layers.keys());
        match left.into_iter().next() {
            None => Ok(()),
            Some(key) => {
                let expected = format!("nothing of this name in the description of {class:?}");
                Err(Error::file(key, expected, "something"))
            }
        }
    }
}

fn missing(key: &str) -> Error {
    Error::file(key, "an array of this layer", "none")
}
