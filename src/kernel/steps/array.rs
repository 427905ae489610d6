//! The arrays that steps work on: (samples, units), row after row without gaps.

use alloc::vec::Vec;
use ndarray::{Array1, Array2, Axis};
use num_traits::Zero;

/// Zeros for a state, (samples, units). A few of one sample come on the shortest way that there is: short calls consist of
/// asking for memory.
#[inline]
pub fn zeros<A: Clone + Zero>(samples: usize, units: usize) -> Array2<A> {
    const FEW: usize = 1024;
    if samples != 1 || units > FEW {
        return Array2::zeros((samples, units));
    }
    let mut row = Vec::with_capacity(units);
    row.resize(units, A::zero());
    Array1::from_vec(row).insert_axis(Axis(0))
}

/// Brings an array into the order of rows, which one that a user transposed does not have.
#[inline]
pub fn make_contiguous<A: Clone>(array: &mut Array2<A>) {
    if !array.is_standard_layout() {
        *array = array.as_standard_layout().into_owned();
    }
}

/// Whether (samples, units) lies row by row, without gaps.
#[inline]
pub fn in_rows<A>(array: &Array2<A>) -> bool {
    // The general answer, which knows empty arrays and single rows, takes longer.
    matches!(*array.strides(), [row, 1] if row == signed(array.ncols()) || array.nrows() == 1)
        || array.is_standard_layout()
}

/// An offset in an array, as a pointer takes it.
#[allow(clippy::cast_possible_wrap)] // an array is never larger than `isize::MAX` bytes
pub fn signed(offset: usize) -> isize {
    offset as isize
}
