//! Converts arrays of files to ndarray's, and to matrices that are packed while they are read.

use crate::Element;
use crate::error::{Error, Result, axes};
use crate::format::{PIECE, RawArray, Unread};
use crate::kernel::Matrix;
use alloc::vec::Vec;
use core::ops::Range;
use ndarray::{Array, ArrayD, ArrayView2, Dimension, IxDyn, ShapeBuilder};

/// The conversions of a [`RawArray`].
pub(crate) trait ToArray<'a> {
    /// The floating-point numbers, each as the nearest `A`. Integers are refused, since they are not weights.
    fn array<A: Element>(&self) -> Result<ArrayD<A>>;

    /// The numbers of any type, each as the nearest `A`.
    fn numbers<A: Element>(&self) -> Result<ArrayD<A>>;

    /// The numbers at one index of the first axis, each as the nearest `A`.
    fn numbers_at<A: Element>(&self, place: usize) -> Result<ArrayD<A>>;

    /// The integers. Fractions are refused.
    fn integers(&self) -> Result<ArrayD<i64>>;

    /// The transpose of a matrix (rows, columns). Its columns come in blocks: block `order[k]` takes the place of block
    /// `k`.
    fn turned(self, order: &'static [usize]) -> Result<Turned<'a>>;
}

impl<'a> ToArray<'a> for RawArray<'a> {
    fn array<A: Element>(&self) -> Result<ArrayD<A>> {
        self.check_floats()?;
        self.numbers()
    }

    fn numbers<A: Element>(&self) -> Result<ArrayD<A>> {
        shaped(self, self.shape(), self.read()?)
    }

    fn numbers_at<A: Element>(&self, place: usize) -> Result<ArrayD<A>> {
        let shape = self.shape().get(1..).unwrap_or_default();
        shaped(self, shape, self.read_at(place)?)
    }

    fn integers(&self) -> Result<ArrayD<i64>> {
        shaped(self, self.shape(), self.read_integers()?)
    }

    fn turned(self, order: &'static [usize]) -> Result<Turned<'a>> {
        self.check_floats()?;
        let numbers = self.unread()?;
        Ok(Turned { numbers, order })
    }
}

fn shaped<T>(tensor: &RawArray, shape: &[usize], numbers: Vec<T>) -> Result<ArrayD<T>> {
    let shape = IxDyn(shape).set_f(tensor.is_fortran_order());
    ArrayD::from_shape_vec(shape, numbers)
        .map_err(|error| Error::file(tensor.name(), "a shape that ndarray can make", error))
}

/// Converts an array to the number of axes that is asked for.
pub(crate) fn with_axes<T, D: Dimension>(name: &str, array: ArrayD<T>) -> Result<Array<T, D>> {
    let found = axes(array.ndim());
    let expected = D::NDIM.map_or_else(|| found.clone(), axes);
    let array = array.into_dimensionality();
    array.map_err(|_| Error::file(name, expected, found))
}

/// The shape (rows, columns) in the file.
fn stored(numbers: &Unread) -> (usize, usize) {
    let shape = numbers.tensor().shape();
    let rows = shape.first().copied().unwrap_or(1);
    (rows, shape.iter().skip(1).product())
}

impl<A: Element> Matrix<A> for Unread<'_> {
    fn dim(&self) -> (usize, usize) {
        stored(self)
    }

    fn rows(&self, to: &mut dyn FnMut(ArrayView2<A>)) -> Result<()> {
        let (rows, columns) = stored(self);
        let tensor = self.tensor();
        let number = tensor.number();
        let row = columns * number.size();
        if !number.is_float() || tensor.is_fortran_order() || row == 0 {
            let array = tensor.array()?;
            to(array.into_shape_with_order((rows, columns))?.view());
            return Ok(());
        }
        let mut done = Ok(());
        self.pass(
            (PIECE / row).max(1) * columns,
            |numbers| match ArrayView2::from_shape((numbers.len() / columns, columns), numbers) {
                Ok(rows) => to(rows),
                Err(error) => done = Err(error.into()),
            },
        )?;
        done
    }
}

/// The least number of columns that are read at once: as many as a cache line holds.
const COLUMNS: usize = 16;

/// The transpose of a matrix of floating-point numbers (rows, columns). It is read piece by piece, and from memory it is
/// never held as a whole.
pub(crate) struct Turned<'a> {
    numbers: Unread<'a>,
    /// The order of the blocks of rows. There are `order.len()` blocks.
    order: &'static [usize],
}

impl Turned<'_> {
    /// The rows of each block, in the order of the blocks.
    fn blocks(&self) -> impl Iterator<Item = Range<usize>> {
        let height = stored(&self.numbers).0 / self.order.len().max(1);
        self.order
            .iter()
            .map(move |block| block * height..(block + 1) * height)
    }
}

impl<A: Element> Matrix<A> for Turned<'_> {
    fn dim(&self) -> (usize, usize) {
        let (rows, columns) = stored(&self.numbers);
        (columns, rows)
    }

    fn rows(&self, to: &mut dyn FnMut(ArrayView2<A>)) -> Result<()> {
        let (rows, columns) = stored(&self.numbers);
        let mut numbers: Vec<A> = Vec::new();
        if !self.numbers.is_in_memory() {
            // A file on disk is read in its own order, which needs the whole matrix.
            numbers.reserve_exact(rows * columns);
            for block in self.blocks() {
                let (start, count) = (block.start * columns, block.len() * columns);
                self.numbers.append(start, count, &mut numbers)?;
            }
            to(ArrayView2::from_shape((rows, columns), &numbers)?.reversed_axes());
            return Ok(());
        }
        let size = self.numbers.tensor().number().size();
        let most = (PIECE / (rows * size).max(1)).max(COLUMNS);
        for start in (0..columns).step_by(most) {
            let width = most.min(columns - start);
            numbers.clear();
            for row in self.blocks().flatten() {
                let start = row * columns + start;
                self.numbers.append(start, width, &mut numbers)?;
            }
            to(ArrayView2::from_shape((rows, width), &numbers)?.reversed_axes());
        }
        Ok(())
    }
}
