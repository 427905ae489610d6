//! tanh and sigmoid over vectors.
//!
//! Both use `e^y - 1 = 2^n q + (2^n - 1)` with `n = round(y / ln 2)`, `r = y - n ln 2` and `q = e^r - 1 = r + r² P(r)`. P
//! is the minimax polynomial of (e^r - 1 - r)/r² on ±ln(2)/2. Its error is weighted by |r|, as the error of q relative to
//! r. It was computed by Remez' exchange with 50 digits and then rounded. The error is 1.3e-8 with degree 4 (f32) and
//! 2.7e-19 with degree 10 (f64).
//!
//! The results differ from correctly rounded values by at most 3 ulp in f32 and 4 ulp in f64 (`tests/activations.rs`). In
//! f32 sigmoid is monotone. tanh is not: neighbouring results can be out of order by 1 ulp.

use super::constants::Constants;
use super::number::Number;
use super::vector::Vector;

/// Computes `p[0] + p[1] r + p[2] r² + …`, and r².
#[inline(always)]
fn polynomial<V: Vector>(r: V, p: &'static [V::Elem]) -> (V, V) {
    let square = r.mul(r);
    // The coefficients are combined in pairs in r, and the pairs by Horner's rule in r²: half the latency of Horner's rule
    // in r.
    let mut i = (p.len() - 1) & !1;
    let mut sum = if i + 1 < p.len() {
        pair(r, p, i)
    } else {
        r.fill(p[i])
    };
    while i > 0 {
        i -= 2;
        sum = sum.mul_add(square, pair(r, p, i));
    }
    (sum, square)
}

/// Computes `p[i] + p[i + 1] r`. It is not a closure: without link-time optimisation that would not be inlined into the
/// instruction set.
#[inline(always)]
fn pair<V: Vector>(r: V, p: &'static [V::Elem], i: usize) -> V {
    r.fill(p[i + 1]).mul_add(r, r.fill(p[i]))
}

/// 1 / (1 + e^-x).
#[inline(always)]
pub fn sigmoid<V: Vector>(x: V) -> V {
    let of = V::Elem::nearest;
    let x = x
        .fill(V::Elem::SIGMOID_MAX)
        .min(x.fill(V::Elem::SIGMOID_MIN).max(x));
    let shifted = x.mul_add(x.fill(-V::Elem::PER_LN_2), x.fill(V::Elem::ROUND_HALF));
    let n = shifted.sub(x.fill(V::Elem::ROUND_HALF));
    // -x = n ln 2 - r.
    let r = n.mul_add(x.fill(V::Elem::LN_2_HIGH), x);
    let r = n.mul_add(x.fill(V::Elem::LN_2_LOW), r);
    let minus = x.fill(of(-1.0)).mul(r);
    let (sum, square) = polynomial(r, V::Elem::OF_MINUS_R);
    let q = sum.mul_add(square, minus);
    // Half of e^-x can be finite when e^-x is not. Doubling it then gives infinity, and the result is 0.
    let half_power = shifted.low_bits_to_exponent();
    let half = half_power.mul_add(q, half_power);
    let one = x.fill(of(1.0));
    one.div(half.mul_add(x.fill(of(2.0)), one))
}

/// Computes tanh x = e / (e + 2) for e = e^2|x| - 1, with the sign of x. An error of e nearly cancels.
#[inline(always)]
pub fn tanh<V: Vector>(x: V) -> V {
    let (one, half) = (V::Elem::nearest(1.0), V::Elem::nearest(0.5));
    let two = one + one;
    let magnitude = x.fill(V::Elem::TANH_MAX).min(x.abs());
    let shifted = magnitude.mul_add(x.fill(two * V::Elem::PER_LN_2), x.fill(V::Elem::ROUND));
    let n = shifted.sub(x.fill(V::Elem::ROUND));
    // 2 |x| = n ln 2 + 2 r.
    // ln 2 rounded once is precise enough: where n is large, tanh hardly depends on r.
    let r = n.mul_add(x.fill(-half * V::Elem::LN_2), magnitude);
    let (sum, square) = polynomial(r, V::Elem::OF_TWICE_R);
    let power = shifted.low_bits_to_exponent();
    // 2^n q + (2^n - 1), where q is not rounded, since it nearly cancels where n is 1.
    let most = power.mul_add(r.add(r), power.sub(x.fill(one)));
    let e = sum.mul_add(power.mul(square), most);
    // At a tie the last bit of e would decide the direction, and neighbours would be 2 ulp apart. So a tie is rounded down,
    // to 1.
    let two = power.mul_add(x.fill(-V::Elem::TANH_TIE), x.fill(two));
    e.div(e.add(two)).with_sign(x)
}
