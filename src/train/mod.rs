//! Training: gradients, losses and optimisers.

mod model_recording;
mod recording;

pub use crate::backward::Tape;
pub use crate::gradients::Gradients;
pub use crate::gradients::LayerGradients;
pub use crate::model::{BackwardCall, Noise, Phase, RecordCall};
pub use model_recording::{ModelGradient, ModelRecording};
pub use recording::{Gradient, Recording, Upstream};
