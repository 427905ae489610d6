//! B-trees of the first version: of the names of a group, or of the chunks of an array.

use super::super::cursor::Cursor;
use super::file::File;
use crate::error::Result;
use alloc::format;
use alloc::vec::Vec;

const PART: &str = "HDF5 B-tree (version 1)";

/// What a tree is of.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Group,
    /// And how many numbers make a key, the size of an element among them.
    Chunks {
        dimensions: usize,
    },
}

/// Calls `visit` with the key and the address of every leaf, in order.
pub(super) fn walk<'a>(
    file: &File<'a>,
    root: u64,
    kind: Kind,
    mut visit: impl FnMut(&mut Cursor<'a>, u64) -> Result<()>,
) -> Result<()> {
    let (id, key) = match kind {
        Kind::Group => (0, file.superblock.length),
        Kind::Chunks { dimensions } => (1, 4 + 4 + 8 * dimensions),
    };
    let address = file.superblock.address;
    // A node is one level below its parent, so that no path comes back.
    let mut open = Vec::from([(root, None)]);
    while let Some((node, level)) = open.pop() {
        let mut head = file.block(node, 8 + 2 * address, PART)?;
        head.expect(b"TREE")?;
        let (found_id, found_level) = (head.u8()?, head.u8()?);
        let children = usize::from(head.u16()?);
        if found_id != id || level.is_some_and(|level| level != found_level) {
            let expected = format!("a node of type {id} and of level {level:?}");
            return Err(head.refuse(expected, format!("type {found_id}, level {found_level}")));
        }
        let body = node.saturating_add(8 + 2 * address as u64);
        let mut body = file.block(body, children * (key + address), PART)?;
        let mut below = Vec::new();
        for _ in 0..children {
            let mut key = Cursor::new(body.take(key)?, PART);
            let child = body.uint(address)?;
            match found_level.checked_sub(1) {
                None => visit(&mut key, child)?,
                Some(level) => below.push((child, Some(level))),
            }
        }
        open.extend(below.into_iter().rev());
    }
    Ok(())
}
