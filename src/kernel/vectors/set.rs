//! `InstructionSet`: the properties of a set of vector instructions. Each set has a file of its own.

use super::number::Number;
use super::vector::Vector;

/// A set of vector instructions.
///
/// # Safety
/// If `is_present` returns true, the machine must be able to execute every operation of both vector types.
pub unsafe trait InstructionSet {
    /// Its vectors of `f32` numbers.
    type F32: Vector<Elem = f32>;
    /// Its vectors of `f64` numbers.
    type F64: Vector<Elem = f64>;
    /// Whether a multiply-add is rounded once.
    const IS_FUSED: bool = true;

    /// Whether this machine has the set. Without `std` only the sets that the program was compiled for are known.
    fn is_present() -> bool;
}

/// A number type that has a vector in every instruction set.
pub trait Lanes: Number {
    /// Its vector in the instruction set `S`.
    type In<S: InstructionSet>: Vector<Elem = Self>;
}

impl Lanes for f32 {
    type In<S: InstructionSet> = S::F32;
}

impl Lanes for f64 {
    type In<S: InstructionSet> = S::F64;
}
