//! `Writer`: makes an archive.

use super::super::error::{Error, Result};
use super::directory::{DEFLATED, STORED};
use alloc::borrow::Cow;
use alloc::format;
use alloc::vec::Vec;
use miniz_oxide::deflate::compress_to_vec;

/// zlib's own default.
const LEVEL: u8 = 6;
/// Names in UTF-8.
const FLAGS: u16 = 1 << 11;
const VERSION: u16 = 20;
/// Midnight of 1980-01-01, so that the same arrays make the same file.
const TIME_AND_DATE: u32 = 0x0021_0000;

/// An archive in the making. It has no member or directory of 4 GiB or more.
pub struct Writer {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    members: u16,
}

impl Writer {
    /// An empty archive.
    #[allow(clippy::new_without_default)] // an archive is made to be filled
    pub fn new() -> Self {
        Writer {
            bytes: Vec::new(),
            directory: Vec::new(),
            members: 0,
        }
    }

    /// Adds a member, deflated if asked for. The caller gives each name once.
    pub fn add(&mut self, name: &str, bytes: &[u8], deflate: bool) -> Result<()> {
        let (method, packed) = if deflate {
            (DEFLATED, Cow::Owned(compress_to_vec(bytes, LEVEL)))
        } else {
            (STORED, Cow::Borrowed(bytes))
        };
        let local = small(name, self.bytes.len())?;
        let name_bytes = u16::try_from(name.len())
            .map_err(|_| Error::new("zip member", "a name below 64 KiB", name.len()))?;
        let mut fields = Vec::new();
        for field in [VERSION, FLAGS, method] {
            fields.extend(field.to_le_bytes());
        }
        for field in [
            TIME_AND_DATE,
            crc32fast::hash(bytes),
            small(name, packed.len())?,
            small(name, bytes.len())?,
        ] {
            fields.extend(field.to_le_bytes());
        }
        fields.extend(name_bytes.to_le_bytes());

        self.members = self
            .members
            .checked_add(1)
            .filter(|&n| n < u16::MAX)
            .ok_or_else(|| Error::new("zip archive", "fewer than 65535 members", "more"))?;
        self.bytes.extend(b"PK\x03\x04");
        self.bytes.extend(&fields);
        self.bytes.extend([0; 2]);
        self.bytes.extend(name.as_bytes());
        self.bytes.extend(&*packed);

        self.directory.extend(b"PK\x01\x02");
        self.directory.extend(VERSION.to_le_bytes());
        self.directory.extend(&fields);
        // Extra field, comment, disk and attributes.
        self.directory.extend([0; 2 + 2 + 2 + 2 + 4]);
        self.directory.extend(local.to_le_bytes());
        self.directory.extend(name.as_bytes());
        Ok(())
    }

    /// The archive.
    pub fn finish(mut self) -> Result<Vec<u8>> {
        let part = "zip directory";
        let (start, size) = (
            small(part, self.bytes.len())?,
            small(part, self.directory.len())?,
        );
        self.bytes.append(&mut self.directory);
        self.bytes.extend(b"PK\x05\x06");
        self.bytes.extend([0; 4]);
        self.bytes.extend(self.members.to_le_bytes());
        self.bytes.extend(self.members.to_le_bytes());
        self.bytes.extend(size.to_le_bytes());
        self.bytes.extend(start.to_le_bytes());
        self.bytes.extend([0; 2]);
        Ok(self.bytes)
    }
}

/// A size or place as the 32 bits of the format, whose largest number means zip64.
fn small(part: &str, n: usize) -> Result<u32> {
    let small = u32::try_from(n).ok().filter(|&n| n < u32::MAX);
    small.ok_or_else(|| Error::new(part, "less than 4 GiB in an archive", format!("{n} bytes")))
}
