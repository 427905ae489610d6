//! Writes and reads arrays with serde, bit for bit.
//!
//! Human-readable formats such as JSON hold the hexadecimal digits of the bits: not every reader of decimal numbers
//! restores the last bit, and JSON has no NaN. Other formats hold the bytes, in little-endian order.

use crate::Element;
use alloc::format;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use ndarray::{Array, ArrayD, Dimension, IxDyn};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An array in serde's data model.
#[derive(Serialize, Deserialize)]
#[serde(rename = "Array", deny_unknown_fields, bound = "A: Element")]
struct Bits<A> {
    shape: Vec<usize>,
    bits: Numbers<A>,
}

struct Numbers<A>(Vec<A>);

impl<A: Element> Serialize for Numbers<A> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let size = size_of::<A>();
        let numbers = self.0.iter().map(|x| x.bits());
        if to.is_human_readable() {
            let digits = numbers.map(|bits| format!("{bits:0width$x}", width = 2 * size));
            return to.serialize_str(&digits.collect::<Vec<_>>().join(" "));
        }
        let bytes = numbers.map(u64::to_le_bytes);
        let bytes: Vec<u8> = bytes
            .flat_map(|bytes| bytes.into_iter().take(size))
            .collect();
        to.serialize_bytes(&bytes)
    }
}

impl<'de, A: Element> Deserialize<'de> for Numbers<A> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if from.is_human_readable() {
            from.deserialize_str(Digits(PhantomData))
        } else {
            from.deserialize_bytes(Digits(PhantomData))
        }
    }
}

struct Digits<A>(PhantomData<A>);

impl<A: Element> Visitor<'_> for Digits<A> {
    type Value = Numbers<A>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the bits of numbers, {} bytes each", size_of::<A>())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Numbers<A>, E> {
        let number = |digits: &str| {
            let all = digits.len() == 2 * size_of::<A>() && !digits.starts_with('+');
            let bits = u64::from_str_radix(digits, 16).ok().filter(|_| all);
            bits.map(A::of_bits)
        };
        let numbers = text.split_ascii_whitespace().map(number).collect();
        let wrong = || E::invalid_value(serde::de::Unexpected::Str(text), &self);
        Option::map(numbers, Numbers).ok_or_else(wrong)
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Numbers<A>, E> {
        let numbers = bytes.chunks_exact(size_of::<A>());
        if !numbers.remainder().is_empty() {
            return Err(E::invalid_length(bytes.len(), &self));
        }
        let bits = |bytes: &[u8]| {
            bytes
                .iter()
                .rev()
                .fold(0, |bits, &byte| bits << 8 | u64::from(byte))
        };
        Ok(Numbers(
            numbers.map(|bytes| A::of_bits(bits(bytes))).collect(),
        ))
    }
}

pub fn serialize<A: Element, D: Dimension, S: Serializer>(
    array: &Array<A, D>,
    to: S,
) -> Result<S::Ok, S::Error> {
    let (shape, bits) = (
        array.shape().into(),
        Numbers(array.iter().copied().collect()),
    );
    Bits { shape, bits }.serialize(to)
}

/// Reads an array. Refuses a shape that does not fit the numbers, or that has another number of axes.
pub fn deserialize<'de, A: Element, D: Dimension, S: Deserializer<'de>>(
    from: S,
) -> Result<Array<A, D>, S::Error> {
    let Bits { shape, bits } = Bits::deserialize(from)?;
    let array = ArrayD::from_shape_vec(IxDyn(&shape), bits.0);
    let wrong = |error| S::Error::custom(format!("an array of shape {shape:?}: {error}"));
    array.and_then(Array::into_dimensionality).map_err(wrong)
}

/// An array inside another value, such as an `Option`.
#[derive(Serialize, Deserialize)]
#[serde(transparent, bound = "A: Element, D: Dimension")]
struct One<A, D: Dimension>(#[serde(with = "self")] Array<A, D>);

/// Arrays that may be missing.
pub mod option {
    use super::{Deserialize, Deserializer, Dimension, Element, One, Serialize, Serializer};
    use ndarray::Array;

    #[allow(clippy::ref_option)] // the signature that serde calls
    pub fn serialize<A: Element, D: Dimension, S: Serializer>(
        array: &Option<Array<A, D>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        array.clone().map(One).serialize(to)
    }

    pub fn deserialize<'de, A: Element, D: Dimension, S: Deserializer<'de>>(
        from: S,
    ) -> Result<Option<Array<A, D>>, S::Error> {
        let array: Option<One<A, D>> = Option::deserialize(from)?;
        Ok(array.map(|array| array.0))
    }
}

/// The arrays of several layers, some of which have none.
pub mod layers {
    use super::{Deserialize, Deserializer, One, Serialize, Serializer, Vec};
    use ndarray::{Array2, Ix2};

    type Layers<T> = Vec<Option<Vec<T>>>;

    fn map<T, U>(layers: Layers<T>, f: fn(T) -> U) -> Layers<U> {
        let each = |arrays: Vec<T>| arrays.into_iter().map(f).collect();
        layers.into_iter().map(|layer| layer.map(each)).collect()
    }

    pub fn serialize<S: Serializer>(
        layers: &Layers<Array2<f64>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        map(layers.clone(), One).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Layers<Array2<f64>>, D::Error> {
        let layers: Layers<One<f64, Ix2>> = Vec::deserialize(from)?;
        Ok(map(layers, |array| array.0))
    }
}
