//! Chunks: an array in pieces of one shape, put together.

use super::super::cursor::to_length;
use super::super::error::{Error, Result};
use super::super::raw_array::size;
use super::chunk_index::{Chunk, ChunkIndex, Grid};
use super::filter::{self, Filter};
use super::source::Source;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

/// A chunk may be larger than its array, but not by more than this and 16 times.
const CHUNK_SLACK: usize = 1 << 20;
/// A chunk takes at least this many bytes of its file, for its address or its numbers.
const LEAST_CHUNK: usize = 8;

/// Where the chunks of an array are.
pub(super) struct Chunked {
    /// The shape of a chunk.
    pub shape: Vec<usize>,
    pub index: ChunkIndex,
    pub filters: Vec<Filter>,
    /// Chunks that stick out of the array have no filters.
    pub plain_edges: bool,
}

/// The chunks of an array of `shape`.
pub(super) struct Pieces<'s> {
    chunked: &'s Chunked,
    shape: &'s [usize],
    /// Bytes of an element.
    element: usize,
    counts: Vec<usize>,
    /// Bytes of a chunk when unpacked.
    unpacked: usize,
    /// All of them, in the order of their numbers.
    chunks: Vec<Chunk>,
}

impl<'s> Pieces<'s> {
    /// Finds them; each is there once. An array of nothing has none.
    pub fn find(
        file: &Source,
        path: &str,
        chunked: &'s Chunked,
        shape: &'s [usize],
        element: usize,
    ) -> Result<Self> {
        let chunk = &chunked.shape[..];
        let refuse = |expected: &str| {
            let found = format!("chunks of {chunk:?} in an array of {shape:?}");
            Error::new(path, expected, found)
        };
        if chunk.len() != shape.len() || chunk.contains(&0) {
            return Err(refuse("chunks with the axes of the array"));
        }
        let mut pieces = Pieces {
            chunked,
            shape,
            element,
            counts: Vec::new(),
            unpacked: 0,
            chunks: Vec::new(),
        };
        let wanted = size(path, shape, element)?;
        if wanted == 0 {
            return Ok(pieces);
        }
        let unpacked = size(path, chunk, element)?;
        pieces.unpacked = unpacked;
        if unpacked / 16 > wanted.saturating_add(CHUNK_SLACK) {
            return Err(refuse("chunks that are not much larger than the array"));
        }
        let along = shape.iter().zip(chunk).map(|(n, c)| n.div_ceil(*c));
        pieces.counts = along.collect();
        let grid = pieces.grid();
        let total = grid.total();
        let missing = |stored: String| {
            let expected = format!("the {total} chunks of the shape {shape:?}");
            Error::new(path, expected, stored)
        };
        let room = file.len() / LEAST_CHUNK;
        if total > room {
            return Err(missing(format!("room for at most {room} in the file")));
        }
        // All of them are looked up before anything is allocated for their numbers.
        let mut chunks: Vec<Chunk> = Vec::new();
        let mut stored_bytes = 0u64;
        chunked.index.walk(file, &grid, |chunk| {
            // Side by side they fit into the file; a chunk that is there twice could take any memory.
            stored_bytes = stored_bytes.saturating_add(chunk.stored.unwrap_or(unpacked as u64));
            if chunks.len() == total || stored_bytes > file.len() as u64 {
                return Err(refuse("every chunk once, and room for them in the file"));
            }
            chunks.push(chunk);
            Ok(())
        })?;
        chunks.sort_unstable_by_key(|chunk| chunk.number);
        chunks.dedup_by_key(|chunk| chunk.number);
        if chunks.len() != total {
            return Err(missing(chunks.len().to_string()));
        }
        pieces.chunks = chunks;
        Ok(pieces)
    }

    fn grid(&self) -> Grid<'_> {
        Grid {
            counts: &self.counts,
            chunk: &self.chunked.shape,
            bytes: self.unpacked,
            filtered: !self.chunked.filters.is_empty(),
        }
    }

    /// Where a chunk starts in the array.
    fn starts(&self, of: &Chunk) -> Vec<usize> {
        let place = self.grid().place(of.number);
        let starts = place.iter().zip(&self.chunked.shape);
        starts.map(|(p, c)| p * c).collect()
    }

    /// Calls `each` for every stretch of numbers that is contiguous in the array and in the file: its place in the bytes of
    /// the array, the address of its chunk, its place in the chunk, its length. The chunks must have no filters.
    pub fn runs(&self, mut each: impl FnMut(usize, u64, usize, usize) -> Result<()>) -> Result<()> {
        let mut done = Ok(());
        for chunk in &self.chunks {
            runs(
                self.shape,
                &self.chunked.shape,
                &self.starts(chunk),
                self.element,
                |to, from, length| {
                    if done.is_ok() {
                        done = each(to, chunk.address, from, length);
                    }
                },
            );
        }
        done
    }
}

/// The bytes of an array of `shape`, in its order.
pub(super) fn read(
    file: &Source,
    path: &str,
    chunked: &Chunked,
    shape: &[usize],
    element: usize,
) -> Result<Vec<u8>> {
    let pieces = Pieces::find(file, path, chunked, shape, element)?;
    let (chunk, unpacked) = (&chunked.shape[..], pieces.unpacked);
    let wanted = size(path, shape, element)?;
    if wanted == 0 {
        return Ok(Vec::new());
    }
    file.count_array(wanted, path)?;
    let mut bytes = vec![0; wanted];
    for stored in &pieces.chunks {
        let starts = pieces.starts(stored);
        let ends = starts
            .iter()
            .zip(chunk)
            .map(|(start, length)| start + length);
        let sticks_out = ends.zip(shape).any(|(end, &last)| end > last);
        let plain = chunked.plain_edges && sticks_out;
        let filters = if plain { &[][..] } else { &chunked.filters[..] };
        let stored_bytes = stored
            .stored
            .filter(|_| !chunked.filters.is_empty())
            .unwrap_or(unpacked as u64);
        let packed = file.slice(stored.address, to_length(stored_bytes, path)?, path)?;
        // What is inflated counts, even where the array needs little of it.
        file.count_array(if filters.is_empty() { 0 } else { unpacked }, path)?;
        let numbers = filter::undo(filters, stored.skipped, packed, unpacked, path)?;
        if numbers.len() != unpacked {
            let expected = format!("{unpacked} bytes in a chunk");
            return Err(Error::new(path, expected, numbers.len()));
        }
        runs(shape, chunk, &starts, element, |to, from, length| {
            bytes[to..to + length].copy_from_slice(&numbers[from..from + length]);
        });
    }
    Ok(bytes)
}

/// Calls `each` for every run of a chunk inside of the array that is contiguous in both: its place in the array, that in the
/// chunk, its length.
fn runs(
    shape: &[usize],
    chunk: &[usize],
    starts: &[usize],
    element: usize,
    mut each: impl FnMut(usize, usize, usize),
) {
    // From `split` on, chunk and array have the same axes; the axis before it is cut.
    let same = shape
        .iter()
        .zip(chunk)
        .rev()
        .take_while(|(n, c)| n == c)
        .count();
    let split = (shape.len() - same).saturating_sub(1);
    let tail: usize = shape
        .get(split + 1..)
        .unwrap_or_default()
        .iter()
        .product::<usize>()
        * element;
    let inside: Vec<_> = starts
        .iter()
        .zip(shape)
        .zip(chunk)
        .map(|((s, n), c)| (n - s).min(*c))
        .collect();
    let run = inside.get(split).map_or(element, |n| n * tail);
    let mut at = vec![0; split];
    loop {
        let (mut to, mut from) = (0, 0);
        for axis in 0..split {
            to = to * shape[axis] + starts[axis] + at[axis];
            from = from * chunk[axis] + at[axis];
        }
        if let Some(&start) = starts.get(split) {
            to = (to * shape[split] + start) * tail;
            from *= chunk[split] * tail;
        }
        each(to, from, run);
        // The next place, the last axis fastest.
        let next = (0..split).rev().find(|&axis| at[axis] + 1 < inside[axis]);
        let Some(axis) = next else {
            return;
        };
        at[axis] += 1;
        at[axis + 1..].fill(0);
    }
}
