//! B-trees of the first version: of the names of a group, or of the chunks of an array.

use super::super::cursor::Cursor;
use super::super::error::Result;
use super::source::Source;
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
    file: &Source<'a>,
    root: u64,
    kind: Kind,
    mut visit: impl FnMut(&mut Cursor<'a>, u64) -> Result<()>,
) -> Result<()> {
    let (id, key) = match kind {
        Kind::Group => (0, file.superblock.length),
        Kind::Chunks { dimensions } => (1, 4 + 4 + 8 * dimensions),
    };
    // The nodes from the root to where the walk is, each with the children that are still to come: a list of all children
    // would be longer than the file, whose nodes may lie in each other.
    let mut open = Vec::from([node(file, root, id, key, None)?]);
    while let Some(here) = open.last_mut() {
        if here.children == 0 {
            open.pop();
            continue;
        }
        here.children -= 1;
        let mut child_key = Cursor::new(here.body.take(key)?, PART);
        let child = here.body.uint(file.superblock.address)?;
        match here.level.checked_sub(1) {
            None => visit(&mut child_key, child)?,
            Some(level) => open.push(node(file, child, id, key, Some(level))?),
        }
    }
    Ok(())
}

/// A node, and how many of its children are still to be read.
struct Node<'a> {
    level: u8,
    children: usize,
    body: Cursor<'a>,
}

/// The node at an address. It is one level below its parent, so that no path comes back.
fn node<'a>(file: &Source<'a>, at: u64, id: u8, key: usize, level: Option<u8>) -> Result<Node<'a>> {
    let address = file.superblock.address;
    let mut head = file.block(at, 8 + 2 * address, PART)?;
    head.expect(b"TREE")?;
    let (found_id, found_level) = (head.u8()?, head.u8()?);
    let children = usize::from(head.u16()?);
    if found_id != id || level.is_some_and(|level| level != found_level) {
        let expected = format!("a node of type {id} and of level {level:?}");
        return Err(head.refuse(expected, format!("type {found_id}, level {found_level}")));
    }
    let body = at.saturating_add(8 + 2 * address as u64);
    Ok(Node {
        level: found_level,
        children,
        body: file.block(body, children * (key + address), PART)?,
    })
}
