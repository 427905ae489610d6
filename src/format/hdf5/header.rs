//! Object headers: lists of messages, in blocks here and there.

use super::super::cursor::{Cursor, to_length};
use super::super::error::Result;
use super::source::Source;
use alloc::format;
use alloc::vec::Vec;

const PART: &str = "HDF5 object header";

/// What a message tells.
pub(super) mod kind {
    pub const DATASPACE: u16 = 0x01;
    pub const LINK_INFO: u16 = 0x02;
    pub const DATATYPE: u16 = 0x03;
    pub const LINK: u16 = 0x06;
    pub const EXTERNAL_FILES: u16 = 0x07;
    pub const LAYOUT: u16 = 0x08;
    pub const FILTERS: u16 = 0x0b;
    pub const ATTRIBUTE: u16 = 0x0c;
    pub const CONTINUATION: u16 = 0x10;
    pub const SYMBOL_TABLE: u16 = 0x11;
    pub const ATTRIBUTE_INFO: u16 = 0x15;
}

/// One message of an object header.
pub(super) struct Message<'a> {
    pub kind: u16,
    /// Its body stands in another place, shared with other objects.
    pub shared: bool,
    pub body: &'a [u8],
}

/// All messages of the object at `address`.
pub(super) fn read<'a>(file: &Source<'a>, address: u64) -> Result<Vec<Message<'a>>> {
    // Long enough for both prefixes, shorter only at the end of a file.
    let room = usize::try_from(address).map_or(0, |at| file.len().saturating_sub(at));
    let mut prefix = file.block(address, room.min(64), PART)?;
    let start = prefix.rest().len();
    let format = if prefix.rest().starts_with(b"OHDR") {
        Format::second(&mut prefix)?
    } else {
        Format::first(&mut prefix)?
    };
    let first = address + (start - prefix.rest().len()) as u64;
    let (Format::First { length } | Format::Second { length, .. }) = format;
    let mut messages = Vec::new();
    let mut blocks = Vec::from([(first, length)]);
    let mut total = 0usize;
    let mut next = 0;
    while let Some(&(address, length)) = blocks.get(next) {
        // Blocks that lie side by side fit into the file; blocks that contain each other would not end.
        total = total.saturating_add(length.max(1));
        if total > file.len() {
            return Err(prefix.refuse("blocks that fit into the file", format!("{total} bytes")));
        }
        let mut block = file.block(address, length, PART)?;
        format.block(&mut block, next > 0)?;
        while let Some(message) = format.message(&mut block)? {
            if message.kind == kind::CONTINUATION {
                let mut body = Cursor::new(message.body, PART);
                let address = body.uint(file.superblock.address)?;
                blocks.push((address, file.length(&mut body, PART)?));
            } else {
                messages.push(message);
            }
        }
        next += 1;
    }
    Ok(messages)
}

/// Whether the header of the object at `address` has a checksum.
pub(super) fn has_checksum(file: &Source, address: u64) -> Result<bool> {
    Ok(file.block(address, 4, PART)?.rest() == b"OHDR")
}

/// How messages are laid out.
enum Format {
    First { length: usize },
    Second { length: usize, order: bool },
}

impl Format {
    fn first(prefix: &mut Cursor) -> Result<Self> {
        let version = prefix.u8()?;
        if version != 1 {
            return Err(prefix.refuse("an object header of version 1 or 2", version));
        }
        // Reserved, number of messages, references.
        prefix.take(1 + 2 + 4)?;
        let length = to_length(prefix.u32()?.into(), PART)?;
        // Up to a multiple of 8.
        prefix.take(4)?;
        Ok(Format::First { length })
    }

    fn second(prefix: &mut Cursor) -> Result<Self> {
        prefix.expect(b"OHDR\x02")?;
        let flags = prefix.u8()?;
        if flags & 0x20 != 0 {
            // Times.
            prefix.take(16)?;
        }
        if flags & 0x10 != 0 {
            // When attributes move out of the header.
            prefix.take(4)?;
        }
        let length = prefix.uint(1 << (flags & 3))?;
        Ok(Format::Second {
            length: to_length(length, PART)?,
            order: flags & 4 != 0,
        })
    }

    /// Takes what stands around the messages of a block.
    fn block(&self, block: &mut Cursor, continued: bool) -> Result<()> {
        if matches!(self, Format::Second { .. }) && continued {
            block.expect(b"OCHK")?;
            let messages = block.rest().len().saturating_sub(4);
            *block = Cursor::new(&block.rest()[..messages], PART);
        }
        Ok(())
    }

    /// The next message; `None` at the end of a block.
    fn message<'a>(&self, block: &mut Cursor<'a>) -> Result<Option<Message<'a>>> {
        let (kind, length, flags) = match self {
            Format::First { .. } => {
                if block.rest().len() < 8 {
                    return Ok(None);
                }
                let (kind, length, flags) = (block.u16()?, block.u16()?, block.u8()?);
                block.take(3)?;
                (kind, length, flags)
            }
            Format::Second { order, .. } => {
                let prefix = if *order { 6 } else { 4 };
                if block.rest().len() < prefix {
                    return Ok(None);
                }
                let (kind, length, flags) = (block.u8()?, block.u16()?, block.u8()?);
                block.take(prefix - 4)?;
                (kind.into(), length, flags)
            }
        };
        Ok(Some(Message {
            kind,
            shared: flags & 2 != 0,
            body: block.take(length.into())?,
        }))
    }
}
