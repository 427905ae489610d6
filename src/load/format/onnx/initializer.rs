//! `Initializer`: an array in the file.

use super::super::number::Number;
use super::super::tensor::Tensor;
use super::fields::Fields;
use crate::error::{Error, Result};
use alloc::borrow::Cow;
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

/// An array in the file, not read yet.
pub struct Initializer<'a> {
    name: &'a str,
    message: &'a [u8],
}

impl<'a> Initializer<'a> {
    pub(super) fn read(message: &'a [u8]) -> Result<Self> {
        let mut name = "";
        for field in Fields::new(message) {
            let field = field?;
            if field.number == field::NAME {
                name = field.text()?;
            }
        }
        Ok(Initializer { name, message })
    }

    /// Its name; empty in an attribute.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The array. Data in another file is refused, and nobody looks there.
    pub fn tensor(&self) -> Result<Tensor<'a>> {
        let name = if self.name.is_empty() {
            "ONNX tensor"
        } else {
            self.name
        };
        let (mut dims, mut data_type) = (Vec::new(), 0);
        for field in Fields::new(self.message) {
            let field = field?;
            match field.number {
                field::DIMS => field.ints(&mut dims)?,
                field::DATA_TYPE => data_type = field.int()?,
                field::SEGMENT => {
                    return Err(Error::file(name, "an array in one piece", "a segment"));
                }
                field::EXTERNAL_DATA => {
                    let found = format!("external data, {}", entry(field.bytes()?)?);
                    return Err(Error::file(name, "data in the file itself", found));
                }
                field::DATA_LOCATION if field.int()? != 0 => {
                    return Err(Error::file(
                        name,
                        "data in the file itself",
                        "external data",
                    ));
                }
                _ => {}
            }
        }
        let shape = dims.into_iter().map(|n| {
            let negative = |_| Error::file(name, "axes of at least 0", n);
            usize::try_from(n).map_err(negative)
        });
        let shape = shape.collect::<Result<_>>()?;
        let number = number(data_type).ok_or_else(|| {
            let expected = "booleans, whole numbers, or floating-point numbers of 16 bits and more";
            Error::file(name, expected, format!("data type {data_type}"))
        })?;
        let message = self.message;
        Tensor::new(name.to_string(), shape, number, move || {
            bytes(message, number)
        })
    }
}

/// Key and value of what tells where external data is.
fn entry(message: &[u8]) -> Result<String> {
    let (mut key, mut value) = ("", "");
    for field in Fields::new(message) {
        let field = field?;
        match field.number {
            1 => key = field.text()?,
            2 => value = field.text()?,
            _ => {}
        }
    }
    Ok(format!("{key} {value:?}"))
}

/// The numbers of an array: raw, or in the field for their kind.
fn bytes(message: &[u8], number: Number) -> Result<Cow<'_, [u8]>> {
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
            return Ok(Cow::Borrowed(field.bytes()?));
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
    Ok(Cow::Owned(bytes))
}

/// The kind of number behind a data type.
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
