//! `Bytes`: those of a file, in memory or on disk.

use crate::error::Result;
#[cfg(feature = "std")]
use crate::load::pages::{PAGE, Pages};

/// The bytes of a file.
#[derive(Clone, Copy)]
pub enum Bytes<'a> {
    /// All of them.
    Memory(&'a [u8]),
    /// Read when they are asked for.
    #[cfg(feature = "std")]
    Pages(&'a Pages),
}

impl<'a, T: AsRef<[u8]> + ?Sized> From<&'a T> for Bytes<'a> {
    fn from(bytes: &'a T) -> Self {
        Bytes::Memory(bytes.as_ref())
    }
}

#[cfg(feature = "std")]
impl<'a> From<&'a Pages> for Bytes<'a> {
    fn from(pages: &'a Pages) -> Self {
        Bytes::Pages(pages)
    }
}

impl<'a> Bytes<'a> {
    /// How many there are.
    pub(super) fn len(self) -> usize {
        match self {
            Bytes::Memory(bytes) => bytes.len(),
            #[cfg(feature = "std")]
            Bytes::Pages(pages) => pages.len(),
        }
    }

    /// `length` bytes from `start` on; `None` beyond the end.
    #[cfg_attr(not(feature = "std"), allow(clippy::unnecessary_wraps))]
    pub(super) fn get(self, start: usize, length: usize) -> Result<Option<&'a [u8]>> {
        match self {
            Bytes::Memory(bytes) => {
                let end = start.checked_add(length);
                Ok(end.and_then(|end| bytes.get(start..end)))
            }
            #[cfg(feature = "std")]
            Bytes::Pages(pages) => pages.get(start, length),
        }
    }

    /// The first bytes: all that are in memory, or a page.
    #[cfg_attr(not(feature = "std"), allow(clippy::unnecessary_wraps))]
    pub(super) fn head(self) -> Result<&'a [u8]> {
        match self {
            Bytes::Memory(bytes) => Ok(bytes),
            #[cfg(feature = "std")]
            Bytes::Pages(pages) => match pages.whole() {
                Some(bytes) => Ok(bytes),
                None => Ok(pages.get(0, PAGE.min(pages.len()))?.unwrap_or_default()),
            },
        }
    }
}
