//! Training: gradients, losses and optimisers.

mod average;
mod check;
mod check_gradient;
mod clip;
mod constraint;
mod model_recording;
mod optimizer;
mod paths;
mod plateau;
mod rate;
mod recording;
mod regularizer;
mod setters;

pub use crate::backward::Tape;
pub use crate::gradients::{Gradients, LayerGradients};
pub use crate::model::{BackwardCall, Noise, Phase, RecordCall};
pub use average::Ema;
pub use check_gradient::{GradientCheck, check_gradient};
pub use clip::Clip;
pub use constraint::Constraint;
pub use model_recording::{ModelGradient, ModelRecording};
pub use optimizer::{
    Adadelta, Adagrad, Adam, AdamW, Adamax, Ftrl, Lion, Nadam, Optimizer, OptimizerBuilder,
    OptimizerState, RmsProp, Sgd, WeightState,
};
pub use plateau::ReduceOnPlateau;
pub use rate::{CosineDecay, ExponentialDecay, LearningRate, PiecewiseConstantDecay};
pub use recording::{Gradient, Recording, Upstream};
pub use regularizer::Regularizer;
