//! Bytes from the file system.

use crate::error::{Error, Result};
use crate::format::kind::Kind;
use alloc::format;
use alloc::string::ToString;
#[cfg(any(feature = "keras", feature = "npz"))]
use alloc::vec::Vec;
use std::fs;
use std::path::Path;

/// The bytes of a file that is not too large.
#[cfg(any(feature = "keras", feature = "npz"))]
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
        return Err(Error::file(
            "reading",
            format!("at most {most} bytes"),
            found,
        ));
    }
    Ok(length)
}

pub fn unreadable(error: std::io::Error) -> Error {
    let expected = "a file that can be read";
    match error.kind() {
        std::io::ErrorKind::NotFound => Error::file("reading", expected, "no file"),
        _ => Error::file("reading", expected, error),
    }
}

/// Writes a file.
#[cfg(any(feature = "npz", feature = "safetensors"))]
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes)
        .map_err(|error| Error::file(path.display(), "a file that can be written", error))
}

/// Says in errors which file they are about.
pub fn within<T>(path: &Path, read: impl FnOnce() -> Result<T>) -> Result<T> {
    read().map_err(|error| error.within(&path.display().to_string()))
}
