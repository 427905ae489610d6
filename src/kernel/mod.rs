//! The arithmetic under the cells: packed weights, micro-kernels, vector activations, one dispatch. Knows no time and no
//! masks. The only place in the crate with `unsafe`.
//!
//! ```text
//! vector   the operations; portable, x86   ->   math       tanh, sigmoid   ->   activate
//! panels   weights in the order of use     ->   tile       samples x vectors in registers
//! lines    the memory that they lie in          steps      a tile of each cell, from inputs to the new state
//! isa      which vectors: chosen at packing     workspace  the safe doors
//! ```
#![allow(unsafe_code)]
// Kernels index registers: `for r in 0..R` reads as the equations do.
#![allow(clippy::needless_range_loop, clippy::inline_always)]

pub(crate) mod activate;
pub(crate) mod cells;
mod isa;
mod lines;
mod math;
mod matrix;
mod panels;
mod row;
pub(crate) mod steps;
mod tile;
mod vector;
mod workspace;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use cells::Variant;
pub use isa::{Isa, Lanes};
pub(crate) use matrix::Matrix;
pub(crate) use panels::Panels;
pub(crate) use steps::Through;
pub use workspace::Workspace;
pub(crate) use workspace::{Input, Weights};
