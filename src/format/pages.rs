//! `Pages`: a file on disk whose bytes are read when they are asked for.
//!
//! A large file of weights is mostly arrays, each of which is read once, into the numbers that become of it: memory for the
//! file as well would be new to the process, and costs more time than reading it. Of the rest, whole pages are read and kept.

use super::disk::{self, unreadable};
use super::error::Result;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// How many bytes are read at once.
pub const PAGE: usize = 64 << 10;
/// A smaller file is read as a whole.
const LARGE: u64 = 1 << 20;

/// A file on disk.
pub struct Pages {
    file: Mutex<File>,
    len: usize,
    /// Runs of pages that were read; all but one have a page or more, and together they have half of the file at most.
    runs: Box<[OnceLock<Vec<u8>>]>,
    kept: Mutex<Kept>,
    /// All of the file, once too much of it was asked for.
    whole: OnceLock<Vec<u8>>,
}

/// What was read of a file.
#[derive(Default)]
struct Kept {
    /// Which run goes from one page to another.
    places: BTreeMap<(usize, usize), usize>,
    bytes: usize,
}

impl Pages {
    /// A file that is not too large. It is read at once, unless it is large and begins with one of `signatures`.
    pub fn open(path: &Path, most: u64, signatures: &[&[u8]]) -> Result<Self> {
        let pages = Self::on_disk(path, most)?;
        let mut head = Vec::new();
        let most = signatures.iter().map(|one| one.len()).max();
        let most = most.unwrap_or_default() as u64;
        (&*pages.file())
            .take(most)
            .read_to_end(&mut head)
            .map_err(unreadable)?;
        let is_large = pages.len as u64 >= LARGE;
        if !is_large || !signatures.iter().any(|one| head.starts_with(one)) {
            pages.read_whole()?;
        }
        Ok(pages)
    }

    /// A file that is not too large, of which nothing is read yet.
    pub fn on_disk(path: &Path, most: u64) -> Result<Self> {
        let length = disk::length(path, most)?;
        let file = File::open(path).map_err(unreadable)?;
        let len = usize::try_from(length).unwrap_or(usize::MAX);
        Ok(Pages {
            file: Mutex::new(file),
            len,
            runs: (0..len / PAGE + 2).map(|_| OnceLock::new()).collect(),
            kept: Mutex::default(),
            whole: OnceLock::new(),
        })
    }

    /// All of the file, if it was read at once.
    pub fn whole(&self) -> Option<&[u8]> {
        self.whole.get().map(Vec::as_slice)
    }

    pub fn len(&self) -> usize {
        self.whole().map_or(self.len, <[u8]>::len)
    }

    /// `length` bytes from `start` on, which are kept; `None` beyond the end.
    pub fn get(&self, start: usize, length: usize) -> Result<Option<&[u8]>> {
        let Some(end) = start.checked_add(length).filter(|&end| end <= self.len()) else {
            return Ok(None);
        };
        if let Some(whole) = self.whole() {
            return Ok(whole.get(start..end));
        }
        let (first, last) = (start / PAGE, end.saturating_sub(1).max(start) / PAGE);
        let from = first * PAGE;
        let mut kept = lock(&self.kept);
        let next = kept.places.len();
        let at = kept.places.get(&(first, last)).copied().unwrap_or(next);
        if at == next {
            let bytes = last.saturating_add(1).saturating_mul(PAGE).min(self.len) - from;
            // Pages may be asked for again and again, in ever longer runs.
            if bytes > (self.len / 2).saturating_sub(kept.bytes) {
                return Ok(self.read_whole()?.get(start..end));
            }
            let mut run = alloc::vec![0; bytes];
            self.read(from, &mut run)?;
            self.runs[at].get_or_init(|| run);
            kept.bytes += bytes;
            kept.places.insert((first, last), at);
        }
        let run = self.runs[at].get();
        Ok(run.and_then(|run| run.get(start - from..end - from)))
    }

    /// Hands on `length` bytes from `start` on, a piece at a time, which is not kept.
    pub fn pass(
        &self,
        start: usize,
        length: usize,
        piece: usize,
        mut to: impl FnMut(&[u8]),
    ) -> Result<()> {
        let mut room = alloc::vec![0; length.min(piece)];
        for done in (0..length).step_by(piece) {
            let part = &mut room[..(length - done).min(piece)];
            self.read(start + done, part)?;
            to(part);
        }
        Ok(())
    }

    fn read(&self, start: usize, to: &mut [u8]) -> Result<()> {
        let mut file = self.file();
        file.seek(SeekFrom::Start(start as u64))
            .and_then(|_| file.read_exact(to))
            .map_err(unreadable)
    }

    fn read_whole(&self) -> Result<&[u8]> {
        if let Some(whole) = self.whole() {
            return Ok(whole);
        }
        let mut bytes = Vec::with_capacity(self.len);
        let mut file = self.file();
        file.rewind()
            .and_then(|()| (&*file).take(self.len as u64).read_to_end(&mut bytes))
            .map_err(unreadable)?;
        drop(file);
        Ok(self.whole.get_or_init(|| bytes))
    }

    fn file(&self) -> MutexGuard<'_, File> {
        lock(&self.file)
    }
}

/// What is in there; a thread that panicked with it left nothing half done.
fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
