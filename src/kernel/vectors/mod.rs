//! The lowest level: vectors of numbers in each instruction set. It does not know the kernels.

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
