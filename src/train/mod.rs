//! Training: gradients, losses and optimisers.

mod average;
mod batch;
mod builder;
mod check;
mod check_gradient;
mod clip;
mod constraint;
mod loss;
mod model_recording;
mod optimizer;
mod paths;
mod plateau;
mod rate;
mod recording;
mod regularizer;
mod setters;
mod training;

pub use crate::backward::Noise;
pub use crate::backward::Tape;
pub use crate::gradients::{Gradients, LayerGradients};
pub use crate::model::{BackwardCall, Phase, RecordCall};
pub use average::Ema;
pub use batch::Batch;
pub use builder::TrainingBuilder;
pub use check_gradient::{GradientCheck, check_gradient};
pub use clip::Clip;
pub use constraint::Constraint;
pub use loss::{Evaluated, Impossible, Loss, Reduction, Target};
pub use model_recording::{ModelGradient, ModelRecording};
pub use optimizer::{
    Adadelta, Adagrad, Adam, AdamW, Adamax, Ftrl, Lion, Nadam, Optimizer, OptimizerBuilder,
    OptimizerState, RmsProp, Sgd, WeightState,
};
pub use plateau::ReduceOnPlateau;
pub use rate::{CosineDecay, ExponentialDecay, LearningRate, PiecewiseConstantDecay};
pub use recording::{Gradient, Recording, Upstream};
pub use regularizer::Regularizer;
pub use training::{Step, Training};
