//! Inflating, never further than what must come out.

use super::error::{Error, Result};
use alloc::format;
use alloc::vec::Vec;
#[cfg(feature = "keras")]
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;
use miniz_oxide::inflate::{DecompressError, decompress_to_vec_with_limit};

/// What comes out of a raw deflate stream, at most `most` bytes.
pub(super) fn raw(packed: &[u8], most: usize, part: &str) -> Result<Vec<u8>> {
    decompress_to_vec_with_limit(packed, most).map_err(|error| refuse(&error, most, part))
}

/// What comes out of a zlib stream, at most `most` bytes.
#[cfg(feature = "keras")]
pub(super) fn zlib(packed: &[u8], most: usize, part: &str) -> Result<Vec<u8>> {
    decompress_to_vec_zlib_with_limit(packed, most).map_err(|error| refuse(&error, most, part))
}

fn refuse(error: &DecompressError, most: usize, part: &str) -> Error {
    let found = if error.output.len() >= most {
        "more".into()
    } else {
        format!("an error after {} bytes ({error})", error.output.len())
    };
    let expected = format!("a deflate stream of at most {most} bytes");
    Error::new(part, expected, found)
}

/// The first bytes that come out of a raw deflate stream, at most `most`, fewer if it breaks.
#[cfg(feature = "npz")]
pub(super) fn head(packed: &[u8], most: usize) -> Vec<u8> {
    match decompress_to_vec_with_limit(packed, most) {
        Ok(bytes) => bytes,
        Err(error) => error.output,
    }
}
