//! Training: gradients, losses and optimisers.

mod check_gradient;
mod model_recording;
mod recording;

pub use crate::backward::Tape;
pub use crate::gradients::Gradients;
pub use crate::gradients::LayerGradients;
pub use crate::model::{BackwardCall, Phase, RecordCall};
pub use check_gradient::{GradientCheck, check_gradient};
pub use model_recording::{ModelGradient, ModelRecording};
pub use recording::{Gradient, Recording, Upstream};
