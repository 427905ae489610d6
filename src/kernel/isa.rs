//! Which instruction set the kernels run on: found once, when weights are packed.

use super::math::Constants;
use super::vector::{Portable, Vector};
#[cfg(target_arch = "x86_64")]
use super::x86::{F32x8, F32x16, F64x4, F64x8};

/// An instruction set that this machine has: having the value is the proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isa(Set);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Isa {
    /// The best one that this machine has. Without `std` only what the program was compiled for is known.
    pub fn detect() -> Self {
        Self::all().last().unwrap_or(Isa(Set::Portable))
    }

    /// All that this machine has, the slowest first.
    pub fn all() -> impl Iterator<Item = Isa> {
        #[cfg(all(target_arch = "x86_64", feature = "std"))]
        let (avx2, avx512) = (
            std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma"),
            std::is_x86_feature_detected!("avx512f"),
        );
        #[cfg(all(target_arch = "x86_64", not(feature = "std")))]
        let (avx2, avx512) = (
            cfg!(all(target_feature = "avx2", target_feature = "fma")),
            cfg!(target_feature = "avx512f"),
        );
        #[cfg(target_arch = "x86_64")]
        let found = [
            Some(Set::Portable),
            avx2.then_some(Set::Avx2),
            (avx2 && avx512).then_some(Set::Avx512),
        ];
        #[cfg(not(target_arch = "x86_64"))]
        let found = [Some(Set::Portable)];
        found.into_iter().flatten().map(Isa)
    }

    /// How many numbers a vector of this set has.
    pub(crate) fn lanes<A: Lanes>(self) -> usize {
        match self.0 {
            Set::Portable => A::Portable::LANES,
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => A::Avx2::LANES,
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => A::Avx512::LANES,
        }
    }

    /// Runs `op` with the vectors of this set.
    #[inline]
    pub(crate) fn run<A: Lanes, O: Op<A>>(self, op: O) {
        match self.0 {
            // SAFETY: every machine has arrays.
            Set::Portable => unsafe { op.eval::<A::Portable>() },
            // SAFETY: the value is the proof that the machine has AVX2 and FMA.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { avx2(op) },
            // SAFETY: the value is the proof that the machine has AVX-512F.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => unsafe { avx512(op) },
        }
    }
}

/// Work that is written once, over any vector.
pub(crate) trait Op<A> {
    /// # Safety
    /// The machine must have the instruction set of `V`. Implementations are `#[inline(always)]`.
    unsafe fn eval<V: Vector<Elem = A>>(self);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<A: Lanes, O: Op<A>>(op: O) {
    // SAFETY: this function has the features enabled.
    unsafe { op.eval::<A::Avx2>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
unsafe fn avx512<A: Lanes, O: Op<A>>(op: O) {
    // SAFETY: this function has the features enabled.
    unsafe { op.eval::<A::Avx512>() }
}

/// The vectors of a number type in each instruction set.
pub trait Lanes: Constants {
    #[doc(hidden)]
    type Portable: Vector<Elem = Self>;
    #[cfg(target_arch = "x86_64")]
    #[doc(hidden)]
    type Avx2: Vector<Elem = Self>;
    #[cfg(target_arch = "x86_64")]
    #[doc(hidden)]
    type Avx512: Vector<Elem = Self>;
}

impl Lanes for f32 {
    type Portable = Portable<f32, 4>;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = F32x8;
    #[cfg(target_arch = "x86_64")]
    type Avx512 = F32x16;
}

impl Lanes for f64 {
    type Portable = Portable<f64, 2>;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = F64x4;
    #[cfg(target_arch = "x86_64")]
    type Avx512 = F64x8;
}
