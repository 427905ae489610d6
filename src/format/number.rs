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
}
