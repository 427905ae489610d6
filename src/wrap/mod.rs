//! Layers made of layers.

mod bidirectional;
mod deep;
mod stacked;

pub use bidirectional::{Bidirectional, Merge};
pub use deep::Deep;
pub use stacked::Stacked;
