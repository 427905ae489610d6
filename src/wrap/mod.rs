//! Layers made of layers.

mod any_recurrent;
mod bidirectional;
mod deep;
mod stacked;

pub(crate) use any_recurrent::AnyRecurrent;
pub use bidirectional::{Bidirectional, MergeMode};
pub use deep::Deep;
pub use stacked::Stacked;
