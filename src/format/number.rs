//! `Number`: what the bytes of an array mean; `Float`: what they are read as.

use alloc::vec::Vec;
use core::fmt;

/// A kind of number in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// A byte, true unless 0.
    Bool,
    /// 8 bits, signed.
    I8,
    /// 16 bits, signed.
    I16,
    /// 32 bits, signed.
    I32,
    /// 64 bits, signed.
    I64,
    /// 8 bits.
    U8,
    /// 16 bits.
    U16,
    /// 32 bits.
    U32,
    /// 64 bits.
    U64,
    /// IEEE 754 binary16.
    F16,
    /// The upper half of an `F32`.
    BF16,
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
}

impl Number {
    /// Bytes of one number.
    pub fn size(self) -> usize {
        match self {
            Number::Bool | Number::I8 | Number::U8 => 1,
            Number::I16 | Number::U16 | Number::F16 | Number::BF16 => 2,
            Number::I32 | Number::U32 | Number::F32 => 4,
            Number::I64 | Number::U64 | Number::F64 => 8,
        }
    }

    /// Whether it has a fraction.
    pub fn is_float(self) -> bool {
        use Number::{BF16, F16, F32, F64};
        matches!(self, F16 | BF16 | F32 | F64)
    }
}

/// As in messages: `float32`, `int64` …
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Number::Bool => "bool",
            Number::I8 => "int8",
            Number::I16 => "int16",
            Number::I32 => "int32",
            Number::I64 => "int64",
            Number::U8 => "uint8",
            Number::U16 => "uint16",
            Number::U32 => "uint32",
            Number::U64 => "uint64",
            Number::F16 => "float16",
            Number::BF16 => "bfloat16",
            Number::F32 => "float32",
            Number::F64 => "float64",
        })
    }
}

/// What numbers are read as: `f32` or `f64`.
pub trait Float: Copy {
    /// Its kind in a file.
    const NUMBER: Number;
    /// The nearest number.
    fn rounded(x: f64) -> Self;
    /// The number of these bits, which are the lowest ones.
    fn with_bits(bits: u64) -> Self;
    /// Its bits, in the lowest places.
    fn all_bits(self) -> u64;
}

macro_rules! float {
    ($t:ty, $number:ident) => {
        #[allow(clippy::cast_possible_truncation, clippy::useless_conversion)]
        impl Float for $t {
            const NUMBER: Number = Number::$number;
            fn rounded(x: f64) -> Self {
                x as _
            }
            fn with_bits(bits: u64) -> Self {
                Self::from_bits(bits as _)
            }
            fn all_bits(self) -> u64 {
                self.to_bits().into()
            }
        }
    };
}

float!(f32, F32);
float!(f64, F64);

/// Appends all the numbers in `bytes`, each rounded to the nearest `A`.
pub(super) fn elements<A: Float>(number: Number, big_endian: bool, bytes: &[u8], to: &mut Vec<A>) {
    let e = big_endian;
    match number {
        // The numbers themselves, also those that are none.
        Number::F32 if A::NUMBER == number => {
            each(bytes, e, to, |b| A::with_bits(u32::from_le_bytes(b).into()));
        }
        Number::F64 if A::NUMBER == number => {
            each(bytes, e, to, |b| A::with_bits(u64::from_le_bytes(b)));
        }
        Number::Bool => each(bytes, e, to, |[b]| A::rounded(f64::from(u8::from(b != 0)))),
        Number::I8 => each(bytes, e, to, |b| A::rounded(i8::from_le_bytes(b).into())),
        Number::I16 => each(bytes, e, to, |b| A::rounded(i16::from_le_bytes(b).into())),
        Number::I32 => each(bytes, e, to, |b| A::rounded(i32::from_le_bytes(b).into())),
        Number::I64 => each(bytes, e, to, |b| A::rounded(i64::from_le_bytes(b) as f64)),
        Number::U8 => each(bytes, e, to, |[b]| A::rounded(b.into())),
        Number::U16 => each(bytes, e, to, |b| A::rounded(u16::from_le_bytes(b).into())),
        Number::U32 => each(bytes, e, to, |b| A::rounded(u32::from_le_bytes(b).into())),
        Number::U64 => each(bytes, e, to, |b| A::rounded(u64::from_le_bytes(b) as f64)),
        Number::F16 => each(bytes, e, to, |b| {
            A::rounded(half(u16::from_le_bytes(b)).into())
        }),
        Number::BF16 => each(bytes, e, to, |[low, high]| {
            A::rounded(f32::from_le_bytes([0, 0, low, high]).into())
        }),
        Number::F32 => each(bytes, e, to, |b| A::rounded(f32::from_le_bytes(b).into())),
        Number::F64 => each(bytes, e, to, |b| A::rounded(f64::from_le_bytes(b))),
    }
}

/// All the whole numbers in `bytes`, `None` if there are fractions or one is beyond an `i64`.
pub(super) fn integers(number: Number, big_endian: bool, bytes: &[u8]) -> Option<Vec<i64>> {
    let e = big_endian;
    Some(match number {
        Number::Bool => map(bytes, e, |[b]| i64::from(b != 0)),
        Number::I8 => map(bytes, e, |b| i8::from_le_bytes(b).into()),
        Number::I16 => map(bytes, e, |b| i16::from_le_bytes(b).into()),
        Number::I32 => map(bytes, e, |b| i32::from_le_bytes(b).into()),
        Number::I64 => map(bytes, e, i64::from_le_bytes),
        Number::U8 => map(bytes, e, |[b]| b.into()),
        Number::U16 => map(bytes, e, |b| u16::from_le_bytes(b).into()),
        Number::U32 => map(bytes, e, |b| u32::from_le_bytes(b).into()),
        Number::U64 => {
            let wide = map(bytes, e, u64::from_le_bytes).into_iter();
            return wide.map(|n| i64::try_from(n).ok()).collect();
        }
        _ => return None,
    })
}

/// Writes the nearest number of this kind over `to`, whose length is its size. Returns what it then reads as; `None` if the kind
/// has whole numbers and this is none of them.
#[cfg(any(feature = "keras", feature = "torch"))]
pub(super) fn overwrite(number: Number, big_endian: bool, x: f64, to: &mut [u8]) -> Option<f64> {
    #[allow(clippy::cast_possible_truncation)] // it is rounded
    let single = x as f32;
    let (bytes, stored) = match number {
        Number::F64 => (x.to_le_bytes(), x),
        Number::F32 => (low(single.to_bits().into()), single.into()),
        Number::F16 => {
            let bits = narrow(x, 10, -14);
            (low(bits.into()), half(bits).into())
        }
        Number::BF16 => {
            let bits = narrow(x, 7, -126);
            let wide = f32::from_bits(u32::from(bits) << 16);
            (low(bits.into()), wide.into())
        }
        _ => (whole(number, x)?.to_le_bytes(), x),
    };
    for (k, to) in to.iter_mut().enumerate() {
        let at = if big_endian {
            number.size().checked_sub(k + 1)?
        } else {
            k
        };
        *to = *bytes.get(at)?;
    }
    Some(stored)
}

/// The whole number that `x` is, if it is one of this kind.
#[cfg(any(feature = "keras", feature = "torch"))]
#[allow(clippy::cast_possible_truncation, clippy::float_cmp)] // it is the same number or another one
fn whole(number: Number, x: f64) -> Option<i64> {
    use Number::{I8, I16, I32, I64, U8, U16, U32, U64};
    let most = match number {
        I8 => i8::MAX.into(),
        I16 => i16::MAX.into(),
        I32 => i32::MAX.into(),
        U8 => u8::MAX.into(),
        U16 => u16::MAX.into(),
        U32 => u32::MAX.into(),
        I64 | U64 => i64::MAX,
        _ => return None,
    };
    let is_signed = matches!(number, I8 | I16 | I32 | I64);
    let least = if is_signed { -most - 1 } else { 0 };
    let whole = x as i64;
    (whole as f64 == x && (least..=most).contains(&whole)).then_some(whole)
}

#[cfg(any(feature = "keras", feature = "torch"))]
fn low(bits: u64) -> [u8; 8] {
    bits.to_le_bytes()
}

/// The bits of the nearest number of 16 bits, ties to even: its fraction has this many bits, and `least` is the exponent of
/// its smallest normal number.
#[cfg(any(feature = "keras", feature = "torch"))]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // of what was bounded before
fn narrow(x: f64, fraction: i32, least: i32) -> u16 {
    let sign = u16::from(x.is_sign_negative()) << 15;
    let infinity = 0x7fff_u64 >> fraction << fraction;
    if x.is_nan() {
        return sign | infinity as u16 | 1 << (fraction - 1);
    }
    let exponent = ((x.to_bits() >> 52 & 0x7ff) as i32 - 1023).max(least);
    // A power of two, so that the division is exact.
    let unit = f64::from_bits(((1023 + exponent - fraction) as u64) << 52);
    let steps = libm::rint(x.abs() / unit) as u64;
    // Of a normal number the steps have its leading bit, which makes the exponent one larger.
    let bits = steps.saturating_add(((exponent - least) as u64) << fraction);
    sign | bits.min(infinity) as u16
}

/// Appends numbers, the smallest byte first.
#[cfg(any(feature = "npz", feature = "torch", feature = "saved"))]
pub(super) fn write<A: Float>(numbers: impl IntoIterator<Item = A>, bytes: &mut Vec<u8>) {
    for x in numbers {
        bytes.extend(&x.all_bits().to_le_bytes()[..A::NUMBER.size()]);
    }
}

fn map<const N: usize, T>(bytes: &[u8], big_endian: bool, f: impl Fn([u8; N]) -> T) -> Vec<T> {
    let mut all = Vec::new();
    each(bytes, big_endian, &mut all, f);
    all
}

fn each<const N: usize, T>(
    bytes: &[u8],
    big_endian: bool,
    to: &mut Vec<T>,
    f: impl Fn([u8; N]) -> T,
) {
    let chunks = bytes.as_chunks::<N>().0.iter();
    if big_endian {
        to.extend(chunks.map(|&chunk| {
            let mut chunk = chunk;
            chunk.reverse();
            f(chunk)
        }));
    } else {
        to.extend(chunks.map(|&chunk| f(chunk)));
    }
}

/// The value of an IEEE 754 binary16, which every `f32` can hold exactly.
fn half(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let exponent = u32::from(bits >> 10 & 0x1f);
    let fraction = u32::from(bits & 0x3ff);
    match exponent {
        // Subnormal: fraction · 2⁻²⁴, a sum that an f32 makes without rounding.
        0 => f32::from_bits(sign | (fraction as f32 / 16_777_216.0).to_bits()),
        0x1f => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_exact() {
        for (bits, value) in [
            (0x0000, 0.0),
            (0x8000, -0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0001, 5.960_464_5e-8),
            (0x03ff, 6.097_555e-5),
            (0x0400, 6.103_515_6e-5),
            (0x3555, 0.333_251_95),
            (0x7c00, f32::INFINITY),
            (0xfc00, f32::NEG_INFINITY),
        ] {
            assert_eq!(half(bits).to_bits(), f32::to_bits(value), "{bits:#06x}");
        }
        assert!(half(0x7e00).is_nan());
    }

    /// Every number of 16 bits is written as itself, and what is halfway between two as the even one.
    #[cfg(any(feature = "keras", feature = "torch"))]
    #[test]
    fn numbers_of_16_bits_are_rounded_once() {
        for bits in 0..=u16::MAX {
            for number in [Number::F16, Number::BF16] {
                let wide = |bits: u16| match number {
                    Number::F16 => half(bits),
                    _ => f32::from_bits(u32::from(bits) << 16),
                };
                let x = f64::from(wide(bits));
                let mut bytes = [0; 2];
                let stored = overwrite(number, true, x, &mut bytes).unwrap();
                if x.is_nan() {
                    assert!(stored.is_nan());
                    continue;
                }
                assert_eq!(u16::from_be_bytes(bytes), bits);
                let next = f64::from(wide(bits.wrapping_add(1)));
                if next.is_finite() && bits != 0x7fff {
                    let middle = f64::midpoint(x, next);
                    overwrite(number, false, middle, &mut bytes).unwrap();
                    let even = bits + (bits & 1);
                    assert_eq!(u16::from_le_bytes(bytes), even, "{middle:e}");
                    // A little beyond, by less than a single-precision number can tell.
                    let beyond = middle + (next - middle) / f64::from(1 << 30);
                    overwrite(number, false, beyond, &mut bytes).unwrap();
                    assert_eq!(u16::from_le_bytes(bytes), bits + 1, "{beyond:e}");
                }
            }
        }
        let mut bytes = [0; 2];
        for (x, bits) in [(65519.9, 0x7bff), (65520.0, 0x7c00), (-1e300, 0xfc00)] {
            overwrite(Number::F16, false, x, &mut bytes).unwrap();
            assert_eq!(u16::from_le_bytes(bytes), bits);
        }
        let whole = |number, x| overwrite(number, false, x, &mut bytes).is_some();
        let mut whole = whole;
        assert!(whole(Number::I16, -32768.0) && !whole(Number::I16, 32768.0));
        assert!(whole(Number::U16, 65535.0) && !whole(Number::U16, -1.0));
        assert!(!whole(Number::I16, 0.5) && !whole(Number::Bool, 1.0));
    }
}
