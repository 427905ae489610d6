//! B-trees of the second version: lists of records, sorted by a hash or a place.

use super::super::cursor::{Cursor, to_length};
use super::super::error::Result;
use super::source::Source;
use alloc::format;
use alloc::vec::Vec;

/// Objects of a fractal heap that are too large for its blocks.
pub(super) const HUGE_OBJECTS: u8 = 1;
/// Links of a group, by the hash of their names.
pub(super) const LINK_NAMES: u8 = 5;
/// Attributes of an object, by the hash of their names.
pub(super) const ATTRIBUTE_NAMES: u8 = 8;
/// Chunks of an array without filters.
pub(super) const CHUNKS: u8 = 10;
/// Chunks of an array with filters.
pub(super) const FILTERED_CHUNKS: u8 = 11;

const PART: &str = "HDF5 B-tree (version 2)";
/// Signature, version, type; then a checksum.
const PREFIX: usize = 6;
const CHECKSUM: usize = 4;

/// What the nodes of one level need to be read.
struct Level {
    /// The most records of a node.
    records: u64,
    /// The most records of a node and everything below it.
    total: u64,
}

/// A node whose children are still to be read.
struct Node<'a> {
    depth: usize,
    children: u64,
    body: Cursor<'a>,
}

/// Calls `visit` with every record, in no order. `kind` is what the tree must be of.
pub(super) fn walk<'a>(
    file: &Source<'a>,
    address: u64,
    kind: u8,
    mut visit: impl FnMut(&mut Cursor<'a>) -> Result<()>,
) -> Result<()> {
    let wide = file.superblock.address;
    let mut head = file.block(address, 16 + wide + 2 + file.superblock.length, PART)?;
    head.expect(b"BTHD\0")?;
    head.expect(&[kind])?;
    let size = to_length(head.u32()?.into(), PART)?;
    let (record, depth) = (usize::from(head.u16()?), usize::from(head.u16()?));
    // When nodes are split and merged.
    head.take(2)?;
    let Some(root) = file.address(&mut head)? else {
        return Ok(());
    };
    let records = u64::from(head.u16()?);
    if record == 0 || depth > file.limits.depth {
        let expected = format!(
            "records of some bytes, at most {} levels",
            file.limits.depth
        );
        return Err(head.refuse(expected, format!("{record} bytes, {depth} levels")));
    }
    let levels = levels(size, record, wide, depth);
    let mut read = |address, records: u64, depth: usize| -> Result<Node<'a>> {
        let level = &levels[depth];
        if records > level.records {
            let expected = format!("at most {} records in a node", level.records);
            return Err(head.refuse(expected, records));
        }
        let mut body = file.block(address, size, PART)?;
        body.expect(if depth == 0 { b"BTLF\0" } else { b"BTIN\0" })?;
        body.expect(&[kind])?;
        for _ in 0..records {
            visit(&mut Cursor::new(body.take(record)?, PART))?;
        }
        Ok(Node {
            depth,
            children: if depth == 0 { 0 } else { records + 1 },
            body,
        })
    };
    // The nodes from the root to where the walk is: a list of all children would be longer than the file, whose nodes may
    // lie in each other.
    let mut open = Vec::from([read(root, records, depth)?]);
    while let Some(here) = open.last_mut() {
        if here.children == 0 {
            open.pop();
            continue;
        }
        here.children -= 1;
        let below = here.depth - 1;
        let address = here.body.uint(wide)?;
        let records = here.body.uint(bytes_of(levels[0].records))?;
        if below > 0 {
            here.body.take(bytes_of(levels[below].total))?;
        }
        open.push(read(address, records, below)?);
    }
    Ok(())
}

/// What nodes of `size` bytes can hold, from the leaves up.
fn levels(size: usize, record: usize, address: usize, depth: usize) -> Vec<Level> {
    let room = size.saturating_sub(PREFIX + CHECKSUM);
    let leaf = (room / record) as u64;
    let mut levels = Vec::from([Level {
        records: leaf,
        total: leaf,
    }]);
    for depth in 1..=depth {
        let below = levels[depth - 1].total;
        let total = if depth > 1 { bytes_of(below) } else { 0 };
        let pointer = address + bytes_of(leaf) + total;
        let records = (room.saturating_sub(pointer) / (record + pointer)) as u64;
        let total = (records + 1).saturating_mul(below).saturating_add(records);
        levels.push(Level { records, total });
    }
    levels
}

/// The bytes that numbers up to `most` take.
pub(super) fn bytes_of(most: u64) -> usize {
    (u64::BITS - most.max(1).leading_zeros()).div_ceil(8) as usize
}
