//! Indices of chunks: which chunk is where.

use super::super::cursor::Cursor;
use super::super::error::{Error, Result};
use super::btree1::{self, Kind};
use super::btree2;
use super::source::Source;
use alloc::format;
use alloc::vec::Vec;

const PART: &str = "HDF5 index of chunks";

/// A list of the chunks of an array.
pub(super) enum ChunkIndex {
    /// No chunk was ever written.
    Nothing,
    /// There is only one: its address, and its stored bytes if it is filtered.
    Single(u64, Option<u64>, u32),
    /// All are there, side by side.
    Implicit(u64),
    FixedArray(u64),
    BTree1(u64),
    BTree2(u64),
}

/// A chunk that is stored.
pub(super) struct Chunk {
    /// Its place among the chunks, the last axis running fastest.
    pub number: usize,
    pub address: u64,
    /// Its stored bytes; as many as it has unpacked if nothing is told.
    pub stored: Option<u64>,
    /// The filters that were left out, by their bits.
    pub skipped: u32,
}

/// What the arrays of chunks need to be read.
pub(super) struct Grid<'s> {
    /// How many chunks there are along each axis.
    pub counts: &'s [usize],
    /// The shape of a chunk.
    pub chunk: &'s [usize],
    /// Bytes of a chunk when unpacked.
    pub bytes: usize,
    pub filtered: bool,
}

/// Reads which index it is, and where.
pub(super) fn read(file: &Source, cursor: &mut Cursor, filtered: bool) -> Result<ChunkIndex> {
    let kind = cursor.u8()?;
    let mut single = (None, 0);
    match kind {
        1 if filtered => single = (Some(cursor.uint(file.superblock.length)?), cursor.u32()?),
        1 | 2 => {}
        // Bits of a page; sizes of nodes.
        3 => _ = cursor.take(1)?,
        5 => _ = cursor.take(6)?,
        4 => {
            return Err(cursor.refuse(
                "chunks of an array that does not grow",
                "an extensible array",
            ));
        }
        other => return Err(cursor.refuse("an index from 1 to 5", other)),
    }
    let Some(address) = file.address(cursor)? else {
        return Ok(ChunkIndex::Nothing);
    };
    Ok(match kind {
        1 => ChunkIndex::Single(address, single.0, single.1),
        2 => ChunkIndex::Implicit(address),
        3 => ChunkIndex::FixedArray(address),
        _ => ChunkIndex::BTree2(address),
    })
}

impl ChunkIndex {
    /// Calls `visit` with every chunk that is stored.
    pub fn walk(
        &self,
        file: &Source,
        grid: &Grid,
        mut visit: impl FnMut(Chunk) -> Result<()>,
    ) -> Result<()> {
        match *self {
            ChunkIndex::Nothing => Ok(()),
            ChunkIndex::Single(address, stored, skipped) => visit(Chunk {
                number: 0,
                address,
                stored,
                skipped,
            }),
            ChunkIndex::Implicit(address) => (0..grid.total()).try_for_each(|number| {
                file.count(16, PART)?;
                let offset = (number as u64).saturating_mul(grid.bytes as u64);
                visit(Chunk {
                    number,
                    address: address.saturating_add(offset),
                    stored: None,
                    skipped: 0,
                })
            }),
            ChunkIndex::FixedArray(address) => fixed_array(file, address, grid, &mut visit),
            ChunkIndex::BTree1(address) => {
                let axes = grid.counts.len();
                let kind = Kind::Chunks {
                    dimensions: axes + 1,
                };
                btree1::walk(file, address, kind, |key, address| {
                    let (stored, skipped) = (u64::from(key.u32()?), key.u32()?);
                    let number = grid.number(|axis| {
                        let (start, length) = (key.u64()?, grid.chunk[axis] as u64);
                        if start % length != 0 {
                            return Err(key.refuse(format!("a multiple of {length}"), start));
                        }
                        Ok(start / length)
                    })?;
                    let stored = Some(stored);
                    visit(Chunk {
                        number,
                        address,
                        stored,
                        skipped,
                    })
                })
            }
            ChunkIndex::BTree2(address) => {
                let kind = [btree2::CHUNKS, btree2::FILTERED_CHUNKS][usize::from(grid.filtered)];
                btree2::walk(file, address, kind, |record| {
                    let address = record.uint(file.superblock.address)?;
                    let (stored, skipped) = filtered(grid, record, 8 * grid.counts.len())?;
                    let number = grid.number(|_| record.u64())?;
                    visit(Chunk {
                        number,
                        address,
                        stored,
                        skipped,
                    })
                })
            }
        }
    }
}

impl Grid<'_> {
    pub fn total(&self) -> usize {
        self.counts.iter().product()
    }

    /// The number of the chunk whose place along each axis is told by `place`.
    fn number(&self, mut place: impl FnMut(usize) -> Result<u64>) -> Result<usize> {
        let mut number = 0;
        for (axis, &count) in self.counts.iter().enumerate() {
            let place = place(axis)?;
            match usize::try_from(place) {
                Ok(place) if place < count => number = number * count + place,
                _ => {
                    let expected = format!("a chunk below {count} along axis {axis}");
                    return Err(Error::new(PART, expected, place));
                }
            }
        }
        Ok(number)
    }

    /// The opposite of `number`.
    pub fn place(&self, mut number: usize) -> Vec<usize> {
        let mut place = self.counts.to_vec();
        for at in place.iter_mut().rev() {
            let count = *at;
            *at = number % count;
            number /= count;
        }
        place
    }
}

/// The stored bytes and left out filters in a record, before `after` more bytes.
fn filtered(grid: &Grid, record: &mut Cursor, after: usize) -> Result<(Option<u64>, u32)> {
    if !grid.filtered {
        return Ok((None, 0));
    }
    let wide = record.rest().len().saturating_sub(4 + after);
    Ok((Some(record.uint(wide)?), record.u32()?))
}

/// A table of all chunks, in pages if it is long.
fn fixed_array(
    file: &Source,
    address: u64,
    grid: &Grid,
    visit: &mut impl FnMut(Chunk) -> Result<()>,
) -> Result<()> {
    const CHECKSUM: usize = 4;
    let (wide, long) = (file.superblock.address, file.superblock.length);
    let mut head = file.block(address, 8 + long + wide, PART)?;
    head.expect(b"FAHD\0")?;
    head.expect(&[u8::from(grid.filtered)])?;
    let (element, page_bits) = (usize::from(head.u8()?), head.u8()?);
    let count = file.length(&mut head, PART)?;
    if count != grid.total() || page_bits > 20 {
        let expected = format!("{} chunks, pages of at most 2^20", grid.total());
        return Err(head.refuse(expected, format!("{count}, pages of 2^{page_bits}")));
    }
    let Some(block) = file.address(&mut head)? else {
        return Ok(());
    };
    let prefix = 6 + wide;
    file.block(block, prefix, PART)?.expect(b"FADB\0")?;
    let page = 1usize << page_bits;
    let pages = if count > page {
        count.div_ceil(page)
    } else {
        0
    };
    let bitmap = pages.div_ceil(8);
    let mut start = block.saturating_add((prefix + bitmap) as u64);
    if pages > 0 {
        start = start.saturating_add(CHECKSUM as u64);
    }
    let mut number = 0;
    while number < count {
        let here = if pages > 0 {
            page.min(count - number)
        } else {
            count
        };
        let bytes = here.saturating_mul(element);
        let mut elements = file.block(start, bytes, PART)?;
        for number in number..number + here {
            let mut record = Cursor::new(elements.take(element)?, PART);
            let Some(address) = file.address(&mut record)? else {
                continue;
            };
            let (stored, skipped) = filtered(grid, &mut record, 0)?;
            visit(Chunk {
                number,
                address,
                stored,
                skipped,
            })?;
        }
        number += here;
        start = start.saturating_add((bytes + CHECKSUM) as u64);
    }
    Ok(())
}
