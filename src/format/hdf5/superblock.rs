//! The superblock: how wide addresses are, and where the root group is.

use super::super::cursor::{Cursor, to_length};
use super::super::error::{Error, Result};
use super::super::kind;
use alloc::format;

pub const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";
const PART: &str = "HDF5 superblock";
/// What messages call it: only files of Keras are read here.
pub const FORMAT: &str = "a `.keras` archive, or an HDF5 file (`.h5`)";

/// Everything else in the file is read with its help.
#[derive(Clone, Copy)]
pub(super) struct Superblock {
    /// Bytes of an address.
    pub address: usize,
    /// Bytes of a length.
    pub length: usize,
    /// What addresses count from.
    pub base: usize,
    /// The address of the root group.
    pub root: u64,
}

/// Finds the superblock, at byte 0 or after a user's block of 512, 1024, 2048 … bytes. `bytes` are the first of a file of
/// `file` bytes.
pub(super) fn read(bytes: &[u8], file: usize) -> Result<Superblock> {
    let starts = core::iter::once(0).chain((9..usize::BITS).map(|power| 1 << power));
    let mut starts = starts.take_while(|&start| start < bytes.len());
    let start = starts.find(|&start| bytes[start..].starts_with(SIGNATURE));
    let Some(start) = start else {
        return Err(kind::refuse(FORMAT, bytes));
    };
    let mut cursor = Cursor::new(&bytes[start + SIGNATURE.len()..], PART);
    let version = cursor.u8()?;
    match version {
        0 | 1 => first(&mut cursor, version, file),
        2 | 3 => second(&mut cursor, file),
        _ => Err(cursor.refuse("version 0, 1, 2 or 3", version)),
    }
}

fn first(cursor: &mut Cursor, version: u8, file: usize) -> Result<Superblock> {
    // Versions of free space, root group and shared headers.
    cursor.take(4)?;
    let (address, length) = widths(cursor)?;
    // Reserved, ranks of the trees of groups, flags; ranks of the trees of chunks.
    cursor.take(1 + 2 + 2 + 4)?;
    if version == 1 {
        cursor.take(2 + 2)?;
    }
    let base = cursor.uint(address)?;
    // Free space.
    cursor.take(address)?;
    let end = cursor.uint(address)?;
    // Driver information, name of the root group.
    cursor.take(2 * address)?;
    let root = cursor.uint(address)?;
    finish(address, length, [base, end, root], file)
}

fn second(cursor: &mut Cursor, file: usize) -> Result<Superblock> {
    let (address, length) = widths(cursor)?;
    // Flags.
    cursor.take(1)?;
    let base = cursor.uint(address)?;
    // Extension.
    cursor.take(address)?;
    let (end, root) = (cursor.uint(address)?, cursor.uint(address)?);
    finish(address, length, [base, end, root], file)
}

fn widths(cursor: &mut Cursor) -> Result<(usize, usize)> {
    let widths = [cursor.u8()?, cursor.u8()?];
    if widths.iter().all(|width| [2, 4, 8].contains(width)) {
        return Ok((widths[0].into(), widths[1].into()));
    }
    let expected = "addresses and lengths of 2, 4 or 8 bytes";
    Err(cursor.refuse(expected, format!("{widths:?}")))
}

fn finish(
    address: usize,
    width: usize,
    [base, end, root]: [u64; 3],
    file: usize,
) -> Result<Superblock> {
    // The end is an absolute address in files of the library, and one that counts from the base in others.
    if end > file as u64 {
        let expected = format!("the {end} bytes that it tells of: is the file whole?");
        return Err(Error::new(PART, expected, format!("{file} bytes")));
    }
    Ok(Superblock {
        address,
        length: width,
        base: to_length(base, PART)?,
        root,
    })
}
