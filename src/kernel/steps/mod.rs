//! The upper level: the steps of the cells. Each computes the new state from the sums of inputs and state, one vector of
//! units at a time. Each cell has a file of its own, and only [`dispatch`] names all of them.
//!
//! State values below the smallest normal number are replaced by 0. Otherwise, in a stream that falls silent, a decaying
//! state would stay at the smallest number there is, and many processors compute a hundred times slower with such numbers.

mod activations;
mod active;
mod apart;
mod array;
#[cfg(feature = "train")]
mod back;
mod batch;
mod cell;
mod dispatch;
mod functions;
mod gru;
mod lstm;
mod row;
mod shared;
mod simple_rnn;
#[cfg(feature = "train")]
mod slopes;
mod step;
mod tiles;
mod workspace;

pub use active::Active;
pub use array::{make_contiguous, zeros};
#[cfg(feature = "train")]
pub use back::{BackRows, GruBack, LstmBack, SimpleRnnBack};
pub use dispatch::Kernels;
pub use functions::Chosen;
pub use lstm::Variant;
pub use step::{Through, Weights};
pub use workspace::{Input, Workspace};
