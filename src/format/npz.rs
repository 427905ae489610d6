//! `.npz`: arrays of NumPy, in a zip archive.

use super::error::{Error, Result};
use super::kind::{self, Kind};
use super::meter::check_file;
use super::npy::Header;
use super::raw_array::{Arrays, RawArray, size};
use super::zip::{Archive, Directory, Writer};
use crate::Limits;
use alloc::borrow::Cow;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What messages call it.
const FORMAT: &str = "a `.npz` archive or a `.npy` array of NumPy";
const EXTENSION: &str = ".npy";
/// Longer than the header of any array of numbers.
const HEAD_BYTES: usize = 4096;

/// A `.npz` file. An array has the name of its member, without `.npy`.
pub struct File<'a> {
    archive: Archive<'a>,
    limits: Limits,
}

impl<'a> File<'a> {
    /// Reads the directory of the archive.
    pub fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self> {
        check_file(bytes.len(), limits)?;
        let archive = Archive::open(bytes, limits)
            .map_err(|error| kind::explain(error, &[Kind::Npz, Kind::Zip], FORMAT, bytes))?;
        // NumPy lets other members be, but an archive of nothing else is none of arrays.
        let is_empty = archive.names().next().is_none();
        if !is_empty && !archive.names().any(|name| name.ends_with(EXTENSION)) {
            return Err(kind::refuse(FORMAT, bytes));
        }
        Ok(File {
            archive,
            limits: limits.clone(),
        })
    }

    /// The file in the same bytes, whose directory was read before.
    pub(crate) fn of(bytes: &'a [u8], directory: &Arc<Directory>, limits: &Limits) -> Self {
        File {
            archive: Archive::of(bytes.into(), Arc::clone(directory), limits),
            limits: limits.clone(),
        }
    }

    /// The directory of the archive.
    pub(crate) fn directory(&self) -> &Arc<Directory> {
        self.archive.members()
    }

    /// Refuses a file whose arrays together would inflate to more than the limits allow.
    pub(crate) fn check_inflated(&self) -> Result<()> {
        let (found, most) = (self.archive.inflated_length(), self.limits.inflated_bytes);
        if found <= most {
            return Ok(());
        }
        let expected = format!("at most {most} inflated bytes");
        Err(Error::new("npz file", expected, format!("{found} bytes")))
    }
}

impl Arrays for File<'_> {
    fn names(&self) -> Result<Vec<String>> {
        let names = self.archive.names();
        Ok(names
            .map(|name| name.strip_suffix(EXTENSION).unwrap_or(name).to_string())
            .collect())
    }

    fn tensor(&self, name: &str) -> Result<RawArray<'_>> {
        let with = format!("{name}{EXTENSION}");
        let member = if self.archive.contains(&with) {
            with
        } else {
            name.to_string()
        };
        let head = self.archive.head(&member, HEAD_BYTES)?;
        let header = Header::read(&head, &self.limits).map_err(|error| error.within(&member))?;
        let start = header.length;
        // Before anything is inflated, and of whatever is inflated.
        let expected = start.saturating_add(size(name, &header.shape, header.number.size())?);
        let length = self.archive.length(&member)?;
        if length != expected {
            let expected = format!("{expected} bytes for the shape {:?}", header.shape);
            return Err(Error::new(&member, expected, format!("{length} bytes")));
        }
        let bytes = move || {
            Ok(match self.archive.read(&member)? {
                Cow::Borrowed(bytes) => Cow::Borrowed(bytes.get(start..).unwrap_or_default()),
                Cow::Owned(mut bytes) => {
                    bytes.drain(..start.min(bytes.len()));
                    Cow::Owned(bytes)
                }
            })
        };
        header.tensor(name.to_string(), bytes)
    }
}

/// A `.npz` file of these `.npy` files and their names, deflated if asked for. The same arrays make the same file.
pub fn write<'n>(
    arrays: impl IntoIterator<Item = (&'n str, Vec<u8>)>,
    deflate: bool,
) -> Result<Vec<u8>> {
    let mut writer = Writer::new();
    let mut names = BTreeSet::new();
    for (name, array) in arrays {
        if !names.insert(name) {
            let found = format!("two of {name:?}");
            return Err(Error::new("npz file", "arrays of different names", found));
        }
        writer.add(&format!("{name}{EXTENSION}"), &array, deflate)?;
    }
    writer.finish()
}

#[cfg(test)]
mod tests;
