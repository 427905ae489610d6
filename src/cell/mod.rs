//! The cells: the equations of one timestep, the weights they use, and the layers made of them.

#[cfg(feature = "train")]
mod back;
mod builder;
mod custom;
#[cfg(feature = "train")]
mod custom_back;
mod from_arrays;
mod gru;
#[cfg(feature = "train")]
mod held;
mod layer_norm;
mod layout;
mod lstm;
#[cfg(feature = "train")]
mod norm_back;
#[cfg(feature = "train")]
mod order;
mod simple_rnn;
#[cfg(feature = "train")]
mod step_back;

pub use custom::{Cell, Rnn};
pub use gru::{Gru, GruBias, GruBuilder};
pub use layer_norm::LayerNorm;
pub use layout::Layout;
pub use lstm::{Lstm, LstmBuilder};
pub use simple_rnn::{SimpleRnn, SimpleRnnBuilder};
#[cfg(feature = "train")]
pub use step_back::StepBack;

#[cfg(test)]
mod tests;
