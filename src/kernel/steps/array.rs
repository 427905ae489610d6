//! The arrays that steps use: (samples, units), in row-major order without gaps.

use alloc::vec::Vec;
use ndarray::{Array1, Array2, Axis};
use num_traits::Zero;

/// Makes a state of zeros, (samples, units). A small state of one sample takes a short way, since short calls spend most of
/// their time on allocation.
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

/// Copies an array to row-major order if it has another one, as the transpose of an array has.
#[inline]
pub fn make_contiguous<A: Clone>(array: &mut Array2<A>) {
    if !array.is_standard_layout() {
        *array = array.as_standard_layout().into_owned();
    }
}

/// Whether an array (samples, units) is in row-major order without gaps.
#[inline]
pub fn in_rows<A>(array: &Array2<A>) -> bool {
    // ndarray's own check also handles empty arrays and single rows, and takes longer.
    matches!(*array.strides(), [row, 1] if row == signed(array.ncols()) || array.nrows() == 1)
        || array.is_standard_layout()
}

/// Converts an offset in an array to the type that pointers take.
#[allow(clippy::cast_possible_wrap)] // an array is never larger than `isize::MAX` bytes
pub fn signed(offset: usize) -> isize {
    offset as isize
}
