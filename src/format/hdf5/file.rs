//! `File`: an HDF5 file.

use super::super::bytes::Bytes;
use super::super::error::{Error, Result};
use super::super::raw_array::{Arrays, RawArray};
use super::links::{Groups, Target};
use super::object::{Object, join};
use super::source::Source;
use crate::Limits;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// An HDF5 file.
pub struct File<'a>(Groups<'a>);

impl<'a> File<'a> {
    /// Reads the superblock; everything else is read when it is asked for.
    pub fn open(bytes: impl Into<Bytes<'a>>, limits: &Limits) -> Result<Self> {
        Ok(File(Groups::of(Source::open(bytes.into(), limits)?)))
    }

    /// The root group.
    pub fn root(&self) -> Result<Object<'_, 'a>> {
        Object::read(&self.0, String::from("/"), self.0.file.superblock.root)
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
        let Source {
            superblock, limits, ..
        } = &self.0.file;
        let mut seen = BTreeSet::new();
        let root = (String::from("/"), superblock.root, 0);
        let mut open = Vec::from([root]);
        while let Some((path, address, depth)) = open.pop() {
            // One at a time: a thousand links may lead to one long header.
            let object = Object::read(&self.0, path, address)?;
            if object.is_group() && !seen.insert(object.address()) {
                continue;
            }
            visit(&object)?;
            if depth >= limits.depth && object.is_group() {
                let expected = format!("groups nested at most {} deep", limits.depth);
                return Err(Error::new(object.path(), expected, "deeper ones"));
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

    fn tensor(&self, name: &str) -> Result<RawArray<'_>> {
        self.object(name)?.tensor()
    }
}
