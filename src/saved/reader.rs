//! `Reader`: reads saved files, with limits and with what is not in them.

use super::Saved;
use crate::describe::{self, KEY, Own, OwnLayer, VERSION};
#[cfg(feature = "std")]
use crate::error::within;
use crate::error::{Error, Result};
use crate::format::{Arrays, json, safetensors};
use crate::model::{cell_maker, maker};
use crate::nn::lambda;
use crate::{Activation, AnyLayer, Cell, Element, Limits, Tensor};
use alloc::format;
use alloc::string::String;
use serde::Deserialize;
#[cfg(feature = "std")]
use std::path::Path;

/// Reads saved files, with [`Limits`], and with the layers and functions of your own that a file only names.
///
/// ```
/// use recurrent::{Activation, Lstm, saved};
/// let snake = Activation::custom("snake", |x| x + x.sin().powi(2));
/// let lstm = Lstm::<f32>::builder(2, 3).activation(snake).build()?;
/// let bytes = saved::write(&lstm)?;
/// let reader = saved::Reader::new().activation(snake);
/// let again: Lstm<f32> = reader.read(&bytes)?;
/// assert_eq!(again.activation(), snake);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Reader {
    pub(super) limits: Limits,
    own: Own,
}

/// The description in the metadata.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    #[serde(rename = "version")]
    _version: u64,
    layer: json::Value,
}

impl Reader {
    /// Makes a reader with the default limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a reader with these limits.
    pub fn within(limits: &Limits) -> Self {
        Reader {
            limits: limits.clone(),
            ..Self::default()
        }
    }

    /// Gives the layers of a class of your own: that of the [`OwnParts`](crate::OwnParts) that were saved. `make` is called
    /// for every layer of that class and returns it. See [`AnyLayer::own_parts`] for an example.
    pub fn layer<A: Element, L: AnyLayer<A>>(
        mut self,
        class: impl Into<String>,
        make: impl Fn(&OwnLayer<A>) -> Result<L> + Send + Sync + 'static,
    ) -> Self {
        self.own.layers.insert(class.into(), maker(make));
        self
    }

    /// Gives the cells of a class of your own: that of the [`OwnParts`](crate::OwnParts) of [`Cell::own_parts`]. `make` is
    /// called for every cell of that class and returns it.
    pub fn cell<C: Cell + 'static>(
        mut self,
        class: impl Into<String>,
        make: impl Fn(&OwnLayer<C::Elem>) -> Result<C> + Send + Sync + 'static,
    ) -> Self {
        self.own.cells.insert(class.into(), cell_maker(make));
        self
    }

    /// Gives the function of a `Lambda` of this name, in a model that came from Keras: see `keras::Reader::lambda`.
    pub fn lambda<A: Element>(
        mut self,
        name: impl Into<String>,
        function: impl Fn(Tensor<A>) -> Result<Tensor<A>> + Send + Sync + 'static,
    ) -> Self {
        self.own.layers.insert(name.into(), lambda(function));
        self
    }

    /// Gives a function of your own, which a file only names: what [`Activation::custom`] returned. The other activations
    /// are in the file.
    pub fn activation(mut self, function: Activation) -> Self {
        if let Activation::Custom(of) = function {
            self.own.functions.insert(of.name().into(), function);
        }
        self
    }

    /// Reads a layer or model from the bytes of a file. Returns an error if the file does not hold the requested type,
    /// exceeds the limits, or names a layer or a function that was not given.
    pub fn read<L: Saved>(&self, bytes: &[u8]) -> Result<L> {
        self.read_from(&safetensors::File::open(bytes, &self.limits)?)
    }

    /// Loads a layer or model from the file at a path, as [`read`](Self::read) does.
    #[cfg(feature = "std")]
    pub fn load<L: Saved>(&self, path: impl AsRef<Path>) -> Result<L> {
        let path = path.as_ref();
        within(path, || {
            self.read_from(&safetensors::File::load(path, &self.limits)?)
        })
    }

    fn read_from<L: Saved>(&self, file: &safetensors::File) -> Result<L> {
        let part = "metadata";
        let text = file.text(KEY).ok_or_else(|| {
            let expected = "a text \"recurrent\": it is no file of `saved::write` (one of PyTorch's: `torch::File`)";
            Error::file(part, expected, "none")
        })?;
        let head = json::parse(text, part, &self.limits)?;
        let version = head.get("version").and_then(json::Value::as_u64);
        if version != Some(VERSION) {
            let found = version.map_or("none".into(), |version| format!("version {version}"));
            return Err(Error::file(part, format!("version {VERSION}"), found));
        }
        let head = Head::deserialize(head);
        let head = head.map_err(|error| Error::file(part, "a version and a layer", error))?;
        let names = file.names()?;
        let mut arrays = names.into_iter().collect();
        let layer = describe::read(head.layer, file, &mut arrays, &self.limits, &self.own)?;
        match arrays.first() {
            None => Ok(layer),
            Some(name) => Err(Error::file(name, "no array that no layer has", "one")),
        }
    }
}
