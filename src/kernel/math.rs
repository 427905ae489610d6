//! tanh and sigmoid over vectors.
//!
//! Both stand on `e^y - 1 = 2^n q + (2^n - 1)` with `n = round(y / ln 2)`, `r = y - n ln 2` and `q = e^r - 1 = r + r² P(r)`.
//! P is the minimax polynomial of (e^r - 1 - r)/r² on ±ln(2)/2, the error weighted by |r| (that of q against r), by Remez'
//! exchange with 60 digits, then rounded: 1.4e-8 with degree 4 (f32), 2.7e-19 with degree 10 (f64).

use super::vector::Vector;
use crate::Element;

/// The numbers that depend on the precision.
pub trait Constants: num_traits::Float + 'static {
    /// P, from the constant term up.
    const EXP: &'static [Self];
    /// 1.5 · 2^mantissa + the exponent's bias: what is added to it is rounded to an integer, whose low bits are the
    /// exponent of 2^n.
    const ROUND: Self;
    const LOG2_E: Self;
    /// ln 2, rounded so that n · this is exact for the n that occur.
    const LN_2_HIGH: Self;
    /// The rest of ln 2.
    const LN_2_LOW: Self;
    /// e^-x stays a normal number for x above this (and sigmoid is 1 long before) …
    const SIGMOID_MAX: Self;
    /// … and for x below this e^-x would overflow; the result is below the normal numbers there.
    const SIGMOID_MIN: Self;
    /// tanh rounds to 1 from here on.
    const TANH_MAX: Self;
}

impl Constants for f32 {
    const EXP: &'static [f32] = &[
        0.5,
        0.166_665_42,
        0.041_666_28,
        0.008_366_644,
        0.001_394_655_4,
    ];
    const ROUND: f32 = 12_582_912.0 + 127.0;
    const LOG2_E: f32 = core::f32::consts::LOG2_E;
    const LN_2_HIGH: f32 = 355.0 / 512.0;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    const SIGMOID_MAX: f32 = 87.0;
    const SIGMOID_MIN: f32 = -88.3;
    const TANH_MAX: f32 = 9.5;
}

impl Constants for f64 {
    const EXP: &'static [f64] = &[
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
    const ROUND: f64 = 6_755_399_441_055_744.0 + 1023.0;
    const LOG2_E: f64 = core::f64::consts::LOG2_E;
    const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    const SIGMOID_MAX: f64 = 708.0;
    const SIGMOID_MIN: f64 = -709.4;
    const TANH_MAX: f64 = 22.0;
}

/// `r² P(r) + r`: e^r - 1 for |r| up to ln(2)/2 and a little more.
#[inline(always)]
unsafe fn exp_m1_near_zero<V: Vector>(r: V) -> V {
    let p = V::Elem::EXP;
    // SAFETY: the caller has the instruction set.
    unsafe {
        let square = r.mul(r);
        let pair = |i: usize| V::splat(p[i + 1]).mul_add(r, V::splat(p[i]));
        // Pairs in r, then Horner's rule in r²: half the latency of Horner in r.
        let mut i = p.len() - 1;
        let mut sum = V::splat(p[i]);
        while i >= 2 {
            i -= 2;
            sum = sum.mul_add(square, pair(i));
        }
        sum.mul_add(square, r)
    }
}

/// 1 / (1 + e^-x).
#[inline(always)]
pub(crate) unsafe fn sigmoid<V: Vector>(x: V) -> V {
    // SAFETY: the caller has the instruction set.
    unsafe {
        let x = V::splat(V::Elem::SIGMOID_MAX).min(V::splat(V::Elem::SIGMOID_MIN).max(x));
        let shifted = x.mul_add(V::splat(-V::Elem::LOG2_E), V::splat(V::Elem::ROUND));
        let n = shifted.sub(V::splat(V::Elem::ROUND));
        // r = -x - n ln 2, with the signs turned around to save a negation.
        let r = n.mul_add(V::splat(V::Elem::LN_2_HIGH), x);
        let r = n.mul_add(V::splat(V::Elem::LN_2_LOW), r);
        let q = exp_m1_near_zero(V::splat(-V::Elem::from_f64(1.0)).mul(r));
        let power = shifted.low_bits_to_exponent();
        let one = V::splat(V::Elem::from_f64(1.0));
        one.div(power.mul_add(q, power).add(one))
    }
}

/// tanh x = (e^2|x| - 1) / (e^2|x| + 1), with the sign of x.
#[inline(always)]
pub(crate) unsafe fn tanh<V: Vector>(x: V) -> V {
    // SAFETY: the caller has the instruction set.
    unsafe {
        let two = V::splat(V::Elem::from_f64(2.0));
        let one = V::splat(V::Elem::from_f64(1.0));
        let magnitude = V::splat(V::Elem::TANH_MAX).min(x.abs());
        let y = magnitude.add(magnitude);
        let shifted = y.mul_add(V::splat(V::Elem::LOG2_E), V::splat(V::Elem::ROUND));
        let n = shifted.sub(V::splat(V::Elem::ROUND));
        let r = n.mul_add(V::splat(-V::Elem::LN_2_HIGH), y);
        let r = n.mul_add(V::splat(-V::Elem::LN_2_LOW), r);
        let q = exp_m1_near_zero(r);
        let power = shifted.low_bits_to_exponent();
        let e = power.mul_add(q, power.sub(one));
        e.div(e.add(two)).with_sign(x)
    }
}
