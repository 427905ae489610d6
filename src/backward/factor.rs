//! `Factor`: a matrix that many rows are multiplied with.

use crate::Element;
use crate::kernel::{AddProduct, Isa, Panels};
use crate::threads::{busy, join};
use ndarray::{
    Array2, ArrayBase, ArrayD, ArrayView2, ArrayViewMut1, ArrayViewMut2, Axis, Data, Ix2, Slice, s,
};

/// A matrix, packed for products.
pub struct Factor<A>(Panels<A>);

impl<A: Element> Factor<A> {
    pub fn new<S: Data<Elem = A>>(matrix: &ArrayBase<S, Ix2>, isa: Isa) -> Self {
        let isa = isa.for_units::<A>(matrix.ncols());
        Factor(Panels::pack_for_many(matrix.view(), isa))
    }

    /// `z += x · matrix`. Each sum goes on from the number in `z`, over ascending rows of the matrix.
    pub fn add(&self, x: ArrayView2<A>, z: &mut ArrayViewMut2<A>) {
        if z.is_empty() {
            return;
        }
        let work = z.len().saturating_mul(x.ncols());
        if z.ncols() == 1 || z.strides()[1] == 1 {
            self.share(x, z.view_mut(), busy(work));
            return;
        }
        let mut sums = Array2::zeros(z.dim());
        sums.assign(z);
        self.share(x, sums.view_mut(), busy(work));
        z.assign(&sums);
    }

    /// Adds on several threads, each of which has rows of its own.
    fn share(&self, x: ArrayView2<A>, z: ArrayViewMut2<A>, threads: usize) {
        if threads < 2 || z.nrows() < 2 {
            return A::add_product(AddProduct::new(&self.0, x, z));
        }
        let (before, after) = (threads / 2, threads - threads / 2);
        let middle = (z.nrows() * before / threads).max(1);
        let (x_before, x_after) = x.split_at(Axis(0), middle);
        let (z_before, z_after) = z.split_at(Axis(0), middle);
        join(
            || self.share(x_before, z_before, before),
            || self.share(x_after, z_after, after),
        );
    }
}

/// `gradient += Σ left[row]ᵀ · right[row]` over ascending rows, if the gradient is wanted. `first` is the column of the
/// gradient that belongs to the first one of `right`.
pub fn add_outer<A: Element>(
    gradient: Option<&mut ArrayD<A>>,
    left: ArrayView2<A>,
    right: ArrayView2<A>,
    first: usize,
    isa: Isa,
) {
    let Some(gradient) = gradient else { return };
    let Ok(gradient) = gradient.view_mut().into_dimensionality::<Ix2>() else {
        return;
    };
    add_outer_to(gradient, left, right, first, isa);
}

/// [`add_outer`] for a gradient with two axes.
pub fn add_outer_to<A: Element>(
    gradient: ArrayViewMut2<A>,
    left: ArrayView2<A>,
    right: ArrayView2<A>,
    first: usize,
    isa: Isa,
) {
    let (_, from) = gradient.split_at(Axis(1), first);
    let (mut columns, _) = from.split_at(Axis(1), right.ncols());
    let mut copy = None;
    for first in (0..left.nrows()).step_by(ROWS) {
        let rows = Slice::from(first..left.nrows().min(first + ROWS));
        let (left, right) = (
            left.slice_axis(Axis(0), rows),
            right.slice_axis(Axis(0), rows),
        );
        let right = Factor::new(&right, isa);
        if is_spread(&left) {
            right.add(left.t(), &mut columns);
            continue;
        }
        let copy = copy.get_or_insert_with(|| spread(ROWS.min(left.nrows()), left.ncols()));
        let mut copy = copy.slice_axis_mut(Axis(0), Slice::from(..left.nrows()));
        copy.assign(&left);
        right.add(copy.t(), &mut columns);
    }
}

/// The number of rows that are multiplied together: that many rows of a panel stay in the first cache.
pub const ROWS: usize = 128;

/// The size of a line of the cache.
const LINE: usize = 64;

/// An array whose columns are read one after the other. Its rows are an odd number of lines apart: rows at the distance of a
/// power of two would drive each other out of the cache.
pub fn spread<A: Element>(rows: usize, columns: usize) -> Array2<A> {
    let line = LINE / size_of::<A>();
    let lines = columns.div_ceil(line) | 1;
    Array2::zeros((rows, lines * line)).slice_move(s![.., ..columns])
}

/// Whether the columns of an array can be read one after the other.
fn is_spread<A>(array: &ArrayView2<A>) -> bool {
    let lines = array.strides()[0].unsigned_abs() * size_of::<A>() / LINE;
    array.nrows() < 16 || !lines.is_multiple_of(2)
}

/// `sums += Σ rows` over ascending rows.
pub fn add_rows<A: Element>(mut sums: ArrayViewMut1<A>, rows: ArrayView2<A>) {
    for row in rows.rows() {
        match (sums.as_slice_mut(), row.to_slice()) {
            (Some(sums), Some(row)) => {
                sums.iter_mut().zip(row).for_each(|(sum, &d)| *sum += d);
            }
            _ => sums += &row,
        }
    }
}

/// `gradient += Σ rows` over ascending rows, if the gradient is wanted. Its numbers are those of a row, in their order.
pub fn add_vector<A: Element>(gradient: Option<&mut ArrayD<A>>, rows: ArrayView2<A>) {
    if let Some(gradient) = gradient {
        let sums = gradient.as_slice_mut();
        let sums = sums.filter(|sums| sums.len() == rows.ncols());
        match sums {
            Some(sums) => add_rows(ArrayViewMut1::from(sums), rows),
            None => rows.rows().into_iter().for_each(|row| *gradient += &row),
        }
    }
}
