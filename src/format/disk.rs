//! Bytes from the file system.

use super::error::{Error, Result};
use super::kind::Kind;
use alloc::format;
#[cfg(any(feature = "keras", feature = "npz", feature = "torch"))]
use alloc::vec::Vec;
use std::fs;
use std::path::Path;

/// The bytes of a file that is not too large.
#[cfg(any(feature = "keras", feature = "npz", feature = "torch"))]
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
#[cfg(feature = "npz")]
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).map_err(|error| {
        Error::new(path.display(), "a file that can be written", &error).because(error)
    })
}

/// Writes a file as a whole or not at all: beside it first, under another name.
#[cfg(any(feature = "keras", feature = "torch", feature = "saved"))]
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write;
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(std::format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    let write = || {
        let mut file = fs::File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&beside, path)
    };
    write().map_err(|error: std::io::Error| {
        // What is half written is of no use.
        let _ = fs::remove_file(&beside);
        Error::new(path.display(), "a file that can be written", &error).because(error)
    })
}
