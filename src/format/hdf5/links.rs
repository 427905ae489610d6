//! The links of a group: names, and what they lead to.

use super::super::cursor::{Cursor, to_length};
use super::super::error::{Error, Result};
use super::btree1::{self, Kind};
use super::btree2;
use super::fractal_heap::FractalHeap;
use super::header::{Message, kind};
use super::source::Source;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use core::cell::RefCell;
use core::str::from_utf8;

const PART: &str = "HDF5 group";

/// The links of one group, sorted by name.
pub(super) type Links<'a> = BTreeMap<&'a str, Target>;

/// Where a link leads to.
#[derive(Clone, Copy)]
pub(super) enum Target {
    /// To the object at an address.
    Hard(u64),
    /// To a path of this file or of another one, or to what a program makes of it: nothing that is followed here.
    Other(&'static str),
}

/// The groups of a file: its bytes, and the links of those that were met, by the address of the group.
pub(super) struct Groups<'a> {
    pub file: Source<'a>,
    links: RefCell<BTreeMap<u64, Rc<Links<'a>>>>,
}

impl<'a> Groups<'a> {
    pub fn of(file: Source<'a>) -> Self {
        let links = RefCell::default();
        Groups { file, links }
    }

    /// The links of the group with this address and these messages, which are read when they are asked for first.
    pub fn links(&self, address: u64, messages: &[Message<'a>]) -> Result<Rc<Links<'a>>> {
        if let Some(links) = self.links.borrow().get(&address) {
            return Ok(Rc::clone(links));
        }
        let links = Rc::new(read(&self.file, messages)?);
        self.links.borrow_mut().insert(address, Rc::clone(&links));
        Ok(links)
    }
}

/// The links that the messages of a group tell of.
fn read<'a>(file: &Source<'a>, messages: &[Message<'a>]) -> Result<Links<'a>> {
    let mut links = Links::new();
    for message in messages {
        let mut body = Cursor::new(message.body, PART);
        match message.kind {
            kind::SYMBOL_TABLE => {
                let tree = body.uint(file.superblock.address)?;
                let heap = body.uint(file.superblock.address)?;
                symbols(file, tree, heap, &mut links)?;
            }
            kind::LINK => link(file, &mut body, &mut links)?,
            kind::LINK_INFO => dense(file, &mut body, &mut links)?,
            _ => {}
        }
    }
    Ok(links)
}

fn insert<'a>(file: &Source, links: &mut Links<'a>, name: &'a [u8], target: Target) -> Result<()> {
    file.count_link()?;
    let name = from_utf8(name).map_err(|_| {
        Error::new(
            PART,
            "names in UTF-8",
            format!("\"{}\"", name.escape_ascii()),
        )
    })?;
    if links.insert(name, target).is_some() {
        return Err(Error::new(
            PART,
            "one link of a name",
            format!("two of {name:?}"),
        ));
    }
    Ok(())
}

/// The names of the links of a group of the first generation: its local heap.
pub(super) fn heap_names<'a>(file: &Source<'a>, heap: u64) -> Result<&'a [u8]> {
    let (address, part) = (file.superblock.address, "HDF5 local heap");
    let mut head = file.block(heap, 8 + 2 * file.superblock.length + address, part)?;
    head.expect(b"HEAP\0")?;
    head.take(3)?;
    let length = file.length(&mut head, part)?;
    head.take(file.superblock.length)?;
    file.slice(head.uint(address)?, length, part)
}

/// A group of the first generation: a B-tree of tables of symbols, whose names are in a heap.
fn symbols<'a>(file: &Source<'a>, tree: u64, heap: u64, links: &mut Links<'a>) -> Result<()> {
    let address = file.superblock.address;
    let names = heap_names(file, heap)?;
    btree1::walk(file, tree, Kind::Group, |_, node| {
        let part = "HDF5 symbol table";
        let mut head = file.block(node, 8, part)?;
        head.expect(b"SNOD\x01\0")?;
        let count = usize::from(head.u16()?);
        let entry = 2 * address + 4 + 4 + 16;
        let mut entries = file.block(node.saturating_add(8), count * entry, part)?;
        for _ in 0..count {
            let name = file
                .address(&mut entries)?
                .and_then(|at| usize::try_from(at).ok());
            let object = entries.uint(address)?;
            let target = match entries.u32()? {
                2 => Target::Other("a soft link"),
                _ => Target::Hard(object),
            };
            entries.take(4 + 16)?;
            let name = name.and_then(|at| names.get(at..)).and_then(|rest| {
                let end = rest.iter().position(|&byte| byte == 0)?;
                Some(&rest[..end])
            });
            let Some(name) = name else {
                return Err(entries.refuse("names in the heap of the group", "one outside"));
            };
            file.count(name.len(), part)?;
            insert(file, links, name, target)?;
        }
        Ok(())
    })
}

/// A link of the second generation, in a message.
fn link<'a>(file: &Source<'a>, body: &mut Cursor<'a>, links: &mut Links<'a>) -> Result<()> {
    let version = body.u8()?;
    if version != 1 {
        return Err(body.refuse("a link of version 1", version));
    }
    let flags = body.u8()?;
    let kind = if flags & 8 == 0 { 0 } else { body.u8()? };
    if flags & 4 != 0 {
        // Place in the order of creation.
        body.take(8)?;
    }
    if flags & 16 != 0 {
        // Character set: UTF-8 includes the other one.
        body.take(1)?;
    }
    let length = to_length(body.uint(1 << (flags & 3))?, PART)?;
    let name = body.take(length)?;
    let target = match kind {
        0 => Target::Hard(body.uint(file.superblock.address)?),
        1 => Target::Other("a soft link"),
        64 => Target::Other("an external link"),
        _ => Target::Other("a link that a program defined"),
    };
    insert(file, links, name, target)
}

/// Many links of the second generation: a fractal heap of messages, and a B-tree of their names.
fn dense<'a>(file: &Source<'a>, body: &mut Cursor<'a>, links: &mut Links<'a>) -> Result<()> {
    body.expect(&[0])?;
    if body.u8()? & 1 != 0 {
        // The largest place in the order of creation.
        body.take(8)?;
    }
    let (Some(heap), Some(tree)) = (file.address(body)?, file.address(body)?) else {
        return Ok(());
    };
    let heap = FractalHeap::open(file, heap)?;
    btree2::walk(file, tree, btree2::LINK_NAMES, |record| {
        // The hash of the name.
        record.take(4)?;
        let message = heap.object(file, record.rest())?;
        link(file, &mut Cursor::new(message, PART), links)
    })
}
