//! Zip archives: `.keras` and `.npz`.

mod directory;
#[cfg(feature = "keras")]
mod replace;
#[cfg(feature = "npz")]
mod write;

#[cfg(feature = "npz")]
pub(crate) use directory::Members as Directory;
#[cfg(feature = "npz")]
pub use write::Writer;

use super::bytes::{Bytes, Data, PIECE};
use super::error::{Error, Result};
use super::inflate;
use super::meter::{Meter, check_file};
use crate::Limits;
use alloc::borrow::Cow;
#[cfg(feature = "keras")]
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
#[cfg(feature = "keras")]
use alloc::vec::Vec;
use directory::{DEFLATED, Member, Members, STORED};

/// An archive: names, and what they name. Nothing is ever unpacked to a disk, so a name is just a name.
pub struct Archive<'a> {
    bytes: Bytes<'a>,
    members: Arc<Members>,
    inflated: Meter,
    text_bytes: usize,
}

impl<'a> Archive<'a> {
    /// Reads the directory. Members that overlap, or share a name, are refused.
    pub fn open(bytes: impl Into<Bytes<'a>>, limits: &Limits) -> Result<Self> {
        let bytes = bytes.into();
        check_file(bytes.len(), limits)?;
        let members = Arc::new(directory::read(bytes, limits)?);
        Ok(Archive::of(bytes, members, limits))
    }

    /// The archive in the same bytes, whose directory was read before, with a new allowance.
    pub(super) fn of(bytes: Bytes<'a>, members: Arc<Members>, limits: &Limits) -> Self {
        Archive {
            bytes,
            members,
            inflated: Meter::new("inflated bytes", limits.inflated_bytes),
            text_bytes: limits.text_bytes,
        }
    }

    /// Its directory.
    #[cfg(feature = "npz")]
    pub(super) fn members(&self) -> &Arc<Members> {
        &self.members
    }

    /// A copy of the archive in which these members have these bytes, stored. Everything else stays as it is, bit for bit. The
    /// archive must be in memory, and have no zip64 fields.
    #[cfg(feature = "keras")]
    pub fn replace(&self, members: &BTreeMap<&str, &[u8]>) -> Result<Vec<u8>> {
        replace::replace(self.bytes.all()?, members)
    }

    /// The names of all members, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.keys().map(String::as_str)
    }

    /// Whether there is a member of that name.
    pub fn contains(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// The bytes of a member: in their place if they are stored, inflated if they are not.
    pub fn data(&self, name: &str) -> Result<Data<'a>> {
        let member = self.member(name)?;
        let data = match member.method {
            STORED => Data::File(self.packed(member)?),
            DEFLATED => {
                self.inflated.take(member.length as u64, name)?;
                let packed = self.packed(member)?.all()?;
                Data::Made(inflate::raw(packed, member.length, name)?)
            }
            other => return Err(packed_by(other, name)),
        };
        let length = data.bytes().len();
        if length != member.length {
            let expected = format!("{} bytes", member.length);
            return Err(Error::new(name, expected, length));
        }
        let mut sum = crc32fast::Hasher::new();
        data.bytes().pass(PIECE, |piece| sum.update(piece))?;
        let found = sum.finalize();
        if found == member.crc32 {
            return Ok(data);
        }
        let expected = format!("bytes whose CRC-32 is {:08x}", member.crc32);
        Err(Error::new(name, expected, format!("{found:08x}")))
    }

    /// The same in memory.
    pub fn read(&self, name: &str) -> Result<Cow<'a, [u8]>> {
        self.data(name)?.into_memory()
    }

    /// The text of a member, in UTF-8.
    pub fn text(&self, name: &str) -> Result<String> {
        let length = self.member(name)?.length;
        if length > self.text_bytes {
            let expected = format!("a text of at most {} bytes", self.text_bytes);
            return Err(Error::new(name, expected, format!("{length} bytes")));
        }
        String::from_utf8(self.read(name)?.into_owned())
            .map_err(|error| Error::new(name, "UTF-8", error.utf8_error()))
    }

    /// The bytes that a member has when it is unpacked.
    #[cfg(feature = "npz")]
    pub(super) fn length(&self, name: &str) -> Result<usize> {
        Ok(self.member(name)?.length)
    }

    /// The bytes that all deflated members have when they are unpacked.
    #[cfg(feature = "npz")]
    pub(super) fn inflated_length(&self) -> u64 {
        let deflated = self.members.values().filter(|m| m.method == DEFLATED);
        deflated.fold(0, |sum, m| sum.saturating_add(m.length as u64))
    }

    /// The first bytes of a member, at most `most`; nobody has checked them.
    #[cfg(feature = "npz")]
    pub(super) fn head(&self, name: &str, most: usize) -> Result<Cow<'a, [u8]>> {
        let member = self.member(name)?;
        let most = most.min(member.length);
        let packed = self.packed(member)?;
        match member.method {
            STORED => Ok(packed.get(0, most)?.unwrap_or_default().into()),
            DEFLATED => Ok(inflate::head(packed.all()?, most).into()),
            other => Err(packed_by(other, name)),
        }
    }

    fn packed(&self, member: &Member) -> Result<Bytes<'a>> {
        let missing = || Error::new("zip archive", "a member inside of the file", "none");
        let packed = &member.packed;
        self.bytes
            .part(packed.start, packed.len())
            .ok_or_else(missing)
    }

    fn member(&self, name: &str) -> Result<&Member> {
        let missing = || Error::new("zip archive", format!("a member {name:?}"), "none");
        let member = self.members.get(name).ok_or_else(missing)?;
        if member.encrypted {
            return Err(Error::new(
                name,
                "a member in the clear",
                "an encrypted one",
            ));
        }
        Ok(member)
    }
}

/// Refuses a member that is packed in another way.
fn packed_by(method: u16, name: &str) -> Error {
    let expected = "a member that is stored (0) or deflated (8)";
    Error::new(name, expected, format!("method {method}"))
}
