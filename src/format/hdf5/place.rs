//! `Place`: where the numbers of an array are in a file.

use super::super::error::{Error, Result};
use super::super::number::{self, Number};
use super::super::raw_array::size;
use super::chunks::Pieces;
use super::filter::Filter;
use super::layout::Layout;
use super::source::Source;
use alloc::format;
use alloc::vec::Vec;

/// Where the numbers of an array are, and what they are.
pub struct Place {
    number: Number,
    big_endian: bool,
    /// In the order of the array.
    runs: Vec<Run>,
}

/// Bytes that are side by side in the array and in the file.
struct Run {
    /// Their place in the bytes of the array.
    first: usize,
    length: usize,
    /// Their place in the file.
    at: usize,
}

impl Place {
    /// The place of an array of `shape`, whose numbers are of this kind and perhaps have their largest byte first.
    pub(super) fn find(
        file: &Source,
        path: &str,
        layout: &Layout,
        shape: &[usize],
        (number, big_endian): (Number, bool),
    ) -> Result<Self> {
        let wanted = size(path, shape, number.size())?;
        let mut runs = Vec::new();
        let mut add = |first: usize, length: usize, at: Option<usize>| {
            let end = at.and_then(|at| at.checked_add(length));
            let missing = || {
                let expected = format!("{length} bytes in the file, in memory");
                Error::new(path, expected, "others")
            };
            match (at, end) {
                (Some(at), Some(_)) => runs.push(Run { first, length, at }),
                _ => return Err(missing()),
            }
            Ok(())
        };
        match layout {
            Layout::Compact(bytes) => {
                let bytes = bytes.get(..wanted).unwrap_or(bytes);
                add(0, bytes.len(), file.place_of(bytes))?;
            }
            Layout::Contiguous(None) => {}
            Layout::Contiguous(Some(address)) => {
                file.data(*address, wanted, path)?;
                add(0, wanted, file.place(*address))?;
            }
            Layout::Chunked(chunked) if chunked.filters.is_empty() => {
                let pieces = Pieces::find(file, path, chunked, shape, number.size())?;
                pieces.runs(|first, address, from, length| {
                    let address = address.saturating_add(from as u64);
                    file.data(address, length, path)?;
                    add(first, length, file.place(address))
                })?;
            }
            Layout::Chunked(chunked) => {
                let names: Vec<_> = chunked.filters.iter().map(Filter::name).collect();
                let expected = "numbers that can be overwritten in their place";
                let found = format!("numbers in chunks with filters ({})", names.join(", "));
                return Err(Error::new(path, expected, found));
            }
        }
        runs.sort_unstable_by_key(|run| run.first);
        Ok(Place {
            number,
            big_endian,
            runs,
        })
    }

    /// Writes a number over that at an index of the array, in the bytes of the file. Returns what it then reads as; `None` if
    /// the array has no such number.
    pub fn overwrite(&self, file: &mut [u8], index: usize, x: f64) -> Option<f64> {
        let size = self.number.size();
        let byte = index.checked_mul(size)?;
        let run = self.runs.partition_point(|run| run.first <= byte);
        let run = self.runs.get(run.checked_sub(1)?)?;
        let from = byte - run.first;
        if from + size > run.length {
            return None;
        }
        let to = file.get_mut(run.at + from..)?.get_mut(..size)?;
        number::overwrite(self.number, self.big_endian, x, to)
    }
}
