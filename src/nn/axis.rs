//! Axis numbers as in Keras: counted from the front or, if negative, from the back.

use crate::error::{Error, Result, check};
use alloc::format;
use ndarray::{Array, Dimension};

/// The index of an axis of an array with this number of axes.
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

/// The index of an axis that is not the axis of samples.
pub(super) fn place_in_sample(axis: isize, axes: usize) -> Result<usize> {
    match place(axis, axes)? {
        0 => {
            let expected = "another axis than that of the samples";
            Err(Error::value("axis", expected, axis))
        }
        place => Ok(place),
    }
}

/// The array in row-major order.
pub(super) fn in_rows<A: Clone, D: Dimension>(x: Array<A, D>) -> Array<A, D> {
    if x.is_standard_layout() {
        return x;
    }
    x.as_standard_layout().into_owned()
}

/// Returns an error if this axis does not have the `expected` length.
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
