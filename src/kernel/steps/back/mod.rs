//! The steps of the cells backwards, over vectors: from the gates and the gradients of the state to those of the sums.
//!
//! Each cell has a file. The functions must have slopes that follow from their values: see [`Chosen::slopes_from_values`].

mod gru;
mod lstm;
mod rows;
mod simple_rnn;
mod slope;

pub use gru::GruBack;
pub use lstm::LstmBack;
pub use rows::{BackRows, Backwards};
pub use simple_rnn::SimpleRnnBack;
