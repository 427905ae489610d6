//! The lowest storey: numbers that are computed with together, in each instruction set. It knows no kernels.

mod constants;
mod isa;
pub mod math;
mod number;
mod set;
mod vector;

pub use isa::{Isa, Op};
pub use number::Number;
pub use set::Lanes;
pub use vector::{MAX_LANES, Sizes, Vector, Work};
