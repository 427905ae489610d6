//! `Source`: the bytes of a file, how wide its addresses are, and what its reader may still use up.

use super::super::bytes::{Bytes, Data};
use super::super::cursor::{Cursor, to_length};
use super::super::error::{Error, Result};
use super::super::meter::{Meter, check_file};
use super::superblock::{self, Superblock};
use crate::Limits;
use alloc::format;

/// What a directory may make its reader read: no honest one is read this often.
const DIRECTORY_BYTES: u64 = 256 << 20;
const DIRECTORY_READINGS: u64 = 16;
/// What arrays may take, for every byte of the file: float16 read as float64 takes four, twice.
const ARRAY_READINGS: u64 = 8;

/// The bytes of a file, in which everything has an address.
pub(super) struct Source<'a> {
    bytes: Bytes<'a>,
    pub superblock: Superblock,
    pub limits: Limits,
    directory: Meter,
    arrays: Meter,
    entries: Meter,
}

impl<'a> Source<'a> {
    /// Reads the superblock.
    pub fn open(bytes: Bytes<'a>, limits: &Limits) -> Result<Self> {
        check_file(bytes.len(), limits)?;
        let superblock = superblock::read(bytes.head()?, bytes.len())?;
        let times = |n: u64| n.saturating_mul(bytes.len() as u64);
        let directory = DIRECTORY_BYTES.saturating_add(times(DIRECTORY_READINGS));
        let arrays = limits.inflated_bytes.saturating_add(times(ARRAY_READINGS));
        Ok(Source {
            bytes,
            superblock,
            limits: limits.clone(),
            directory: Meter::new("bytes of directories", directory),
            arrays: Meter::new("bytes of arrays", arrays),
            entries: Meter::new("links", limits.entries as u64),
        })
    }

    /// Counts a link.
    pub fn count_link(&self) -> Result<()> {
        self.entries.take(1, "HDF5 groups")
    }

    /// Counts the bytes of an array on behalf of `part`.
    pub fn count_array(&self, bytes: usize, part: &str) -> Result<()> {
        self.arrays.take(bytes as u64, part)
    }

    /// Counts `bytes` of the directory, read or looked through.
    pub fn count(&self, bytes: usize, part: &'static str) -> Result<()> {
        self.directory.take(bytes as u64, part)
    }

    /// `length` bytes at `address`; not counted.
    pub fn slice(&self, address: u64, length: usize, part: &str) -> Result<&'a [u8]> {
        let bytes = match self.place(address) {
            Some(start) => self.bytes.get(start, length)?,
            None => None,
        };
        bytes.ok_or_else(|| self.outside(address, length, part))
    }

    /// `length` bytes of an array at `address`; not counted.
    pub fn data(&self, address: u64, length: usize, part: &str) -> Result<Data<'a>> {
        let place = self.place(address);
        let bytes = place.and_then(|start| self.bytes.part(start, length));
        let bytes = bytes.ok_or_else(|| self.outside(address, length, part))?;
        Ok(Data::File(bytes))
    }

    /// Where an address is in the file.
    pub fn place(&self, address: u64) -> Option<usize> {
        self.superblock
            .base
            .checked_add(usize::try_from(address).ok()?)
    }

    /// Where bytes of the file are in it; `None` if the file is not in memory, or has no such bytes.
    pub fn place_of(&self, part: &[u8]) -> Option<usize> {
        #[allow(irrefutable_let_patterns)] // without `std` every file is in memory
        let Bytes::Memory(file) = self.bytes else {
            return None;
        };
        let start = part.as_ptr().addr().checked_sub(file.as_ptr().addr())?;
        let end = start.checked_add(part.len())?;
        (end <= file.len()).then_some(start)
    }

    fn outside(&self, address: u64, length: usize, part: &str) -> Error {
        Error::new(
            part,
            format!("a place in the {} bytes of the file", self.len()),
            format!("{length} bytes at {address}"),
        )
    }

    /// A block of the directory: `length` bytes at `address`.
    pub fn block(&self, address: u64, length: usize, part: &'static str) -> Result<Cursor<'a>> {
        // Even a block of nothing costs a step.
        self.count(length.saturating_add(16), part)?;
        Ok(Cursor::new(self.slice(address, length, part)?, part))
    }

    /// An address, `None` if it is the one that stands for nothing.
    pub fn address(&self, cursor: &mut Cursor) -> Result<Option<u64>> {
        let width = self.superblock.address;
        let address = cursor.uint(width)?;
        let nothing = u64::MAX >> (64 - 8 * width);
        Ok(Some(address).filter(|&address| address != nothing))
    }

    /// A length, as one in memory.
    pub fn length(&self, cursor: &mut Cursor, part: &str) -> Result<usize> {
        to_length(cursor.uint(self.superblock.length)?, part)
    }

    /// How many bytes the file has, from its base.
    pub fn len(&self) -> usize {
        self.bytes.len().saturating_sub(self.superblock.base)
    }
}
