//! `Cursor`: reads a slice from front to back, and never past its end.

use super::error::{Error, Result};
use alloc::format;
use alloc::string::ToString;

/// A place in a slice; every read says what is missing if the slice ends too early.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    part: &'static str,
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8], part: &'static str) -> Self {
        Cursor { rest: bytes, part }
    }

    /// What is left.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let Some((head, tail)) = self.rest.split_at_checked(n) else {
            let found = format!("{} before the end", self.rest.len());
            return Err(Error::new(self.part, format!("{n} more bytes"), found));
        };
        self.rest = tail;
        Ok(head)
    }

    /// The next bytes as an array.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    #[cfg(any(feature = "keras", feature = "onnx"))]
    pub fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    #[cfg(any(feature = "keras", feature = "npz"))]
    pub fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    #[cfg(any(feature = "keras", feature = "npz"))]
    pub fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    #[cfg(any(feature = "keras", feature = "npz"))]
    pub fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A number of `n` bytes, at most 8, the smallest first.
    #[cfg(feature = "keras")]
    pub fn uint(&mut self, n: usize) -> Result<u64> {
        let mut wide = [0; 8];
        let bytes = self.take(n)?;
        let Some(low) = wide.get_mut(..n) else {
            return Err(self.refuse("a number of at most 8 bytes", format!("one of {n}")));
        };
        low.copy_from_slice(bytes);
        Ok(u64::from_le_bytes(wide))
    }

    /// Refuses anything but these bytes.
    #[cfg(any(feature = "keras", feature = "npz"))]
    pub fn expect(&mut self, bytes: &[u8]) -> Result<()> {
        let found = self.take(bytes.len())?;
        if found == bytes {
            return Ok(());
        }
        let expected = format!("\"{}\"", bytes.escape_ascii());
        Err(self.refuse(expected, format!("\"{}\"", found.escape_ascii())))
    }

    pub fn refuse(&self, expected: impl ToString, found: impl ToString) -> Error {
        Error::new(self.part, expected, found)
    }
}

/// `value` as a length in memory.
#[cfg(any(feature = "keras", feature = "npz"))]
pub(super) fn to_length(value: u64, part: &str) -> Result<usize> {
    usize::try_from(value)
        .map_err(|_| Error::new(part, "a length that this machine can count", value))
}
