//! `Turned`: a matrix of a file, packed as its transpose, which is never made as a whole.

use super::bytes::{Bytes, Data, PIECE};
use super::number;
use super::tensor::Tensor;
use crate::Element;
use crate::error::Result;
use crate::kernel::Matrix;
use alloc::vec::Vec;
use core::ops::Range;
use ndarray::ArrayView2;

/// How many columns are read at once at least: as many as lie in a line of the cache.
const COLUMNS: usize = 16;

/// A matrix of floating-point numbers, (rows, columns), as the one that has its rows for columns.
pub struct Turned<'a> {
    tensor: Tensor<'a>,
    data: Data<'a>,
    /// The rows are this many blocks, in this order.
    order: &'static [usize],
}

impl<'a> Turned<'a> {
    pub(super) fn new(tensor: Tensor<'a>, data: Data<'a>, order: &'static [usize]) -> Self {
        Turned {
            tensor,
            data,
            order,
        }
    }

    /// (rows, columns) in the file.
    fn stored(&self) -> (usize, usize) {
        let shape = self.tensor.shape();
        let rows = shape.first().copied().unwrap_or(1);
        (rows, shape.iter().skip(1).product())
    }

    /// The rows of each block, in order.
    fn blocks(&self) -> impl Iterator<Item = Range<usize>> {
        let height = self.stored().0 / self.order.len().max(1);
        self.order
            .iter()
            .map(move |block| block * height..(block + 1) * height)
    }
}

impl<A: Element> Matrix<A> for Turned<'_> {
    fn dim(&self) -> (usize, usize) {
        let (rows, columns) = self.stored();
        (columns, rows)
    }

    fn rows(&self, to: &mut dyn FnMut(ArrayView2<A>)) -> Result<()> {
        let (rows, columns) = self.stored();
        let (number, big_endian) = (self.tensor.number, self.tensor.big_endian);
        let size = number.size();
        let mut numbers: Vec<A> = Vec::new();
        #[cfg_attr(not(feature = "std"), allow(irrefutable_let_patterns))]
        let Bytes::Memory(bytes) = self.data.bytes() else {
            // On disk they are read in the order that they have there.
            numbers.reserve_exact(rows * columns);
            for block in self.blocks() {
                let (start, length) = (block.start * columns, block.len() * columns);
                if let Some(part) = self.data.bytes().part(start * size, length * size) {
                    part.pass(PIECE, |bytes| {
                        number::elements(number, big_endian, bytes, &mut numbers);
                    })?;
                }
            }
            to(ArrayView2::from_shape((rows, columns), &numbers)?.reversed_axes());
            return Ok(());
        };
        let most = (PIECE / (rows * size).max(1)).max(COLUMNS);
        for start in (0..columns).step_by(most) {
            let width = most.min(columns - start);
            numbers.clear();
            for row in self.blocks().flatten() {
                let at = (row * columns + start) * size;
                let part = bytes.get(at..at + width * size).unwrap_or_default();
                number::elements(number, big_endian, part, &mut numbers);
            }
            to(ArrayView2::from_shape((rows, width), &numbers)?.reversed_axes());
        }
        Ok(())
    }
}
