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
//! Saving returns an error for layers of your own without [`AnyLayer::own_parts`](crate::AnyLayer::own_parts), for cells of
//! your own without [`Cell::own_parts`](crate::Cell::own_parts), and for an option that is NaN or infinite. Of a function of your own
//! a file has the name alone. A [`Reader`] gives layers and functions back. Loading returns an error for another version, for layers, options and arrays that are unknown, missing or left over, and for a file that
//! exceeds the [`Limits`]. The error names the part.

mod classes;
mod reader;
#[cfg(feature = "train")]
mod training;

pub use crate::describe::Saved;
pub use reader::Reader;
#[cfg(all(feature = "train", feature = "std"))]
pub use training::{load_training, save_training};
#[cfg(feature = "train")]
pub use training::{read_training, write_training};

use crate::Limits;
use crate::describe::Out;
use crate::error::Result;
use alloc::vec::Vec;
#[cfg(feature = "std")]
use std::path::Path;

/// Returns the bytes of a file that holds a layer or model. The same layer always gives the same bytes. Returns an error if
/// it has a part that cannot be saved.
pub fn write<L: Saved>(layer: &L) -> Result<Vec<u8>> {
    let mut to = Out::default();
    to.layer::<L::Number>(layer)?;
    to.finish()
}

/// Saves a layer or model to a file, as a whole or not at all. Returns an error if it has a part that cannot be saved, or if the file cannot be
/// written.
#[cfg(feature = "std")]
pub fn save<L: Saved>(path: impl AsRef<Path>, layer: &L) -> Result<()> {
    Ok(crate::format::disk::replace(path.as_ref(), &write(layer)?)?)
}

/// Reads a layer or model from the bytes of a file: [`Reader::read`] with the defaults.
pub fn read<L: Saved>(bytes: &[u8]) -> Result<L> {
    Reader::new().read(bytes)
}

/// Reads a layer or model from the bytes of a file, within these limits: see [`Reader::read`].
pub fn read_within<L: Saved>(bytes: &[u8], limits: &Limits) -> Result<L> {
    Reader::within(limits).read(bytes)
}

/// Loads a layer or model from the file at a path: [`Reader::load`] with the defaults.
#[cfg(feature = "std")]
pub fn load<L: Saved>(path: impl AsRef<Path>) -> Result<L> {
    Reader::new().load(path)
}

/// Loads a layer or model from the file at a path, within these limits: see [`Reader::load`].
#[cfg(feature = "std")]
pub fn load_within<L: Saved>(path: impl AsRef<Path>, limits: &Limits) -> Result<L> {
    Reader::within(limits).load(path)
}
