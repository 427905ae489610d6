//! Files of Keras: whole models (`.keras`, `.h5`), and weights alone (`.weights.h5`, `.h5`).
//!
//! ```no_run
//! use recurrent::{Model, keras};
//! let model: Model<f32> = keras::load("model.keras")?;
//! println!("{}", model.summary()); // its layers, the Keras that wrote it, and what was decided by that
//! # Ok::<(), recurrent::Error>(())
//! ```
//!
//! Read are files of Keras 1, 2 and 3, of `tf.keras` and `tf_keras`, on every platform and without Python. What a file
//! leaves to its version is decided by its version ([`Version`]); a [`Reader`] can be told otherwise. What would change
//! numbers and is not known is an error that names the layer and the argument: other people's classes, `Lambda`, layers
//! that this crate has not. What belongs to training is passed over: optimizers, losses, regularizers, dropout.
//!
//! Numbers are computed in the type of the model, `f32` or `f64`, whatever the file says: weights in float16 and bfloat16
//! are taken as they are, and mixed precision is computed without its roundings. Quantised models are refused.
//!
//! A layer that is not `stateful` in the file keeps no state in a [`Session`](crate::Session).

mod activation;
mod cells;
mod config;
mod context;
#[cfg(feature = "std")]
mod files;
mod gates;
mod keras1;
mod layer;
mod layers;
mod members;
mod network;
mod nodes;
mod object;
mod ops;
mod plan;
mod reader;
mod recurrent;
mod shards;
mod store;
mod version;
mod weights;
mod wiring;

pub use reader::Reader;
pub use version::Version;
pub use weights::{LayerWeights, Weights};

use crate::error::Result;
use crate::{Element, Model};

/// A whole model from a file: [`Reader::load`] with the defaults.
#[cfg(feature = "std")]
pub fn load<A: Element>(path: impl AsRef<std::path::Path>) -> Result<Model<A>> {
    Reader::new().load(path)
}

/// A whole model from bytes: [`Reader::read`] with the defaults.
pub fn read<A: Element>(bytes: &[u8]) -> Result<Model<A>> {
    Reader::new().read(bytes)
}
