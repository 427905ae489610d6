//! `.npy`: one array of NumPy.

use super::cursor::{Cursor, to_length};
use super::error::{Error, Result};
use super::number::{self, Float, Number};
use super::raw_array::{MOST_AXES, RawArray};
use crate::Limits;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";
const PART: &str = "npy header";
/// The numbers begin at a multiple of this.
const ALIGNMENT: usize = 64;

/// Everything in front of the numbers.
pub(super) struct Header {
    pub number: Number,
    pub big_endian: bool,
    pub fortran_order: bool,
    pub shape: Vec<usize>,
    /// Where the numbers begin.
    pub length: usize,
}

/// The array of a `.npy` file.
pub fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<RawArray<'a>> {
    super::meter::check_file(bytes.len(), limits)?;
    let header = Header::read(bytes, limits)?;
    let numbers = bytes.get(header.length..).unwrap_or_default();
    header.tensor(String::from("npy file"), move || Ok(Cow::Borrowed(numbers)))
}

/// The bytes of a `.npy` file of an array: its shape, and its numbers, the last axis running fastest.
pub fn write<A: Float>(shape: &[usize], numbers: impl IntoIterator<Item = A>) -> Vec<u8> {
    let kind = if A::NUMBER == Number::F32 {
        "<f4"
    } else {
        "<f8"
    };
    // (3, 4), and (3,) where there is only one.
    let mut tuple = format!("{shape:?}").replace('[', "(").replace(']', ")");
    if shape.len() == 1 {
        tuple.insert(tuple.len() - 1, ',');
    }
    let mut dict = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {tuple}, }}");
    // Version 2 has room for any shape.
    let prefix = MAGIC.len() + 2 + 4;
    let end = (prefix + dict.len() + 1).next_multiple_of(ALIGNMENT);
    let padding = end - prefix - dict.len() - 1;
    dict.extend(core::iter::repeat_n(' ', padding));
    dict.push('\n');
    let mut bytes = Vec::with_capacity(end + shape.iter().product::<usize>() * A::NUMBER.size());
    bytes.extend(MAGIC);
    bytes.extend([2, 0]);
    // 64 axes of 20 digits are far from 4 GiB.
    bytes.extend(u32::try_from(dict.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend(dict.as_bytes());
    number::write(numbers, &mut bytes);
    bytes
}

impl Header {
    pub fn read(bytes: &[u8], limits: &Limits) -> Result<Self> {
        let mut cursor = Cursor::new(bytes, PART);
        cursor.expect(MAGIC)?;
        let [major, _minor] = cursor.array()?;
        let length = match major {
            1 => cursor.u16()?.into(),
            2 | 3 => to_length(cursor.u32()?.into(), PART)?,
            _ => return Err(cursor.refuse("version 1, 2 or 3", major)),
        };
        if length > limits.text_bytes {
            let expected = format!("a header of at most {} bytes", limits.text_bytes);
            return Err(cursor.refuse(expected, format!("{length} bytes")));
        }
        let dict = cursor.take(length)?;
        let dict = core::str::from_utf8(dict).map_err(|error| cursor.refuse("UTF-8", error))?;
        Dict { rest: dict }.read(bytes.len() - cursor.rest().len())
    }

    pub fn tensor<'a>(
        self,
        name: String,
        bytes: impl Fn() -> Result<Cow<'a, [u8]>> + 'a,
    ) -> Result<RawArray<'a>> {
        let tensor = RawArray::new(name, self.shape, self.number, bytes)?;
        Ok(tensor
            .big_endian(self.big_endian)
            .fortran_order(self.fortran_order))
    }
}

/// A Python dictionary with the three keys that NumPy writes.
struct Dict<'s> {
    rest: &'s str,
}

impl<'s> Dict<'s> {
    fn read(mut self, length: usize) -> Result<Header> {
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        self.expect("{")?;
        while !self.accept("}") {
            let key = self.string()?;
            self.expect(":")?;
            match key {
                "descr" => descr = Some(self.string()?),
                "fortran_order" if self.accept("True") => fortran_order = Some(true),
                "fortran_order" => {
                    self.expect("False")?;
                    fortran_order = Some(false);
                }
                "shape" => shape = Some(self.shape()?),
                other => {
                    let expected = "the keys descr, fortran_order and shape";
                    return Err(Error::new(PART, expected, format!("{other:?}")));
                }
            }
            if !self.accept(",") {
                self.expect("}")?;
                break;
            }
        }
        let missing = |key: &str| Error::new(PART, format!("a key {key:?}"), "none");
        let (number, big_endian) = kind(descr.ok_or_else(|| missing("descr"))?)?;
        Ok(Header {
            number,
            big_endian,
            fortran_order: fortran_order.ok_or_else(|| missing("fortran_order"))?,
            shape: shape.ok_or_else(|| missing("shape"))?,
            length,
        })
    }

    /// Takes this token if it comes next.
    fn accept(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_ascii_start();
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, token: &str) -> Result<()> {
        if self.accept(token) {
            Ok(())
        } else {
            Err(self.refuse(&format!("{token:?}")))
        }
    }

    fn string(&mut self) -> Result<&'s str> {
        for quote in ["'", "\""] {
            if self.accept(quote) {
                let (string, rest) = self
                    .rest
                    .split_once(quote)
                    .ok_or_else(|| self.refuse(quote))?;
                self.rest = rest;
                return Ok(string);
            }
        }
        Err(self.refuse("a string"))
    }

    fn shape(&mut self) -> Result<Vec<usize>> {
        let mut shape = Vec::new();
        self.expect("(")?;
        while !self.accept(")") {
            self.rest = self.rest.trim_ascii_start();
            let end = self
                .rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(self.rest.len());
            let (digits, rest) = self.rest.split_at(end);
            shape.push(
                digits
                    .parse()
                    .map_err(|_| self.refuse("the length of an axis"))?,
            );
            self.rest = rest;
            // Python 2 wrote long integers so.
            self.accept("L");
            if shape.len() > MOST_AXES {
                return Err(Error::new(
                    PART,
                    format!("at most {MOST_AXES} axes"),
                    "more",
                ));
            }
            if !self.accept(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(shape)
    }

    fn refuse(&self, expected: &str) -> Error {
        let rest: String = self.rest.chars().take(20).collect();
        Error::new(PART, expected, format!("{rest:?}"))
    }
}

/// The kind and order of numbers of a `descr` like `<f4`.
fn kind(descr: &str) -> Result<(Number, bool)> {
    let refuse = || {
        let expected = "a kind of numbers (f2, f4, f8, i1 to i8, u1 to u8, b1)";
        Error::new(PART, expected, format!("{descr:?}"))
    };
    let big_endian = match descr.chars().next() {
        Some('>') => true,
        // Native order is that of the machines that NumPy runs on.
        Some('<' | '|' | '=') => false,
        _ => return Err(refuse()),
    };
    let number = match &descr[1..] {
        "b1" | "?" => Number::Bool,
        "i1" => Number::I8,
        "i2" => Number::I16,
        "i4" => Number::I32,
        "i8" => Number::I64,
        "u1" => Number::U8,
        "u2" => Number::U16,
        "u4" => Number::U32,
        "u8" => Number::U64,
        "f2" => Number::F16,
        "f4" => Number::F32,
        "f8" => Number::F64,
        _ => return Err(refuse()),
    };
    Ok((number, big_endian))
}
