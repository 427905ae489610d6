//! Axis numbers as in Keras: counted from the front or, if negative, from the back.

use crate::error::{Error, Result, check};
use crate::model::{StepShape, Stepwise};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
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

/// Whether these are the last axes of an array with this number of axes.
fn is_last(axes: &[usize], of: usize) -> bool {
    axes.iter().copied().eq(of - axes.len()..of)
}

/// The axes of a sample counted from the front. Returns an error unless they are in ascending order.
pub(super) fn places_in_sample(axes: &[isize], of: usize) -> Result<Vec<usize>> {
    let places = axes.iter().map(|&axis| place_in_sample(axis, of));
    let places: Vec<usize> = places.collect::<Result<_>>()?;
    if places.is_sorted_by(|a, b| a < b) {
        return Ok(places);
    }
    let expected = "axes in ascending order";
    Err(Error::value("axis", expected, format!("{axes:?}")))
}

/// How a layer takes steps that normalises over these axes, for an input whose number of axes comes first in `inputs`.
pub(super) fn steps_over(axes: &[isize], inputs: &[usize]) -> Stepwise {
    match inputs.first().map(|&of| places_in_sample(axes, of)) {
        Some(Ok(places)) if !places.contains(&1) => Stepwise::EachTimestep,
        _ => Stepwise::WholeSequence("it normalises over the timesteps"),
    }
}

/// The number of adjacent numbers that belong together in an input of this shape; `None` if these are not its last axes.
pub(super) fn together(axes: &[isize], inputs: &[StepShape]) -> Result<Option<usize>> {
    let shape = inputs.first().map_or(&[][..], |input| &input.axes);
    let axes = places_in_sample(axes, shape.len())?;
    let count = axes.iter().map(|&axis| shape[axis]).product::<usize>();
    Ok(is_last(&axes, shape.len()).then_some(count.max(1)))
}

/// Changes the numbers along these axes, which are in ascending order: `change` sees those that belong together in a row.
pub(super) fn each_along<A: Clone, D: Dimension>(
    mut x: Array<A, D>,
    axes: &[usize],
    mut change: impl FnMut(&mut [A]),
) -> Result<Array<A, D>> {
    let together = axes.iter().map(|&axis| x.shape()[axis]).product::<usize>();
    let mut all = |numbers: &mut [A]| {
        let rows = numbers.chunks_exact_mut(together.max(1));
        rows.for_each(&mut change);
    };
    if is_last(axes, x.ndim())
        && let Some(numbers) = x.as_slice_mut()
    {
        all(numbers);
        return Ok(x);
    }
    // The numbers that belong together are adjacent.
    let mut order: Vec<usize> = (0..x.ndim()).filter(|axis| !axes.contains(axis)).collect();
    order.extend(axes);
    let turned = x.into_dyn().permuted_axes(order.as_slice());
    let mut turned = turned.as_standard_layout().into_owned();
    if let Some(numbers) = turned.as_slice_mut() {
        all(numbers);
    }
    let mut back = vec![0; order.len()];
    for (from, &to) in order.iter().enumerate() {
        back[to] = from;
    }
    let y = turned.permuted_axes(back.as_slice());
    Ok(y.as_standard_layout().into_owned().into_dimensionality()?)
}
