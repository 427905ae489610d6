//! Golden data (JSON and tensors) turned into calls of the crate, layer by layer.
//!
//! The cells of a case are known when the test runs, the crate's types when it is compiled. [`layer`] matches the one
//! to the other, cell by cell, and hides the type behind the trait [`subject::Subject`]. What changes a number
//! and this code does not know is an `Err`: unknown options of a configuration, and unknown keys that name a tensor. Other
//! unknown keys of a case only describe it.

mod agree;
mod by_hand;
pub mod call;
mod cell;
pub mod compare;
pub mod data;
pub mod family;
pub mod fields;
mod flags;
pub mod layer;
#[cfg(feature = "onnx")]
mod onnx;
pub mod pipeline;
pub mod report;
mod roles;
mod seq2seq;
mod subject;
pub mod tally;
#[cfg(feature = "torch")]
mod torch;
pub mod weights;

#[cfg(feature = "onnx")]
pub use onnx::check_onnx;
pub use report::{check_family, check_gradients};
#[cfg(feature = "torch")]
pub use torch::check_torch;

/// What a step of a case returns; the message tells what did not fit.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error>>;
