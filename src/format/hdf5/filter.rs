//! Filters: what was done to the bytes of a chunk before they were stored.

use super::super::cursor::{Cursor, to_length};
use super::super::error::{Error, Result};
use super::super::inflate;
use super::lzf;
use alloc::borrow::Cow;
use alloc::format;
use alloc::vec::Vec;
use core::mem::discriminant;

const PART: &str = "HDF5 filters";
/// What a checksum adds to a chunk.
const CHECKSUM: usize = 4;

/// One step of what was done.
pub(super) enum Filter {
    Deflate,
    /// The first bytes of all elements, then the second ones …
    Shuffle {
        element: usize,
    },
    Fletcher32,
    Lzf,
}

impl Filter {
    /// The filters of a message, in the order of writing; none of an empty one.
    pub fn read(message: &[u8]) -> Result<Vec<Self>> {
        if message.is_empty() {
            return Ok(Vec::new());
        }
        let mut cursor = Cursor::new(message, PART);
        let (version, count) = (cursor.u8()?, cursor.u8()?);
        match version {
            1 => _ = cursor.take(6)?,
            2 => {}
            _ => return Err(cursor.refuse("version 1 or 2", version)),
        }
        let filters = (0..count).map(|_| Filter::next(&mut cursor, version));
        let filters = filters.collect::<Result<Vec<_>>>()?;
        // Each takes its time for every byte, and nobody needs one twice.
        for (number, filter) in filters.iter().enumerate() {
            let is_same = |other: &Filter| discriminant(other) == discriminant(filter);
            if filters[..number].iter().any(is_same) {
                return Err(cursor.refuse("each filter once", "one of them twice"));
            }
        }
        Ok(filters)
    }

    fn next(cursor: &mut Cursor, version: u8) -> Result<Self> {
        let id = cursor.u16()?;
        let name = if version == 1 || id >= 256 {
            cursor.u16()?
        } else {
            0
        };
        let (_flags, values) = (cursor.u16()?, cursor.u16()?);
        let name = usize::from(name);
        cursor.take(if version == 1 {
            name.next_multiple_of(8)
        } else {
            name
        })?;
        let mut values = Cursor::new(cursor.take(4 * usize::from(values))?, PART);
        if version == 1 && !values.rest().len().is_multiple_of(8) {
            cursor.take(4)?;
        }
        Ok(match id {
            1 => Filter::Deflate,
            2 => Filter::Shuffle {
                element: to_length(values.u32()?.into(), PART)?,
            },
            3 => Filter::Fletcher32,
            32000 => Filter::Lzf,
            other => {
                let expected = "deflate (1), shuffle (2), Fletcher (3) or LZF (32000)";
                return Err(cursor.refuse(expected, format!("filter {other}")));
            }
        })
    }

    /// What HDF5 calls it.
    pub fn name(&self) -> &'static str {
        match self {
            Filter::Deflate => "deflate",
            Filter::Shuffle { .. } => "shuffle",
            Filter::Fletcher32 => "fletcher32",
            Filter::Lzf => "lzf",
        }
    }

    /// Undoes this step; the chunk has at most `most` bytes when all steps are undone.
    fn undo<'a>(&self, bytes: Cow<'a, [u8]>, most: usize, path: &str) -> Result<Cow<'a, [u8]>> {
        // A checksum may be below.
        let room = most.saturating_add(CHECKSUM);
        Ok(match *self {
            Filter::Deflate => Cow::Owned(inflate::zlib(&bytes, room, path)?),
            Filter::Shuffle { element } => Cow::Owned(unshuffle(&bytes, element)),
            Filter::Lzf => Cow::Owned(lzf::decompress(&bytes, most, path)?),
            Filter::Fletcher32 => {
                let Some((data, &sum)) = bytes.split_last_chunk::<CHECKSUM>() else {
                    return Err(Error::new(path, "a checksum", "none"));
                };
                let (found, expected) = (fletcher32(data), u32::from_le_bytes(sum));
                if found != expected {
                    let expected = format!("a checksum of {expected:08x}");
                    return Err(Error::new(path, expected, format!("{found:08x}")));
                }
                match bytes {
                    Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[..bytes.len() - CHECKSUM]),
                    Cow::Owned(mut bytes) => {
                        bytes.truncate(bytes.len() - CHECKSUM);
                        Cow::Owned(bytes)
                    }
                }
            }
        })
    }
}

/// Undoes all steps but those whose bits are in `skipped`, from the last to the first.
pub(super) fn undo<'a>(
    filters: &[Filter],
    skipped: u32,
    stored: &'a [u8],
    most: usize,
    path: &str,
) -> Result<Cow<'a, [u8]>> {
    let mut bytes = Cow::Borrowed(stored);
    for (number, filter) in filters.iter().enumerate().rev() {
        if number >= 32 || skipped >> number & 1 == 0 {
            bytes = filter.undo(bytes, most, path)?;
        }
    }
    Ok(bytes)
}

fn unshuffle(bytes: &[u8], element: usize) -> Vec<u8> {
    match element {
        2 => interleave::<2>(bytes),
        4 => interleave::<4>(bytes),
        8 => interleave::<8>(bytes),
        _ => bytes.to_vec(),
    }
}

/// Elements of `N` bytes from the first bytes of all, the second ones … and what is left over.
fn interleave<const N: usize>(bytes: &[u8]) -> Vec<u8> {
    let count = bytes.len() / N;
    let mut elements = Vec::with_capacity(bytes.len());
    for i in 0..count {
        let element: [u8; N] = core::array::from_fn(|byte| bytes[byte * count + i]);
        elements.extend(element);
    }
    elements.extend(&bytes[count * N..]);
    elements
}

/// Fletcher's sum of 16-bit words, the larger byte first, as the library makes it.
fn fletcher32(bytes: &[u8]) -> u32 {
    let (words, odd) = bytes.as_chunks::<2>();
    let words = words.iter().map(|&word| u16::from_be_bytes(word));
    let words = words.chain(odd.iter().map(|&byte| u16::from(byte) << 8));
    let (mut low, mut high) = (0u64, 0u64);
    for word in words {
        low = (low + u64::from(word)) % 65_535;
        high = (high + low) % 65_535;
    }
    // A sum that is no zero folds to 65535 where the remainder is 0; both mean the same.
    u32::try_from(high << 16 | low).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    /// A message of these filters, without values.
    fn message(ids: &[u8]) -> Vec<u8> {
        let mut message = Vec::from([2, u8::try_from(ids.len()).unwrap()]);
        for &id in ids {
            message.extend([id, 0, 0, 0, 0, 0]);
        }
        message
    }

    #[test]
    fn filters_come_once() {
        assert_eq!(Filter::read(&message(&[1, 3])).unwrap().len(), 2);
        let error = Filter::read(&message(&[1; 255])).map(drop).unwrap_err();
        let expected = "HDF5 filters: found one of them twice, expected each filter once";
        assert_eq!(error.to_string(), expected);
    }
}
