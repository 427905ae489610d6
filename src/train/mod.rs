//! Training: gradients, losses and optimisers.

mod average;
mod check;
mod clip;
mod constraint;
mod optimizer;
mod paths;
mod plateau;
mod rate;
mod regularizer;
mod setters;

pub use crate::gradients::Gradients;
pub use average::Ema;
pub use clip::Clip;
pub use constraint::Constraint;
pub use optimizer::{
    Adadelta, Adagrad, Adam, AdamW, Adamax, Ftrl, Lion, Nadam, Optimizer, OptimizerBuilder,
    OptimizerState, RmsProp, Sgd, WeightState,
};
pub use plateau::ReduceOnPlateau;
pub use rate::{CosineDecay, ExponentialDecay, LearningRate, PiecewiseConstantDecay};
pub use regularizer::Regularizer;
