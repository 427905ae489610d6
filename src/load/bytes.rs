//! The bytes of a file that is not too large.

use crate::error::{Error, Result};
use alloc::format;
use alloc::vec::Vec;
use std::fs;
use std::path::Path;

/// The bytes of a file that is not too large.
pub fn bytes(path: &Path, most: u64) -> Result<Vec<u8>> {
    let name = || path.file_name().unwrap_or_default().display();
    let unreadable = |error| Error::file(name(), "a file that can be read", error);
    let length = fs::metadata(path).map_err(unreadable)?.len();
    if length > most {
        let found = format!("{length} bytes");
        return Err(Error::file(name(), format!("at most {most} bytes"), found));
    }
    fs::read(path).map_err(unreadable)
}
