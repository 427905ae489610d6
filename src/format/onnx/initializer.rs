//! `Initializer`: an array in the file.

use super::super::bytes::Data;
use super::super::error::{Error, Result};
use super::super::number::Number;
use super::super::raw_array::{RawArray, size};
use super::allowance::Allowance;
use super::external::{self, External, Source};
use super::fields::{Fields, Message};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Fields of a tensor.
mod field {
    pub const DIMS: u64 = 1;
    pub const DATA_TYPE: u64 = 2;
    pub const SEGMENT: u64 = 3;
    pub const FLOAT_DATA: u64 = 4;
    pub const INT32_DATA: u64 = 5;
    pub const INT64_DATA: u64 = 7;
    pub const NAME: u64 = 8;
    pub const RAW_DATA: u64 = 9;
    pub const DOUBLE_DATA: u64 = 10;
    pub const UINT64_DATA: u64 = 11;
    pub const EXTERNAL_DATA: u64 = 13;
    pub const DATA_LOCATION: u64 = 14;
}

/// An array in the file or beside it, not read yet.
pub struct Initializer {
    name: String,
    /// Where in the file it is described, and mostly is.
    at: usize,
    length: usize,
}

impl Initializer {
    pub(super) fn read(message: Message, allowance: &Allowance) -> Result<Self> {
        let mut name = String::new();
        for field in Fields::new(message) {
            let field = field?;
            match field.number {
                field::NAME => name = field.text()?,
                field::EXTERNAL_DATA => {
                    allowance.entries.take(2, "ONNX tensor")?;
                    let (key, value) = external::entry(field.message()?)?;
                    if key == external::LOCATION {
                        allowance.external.borrow_mut().insert(value);
                    }
                }
                _ => {}
            }
        }
        Ok(Initializer {
            name,
            at: message.at,
            length: message.bytes.len(),
        })
    }

    /// Its name; empty in an attribute.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The array, of the file that it was read from.
    pub fn tensor<'s>(&self, source: Source<'s>) -> Result<RawArray<'s>> {
        let name = if self.name.is_empty() {
            "ONNX tensor"
        } else {
            &self.name
        };
        let gone = || Error::new(name, "the file that it was read from", "a shorter one");
        let message = Message::whole(source.bytes);
        let message = message.part(self.at, self.length).ok_or_else(gone)?;
        let (mut dims, mut data_type) = (Vec::new(), 0);
        let mut elsewhere = External::default();
        for field in Fields::new(message) {
            let field = field?;
            match field.number {
                field::DIMS => field.ints(&mut dims)?,
                field::DATA_TYPE => data_type = field.int()?,
                field::SEGMENT => {
                    return Err(Error::new(name, "an array in one piece", "a segment"));
                }
                field::EXTERNAL_DATA => {
                    let entry = external::entry(field.message()?)?;
                    elsewhere.add(entry).map_err(|error| error.within(name))?;
                }
                field::DATA_LOCATION => elsewhere.is_used = field.int()? != 0,
                field::RAW_DATA => elsewhere.has_raw_data = true,
                _ => {}
            }
        }
        let shape = dims.into_iter().map(|n| {
            let negative = |_| Error::new(name, "axes of at least 0", n);
            usize::try_from(n).map_err(negative)
        });
        let shape = shape.collect::<Result<Vec<usize>>>()?;
        let number = number(data_type).ok_or_else(|| {
            let expected = "booleans, whole numbers, or floating-point numbers of 16 bits and more";
            Error::new(name, expected, format!("data type {data_type}"))
        })?;
        let place = elsewhere.place().map_err(|error| error.within(name))?;
        if let Some(place) = place {
            let length = size(name, &shape, number.size())?;
            let within = name.to_string();
            return RawArray::new(name.to_string(), shape, number, move || {
                let part = place.bytes(source.beside, length);
                Ok(Data::File(part.map_err(|error| error.within(&within))?))
            });
        }
        RawArray::new(name.to_string(), shape, number, move || {
            bytes(message, number)
        })
    }
}

/// The numbers of an array: raw, or in the field for their kind.
fn bytes(message: Message, number: Number) -> Result<Data> {
    use Number::{Bool, F32, F64, I64, U32, U64};
    let typed = match number {
        F32 => field::FLOAT_DATA,
        F64 => field::DOUBLE_DATA,
        I64 => field::INT64_DATA,
        U32 | U64 => field::UINT64_DATA,
        _ => field::INT32_DATA,
    };
    let mut bytes = Vec::new();
    let mut ints = Vec::new();
    for field in Fields::new(message) {
        let field = field?;
        if field.number == field::RAW_DATA {
            return Ok(Data::File(field.message()?.bytes));
        }
        if field.number != typed {
            continue;
        }
        if matches!(number, F32 | F64) {
            field.fixed(|more| bytes.extend(more))?;
            continue;
        }
        field.ints(&mut ints)?;
        for int in ints.drain(..) {
            // Small kinds are stored in the low bits; a boolean is any bit.
            let int = if number == Bool {
                i64::from(int != 0)
            } else {
                int
            };
            bytes.extend(&int.to_le_bytes()[..number.size()]);
        }
    }
    Ok(Data::Made(bytes))
}

/// The kind of number that a data type stands for.
pub(super) fn number(data_type: i64) -> Option<Number> {
    Some(match data_type {
        1 => Number::F32,
        2 => Number::U8,
        3 => Number::I8,
        4 => Number::U16,
        5 => Number::I16,
        6 => Number::I32,
        7 => Number::I64,
        9 => Number::Bool,
        10 => Number::F16,
        11 => Number::F64,
        12 => Number::U32,
        13 => Number::U64,
        16 => Number::BF16,
        _ => return None,
    })
}
