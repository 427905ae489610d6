//! Codes of numbers: what is read in place of the numbers of a file, to find out where they go.

use crate::Element;

/// Bits of a code that are seen at once: an `f32` holds them exactly.
const BITS: u32 = 22;

/// The lowest bits of a code.
pub fn low(code: u64) -> f64 {
    small(code & ((1 << BITS) - 1))
}

/// The bits above those.
pub fn high(code: u64) -> f64 {
    small(code >> BITS)
}

/// Bits that are drawn from a code, with which no sum of codes agrees but by a chance of one in four million.
///
/// Source: the generator `SplitMix64` of Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (2014).
pub fn check(code: u64) -> f64 {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = code.wrapping_mul(STEP).wrapping_add(STEP);
    let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    small((mixed ^ mixed >> 31) >> (64 - BITS))
}

/// Whether the codes below this one are seen whole at once.
pub fn are_short(codes: u64) -> bool {
    codes >> BITS == 0
}

/// A number below 2^53.
#[allow(clippy::cast_precision_loss)]
fn small(n: u64) -> f64 {
    n as f64
}

/// The code that was seen as these three numbers; `None` if it is none.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp
)] // it is the same number or another one
pub fn code<A: Element>(seen: A, seen_high: A, seen_check: A) -> Option<u64> {
    let code = (seen_high.as_f64() as u64) << BITS | seen.as_f64() as u64;
    let is_it = low(code) == seen.as_f64()
        && high(code) == seen_high.as_f64()
        && check(code) == seen_check.as_f64();
    is_it.then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(numbers: [f64; 3]) -> Option<u64> {
        #[allow(clippy::cast_possible_truncation)]
        let [low, high, check] = numbers.map(|x| x as f32);
        code(low, high, check)
    }

    #[test]
    fn codes_are_seen_in_single_precision() {
        let codes = (0..44).flat_map(|bits| [1_u64 << bits, (1 << bits) + 12_345]);
        for n in codes {
            assert_eq!(seen([low(n), high(n), check(n)]), Some(n));
            assert_eq!(seen([low(n), high(n), check(n) + 1.0]), None);
        }
        assert!(are_short((1 << BITS) - 1) && !are_short(1 << BITS));
    }

    /// A sum of two numbers, the mean of two, and constants are none of the numbers.
    #[test]
    fn what_was_computed_is_no_code() {
        for (a, b) in (1..2000).zip(1001_u64..) {
            let all = [low, high, check].map(|of| (of(a), of(b)));
            assert_eq!(seen(all.map(|(a, b)| a + b)), None);
            assert_eq!(seen(all.map(|(a, b)| f64::midpoint(a, b))), None);
            assert_eq!(seen(all.map(|(a, _)| a * 2.0)), None);
        }
        for constant in [1.0, 0.5, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(seen([constant; 3]), None);
        }
    }
}
