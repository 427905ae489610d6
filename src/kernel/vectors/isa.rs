//! `Isa`: the instruction set that kernels run on. This is the only file that names all of them.

mod portable;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(feature = "train")]
use super::number::Number;
use super::set::{InstructionSet, Lanes};
use super::vector::{MAX_LANES, Sizes, Vector};
#[cfg(target_arch = "x86_64")]
use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
use avx512::Avx512;
use portable::Portable;

/// An instruction set that this machine has: the value proves it. It is chosen when weights are packed. Hidden, since only
/// tests name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isa(Set);

impl Isa {
    /// The best instruction set of this machine. Without `std` it is the best one that the program was compiled for.
    pub fn detect() -> Self {
        Self::all().last().unwrap_or(Isa(Set::Portable))
    }

    /// `a · b + c` with the rounding of the vectors of this set.
    #[cfg(feature = "train")]
    pub(crate) fn mul_add<A: Number>(self, a: A, b: A, c: A) -> A {
        if self.is_fused() {
            a.mul_add(b, c)
        } else {
            a * b + c
        }
    }
}

/// An operation that is written once, for vectors of any kind.
///
/// If an implementation holds pointers, whoever makes a value of it guarantees that they are valid for the work.
pub trait Op<A> {
    /// # Safety
    /// The machine must have the instruction set of `V`.
    unsafe fn eval<V: Vector<Elem = A>>(&mut self);
}

/// The instruction sets, the slowest first. If all units of a layer fit into one vector of the set after `or`, the layer
/// uses that set: it gives the same bits in less time.
macro_rules! sets {
    ($($(#[$cfg:meta])* $set:ident $(or $narrower:ident)?,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Set {
            $($(#[$cfg])* $set,)*
        }

        // A buffer for one vector has `MAX_LANES` numbers, which must be enough for each set.
        $($(#[$cfg])* const _: () = {
            assert!(<$set as InstructionSet>::F32::LANES <= MAX_LANES);
            assert!(<$set as InstructionSet>::F64::LANES <= MAX_LANES);
        };)*

        impl Isa {
            /// The instruction sets of this machine, the slowest first.
            pub fn all() -> impl Iterator<Item = Isa> {
                let all = [$($(#[$cfg])* $set::is_present().then_some(Set::$set),)*];
                all.into_iter().flatten().map(Isa)
            }

            /// Whether a multiply-add is rounded once. All sets for which this holds give the same bits.
            pub fn is_fused(self) -> bool {
                match self.0 {
                    $($(#[$cfg])* Set::$set => $set::IS_FUSED,)*
                }
            }

            /// The sizes of the vectors of this set.
            pub(crate) fn sizes<A: Lanes>(self) -> Sizes {
                match self.0 {
                    $($(#[$cfg])* Set::$set => A::In::<$set>::SIZES,)*
                }
            }

            /// The instruction set for a layer of `units` units.
            #[allow(unused_variables)] // unused if no set has a narrower one
            pub(crate) fn for_units<A: Lanes>(self, units: usize) -> Isa {
                match self.0 {
                    $($(#[$cfg])* Set::$set => {
                        $(if units <= A::In::<$narrower>::LANES {
                            return Isa(Set::$narrower);
                        })?
                        self
                    })*
                }
            }

            /// Runs `op` with the vectors of this set.
            #[inline]
            pub(crate) fn run<A: Lanes>(self, op: &mut impl Op<A>) {
                // SAFETY: the machine has the set: an `Isa` is made only of a set that is present, or of a narrower one
                // that a present set contains.
                unsafe {
                    match self.0 {
                        $($(#[$cfg])* Set::$set => op.eval::<A::In<$set>>(),)*
                    }
                }
            }
        }
    };
}

sets! {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512 or Avx2,
}
