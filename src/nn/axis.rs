//! Axes counted from the front or, negative, from the back, as Keras counts them.

use crate::error::{Error, Result, check};
use alloc::format;
use ndarray::{Array, Dimension};

/// The place of an axis among so many.
pub(super) fn place(axis: isize, axes: usize) -> Result<usize> {
    let place = match usize::try_from(axis) {
        Ok(place) => Some(place),
        Err(_) => axes.checked_sub(axis.unsigned_abs()),
    };
    place.filter(|&place| place < axes).ok_or_else(|| {
        let expected = format!("one of the {axes} axes of the input");
        Error::value("axis", expected, axis)
    })
}

/// The same of an axis that is not that of the samples.
pub(super) fn place_in_sample(axis: isize, axes: usize) -> Result<usize> {
    match place(axis, axes)? {
        0 => {
            let expected = "another axis than that of the samples";
            Err(Error::value("axis", expected, axis))
        }
        place => Ok(place),
    }
}

/// The same array, lying row by row.
pub(super) fn in_rows<A: Clone, D: Dimension>(x: Array<A, D>) -> Array<A, D> {
    if x.is_standard_layout() {
        return x;
    }
    x.as_standard_layout().into_owned()
}

/// Refuses another length of this axis than `expected`.
pub(super) fn check_axis(
    array: &'static str,
    axis: usize,
    expected: usize,
    found: usize,
) -> Result<()> {
    let name = match axis {
        0 => "samples",
        1 => "numbers along axis 1",
        2 => "numbers along axis 2",
        3 => "numbers along axis 3",
        _ => "numbers along an axis after these",
    };
    check(array, name, expected, found)
}
