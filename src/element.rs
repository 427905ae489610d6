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
    + Lanes
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
    #[doc(hidden)]
    fn libm_exp(self) -> Self;
    #[doc(hidden)]
    fn libm_exp_m1(self) -> Self;
    #[doc(hidden)]
    fn libm_ln_1p(self) -> Self;
    #[doc(hidden)]
    fn libm_tanh(self) -> Self;
    #[doc(hidden)]
    fn libm_erf(self) -> Self;
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
            #[allow(clippy::useless_conversion)] // of one of the two
            fn bits(self) -> u64 {
                self.to_bits().into()
            }
            #[allow(clippy::cast_possible_truncation)]
            fn of_bits(bits: u64) -> Self {
                Self::from_bits(bits as _)
            }
            fn libm_exp(self) -> Self {
                libm::$exp(self)
            }
            fn libm_exp_m1(self) -> Self {
                libm::$expm1(self)
            }
            fn libm_ln_1p(self) -> Self {
                libm::$log1p(self)
            }
            fn libm_tanh(self) -> Self {
                libm::$tanh(self)
            }
            fn libm_erf(self) -> Self {
                libm::$erf(self)
            }
        }
    };
}

element!(f32, expf, expm1f, log1pf, tanhf, erff);
element!(f64, exp, expm1, log1p, tanh, erf);
