//! Saves layers and models of this crate to files and loads them, bit for bit. Weights are stored as safetensors, and
//! everything else in the metadata of the file.
//!
//! ```
//! use ndarray::Array3;
//! use recurrent::{Layer, Lstm, Model, saved};
//! let model = Model::new().add_as("encoder", Layer::new(Lstm::<f32>::builder(2, 3).build()?));
//! let bytes = saved::write(&model)?; // or saved::save("model.safetensors", &model)?
//! let again: Model<f32> = saved::read(&bytes)?; // or saved::load("model.safetensors")?
//! let x = Array3::ones((1, 5, 2));
//! assert_eq!(again.forward(&x)?, model.forward(&x)?);
//! # Ok::<(), recurrent::Error>(())
//! ```
//! The requested type determines what the file must hold: a `Model<A>`, a single `Lstm<A>`, a `Layer<Bidirectional<Gru<A>,
//! Gru<A>>>`, or any layer, `Box<dyn AnyLayer<A>>`. If `A` is not the type in the file, every weight is rounded once.
//!
//! # What is in the file
//! Arrays have Keras' names, shapes and order of gates. The names of the enclosing layers come first: `encoder/kernel`,
//! `encoder/recurrent_kernel`, `encoder/bias`; `forward/kernel` in a [`Bidirectional`](crate::Bidirectional),
//! `lower/kernel` in a [`Stacked`](crate::Stacked), `0/kernel` in a [`Deep`](crate::Deep), and `lstm/kernel` for a single
//! [`Lstm`](crate::Lstm). So every program that reads safetensors can read them.
//!
//! The metadata has one text, with the key `recurrent`. It is JSON: `{"version": 2, "layer": …}`. A layer is an object with
//! its `class`, its options (`config`), the names of its arrays in the file (`weights`), and its inner layers (`layers`).
//!
//! # What is refused
//! Saving returns an error for layers and cells of your own, and for an option that is NaN or infinite. Loading returns an
//! error for another version, for layers, options and arrays that are unknown, missing or left over, and for a file that
//! exceeds the [`Limits`]. The error names the part.

mod classes;

pub use crate::describe::Saved;

use crate::Limits;
use crate::describe::{self, KEY, Out, VERSION};
#[cfg(feature = "std")]
use crate::error::within;
use crate::error::{Error, Result};
use crate::format::{Arrays, json, safetensors};
use alloc::format;
use alloc::vec::Vec;
use serde::Deserialize;
#[cfg(feature = "std")]
use std::path::Path;

/// The description in the metadata.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    #[serde(rename = "version")]
    _version: u64,
    layer: json::Value,
}

/// Returns the bytes of a file that holds a layer or model. The same layer always gives the same bytes. Returns an error if
/// it has a part that cannot be saved.
pub fn write<L: Saved>(layer: &L) -> Result<Vec<u8>> {
    let mut to = Out::default();
    to.layer::<L::Number>(layer)?;
    to.finish()
}

/// Saves a layer or model to a file. Returns an error if it has a part that cannot be saved, or if the file cannot be
/// written.
#[cfg(feature = "std")]
pub fn save<L: Saved>(path: impl AsRef<Path>, layer: &L) -> Result<()> {
    Ok(crate::format::disk::write(path.as_ref(), &write(layer)?)?)
}

/// Reads a layer or model from the bytes of a file, within the default [`Limits`]. Returns an error if the file does not
/// hold the requested type or exceeds the limits.
pub fn read<L: Saved>(bytes: &[u8]) -> Result<L> {
    read_within(bytes, &Limits::default())
}

/// Reads a layer or model from the bytes of a file, within these limits. Returns an error if the file does not hold the
/// requested type or exceeds the limits.
pub fn read_within<L: Saved>(bytes: &[u8], limits: &Limits) -> Result<L> {
    read_from(&safetensors::File::open(bytes, limits)?, limits)
}

fn read_from<L: Saved>(file: &safetensors::File, limits: &Limits) -> Result<L> {
    let part = "metadata";
    let text = file.text(KEY).ok_or_else(|| {
        let expected = "a text \"recurrent\": it is no file of `saved::write` (one of PyTorch's: `torch::File`)";
        Error::file(part, expected, "none")
    })?;
    let head = json::parse(text, part, limits)?;
    let version = head.get("version").and_then(json::Value::as_u64);
    if version != Some(VERSION) {
        let found = version.map_or("none".into(), |version| format!("version {version}"));
        return Err(Error::file(part, format!("version {VERSION}"), found));
    }
    let head = Head::deserialize(head);
    let head = head.map_err(|error| Error::file(part, "a version and a layer", error))?;
    let names = file.names()?;
    let mut arrays = names.into_iter().collect();
    let layer = describe::read(head.layer, file, &mut arrays, limits)?;
    match arrays.first() {
        None => Ok(layer),
        Some(name) => Err(Error::file(name, "no array that no layer has", "one")),
    }
}

/// Loads a layer or model from the file at a path, within the default [`Limits`]. Returns an error if the file does not
/// hold the requested type or exceeds the limits.
#[cfg(feature = "std")]
pub fn load<L: Saved>(path: impl AsRef<Path>) -> Result<L> {
    load_within(path, &Limits::default())
}

/// Loads a layer or model from the file at a path, within these limits. Returns an error if the file does not hold the
/// requested type or exceeds the limits.
#[cfg(feature = "std")]
pub fn load_within<L: Saved>(path: impl AsRef<Path>, limits: &Limits) -> Result<L> {
    let path = path.as_ref();
    within(path, || {
        read_from(&safetensors::File::load(path, limits)?, limits)
    })
}
