//! Layouts: where the numbers of an array are.

use super::super::bytes::Data;
use super::super::cursor::{Cursor, to_length};
use super::super::error::{Error, Result};
use super::super::raw_array::size;
use super::chunk_index::{self, ChunkIndex};
use super::chunks::{self, Chunked};
use super::filter::Filter;
use super::source::Source;
use alloc::format;

const PART: &str = "HDF5 layout";

/// Where the numbers of an array are.
pub(super) enum Layout<'a> {
    /// In the object header.
    Compact(&'a [u8]),
    /// In one block; in none if they were never written.
    Contiguous(Option<u64>),
    Chunked(Chunked),
}

impl<'a> Layout<'a> {
    pub fn read(file: &Source<'a>, message: &'a [u8], filters: &[u8]) -> Result<Self> {
        let mut cursor = Cursor::new(message, PART);
        let version = cursor.u8()?;
        if !(3..=5).contains(&version) {
            return Err(cursor.refuse("version 3, 4 or 5", version));
        }
        Ok(match cursor.u8()? {
            0 => {
                let length = cursor.u16()?;
                Layout::Compact(cursor.take(length.into())?)
            }
            1 => Layout::Contiguous(file.address(&mut cursor)?),
            2 if version == 3 => Layout::Chunked(third(file, &mut cursor, filters)?),
            2 => Layout::Chunked(fourth(file, &mut cursor, filters)?),
            3 => return Err(cursor.refuse("an array of this file", "a virtual one")),
            other => return Err(cursor.refuse("a class from 0 to 3", other)),
        })
    }

    /// The numbers of an array of `shape`, in its order.
    pub fn bytes(
        &self,
        file: &Source<'a>,
        path: &str,
        shape: &[usize],
        element: usize,
    ) -> Result<Data<'a>> {
        let wanted = size(path, shape, element)?;
        match self {
            Layout::Compact(bytes) => Ok(bytes.get(..wanted).unwrap_or(bytes).into()),
            Layout::Contiguous(None) if wanted == 0 => Ok((&[][..]).into()),
            Layout::Contiguous(None) => {
                let expected = format!("the {wanted} bytes of the shape {shape:?}");
                Err(Error::new(path, expected, "none written"))
            }
            Layout::Contiguous(Some(address)) => {
                let data = file.data(*address, wanted, path)?;
                file.count_array(wanted, path)?;
                Ok(data)
            }
            Layout::Chunked(chunked) => {
                chunks::read(file, path, chunked, shape, element).map(Data::from)
            }
        }
    }
}

/// Chunks in a B-tree of the first version.
fn third(file: &Source, cursor: &mut Cursor, filters: &[u8]) -> Result<Chunked> {
    let axes = axes(cursor)?;
    let index = match file.address(cursor)? {
        Some(address) => ChunkIndex::BTree1(address),
        None => ChunkIndex::Nothing,
    };
    let shape = (0..axes).map(|_| to_length(cursor.u32()?.into(), PART));
    Ok(Chunked {
        shape: shape.collect::<Result<_>>()?,
        index,
        filters: Filter::read(filters)?,
        plain_edges: false,
    })
}

/// Chunks in one of five indices.
fn fourth(file: &Source, cursor: &mut Cursor, filters: &[u8]) -> Result<Chunked> {
    let flags = cursor.u8()?;
    let axes = axes(cursor)?;
    let wide = usize::from(cursor.u8()?);
    let shape = (0..axes).map(|_| to_length(cursor.uint(wide)?, PART));
    let shape = shape.collect::<Result<_>>()?;
    // The size of an element.
    cursor.take(wide)?;
    Ok(Chunked {
        shape,
        index: chunk_index::read(file, cursor, flags & 2 != 0)?,
        filters: Filter::read(filters)?,
        plain_edges: flags & 1 != 0,
    })
}

/// The axes of a chunk: the message counts the bytes of an element as one more.
fn axes(cursor: &mut Cursor) -> Result<u8> {
    match cursor.u8()? {
        axes @ 1..=33 => Ok(axes - 1),
        other => Err(cursor.refuse("1 to 33 axes", other)),
    }
}
