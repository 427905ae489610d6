//! `Meter`: an allowance that a file uses up; and the allowance for the file itself.

use super::error::{Error, Result};
use crate::Limits;
use alloc::format;
use core::cell::Cell;

/// Refuses a file that is larger than the limits allow.
pub(super) fn check_file(length: usize, limits: &Limits) -> Result<()> {
    if length as u64 <= limits.file_bytes {
        return Ok(());
    }
    let expected = format!("at most {} bytes", limits.file_bytes);
    Err(Error::new("file", expected, format!("{length} bytes")))
}

/// How much of something a file may still ask for.
///
/// Parts of a file may point at each other. Without an allowance, a small file could name one large array a thousand
/// times, or send its reader round for ever.
pub(crate) struct Meter {
    what: &'static str,
    limit: u64,
    left: Cell<u64>,
}

impl Meter {
    pub fn new(what: &'static str, limit: u64) -> Self {
        let left = Cell::new(limit);
        Meter { what, limit, left }
    }

    /// Takes `n` from the allowance on behalf of `part`.
    pub fn take(&self, n: u64, part: &str) -> Result<()> {
        if let Some(left) = self.left.get().checked_sub(n) {
            self.left.set(left);
            return Ok(());
        }
        let expected = format!("at most {} {} in a file", self.limit, self.what);
        let found = format!("{n} more, where {} are left", self.left.get());
        Err(Error::new(part, expected, found))
    }
}
