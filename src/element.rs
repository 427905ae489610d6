//! `Element`: the two types of number that layers compute in.

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

/// The floating-point number that layers compute in: [`f32`] or [`f64`].
///
/// The trait is sealed, since the kernels are written for these two types. It needs no `std`: transcendental functions are
/// the crate's own or those of the `libm` crate, never those of the system's C library.
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
    /// Converts this value to `f64`, exactly.
    fn as_f64(self) -> f64;
    /// The bits of this value, in the low bits of the result.
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
            #[allow(clippy::useless_conversion)] // useless for one of the two types
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
