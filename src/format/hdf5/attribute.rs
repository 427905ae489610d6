//! `Attribute`: a small value with a name, on a group or an array.

use super::super::cursor::{Cursor, to_length};
use super::super::error::{Error, Result};
use super::super::raw_array::{self, RawArray};
use super::btree2;
use super::dataspace;
use super::datatype::{Datatype, Padding};
use super::fractal_heap::FractalHeap;
use super::global_heap;
use super::header::{Message, kind};
use super::source::Source;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::str::from_utf8;

const PART: &str = "HDF5 attribute";

/// An attribute of a group or an array.
pub struct Attribute<'f, 'a> {
    file: &'f Source<'a>,
    name: &'a str,
    /// Its types stand in another place, shared with other objects.
    shared: bool,
    /// Datatype, dataspace and value.
    parts: [&'a [u8]; 3],
}

/// Calls `visit` with every attribute that the messages of an object tell of.
pub(super) fn walk<'f, 'a>(
    file: &'f Source<'a>,
    messages: &[Message<'a>],
    mut visit: impl FnMut(Attribute<'f, 'a>),
) -> Result<()> {
    for message in messages {
        let mut body = Cursor::new(message.body, PART);
        match message.kind {
            kind::ATTRIBUTE if message.shared => {
                return Err(body.refuse("attributes in their objects", "a shared one"));
            }
            kind::ATTRIBUTE => visit(Attribute::read(file, &mut body)?),
            kind::ATTRIBUTE_INFO => dense(file, &mut body, &mut visit)?,
            _ => {}
        }
    }
    Ok(())
}

/// Many attributes: a fractal heap of messages, and a B-tree of their names.
fn dense<'f, 'a>(
    file: &'f Source<'a>,
    body: &mut Cursor<'a>,
    visit: &mut impl FnMut(Attribute<'f, 'a>),
) -> Result<()> {
    body.expect(&[0])?;
    if body.u8()? & 1 != 0 {
        // The largest place in the order of creation.
        body.take(2)?;
    }
    let (Some(heap), Some(tree)) = (file.address(body)?, file.address(body)?) else {
        return Ok(());
    };
    let heap = FractalHeap::open(file, heap)?;
    btree2::walk(file, tree, btree2::ATTRIBUTE_NAMES, |record| {
        let id = record.take(8)?;
        if record.u8()? & 2 != 0 {
            return Err(record.refuse("attributes in their objects", "a shared one"));
        }
        let message = heap.object(file, id)?;
        visit(Attribute::read(file, &mut Cursor::new(message, PART))?);
        Ok(())
    })
}

impl<'f, 'a> Attribute<'f, 'a> {
    fn read(file: &'f Source<'a>, body: &mut Cursor<'a>) -> Result<Self> {
        let (version, flags) = (body.u8()?, body.u8()?);
        if !(1..=3).contains(&version) {
            return Err(body.refuse("version 1, 2 or 3", version));
        }
        let lengths = [body.u16()?, body.u16()?, body.u16()?].map(usize::from);
        if version == 3 {
            // Character set: UTF-8 includes the other one.
            body.take(1)?;
        }
        let mut part = |length: usize| -> Result<&'a [u8]> {
            let part = body.take(length)?;
            if version == 1 {
                body.take(length.next_multiple_of(8) - length)?;
            }
            Ok(part)
        };
        let [name, datatype, dataspace] = [part(lengths[0])?, part(lengths[1])?, part(lengths[2])?];
        let name = unpadded(name, Padding::NullTerminated);
        let refuse = |_| {
            Error::new(
                PART,
                "a name in UTF-8",
                format!("\"{}\"", name.escape_ascii()),
            )
        };
        Ok(Attribute {
            file,
            name: from_utf8(name).map_err(refuse)?,
            shared: version > 1 && flags & 3 != 0,
            parts: [datatype, dataspace, body.rest()],
        })
    }

    /// Its name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Its only string.
    pub fn text(&self) -> Result<&'a str> {
        match *self.texts()? {
            [text] => Ok(text),
            ref texts => Err(self.refuse("one string", format!("{}", texts.len()))),
        }
    }

    /// Its strings.
    pub fn texts(&self) -> Result<Vec<&'a str>> {
        let (datatype, shape) = self.types()?;
        if shape.contains(&0) {
            // Keras stores a list of no names as an empty array of numbers.
            return Ok(Vec::new());
        }
        let size = match datatype {
            Datatype::FixedString(size, _) if size > 0 => size,
            Datatype::VariableString(_) => 4 + self.file.superblock.address + 4,
            _ => return Err(self.refuse("strings", datatype.what())),
        };
        let elements = self.value(&shape, size)?.chunks_exact(size);
        elements
            .map(|element| self.string(&datatype, element))
            .collect()
    }

    /// Its numbers.
    pub fn tensor(&self) -> Result<RawArray<'a>> {
        let (datatype, shape) = self.types()?;
        let Datatype::Number(number, big_endian) = datatype else {
            return Err(self.refuse("numbers", datatype.what()));
        };
        let value = self.value(&shape, number.size())?;
        let bytes = move || Ok(Cow::Borrowed(value));
        Ok(RawArray::new(self.name.to_string(), shape, number, bytes)?.big_endian(big_endian))
    }

    fn types(&self) -> Result<(Datatype, Vec<usize>)> {
        if self.shared {
            return Err(self.refuse("types of its own", "shared ones"));
        }
        let [datatype, dataspace, _] = self.parts;
        Ok((
            Datatype::read(datatype)?,
            dataspace::read(self.file, dataspace)?,
        ))
    }

    /// The bytes of all its elements.
    fn value(&self, shape: &[usize], element: usize) -> Result<&'a [u8]> {
        let [_, _, value] = self.parts;
        let length = raw_array::size(self.name, shape, element)?;
        value.get(..length).ok_or_else(|| {
            let found = format!("{} bytes", value.len());
            self.refuse(&format!("{length} bytes for the shape {shape:?}"), found)
        })
    }

    fn string(&self, datatype: &Datatype, element: &'a [u8]) -> Result<&'a str> {
        let bytes = match *datatype {
            Datatype::VariableString(padding) => {
                let mut place = Cursor::new(element, PART);
                let length = to_length(place.u32()?.into(), PART)?;
                let (collection, index) = (self.file.address(&mut place)?, place.u32()?);
                match collection {
                    Some(collection) if length > 0 => {
                        let object = global_heap::object(self.file, collection, index)?;
                        let Some(text) = object.get(..length) else {
                            let found = format!("{} bytes", object.len());
                            return Err(self.refuse(&format!("a string of {length} bytes"), found));
                        };
                        unpadded(text, padding)
                    }
                    _ => &[],
                }
            }
            Datatype::FixedString(_, padding) => unpadded(element, padding),
            _ => &[],
        };
        let most = self.file.limits.text_bytes;
        if bytes.len() > most {
            let found = format!("{} bytes", bytes.len());
            return Err(self.refuse(&format!("a text of at most {most} bytes"), found));
        }
        from_utf8(bytes).map_err(|error| self.refuse("UTF-8", error))
    }

    fn refuse(&self, expected: &str, found: impl ToString) -> Error {
        Error::new(format!("attribute {:?}", self.name), expected, found)
    }
}

/// The text in front of its padding.
fn unpadded(bytes: &[u8], padding: Padding) -> &[u8] {
    match padding {
        Padding::NullTerminated => bytes.split(|&byte| byte == 0).next().unwrap_or_default(),
        Padding::Nulls => without_tail(bytes, 0),
        Padding::Spaces => without_tail(bytes, b' '),
    }
}

fn without_tail(bytes: &[u8], byte: u8) -> &[u8] {
    let end = bytes.iter().rposition(|&other| other != byte);
    &bytes[..end.map_or(0, |end| end + 1)]
}
