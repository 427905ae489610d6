//! Fields of a Protocol Buffers message.

use super::super::cursor::Cursor;
use crate::error::{Error, Result};
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::str::from_utf8;

const PART: &str = "ONNX message";

/// The fields of a message, one after the other.
pub(super) struct Fields<'a> {
    rest: Cursor<'a>,
}

/// One field.
pub(super) struct Field<'a> {
    pub number: u64,
    value: Wire<'a>,
}

/// A value as it is written.
enum Wire<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

impl<'a> Fields<'a> {
    pub fn new(message: &'a [u8]) -> Self {
        Fields {
            rest: Cursor::new(message, PART),
        }
    }

    fn read(&mut self) -> Result<Field<'a>> {
        let key = varint(&mut self.rest)?;
        let value = match key & 7 {
            0 => Wire::Varint(varint(&mut self.rest)?),
            1 => Wire::Fixed64(self.rest.array()?),
            2 => {
                let length = varint(&mut self.rest)?;
                // A length beyond memory is beyond the message too.
                Wire::Bytes(
                    self.rest
                        .take(usize::try_from(length).unwrap_or(usize::MAX))?,
                )
            }
            5 => Wire::Fixed32(self.rest.array()?),
            other => return Err(self.rest.refuse("a wire type of 0, 1, 2 or 5", other)),
        };
        Ok(Field {
            number: key >> 3,
            value,
        })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.rest().is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_err() {
            self.rest = Cursor::new(&[], PART);
        }
        Some(field)
    }
}

impl<'a> Field<'a> {
    /// A message, or bytes.
    pub fn bytes(&self) -> Result<&'a [u8]> {
        match self.value {
            Wire::Bytes(bytes) => Ok(bytes),
            _ => Err(self.refuse("bytes")),
        }
    }

    pub fn text(&self) -> Result<&'a str> {
        from_utf8(self.bytes()?).map_err(|error| Error::file(self.part(), "UTF-8", error))
    }

    #[allow(clippy::cast_possible_wrap)] // negative numbers are written as their complement
    pub fn int(&self) -> Result<i64> {
        match self.value {
            Wire::Varint(n) => Ok(n as i64),
            _ => Err(self.refuse("a whole number")),
        }
    }

    pub fn float(&self) -> Result<f32> {
        match self.value {
            Wire::Fixed32(bytes) => Ok(f32::from_le_bytes(bytes)),
            _ => Err(self.refuse("a float")),
        }
    }

    /// Appends one whole number, or many in one field.
    #[allow(clippy::cast_possible_wrap)] // as above
    pub fn ints(&self, ints: &mut Vec<i64>) -> Result<()> {
        let Wire::Bytes(packed) = self.value else {
            ints.push(self.int()?);
            return Ok(());
        };
        let mut packed = Cursor::new(packed, PART);
        while !packed.rest().is_empty() {
            ints.push(varint(&mut packed)? as i64);
        }
        Ok(())
    }

    /// The bytes of one number of fixed size, or of many in one field, the smallest byte first.
    pub fn fixed(&self, append: impl FnOnce(&[u8])) -> Result<()> {
        match &self.value {
            Wire::Fixed32(bytes) => append(bytes),
            Wire::Fixed64(bytes) => append(bytes),
            Wire::Bytes(bytes) => append(bytes),
            Wire::Varint(_) => return Err(self.refuse("numbers of fixed size")),
        }
        Ok(())
    }

    fn refuse(&self, expected: &str) -> Error {
        let found = match self.value {
            Wire::Varint(n) => n.to_string(),
            Wire::Fixed64(_) => "8 bytes".to_string(),
            Wire::Bytes(bytes) => format!("{} bytes", bytes.len()),
            Wire::Fixed32(_) => "4 bytes".to_string(),
        };
        Error::file(self.part(), expected, found)
    }

    fn part(&self) -> alloc::string::String {
        format!("field {} of an {PART}", self.number)
    }
}

/// A number of at most 64 bits, seven in each byte.
fn varint(cursor: &mut Cursor) -> Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = cursor.u8()?;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            break;
        }
        value |= bits << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(cursor.refuse("a number of at most 64 bits", "a longer one"))
}
