//! The two kinds of number that a layer computes in.

use crate::kernel::Lanes;
use core::fmt::{Debug, Display};
use ndarray::{LinalgScalar, ScalarOperand};
use num_traits::{Float, NumAssign};

mod private {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A floating-point number that layers compute in: [`f32`] or [`f64`].
///
/// Sealed: the kernels are written for these two. It asks for no `std`; the transcendental functions are those of the
/// `libm` crate on every platform, with and without `std`, so that results do not depend on the C library underneath.
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
    + Lanes
    + private::Sealed
{
    /// The nearest value of this type.
    fn from_f64(x: f64) -> Self;
    /// This value as an `f64`, exact.
    fn as_f64(self) -> f64;
    #[doc(hidden)]
    fn exp_(self) -> Self;
    #[doc(hidden)]
    fn exp_m1_(self) -> Self;
    #[doc(hidden)]
    fn ln_1p_(self) -> Self;
    #[doc(hidden)]
    fn tanh_(self) -> Self;
    #[doc(hidden)]
    fn erf_(self) -> Self;
}

macro_rules! element {
    ($t:ty, $exp:ident, $expm1:ident, $log1p:ident, $tanh:ident, $erf:ident) => {
        impl Element for $t {
            #[allow(clippy::cast_possible_truncation)]
            fn from_f64(x: f64) -> Self {
                x as $t
            }
            #[allow(clippy::cast_lossless)]
            fn as_f64(self) -> f64 {
                self as f64
            }
            fn exp_(self) -> Self {
                libm::$exp(self)
            }
            fn exp_m1_(self) -> Self {
                libm::$expm1(self)
            }
            fn ln_1p_(self) -> Self {
                libm::$log1p(self)
            }
            fn tanh_(self) -> Self {
                libm::$tanh(self)
            }
            fn erf_(self) -> Self {
                libm::$erf(self)
            }
        }
    };
}

element!(f32, expf, expm1f, log1pf, tanhf, erff);
element!(f64, exp, expm1, log1p, tanh, erf);
