//! Removes a link from a group in its place.

use super::super::cursor::Cursor;
use super::super::error::{Error, Result};
use super::btree1::{self, Kind};
use super::header::{Message, kind};
use super::links::heap_names;
use super::source::Source;
use alloc::format;
use alloc::vec::Vec;

const PART: &str = "HDF5 symbol table";
/// Signature, version, a reserved byte, and the number of entries.
const HEAD: usize = 8;

/// Bytes to be written, and where in the file.
pub struct Edit {
    /// Their place in the file.
    pub at: usize,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What must be overwritten so that the group of these messages has no link of this name. The entries after it in its table
/// move up, as the library moves them. The tree of the group stays as it is: its keys are bounds.
pub(super) fn unlink(file: &Source, messages: &[Message], name: &str) -> Result<Vec<Edit>> {
    let table = messages
        .iter()
        .find(|message| message.kind == kind::SYMBOL_TABLE);
    let refuse = |found: &str| {
        let expected = format!("a table of links from which {name:?} can be removed in its place");
        Error::new(PART, expected, found)
    };
    let table = table.ok_or_else(|| refuse("a group of the second generation"))?;
    let address = file.superblock.address;
    let mut body = Cursor::new(table.body, PART);
    let (tree, heap) = (body.uint(address)?, body.uint(address)?);
    let names = heap_names(file, heap)?;
    let entry = 2 * address + 4 + 4 + 16;
    let mut found = None;
    btree1::walk(file, tree, Kind::Group, |_, node| {
        let mut head = file.block(node, HEAD, PART)?;
        head.expect(b"SNOD\x01\0")?;
        let count = head.u16()?;
        let entries = node.saturating_add(HEAD as u64);
        let table = file
            .block(entries, usize::from(count) * entry, PART)?
            .rest();
        for number in 0..usize::from(count) {
            let mut here = Cursor::new(&table[number * entry..], PART);
            let at = file.address(&mut here)?;
            let of = at.and_then(|at| names.get(usize::try_from(at).ok()?..));
            let rest = of.and_then(|of| of.strip_prefix(name.as_bytes()));
            if rest.is_some_and(|rest| rest.first() == Some(&0)) {
                found = Some((node, count, number, &table[(number + 1) * entry..]));
            }
        }
        Ok(())
    })?;
    let (node, count, number, after) = found.ok_or_else(|| refuse("no link of this name"))?;
    if count < 2 {
        return Err(refuse("a table of this link alone"));
    }
    let place = file.place(node).ok_or_else(|| refuse("none"))?;
    let fewer = (count - 1).to_le_bytes().to_vec();
    Ok([
        (place + HEAD - 2, fewer),
        (place + HEAD + number * entry, after.to_vec()),
    ]
    .map(|(at, bytes)| Edit { at, bytes })
    .into())
}
