//! `File`: bytes, and the allowances of their reader.

use super::super::bytes::{Bytes, Data};
use super::super::check_file;
use super::super::cursor::{Cursor, to_length};
use super::super::meter::Meter;
use super::super::tensor::{Arrays, Tensor};
use super::links::{Links, Target};
use super::object::Object;
use super::superblock::{self, Superblock};
use crate::Limits;
use crate::error::{Error, Result};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::RefCell;

/// What a directory may make its reader read: no honest one is read this often.
const DIRECTORY_BYTES: u64 = 256 << 20;
const DIRECTORY_READINGS: u64 = 16;
/// What arrays may take, for every byte of the file: float16 read as float64 takes four, twice.
const ARRAY_READINGS: u64 = 8;
/// Paths are made of names of the file, again and again; no model has longer ones.
const PATH_BYTES: usize = 1024;

/// An HDF5 file.
pub struct File<'a> {
    bytes: Bytes<'a>,
    pub(super) superblock: Superblock,
    pub(super) limits: Limits,
    directory: Meter,
    arrays: Meter,
    entries: Meter,
    /// The links of the groups that were met, by the address of the group.
    links: RefCell<BTreeMap<u64, Rc<Links<'a>>>>,
}

impl<'a> File<'a> {
    /// Reads the superblock; everything else is read when it is asked for.
    pub fn open(bytes: impl Into<Bytes<'a>>, limits: &Limits) -> Result<Self> {
        let bytes = bytes.into();
        check_file(bytes.len(), limits)?;
        let superblock = superblock::read(bytes.head()?, bytes.len())?;
        let times = |n: u64| n.saturating_mul(bytes.len() as u64);
        let directory = DIRECTORY_BYTES.saturating_add(times(DIRECTORY_READINGS));
        let arrays = limits.inflated_bytes.saturating_add(times(ARRAY_READINGS));
        Ok(File {
            bytes,
            superblock,
            limits: limits.clone(),
            directory: Meter::new("bytes of directories", directory),
            arrays: Meter::new("bytes of arrays", arrays),
            entries: Meter::new("links", limits.entries as u64),
            links: RefCell::default(),
        })
    }

    /// The root group.
    pub fn root(&self) -> Result<Object<'_, 'a>> {
        Object::read(self, String::from("/"), self.superblock.root)
    }

    /// The group or array at a path of names between slashes; `None` if there is none.
    pub fn find(&self, path: &str) -> Result<Option<Object<'_, 'a>>> {
        self.root()?.find(path)
    }

    /// The same, but an `Err` if there is none.
    pub fn object(&self, path: &str) -> Result<Object<'_, 'a>> {
        self.root()?.object(path)
    }

    /// Calls `visit` for every group and array, parents first, by name. A group that is linked to twice is visited once, so
    /// that a walk ends even where groups contain themselves.
    pub fn walk(&self, mut visit: impl FnMut(&Object<'_, 'a>) -> Result<()>) -> Result<()> {
        let mut seen = BTreeSet::new();
        let root = (String::from("/"), self.superblock.root, 0);
        let mut open = Vec::from([root]);
        while let Some((path, address, depth)) = open.pop() {
            // One at a time: a thousand links may lead to one long header.
            let object = Object::read(self, path, address)?;
            if object.is_group() && !seen.insert(object.address()) {
                continue;
            }
            visit(&object)?;
            if depth >= self.limits.depth && object.is_group() {
                let expected = format!("groups nested at most {} deep", self.limits.depth);
                return Err(Error::file(object.path(), expected, "deeper ones"));
            }
            for (&name, target) in object.links()?.iter().rev() {
                if let Target::Hard(address) = *target {
                    let path = join(object.path(), name)?;
                    open.push((path, address, depth + 1));
                }
            }
        }
        Ok(())
    }

    /// The links of the group with this address, made by `read` when they are asked for first.
    pub(super) fn links(
        &self,
        address: u64,
        read: impl FnOnce() -> Result<Links<'a>>,
    ) -> Result<Rc<Links<'a>>> {
        if let Some(links) = self.links.borrow().get(&address) {
            return Ok(Rc::clone(links));
        }
        let links = Rc::new(read()?);
        self.links.borrow_mut().insert(address, Rc::clone(&links));
        Ok(links)
    }

    /// Counts a link.
    pub(super) fn count_link(&self) -> Result<()> {
        self.entries.take(1, "HDF5 groups")
    }

    /// Counts the bytes of an array on behalf of `part`.
    pub(super) fn count_array(&self, bytes: usize, part: &str) -> Result<()> {
        self.arrays.take(bytes as u64, part)
    }

    /// Counts `bytes` of the directory, read or looked through.
    pub(super) fn count(&self, bytes: usize, part: &'static str) -> Result<()> {
        self.directory.take(bytes as u64, part)
    }

    /// `length` bytes at `address`; not counted.
    pub(super) fn slice(&self, address: u64, length: usize, part: &str) -> Result<&'a [u8]> {
        let bytes = match self.place(address) {
            Some(start) => self.bytes.get(start, length)?,
            None => None,
        };
        bytes.ok_or_else(|| self.outside(address, length, part))
    }

    /// `length` bytes of an array at `address`; not counted.
    pub(super) fn data(&self, address: u64, length: usize, part: &str) -> Result<Data<'a>> {
        let place = self.place(address);
        let bytes = place.and_then(|start| self.bytes.part(start, length));
        let bytes = bytes.ok_or_else(|| self.outside(address, length, part))?;
        Ok(Data::File(bytes))
    }

    /// Where an address is in the file.
    fn place(&self, address: u64) -> Option<usize> {
        self.superblock
            .base
            .checked_add(usize::try_from(address).ok()?)
    }

    fn outside(&self, address: u64, length: usize, part: &str) -> Error {
        Error::file(
            part,
            format!("a place in the {} bytes of the file", self.len()),
            format!("{length} bytes at {address}"),
        )
    }

    /// A block of the directory: `length` bytes at `address`.
    pub(super) fn block(
        &self,
        address: u64,
        length: usize,
        part: &'static str,
    ) -> Result<Cursor<'a>> {
        // Even a block of nothing costs a step.
        self.count(length.saturating_add(16), part)?;
        Ok(Cursor::new(self.slice(address, length, part)?, part))
    }

    /// An address, `None` if it is the one that stands for nothing.
    pub(super) fn address(&self, cursor: &mut Cursor) -> Result<Option<u64>> {
        let width = self.superblock.address;
        let address = cursor.uint(width)?;
        let nothing = u64::MAX >> (64 - 8 * width);
        Ok(Some(address).filter(|&address| address != nothing))
    }

    /// A length, as one in memory.
    pub(super) fn length(&self, cursor: &mut Cursor, part: &str) -> Result<usize> {
        to_length(cursor.uint(self.superblock.length)?, part)
    }

    /// How many bytes the file has, from its base.
    pub(super) fn len(&self) -> usize {
        self.bytes.len().saturating_sub(self.superblock.base)
    }
}

/// By their paths: `/layers/lstm/cell/vars/0`.
impl Arrays for File<'_> {
    fn names(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        self.walk(|object| {
            if !object.is_group() {
                names.push(object.path().to_string());
            }
            Ok(())
        })?;
        names.sort_unstable();
        Ok(names)
    }

    fn tensor(&self, name: &str) -> Result<Tensor<'_>> {
        self.object(name)?.tensor()
    }
}

/// The path of the object `name` in the group at `path`.
pub(super) fn join(path: &str, name: &str) -> Result<String> {
    let path = path.trim_end_matches('/');
    if path.len() + name.len() < PATH_BYTES {
        return Ok(format!("{path}/{name}"));
    }
    let found = format!("{} bytes", path.len() + 1 + name.len());
    Err(Error::file(
        "HDF5 groups",
        format!("paths of at most {PATH_BYTES} bytes"),
        found,
    ))
}
