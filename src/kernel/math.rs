//! tanh and sigmoid over vectors.
//!
//! Both stand on `e^y - 1 = 2^n q + (2^n - 1)` with `n = round(y / ln 2)`, `r = y - n ln 2` and `q = e^r - 1 = r + r² P(r)`.
//! P is the minimax polynomial of (e^r - 1 - r)/r² on ±ln(2)/2, the error weighted by |r| (that of q against r), by Remez'
//! exchange with 50 digits, then rounded: 1.3e-8 with degree 4 (f32), 2.7e-19 with degree 10 (f64).
//!
//! Against correctly rounded values (`tests/activations.rs`): at most 3 ulp in f32, 4 ulp in f64. sigmoid is monotone in
//! f32; tanh has neighbours out of order, 1 ulp apart.

use super::vector::Vector;
use crate::Element;

/// The numbers that depend on the precision.
pub trait Constants: num_traits::Float + 'static {
    /// r² P(r) from the square up, for -r …
    const OF_MINUS_R: &'static [Self];
    /// … and for 2r.
    const OF_TWICE_R: &'static [Self];
    /// 1.5 · 2^mantissa + the exponent's bias: what is added to it is rounded to an integer, whose low bits are the
    /// exponent of 2^n.
    const ROUND: Self;
    /// The same, for 2^(n-1).
    const ROUND_HALF: Self;
    /// 1 / ln 2.
    const PER_LN_2: Self;
    /// ln 2.
    const LN_2: Self;
    /// ln 2, rounded so that n · this is exact for the n that occur.
    const LN_2_HIGH: Self;
    /// The rest of ln 2.
    const LN_2_LOW: Self;
    /// sigmoid is 1 long before this, and e^-x still more than 0 …
    const SIGMOID_MAX: Self;
    /// … and here e^-x overflows, so that sigmoid is 0.
    const SIGMOID_MIN: Self;
    /// tanh rounds to 1 from here on.
    const TANH_MAX: Self;
    /// 2 - 2^n · this is 2 until 2^n is as large as e must be for e + 2 to lie in the middle of two numbers, and less than
    /// 2 from there on.
    const TANH_TIE: Self;
}

/// P from the constant term up, for `f32`.
const P_F32: [f32; 5] = [
    0.5,
    0.166_665_43,
    0.041_666_28,
    0.008_366_584,
    0.001_394_645_1,
];

/// P from the constant term up, for `f64`.
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

/// The coefficients of r² P(s r) s², for a power of two s: no bit of them is rounded.
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

/// `p[0] + p[1] r + p[2] r² + …`, and r².
#[inline(always)]
unsafe fn polynomial<V: Vector>(r: V, p: &'static [V::Elem]) -> (V, V) {
    // SAFETY: the caller has the instruction set.
    unsafe {
        let square = r.mul(r);
        // Pairs in r, then Horner's rule in r²: half the latency of Horner in r.
        let mut i = (p.len() - 1) & !1;
        let mut sum = if i + 1 < p.len() {
            pair(r, p, i)
        } else {
            V::splat(p[i])
        };
        while i > 0 {
            i -= 2;
            sum = sum.mul_add(square, pair(r, p, i));
        }
        (sum, square)
    }
}

/// `p[i] + p[i + 1] r`. (No closure, which would not be inlined into the instruction set without link-time optimisation.)
#[inline(always)]
unsafe fn pair<V: Vector>(r: V, p: &'static [V::Elem], i: usize) -> V {
    // SAFETY: the caller has the instruction set.
    unsafe { V::splat(p[i + 1]).mul_add(r, V::splat(p[i])) }
}

/// 1 / (1 + e^-x).
#[inline(always)]
pub(crate) unsafe fn sigmoid<V: Vector>(x: V) -> V {
    // SAFETY: the caller has the instruction set.
    unsafe {
        let x = V::splat(V::Elem::SIGMOID_MAX).min(V::splat(V::Elem::SIGMOID_MIN).max(x));
        let shifted = x.mul_add(V::splat(-V::Elem::PER_LN_2), V::splat(V::Elem::ROUND_HALF));
        let n = shifted.sub(V::splat(V::Elem::ROUND_HALF));
        // -x = n ln 2 - r.
        let r = n.mul_add(V::splat(V::Elem::LN_2_HIGH), x);
        let r = n.mul_add(V::splat(V::Elem::LN_2_LOW), r);
        let minus = V::splat(V::Elem::from_f64(-1.0)).mul(r);
        let (sum, square) = polynomial(r, V::Elem::OF_MINUS_R);
        let q = sum.mul_add(square, minus);
        // Half of e^-x is finite where e^-x is not; then it doubles to infinity, and the result is 0.
        let half_power = shifted.low_bits_to_exponent();
        let half = half_power.mul_add(q, half_power);
        let one = V::splat(V::Elem::from_f64(1.0));
        one.div(half.mul_add(V::splat(V::Elem::from_f64(2.0)), one))
    }
}

/// tanh x = e / (e + 2) for e = e^2|x| - 1, with the sign of x: an error of e nearly cancels.
#[inline(always)]
pub(crate) unsafe fn tanh<V: Vector>(x: V) -> V {
    // SAFETY: the caller has the instruction set.
    unsafe {
        let (one, half) = (V::Elem::from_f64(1.0), V::Elem::from_f64(0.5));
        let two = one + one;
        let magnitude = V::splat(V::Elem::TANH_MAX).min(x.abs());
        let shifted =
            magnitude.mul_add(V::splat(two * V::Elem::PER_LN_2), V::splat(V::Elem::ROUND));
        let n = shifted.sub(V::splat(V::Elem::ROUND));
        // 2 |x| = n ln 2 + 2 r.
        // One rounded ln 2 is enough: where n is large, tanh hardly depends on r.
        let r = n.mul_add(V::splat(-half * V::Elem::LN_2), magnitude);
        let (sum, square) = polynomial(r, V::Elem::OF_TWICE_R);
        let power = shifted.low_bits_to_exponent();
        // 2^n q + (2^n - 1) without rounding q, which nearly cancels where n is 1.
        let most = power.mul_add(r.add(r), power.sub(V::splat(one)));
        let e = sum.mul_add(power.mul(square), most);
        // A tie would go up or down by the last bit of e, and neighbours be two places apart: it goes down, to 1.
        let two = power.mul_add(V::splat(-V::Elem::TANH_TIE), V::splat(two));
        e.div(e.add(two)).with_sign(x)
    }
}
