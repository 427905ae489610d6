//! Bytes from the file system.

use super::error::{Error, Result};
use super::kind::Kind;
use alloc::format;
#[cfg(any(feature = "amp", feature = "keras", feature = "npz"))]
use alloc::vec::Vec;
use std::fs;
use std::path::Path;

/// The bytes of a file that is not too large.
#[cfg(any(feature = "amp", feature = "keras", feature = "npz"))]
pub fn bytes(path: &Path, most: u64) -> Result<Vec<u8>> {
    length(path, most)?;
    fs::read(path).map_err(unreadable)
}

/// How many bytes a file has that is not too large.
pub fn length(path: &Path, most: u64) -> Result<u64> {
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(Kind::of_directory(path).refuse("a file", &[]));
    }
    let length = metadata.len();
    if length > most {
        let found = format!("{length} bytes");
        return Err(Error::new(
            "reading",
            format!("at most {most} bytes"),
            found,
        ));
    }
    Ok(length)
}

pub fn unreadable(error: std::io::Error) -> Error {
    let expected = "a file that can be read";
    let new = match error.kind() {
        std::io::ErrorKind::NotFound => Error::new("reading", expected, "no file"),
        _ => Error::new("reading", expected, &error),
    };
    new.because(error)
}

/// Writes a file.
#[cfg(any(feature = "npz", feature = "torch", feature = "saved"))]
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).map_err(|error| {
        Error::new(path.display(), "a file that can be written", &error).because(error)
    })
}
