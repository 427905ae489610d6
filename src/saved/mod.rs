//! Layers and models of this crate in files, and back, bit for bit: weights as safetensors, and in the file's metadata
//! everything else there is to know of them.
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
//! The type that is asked for says what has to be in the file, as deep as it says it: a `Model<A>`, a single `Lstm<A>`, a
//! `Layer<Bidirectional<Gru<A>, Gru<A>>>`, or whatever it may be, `Box<dyn AnyLayer<A>>`. With another `A` than that of the
//! file, every weight is rounded once.
//!
//! # What is in the file
//! Arrays have Keras' names, shapes and order of gates, behind the names of the layers that they are in:
//! `encoder/kernel`, `encoder/recurrent_kernel`, `encoder/bias`; `forward/kernel` of a [`Bidirectional`](crate::Bidirectional),
//! `lower/kernel` of a [`Stacked`](crate::Stacked), `0/kernel` of a [`Deep`](crate::Deep), `lstm/kernel` of an
//! [`Lstm`](crate::Lstm) alone. So every program that reads safetensors can have them.
//!
//! The metadata has one text, under the key `recurrent`: JSON, `{"version": 2, "layer": …}`. A layer is an object of its
//! `class`, its options (`config`), its arrays (`weights`: what each is, and its name in the file), and the `layers` in it.
//!
//! # What is refused
//! Layers and cells of your own, when they are saved; an option that is no number. When a file is loaded: another version,
//! layers, options and arrays that are not known, missing or left over, all by their names, and whatever goes beyond the
//! [`Limits`].

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

/// The description.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    #[serde(rename = "version")]
    _version: u64,
    layer: json::Value,
}

/// The bytes of a file. The same layer makes the same bytes.
pub fn write<L: Saved>(layer: &L) -> Result<Vec<u8>> {
    let mut to = Out::default();
    to.layer::<L::Number>(layer)?;
    to.finish()
}

/// Writes a file.
#[cfg(feature = "std")]
pub fn save<L: Saved>(path: impl AsRef<Path>, layer: &L) -> Result<()> {
    Ok(crate::format::disk::write(path.as_ref(), &write(layer)?)?)
}

/// What is in the bytes of a file, within the default [`Limits`].
pub fn read<L: Saved>(bytes: &[u8]) -> Result<L> {
    read_within(bytes, &Limits::default())
}

/// [`read`] within other limits.
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

/// What is in the file at a path, within the default [`Limits`].
#[cfg(feature = "std")]
pub fn load<L: Saved>(path: impl AsRef<Path>) -> Result<L> {
    load_within(path, &Limits::default())
}

/// [`load`] within other limits.
#[cfg(feature = "std")]
pub fn load_within<L: Saved>(path: impl AsRef<Path>, limits: &Limits) -> Result<L> {
    let path = path.as_ref();
    within(path, || {
        read_from(&safetensors::File::load(path, limits)?, limits)
    })
}
