//! `Meter`: an allowance that a file uses up.

use crate::error::{Error, Result};
use alloc::format;
use core::cell::Cell;

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
        Err(Error::file(part, expected, found))
    }
}
