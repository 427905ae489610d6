//! Optimisers: a rule a file, what stands around a rule, and the engine that applies both to weights.

mod adadelta;
mod adagrad;
mod adam;
mod adamax;
mod builder;
mod engine;
mod ftrl;
mod lion;
mod nadam;
mod rmsprop;
mod rule;
mod sgd;
mod state;
mod weight;

pub use adadelta::Adadelta;
pub use adagrad::Adagrad;
pub use adam::{Adam, AdamW};
pub use adamax::Adamax;
pub use builder::OptimizerBuilder;
pub use engine::Optimizer;
pub use ftrl::Ftrl;
pub use lion::Lion;
pub use nadam::Nadam;
pub use rmsprop::RmsProp;
pub use sgd::Sgd;
pub use state::{OptimizerState, WeightState};
