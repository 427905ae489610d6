//! Layers made of layers.

mod bidirectional;
mod stacked;

pub use bidirectional::{Bidirectional, Merge};
pub use stacked::Stacked;
