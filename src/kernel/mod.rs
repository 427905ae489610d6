//! The arithmetic below the cells. It does not know time, masks or layers, and it is the only module with `unsafe`.
//!
//! It has three levels, each of which imports only those below it:
//! ```text
//! steps     a file a cell: from sums to the new state      dispatch: all of them, compiled for each number type
//!           functions, activations                         workspace: memory, and the checks before a step
//!           row, batch: the tiles of a step of one sample, of many
//! packed    panels: weights in the order of use            accumulate: the sums of a tile, in registers
//!           project: many rows at once                     lines: the memory that panels lie in
//! vectors   vector: the operations                         isa: the instruction sets, chosen at packing
//!           math: tanh, sigmoid                            number: the scalars
//! ```
#![allow(unsafe_code)]
// Kernels index registers: `for r in 0..R` reads like the equations.
#![allow(clippy::needless_range_loop, clippy::inline_always)]

mod packed;
mod steps;
mod vectors;

#[cfg(feature = "train")]
pub(crate) use packed::AddProduct;
pub(crate) use packed::{Matrix, Panels};
pub(crate) use steps::{Active, Chosen, Input, Kernels, Through, Variant, Weights, Workspace};
#[cfg(feature = "train")]
pub(crate) use steps::{BackRows, GruBack, LstmBack, SimpleRnnBack};
pub(crate) use steps::{make_contiguous, zeros};
pub use vectors::Isa;
pub(crate) use vectors::Number;
