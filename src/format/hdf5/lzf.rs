//! LZF: the fast compression of h5py.

use super::super::error::{Error, Result};
use alloc::format;
use alloc::vec::Vec;

/// What comes out of an LZF stream, at most `most` bytes.
pub(super) fn decompress(packed: &[u8], most: usize, path: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(packed.len().min(most));
    unpack(packed, most, &mut bytes).ok_or_else(|| {
        let expected = format!("an LZF stream of at most {most} bytes");
        Error::new(
            path,
            expected,
            format!("an error after {} bytes", bytes.len()),
        )
    })?;
    Ok(bytes)
}

/// `None` where the stream ends early, goes too far, or looks back before its beginning.
fn unpack(mut packed: &[u8], most: usize, bytes: &mut Vec<u8>) -> Option<()> {
    while let Some(&control) = packed.split_off_first() {
        let control = usize::from(control);
        if control < 32 {
            bytes.extend(packed.split_off(..=control)?);
        } else {
            let mut length = control >> 5;
            if length == 7 {
                length += usize::from(*packed.split_off_first()?);
            }
            let back = (control & 31) << 8 | usize::from(*packed.split_off_first()?);
            let from = bytes.len().checked_sub(back + 1)?;
            if bytes.len() + length + 2 > most {
                return None;
            }
            // Byte by byte: what is copied may be what was just written.
            for from in from..from + length + 2 {
                bytes.push(bytes[from]);
            }
        }
        if bytes.len() > most {
            return None;
        }
    }
    Some(())
}
