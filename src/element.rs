//! The two kinds of number that a layer computes in.

use crate::kernel::{Kernels, Number};
use core::fmt::{Debug, Display};
use ndarray::{LinalgScalar, ScalarOperand};
use num_traits::{Float, NumAssign};

mod private {
    #[cfg(not(feature = "files"))]
    pub trait Sealed {}
    #[cfg(feature = "files")]
    pub trait Sealed: crate::format::Float {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A floating-point number that layers compute in: [`f32`] or [`f64`].
///
/// Sealed: the kernels are written for these two. It asks for no `std`: the transcendental functions are the crate's own
/// or those of the `libm` crate, never those of the C library underneath.
pub trait Element:
    Float
    + NumAssign
    + LinalgScalar
    + ScalarOperand
    + Default
    + Debug
    + Display
    + Send
    + Sync
    + Kernels
    + private::Sealed
{
    /// The nearest value of this type.
    fn from_f64(x: f64) -> Self;
    /// This value as an `f64`, exact.
    fn as_f64(self) -> f64;
    /// Its bits, in the lowest places.
    #[doc(hidden)]
    fn bits(self) -> u64;
    #[doc(hidden)]
    fn of_bits(bits: u64) -> Self;
}

macro_rules! element {
    ($t:ty) => {
        impl Element for $t {
            fn from_f64(x: f64) -> Self {
                Self::nearest(x)
            }
            #[allow(clippy::cast_lossless)]
            fn as_f64(self) -> f64 {
                self as f64
            }
            #[allow(clippy::useless_conversion)] // of one of the two
            fn bits(self) -> u64 {
                self.to_bits().into()
            }
            #[allow(clippy::cast_possible_truncation)]
            fn of_bits(bits: u64) -> Self {
                Self::from_bits(bits as _)
            }
        }
    };
}

element!(f32);
element!(f64);
