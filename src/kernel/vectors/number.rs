//! `Number`: the scalars that kernels compute with.

use super::constants::Constants;
use core::fmt::Debug;

/// A floating-point type that has vectors.
///
/// The functions are those of the `libm` crate, so they give the same results with and without `std`.
pub trait Number: Constants + Debug + Send + Sync {
    /// The nearest value of this type.
    fn nearest(x: f64) -> Self;
    /// The same number, exactly.
    fn wide(self) -> f64;
    fn libm_exp(self) -> Self;
    fn libm_exp_m1(self) -> Self;
    fn libm_ln(self) -> Self;
    fn libm_ln_1p(self) -> Self;
    fn libm_pow(self, exponent: Self) -> Self;
    fn libm_tanh(self) -> Self;
    fn libm_erf(self) -> Self;
}

macro_rules! number {
    ($t:ty, $exp:ident, $expm1:ident, $log:ident, $log1p:ident, $pow:ident, $tanh:ident, $erf:ident) => {
        impl Number for $t {
            #[allow(clippy::cast_possible_truncation)]
            #[inline]
            fn nearest(x: f64) -> Self {
                x as $t
            }
            #[allow(clippy::useless_conversion)] // useless for one of the two types
            fn wide(self) -> f64 {
                self.into()
            }
            fn libm_exp(self) -> Self {
                libm::$exp(self)
            }
            fn libm_exp_m1(self) -> Self {
                libm::$expm1(self)
            }
            fn libm_ln(self) -> Self {
                libm::$log(self)
            }
            fn libm_ln_1p(self) -> Self {
                libm::$log1p(self)
            }
            fn libm_pow(self, exponent: Self) -> Self {
                libm::$pow(self, exponent)
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
number!(f32, expf, expm1f, logf, log1pf, powf, tanhf, erff);
number!(f64, exp, expm1, log, log1p, pow, tanh, erf);
