//! Training: gradients, losses and optimisers.

mod loss;

pub use crate::gradients::Gradients;
pub use loss::{Evaluated, Impossible, Loss, Reduction, Target};
