//! Axes counted from the front or, negative, from the back, as Keras counts them.

use crate::error::{Error, Result};
use alloc::format;

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
