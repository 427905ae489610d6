//! Fields of a Protocol Buffers message.

use super::super::bytes::{Bytes, PIECE};
use super::super::cursor::Cursor;
use crate::error::{Error, Result};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::str::from_utf8;

const PART: &str = "ONNX message";

/// A message, or other bytes, at a place of the file.
#[derive(Clone, Copy)]
pub(super) struct Message<'s> {
    pub bytes: Bytes<'s>,
    /// Where in the file it begins.
    pub at: usize,
    /// The longest text in it, in bytes.
    most: usize,
}

/// The fields of a message, one after the other.
pub(super) struct Fields<'s> {
    message: Message<'s>,
    /// How much of it is read.
    done: usize,
}

/// One field.
pub(super) struct Field<'s> {
    pub number: u64,
    value: Wire<'s>,
}

/// A value as it is written.
enum Wire<'s> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(Message<'s>),
    Fixed32([u8; 4]),
}

/// A key takes at most 10 bytes, and so does a number or a length after it.
const HEAD: usize = 20;

impl<'s> Message<'s> {
    /// All of the file.
    pub fn whole(bytes: Bytes<'s>) -> Self {
        let most = usize::MAX;
        Message { bytes, at: 0, most }
    }

    /// With texts of at most this many bytes.
    pub fn with_texts_of(self, most: usize) -> Self {
        Message { most, ..self }
    }

    /// `length` of its bytes from `start` on.
    pub fn part(self, start: usize, length: usize) -> Option<Self> {
        let bytes = self.bytes.part(start, length)?;
        let at = self.at + start;
        Some(Message { bytes, at, ..self })
    }
}

impl<'s> Fields<'s> {
    pub fn new(message: Message<'s>) -> Self {
        Fields { message, done: 0 }
    }

    fn left(&self) -> usize {
        self.message.bytes.len().saturating_sub(self.done)
    }

    fn read(&mut self) -> Result<Field<'s>> {
        let left = self.left();
        let head = self.message.bytes.get(self.done, left.min(HEAD))?;
        let mut head = Cursor::new(head.unwrap_or_default(), PART);
        let before = head.rest().len();
        let key = varint(&mut head)?;
        let mut value = match key & 7 {
            0 => Wire::Varint(varint(&mut head)?),
            1 => Wire::Fixed64(head.array()?),
            2 => {
                // A length beyond memory is beyond the message too.
                let length = usize::try_from(varint(&mut head)?).unwrap_or(usize::MAX);
                let start = self.done + before - head.rest().len();
                let part = self.message.part(start, length);
                Wire::Bytes(part.ok_or_else(|| {
                    let found = format!("{} before the end", self.message.bytes.len() - start);
                    Error::file(
                        PART,
                        format!("{length} more bytes: is the file whole?"),
                        found,
                    )
                })?)
            }
            5 => Wire::Fixed32(head.array()?),
            other => return Err(head.refuse("a wire type of 0, 1, 2 or 5", other)),
        };
        self.done += before - head.rest().len();
        if let Wire::Bytes(message) = &mut value {
            self.done += message.bytes.len();
        }
        Ok(Field {
            number: key >> 3,
            value,
        })
    }
}

impl<'s> Iterator for Fields<'s> {
    type Item = Result<Field<'s>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left() == 0 {
            return None;
        }
        let field = self.read();
        if field.is_err() {
            self.done = self.message.bytes.len();
        }
        Some(field)
    }
}

impl<'s> Field<'s> {
    /// A message, or bytes.
    pub fn message(&self) -> Result<Message<'s>> {
        match self.value {
            Wire::Bytes(message) => Ok(message),
            _ => Err(self.refuse("bytes")),
        }
    }

    /// Bytes that are kept.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        Ok(self.kept()?.to_vec())
    }

    pub fn text(&self) -> Result<String> {
        let text = from_utf8(self.kept()?);
        let text = text.map_err(|error| Error::file(self.part(), "UTF-8", error))?;
        Ok(text.to_string())
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
        let Wire::Bytes(packed) = &self.value else {
            ints.push(self.int()?);
            return Ok(());
        };
        let mut packed = Cursor::new(packed.bytes.all()?, PART);
        while !packed.rest().is_empty() {
            ints.push(varint(&mut packed)? as i64);
        }
        Ok(())
    }

    /// The bytes of one number of fixed size, or of many in one field, the smallest byte first.
    pub fn fixed(&self, mut append: impl FnMut(&[u8])) -> Result<()> {
        match &self.value {
            Wire::Fixed32(bytes) => append(bytes),
            Wire::Fixed64(bytes) => append(bytes),
            Wire::Bytes(message) => message.bytes.pass(PIECE, append)?,
            Wire::Varint(_) => return Err(self.refuse("numbers of fixed size")),
        }
        Ok(())
    }

    /// The bytes of a text, if it is not too long to be kept.
    fn kept(&self) -> Result<&'s [u8]> {
        let Message { bytes, most, .. } = self.message()?;
        if bytes.len() > most {
            return Err(self.refuse(&format!("at most {most} bytes of text")));
        }
        bytes.all()
    }

    fn refuse(&self, expected: &str) -> Error {
        let found = match &self.value {
            Wire::Varint(n) => n.to_string(),
            Wire::Fixed64(_) => "8 bytes".to_string(),
            Wire::Bytes(message) => format!("{} bytes", message.bytes.len()),
            Wire::Fixed32(_) => "4 bytes".to_string(),
        };
        Error::file(self.part(), expected, found)
    }

    fn part(&self) -> String {
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
