//! Datatypes: what the elements of an array or attribute are.

use super::super::cursor::{Cursor, to_length};
use super::super::error::Result;
use super::super::number::Number;
use alloc::format;

const PART: &str = "HDF5 datatype";

/// What one element is.
pub(super) enum Datatype {
    /// A number, and whether its largest byte comes first.
    Number(Number, bool),
    /// Text of this many bytes.
    FixedString(usize, Padding),
    /// A place in the global heap.
    VariableString(Padding),
    /// This many bytes without a meaning.
    Opaque(usize),
    /// Nothing that is read here.
    Other(&'static str),
}

/// What follows a text that is shorter than its room.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Padding {
    /// One zero ends it.
    NullTerminated,
    /// Zeros fill it up.
    Nulls,
    /// Spaces fill it up.
    Spaces,
}

impl Datatype {
    pub fn read(message: &[u8]) -> Result<Self> {
        let mut cursor = Cursor::new(message, PART);
        let [class, low, middle, _] = cursor.array()?;
        let size = to_length(cursor.u32()?.into(), PART)?;
        Ok(match class & 0x0f {
            0 => integer(&mut cursor, low, size)?,
            1 => float(&mut cursor, [low, middle], size)?,
            2 => Datatype::Other("times"),
            3 => Datatype::FixedString(size, padding(low)),
            4 => Datatype::Other("bit fields"),
            5 => Datatype::Opaque(size),
            6 => Datatype::Other("compounds"),
            7 => Datatype::Other("references"),
            // h5py's bool is an enumeration with two names, of the size of a byte.
            8 if size == 1 && [low, middle] == [2, 0] => Datatype::Number(Number::Bool, false),
            8 => Datatype::Other("enumerations"),
            9 if low & 0x0f == 1 => Datatype::VariableString(padding(low >> 4)),
            9 => Datatype::Other("arrays of various lengths"),
            10 => Datatype::Other("arrays"),
            other => return Err(cursor.refuse("a class from 0 to 10", other)),
        })
    }

    /// What the elements are, for messages.
    pub fn what(&self) -> &'static str {
        match self {
            Datatype::Number(..) => "numbers",
            Datatype::FixedString(..) | Datatype::VariableString(_) => "strings",
            Datatype::Opaque(_) => "opaque bytes",
            Datatype::Other(what) => what,
        }
    }
}

fn padding(bits: u8) -> Padding {
    match bits & 0x0f {
        0 => Padding::NullTerminated,
        1 => Padding::Nulls,
        _ => Padding::Spaces,
    }
}

fn integer(cursor: &mut Cursor, low: u8, size: usize) -> Result<Datatype> {
    let (offset, bits) = (cursor.u16()?, usize::from(cursor.u16()?));
    let signed = low & 8 != 0;
    let number = match (signed, size) {
        (true, 1) => Number::I8,
        (true, 2) => Number::I16,
        (true, 4) => Number::I32,
        (true, 8) => Number::I64,
        (false, 1) => Number::U8,
        (false, 2) => Number::U16,
        (false, 4) => Number::U32,
        (false, 8) => Number::U64,
        _ => return Ok(Datatype::Other("integers of an odd size")),
    };
    if offset != 0 || bits != 8 * size {
        return Ok(Datatype::Other("integers with padding"));
    }
    Ok(Datatype::Number(number, low & 1 != 0))
}

fn float(cursor: &mut Cursor, [order, sign]: [u8; 2], size: usize) -> Result<Datatype> {
    let (offset, bits) = (cursor.u16()?, usize::from(cursor.u16()?));
    let [exponent, exponent_bits, fraction, fraction_bits] = cursor.array()?;
    let bias = cursor.u32()?;
    let fields = [sign, exponent, exponent_bits, fraction, fraction_bits];
    let number = match (size, fields, bias) {
        (2, [15, 10, 5, 0, 10], 15) => Number::F16,
        (2, [15, 7, 8, 0, 7], 127) => Number::BF16,
        (4, [31, 23, 8, 0, 23], 127) => Number::F32,
        (8, [63, 52, 11, 0, 52], 1023) => Number::F64,
        _ => return Ok(Datatype::Other("floating-point numbers of no IEEE format")),
    };
    // Bit 6 would be the order of the VAX.
    if offset != 0 || bits != 8 * size || order & 0x40 != 0 {
        let found = format!("bits {bits} at {offset}, order {order:#x}");
        return Err(cursor.refuse("an IEEE number in all of its bytes", found));
    }
    Ok(Datatype::Number(number, order & 1 != 0))
}
