//! Fractal heaps: links and attributes of objects that have many.

use super::super::cursor::{Cursor, to_length};
use super::super::error::{Error, Result};
use super::btree2::{self, bytes_of};
use super::source::Source;
use alloc::format;

const PART: &str = "HDF5 fractal heap";

/// A heap of objects in blocks that double in size, row by row.
pub(super) struct FractalHeap {
    /// Bytes of a place in the heap, and of a length.
    offset_bytes: usize,
    length_bytes: usize,
    /// Blocks in a row.
    width: u64,
    /// Bytes of a block of the first two rows.
    start: u64,
    /// How many rows consist of blocks with objects, and not of tables of more blocks.
    direct_rows: u32,
    /// Where the root is, and how many rows it has; none if it is a block with objects.
    root: Option<u64>,
    root_rows: u32,
    huge: Option<u64>,
}

impl FractalHeap {
    pub fn open(file: &Source, address: u64) -> Result<Self> {
        let (wide, long) = (file.superblock.address, file.superblock.length);
        let mut head = file.block(address, 22 + 12 * long + 3 * wide, PART)?;
        head.expect(b"FRHP\0")?;
        // Bytes of an id: whoever has one knows them.
        head.take(2)?;
        if head.u16()? != 0 {
            return Err(head.refuse("a heap without filters", "one with filters"));
        }
        // Flags.
        head.take(1)?;
        let most_managed = u64::from(head.u32()?);
        head.take(long)?;
        let huge = file.address(&mut head)?;
        // Free space, four sizes and counts of managed objects, two of huge ones, two of tiny ones.
        head.take(long + wide + 8 * long)?;
        let width = u64::from(head.u16()?);
        let start = head.uint(long)?;
        let largest = head.uint(long)?;
        let bits = u32::from(head.u16()?);
        head.take(2)?;
        let root = file.address(&mut head)?;
        let root_rows = u32::from(head.u16()?);
        let sane = width.is_power_of_two()
            && start.is_power_of_two()
            && largest.is_power_of_two()
            && start <= largest
            && largest <= 1 << 40
            && (1..=64).contains(&bits);
        if !sane {
            let found = format!("{width} blocks of {start} to {largest} bytes, {bits} bits");
            return Err(head.refuse("blocks whose sizes are powers of 2", found));
        }
        Ok(FractalHeap {
            offset_bytes: bits.div_ceil(8) as usize,
            length_bytes: bytes_of(largest).min(bytes_of(most_managed)),
            width,
            start,
            direct_rows: largest.ilog2() - start.ilog2() + 2,
            root,
            root_rows,
            huge,
        })
    }

    /// The object with this id.
    pub fn object<'a>(&self, file: &Source<'a>, id: &'a [u8]) -> Result<&'a [u8]> {
        let mut cursor = Cursor::new(id, PART);
        let flags = cursor.u8()?;
        match flags >> 4 {
            0 => {
                let offset = cursor.uint(self.offset_bytes)?;
                let bytes = to_length(cursor.uint(self.length_bytes)?, PART)?;
                self.managed(file, offset, bytes)
            }
            1 => self.huge(file, cursor.rest()),
            2 => cursor.take(usize::from(flags & 0x0f) + 1),
            _ => Err(cursor.refuse("an object that is managed, huge or tiny", flags)),
        }
    }

    /// An object in one of the blocks, whose places count all bytes of all blocks before.
    fn managed<'a>(&self, file: &Source<'a>, offset: u64, bytes: usize) -> Result<&'a [u8]> {
        let outside = || {
            Error::new(
                PART,
                "an object in a block of the heap",
                format!("one at {offset}"),
            )
        };
        let mut block = self.root.ok_or_else(outside)?;
        let mut within = offset;
        let mut rows = self.root_rows;
        let mut size = self.start;
        // Each table has fewer rows than the one above.
        while rows > 0 {
            let (row, column) = self.place(within).ok_or_else(outside)?;
            if row >= rows {
                return Err(outside());
            }
            size = self.block_size(row).ok_or_else(outside)?;
            within -= self.row_start(row).ok_or_else(outside)? + column * size;
            block = self.child(file, block, u64::from(row) * self.width + column)?;
            rows = if row < self.direct_rows {
                0
            } else {
                // A table of as many rows as fill its place.
                let rows = (size / self.start / self.width)
                    .checked_ilog2()
                    .ok_or_else(outside)?
                    + 1;
                rows.min(row)
            };
        }
        file.block(block, 5, PART)?.expect(b"FHDB\0")?;
        if within
            .checked_add(bytes as u64)
            .is_none_or(|end| end > size)
        {
            return Err(outside());
        }
        file.count(16, PART)?;
        file.slice(block.saturating_add(within), bytes, PART)
    }

    /// The address of child number `number` of a table of blocks.
    fn child(&self, file: &Source, table: u64, number: u64) -> Result<u64> {
        let wide = file.superblock.address;
        file.block(table, 5, PART)?.expect(b"FHIB\0")?;
        let children = 5 + wide + self.offset_bytes;
        let place = table.saturating_add(children as u64 + number * wide as u64);
        let missing = || {
            Error::new(
                PART,
                "an object in a block that is there",
                "one in no block",
            )
        };
        file.address(&mut file.block(place, wide, PART)?)?
            .ok_or_else(missing)
    }

    /// Bytes of a block of a row: the first two rows are equal, then each doubles.
    fn block_size(&self, row: u32) -> Option<u64> {
        self.start
            .checked_shl(row.saturating_sub(1))
            .filter(|&size| size >= self.start)
    }

    /// The place at which a row begins.
    fn row_start(&self, row: u32) -> Option<u64> {
        match row {
            0 => Some(0),
            _ => self.block_size(row)?.checked_mul(self.width),
        }
    }

    /// Row and column of the block at a place.
    fn place(&self, offset: u64) -> Option<(u32, u64)> {
        let first = self.start.checked_mul(self.width)?;
        let row = (offset / first).checked_ilog2().map_or(0, |log| log + 1);
        let within = offset - self.row_start(row)?;
        Some((row, within / self.block_size(row)?))
    }

    /// An object outside of the blocks, which a B-tree knows by its number.
    fn huge<'a>(&self, file: &Source<'a>, id: &[u8]) -> Result<&'a [u8]> {
        let long = file.superblock.length;
        let number = Cursor::new(id, PART).uint(id.len().min(long))?;
        let missing = || Error::new(PART, format!("a huge object {number}"), "none");
        let mut found = None;
        btree2::walk(
            file,
            self.huge.ok_or_else(missing)?,
            btree2::HUGE_OBJECTS,
            |record| {
                let address = record.uint(file.superblock.address)?;
                let bytes = file.length(record, PART)?;
                if record.uint(long)? == number {
                    found = Some((address, bytes));
                }
                Ok(())
            },
        )?;
        let (address, bytes) = found.ok_or_else(missing)?;
        file.slice(address, bytes, PART)
    }
}
