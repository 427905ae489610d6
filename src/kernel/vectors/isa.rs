//! `Isa`: the instruction set that kernels run on. This is the one file that names them all.

mod portable;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::set::{InstructionSet, Lanes};
use super::vector::{MAX_LANES, Sizes, Vector};
#[cfg(target_arch = "x86_64")]
use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
use avx512::Avx512;
use portable::Portable;

/// An instruction set that this machine has: the value is the proof. It is found when weights are packed. Hidden: it is
/// there for tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isa(Set);

impl Isa {
    /// The best one that this machine has. Without `std` only what the program was compiled for is known.
    pub fn detect() -> Self {
        Self::all().last().unwrap_or(Isa(Set::Portable))
    }
}

/// Work that is written once, over any vector.
///
/// A value of it stands for the memory that it points at: who makes one out of pointers has promised that.
pub trait Op<A> {
    /// # Safety
    /// The machine has the instruction set of `V`.
    unsafe fn eval<V: Vector<Elem = A>>(&mut self);
}

/// The sets, the slowest first. A layer whose units all fit into one vector of the set that is named after `or` gets that one:
/// it computes the same bits, sooner.
macro_rules! sets {
    ($($(#[$cfg:meta])* $set:ident $(or $narrower:ident)?,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Set {
            $($(#[$cfg])* $set,)*
        }

        // What holds a vector in memory has room for this many numbers.
        $($(#[$cfg])* const _: () = {
            assert!(<$set as InstructionSet>::F32::LANES <= MAX_LANES);
            assert!(<$set as InstructionSet>::F64::LANES <= MAX_LANES);
        };)*

        impl Isa {
            /// All that this machine has, the slowest first.
            pub fn all() -> impl Iterator<Item = Isa> {
                let all = [$($(#[$cfg])* $set::is_present().then_some(Set::$set),)*];
                all.into_iter().flatten().map(Isa)
            }

            /// Whether a multiply-add is rounded once: those that do so compute the same bits.
            pub fn is_fused(self) -> bool {
                match self.0 {
                    $($(#[$cfg])* Set::$set => $set::IS_FUSED,)*
                }
            }

            /// The sizes of its vectors.
            pub(crate) fn sizes<A: Lanes>(self) -> Sizes {
                match self.0 {
                    $($(#[$cfg])* Set::$set => A::In::<$set>::SIZES,)*
                }
            }

            /// The set for a layer of `units` units.
            #[allow(unused_variables)] // where no set has a narrower one
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
                // SAFETY: a value is made of a set that is present only, or of a narrower one that it contains.
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
