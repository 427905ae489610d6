//! Layers made of layers.

mod any_recurrent;
#[cfg(feature = "train")]
mod back;
mod bidirectional;
mod deep;
mod stacked;

pub(crate) use any_recurrent::AnyRecurrent;
pub use bidirectional::{Bidirectional, MergeMode};
pub use deep::Deep;
pub use stacked::Stacked;
