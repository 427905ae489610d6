//! The constants of tanh and sigmoid in each precision. [`math`](super::math) describes how they are used.

use num_traits::Float;

/// The constants of tanh and sigmoid in one precision.
pub trait Constants: Float + 'static {
    /// The coefficients of r² P(r), from r² upwards, for an argument of -r.
    const OF_MINUS_R: &'static [Self];
    /// The coefficients of r² P(r), from r² upwards, for an argument of 2r.
    const OF_TWICE_R: &'static [Self];
    /// 1.5 · 2^mantissa + the exponent's bias. Adding a number to it rounds the number to an integer n, whose low bits are
    /// the exponent of 2^n.
    const ROUND: Self;
    /// 1.5 · 2^mantissa + the bias - 1. It is used like `ROUND`, for 2^(n-1).
    const ROUND_HALF: Self;
    /// 1 / ln 2.
    const PER_LN_2: Self;
    /// ln 2.
    const LN_2: Self;
    /// ln 2, rounded so that its product with each n that occurs is exact.
    const LN_2_HIGH: Self;
    /// The difference between ln 2 and `LN_2_HIGH`.
    const LN_2_LOW: Self;
    /// An upper bound of the argument of sigmoid. The result is 1 long before it, and e^-x is still above 0.
    const SIGMOID_MAX: Self;
    /// A lower bound of the argument of sigmoid. There e^-x overflows, so the result is 0.
    const SIGMOID_MIN: Self;
    /// tanh rounds to 1 from here on.
    const TANH_MAX: Self;
    /// The constant k that turns ties down: 2 - 2^n · k is 2 until e is so large that e + 2 lies halfway between two
    /// numbers. It is less than 2 from there on.
    const TANH_TIE: Self;
}

/// The coefficients of P from the constant term upwards, for `f32`.
const P_F32: [f32; 5] = [
    0.5,
    0.166_665_43,
    0.041_666_28,
    0.008_366_584,
    0.001_394_645_1,
];

/// The coefficients of P from the constant term upwards, for `f64`.
const P_F64: [f64; 11] = [
    0.5,
    0.166_666_666_666_666_77,
    0.041_666_666_666_666_7,
    0.008_333_333_333_321_532,
    0.001_388_888_888_886_667_4,
    0.000_198_412_698_864_017_68,
    2.480_158_736_088_256_6e-5,
    2.755_724_391_108_413_7e-6,
    2.755_724_247_820_75e-7,
    2.510_914_756_926_843_4e-8,
    2.092_453_093_327_746_4e-9,
];

/// The coefficients of r² P(s r) s², for a power of two s. None of them is rounded again.
macro_rules! scale {
    ($name:ident, $elem:ty) => {
        const fn $name<const N: usize>(mut p: [$elem; N], s: $elem) -> [$elem; N] {
            let (mut i, mut power) = (0, s * s);
            while i < N {
                p[i] *= power;
                power *= s;
                i += 1;
            }
            p
        }
    };
}
scale!(scale_f32, f32);
scale!(scale_f64, f64);

impl Constants for f32 {
    const OF_MINUS_R: &'static [f32] = &scale_f32(P_F32, -1.0);
    const OF_TWICE_R: &'static [f32] = &scale_f32(P_F32, 2.0);
    const ROUND: f32 = 12_582_912.0 + 127.0;
    const ROUND_HALF: f32 = 12_582_912.0 + 126.0;
    const PER_LN_2: f32 = core::f32::consts::LOG2_E;
    const LN_2: f32 = core::f32::consts::LN_2;
    const LN_2_HIGH: f32 = 355.0 / 512.0;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    const SIGMOID_MAX: f32 = 87.0;
    const SIGMOID_MIN: f32 = -89.0;
    const TANH_MAX: f32 = 9.5;
    const TANH_TIE: f32 = f32::EPSILON * f32::EPSILON / 4.0;
}

impl Constants for f64 {
    const OF_MINUS_R: &'static [f64] = &scale_f64(P_F64, -1.0);
    const OF_TWICE_R: &'static [f64] = &scale_f64(P_F64, 2.0);
    const ROUND: f64 = 6_755_399_441_055_744.0 + 1023.0;
    const ROUND_HALF: f64 = 6_755_399_441_055_744.0 + 1022.0;
    const PER_LN_2: f64 = core::f64::consts::LOG2_E;
    const LN_2: f64 = core::f64::consts::LN_2;
    const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    const SIGMOID_MAX: f64 = 708.0;
    const SIGMOID_MIN: f64 = -710.0;
    const TANH_MAX: f64 = 22.0;
    const TANH_TIE: f64 = f64::EPSILON * f64::EPSILON / 4.0;
}
