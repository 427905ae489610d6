//! The cells: the equations of one timestep, the weights they use, and the layers made of them.

#[cfg(feature = "train")]
mod back;
mod builder;
mod custom;
mod gru;
mod lstm;
mod simple_rnn;

pub use custom::{Cell, Rnn};
pub use gru::{Gru, GruBias, GruBuilder};
pub use lstm::{Lstm, LstmBuilder};
pub use simple_rnn::{SimpleRnn, SimpleRnnBuilder};

#[cfg(test)]
mod tests;
