//! The upper storey: the steps of the cells, each from the sums of inputs and state to the new state, a vector of units at a
//! time. A cell is a file; [`dispatch`] alone names them all.
//!
//! What of a state falls below the normal numbers becomes 0. Else a state that decays, of a stream that fell silent, would
//! stay at the smallest number there is, with which many processors compute a hundred times slower.

mod activations;
mod active;
mod array;
mod batch;
mod cell;
mod dispatch;
mod functions;
mod gru;
mod lstm;
mod row;
mod simple_rnn;
mod step;
mod tiles;
mod workspace;

pub use active::Active;
pub use array::{make_contiguous, zeros};
pub use dispatch::Kernels;
pub use functions::Chosen;
pub use lstm::Variant;
pub use step::{Through, Weights};
pub use workspace::{Input, Workspace};
