//! `InstructionSet`: what a set of vector instructions has to say of itself, once, in a file of its own.

use super::number::Number;
use super::vector::Vector;

/// A set of vector instructions.
///
/// # Safety
/// Where `is_present` is true, the machine can execute every operation of both vectors.
pub unsafe trait InstructionSet {
    /// Its vectors of `f32`.
    type F32: Vector<Elem = f32>;
    /// Its vectors of `f64`.
    type F64: Vector<Elem = f64>;
    /// Whether a multiply-add is rounded once.
    const IS_FUSED: bool = true;

    /// Whether this machine has it. Without `std` only what the program was compiled for is known.
    fn is_present() -> bool;
}

/// A number type that has a vector in every instruction set.
pub trait Lanes: Number {
    /// Its vector in the set `S`.
    type In<S: InstructionSet>: Vector<Elem = Self>;
}

impl Lanes for f32 {
    type In<S: InstructionSet> = S::F32;
}

impl Lanes for f64 {
    type In<S: InstructionSet> = S::F64;
}
