//! `Bytes`: those of a file or of a part of it, in memory or on disk; `Data`: those, or bytes that were made of them.

use super::error::Result;
#[cfg(feature = "std")]
use super::pages::{PAGE, Pages};
use alloc::borrow::Cow;
use alloc::vec::Vec;

/// How many bytes are read at once. They stay in the cache until they are summed or converted. It is a multiple of the size of
/// every number.
pub const PIECE: usize = 64 << 10;

/// The bytes of a file, or of a part of it.
#[derive(Clone, Copy)]
pub enum Bytes<'a> {
    /// All of them.
    Memory(&'a [u8]),
    /// A count of bytes from a place on, read when they are asked for.
    #[cfg(feature = "std")]
    Pages(&'a Pages, usize, usize),
}

impl<'a, T: AsRef<[u8]> + ?Sized> From<&'a T> for Bytes<'a> {
    fn from(bytes: &'a T) -> Self {
        Bytes::Memory(bytes.as_ref())
    }
}

#[cfg(feature = "std")]
impl<'a> From<&'a Pages> for Bytes<'a> {
    fn from(pages: &'a Pages) -> Self {
        match pages.whole() {
            Some(bytes) => Bytes::Memory(bytes),
            None => Bytes::Pages(pages, 0, pages.len()),
        }
    }
}

#[cfg_attr(not(feature = "std"), allow(clippy::unnecessary_wraps))]
impl<'a> Bytes<'a> {
    /// How many there are.
    pub(crate) fn len(self) -> usize {
        match self {
            Bytes::Memory(bytes) => bytes.len(),
            #[cfg(feature = "std")]
            Bytes::Pages(_, _, length) => length,
        }
    }

    /// `length` of them from `start` on; `None` beyond the end.
    pub(super) fn part(self, start: usize, length: usize) -> Option<Self> {
        let end = start.checked_add(length).filter(|&end| end <= self.len())?;
        match self {
            Bytes::Memory(bytes) => bytes.get(start..end).map(Bytes::Memory),
            #[cfg(feature = "std")]
            Bytes::Pages(pages, first, _) => Some(Bytes::Pages(pages, first + start, length)),
        }
    }

    /// The same in memory.
    pub(super) fn get(self, start: usize, length: usize) -> Result<Option<&'a [u8]>> {
        match self.part(start, length) {
            None => Ok(None),
            Some(Bytes::Memory(bytes)) => Ok(Some(bytes)),
            #[cfg(feature = "std")]
            Some(Bytes::Pages(pages, start, length)) => pages.get(start, length),
        }
    }

    /// The first bytes: all that are in memory, or a page.
    pub fn head(self) -> Result<&'a [u8]> {
        match self {
            Bytes::Memory(bytes) => Ok(bytes),
            #[cfg(feature = "std")]
            Bytes::Pages(..) => Ok(self.get(0, PAGE.min(self.len()))?.unwrap_or_default()),
        }
    }

    /// All of them in memory.
    pub(super) fn all(self) -> Result<&'a [u8]> {
        Ok(self.get(0, self.len())?.unwrap_or_default())
    }

    /// Hands them on, a piece at a time.
    pub(super) fn pass(self, piece: usize, to: impl FnMut(&[u8])) -> Result<()> {
        match self {
            Bytes::Memory(bytes) => bytes.chunks(piece).for_each(to),
            #[cfg(feature = "std")]
            Bytes::Pages(pages, start, length) => pages.pass(start, length, piece, to)?,
        }
        Ok(())
    }
}

/// Bytes that a file has, or that were made of them.
pub enum Data<'a> {
    /// As they are in the file.
    File(Bytes<'a>),
    /// Unpacked, or put together.
    Made(Vec<u8>),
}

impl<'a> Data<'a> {
    /// Where they are now.
    pub fn bytes(&self) -> Bytes<'_> {
        match self {
            Data::File(bytes) => *bytes,
            Data::Made(bytes) => Bytes::Memory(bytes),
        }
    }

    /// All of them in memory.
    #[cfg_attr(not(feature = "std"), allow(clippy::unnecessary_wraps))]
    pub fn into_memory(self) -> Result<Cow<'a, [u8]>> {
        Ok(match self {
            Data::File(bytes) => bytes.all()?.into(),
            Data::Made(bytes) => bytes.into(),
        })
    }
}

impl<'a> From<Cow<'a, [u8]>> for Data<'a> {
    fn from(bytes: Cow<'a, [u8]>) -> Self {
        match bytes {
            Cow::Borrowed(bytes) => bytes.into(),
            Cow::Owned(bytes) => bytes.into(),
        }
    }
}

impl<'a> From<&'a [u8]> for Data<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Data::File(Bytes::Memory(bytes))
    }
}

impl From<Vec<u8>> for Data<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Data::Made(bytes)
    }
}

/// A file that its reader keeps, in memory or on disk.
#[cfg(any(feature = "torch", feature = "saved"))]
pub(super) enum Kept<'a> {
    Memory(Cow<'a, [u8]>),
    #[cfg(feature = "std")]
    Disk(Pages),
}

#[cfg(any(feature = "torch", feature = "saved"))]
impl Kept<'_> {
    pub fn bytes(&self) -> Bytes<'_> {
        match self {
            Kept::Memory(bytes) => bytes.into(),
            #[cfg(feature = "std")]
            Kept::Disk(pages) => pages.into(),
        }
    }
}
