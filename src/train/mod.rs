//! Training: gradients, losses and optimisers.

pub use crate::gradients::Gradients;
