//! Layers made of layers.

#[cfg(any(feature = "keras", feature = "safetensors"))]
mod any_recurrent;
mod bidirectional;
mod deep;
mod stacked;

#[cfg(any(feature = "keras", feature = "safetensors"))]
pub(crate) use any_recurrent::AnyRecurrent;
pub use bidirectional::{Bidirectional, Merge};
pub use deep::Deep;
pub use stacked::Stacked;
