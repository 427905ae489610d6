//! `Arrange`: the same numbers in another order or shape.

use crate::Element;
use crate::error::{Error, Result, check_size};
use crate::nn::axis::{in_rows, place_in_sample};
use alloc::format;
use alloc::vec::Vec;
use ndarray::{ArrayD, Axis, IxDyn, Slice, stack};

/// Another order or shape of the numbers of an array. Samples stay the first axis. Source: the functions of these names in
/// `keras.ops`.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub(crate) enum Arrange {
    ExpandDims(Vec<isize>),
    Squeeze(Vec<isize>),
    Flip(Vec<isize>),
    /// The old axis for each new one.
    Transpose(Vec<isize>),
    /// The new shape, with that of the samples.
    Reshape(Vec<isize>),
    /// How often each axis is repeated as a whole.
    Tile(Vec<usize>),
    /// How often each number along an axis is repeated.
    Repeat(usize, isize),
    /// By how many places the numbers along an axis move.
    Roll(isize, isize),
    /// Two axes that change places.
    Swap(isize, isize),
    /// An axis, and its new place between the others.
    Move(isize, isize),
    /// How many zeros stand before and after the numbers along each axis.
    Pad(Vec<[usize; 2]>),
}

/// The indices of axes that are not the axis of samples.
fn places(axes: &[isize], count: usize) -> Result<Vec<usize>> {
    axes.iter()
        .map(|&axis| place_in_sample(axis, count))
        .collect()
}

/// The old axis for each new one.
fn order(axes: &[isize], count: usize) -> Result<Vec<usize>> {
    let refuse = || {
        let expected = format!("each of {count} axes once, that of the samples first");
        Error::value("axes", expected, format!("{axes:?}"))
    };
    let place = |&axis: &isize| match usize::try_from(axis) {
        Ok(place) => Some(place),
        Err(_) => count.checked_sub(axis.unsigned_abs()),
    };
    let places: Option<Vec<usize>> = axes.iter().map(place).collect();
    let places = places.ok_or_else(refuse)?;
    let is_there = |place: usize| places.contains(&place);
    if places.len() != count || places.first() != Some(&0) || !(0..count).all(is_there) {
        return Err(refuse());
    }
    Ok(places)
}

/// The lengths of a new shape for this many numbers.
fn lengths(shape: &[isize], count: usize) -> Result<Vec<usize>> {
    let refuse = || {
        let expected = format!("one of {count} numbers, at most one length -1");
        Error::value("shape", expected, format!("{shape:?}"))
    };
    let known = shape.iter().filter(|&&len| len != -1);
    let known: Option<Vec<usize>> = known.map(|&len| usize::try_from(len).ok()).collect();
    let known = known.ok_or_else(refuse)?;
    let product = known.iter().try_fold(1_usize, |n, &len| n.checked_mul(len));
    let product = product.ok_or_else(refuse)?;
    let open = match shape.len() - known.len() {
        0 if product == count => 0,
        1 if product > 0 && count.is_multiple_of(product) => count / product,
        _ => return Err(refuse()),
    };
    Ok(shape
        .iter()
        .map(|&len| usize::try_from(len).unwrap_or(open))
        .collect())
}

impl Arrange {
    pub fn of<A: Element>(&self, mut y: ArrayD<A>) -> Result<ArrayD<A>> {
        match self {
            Arrange::ExpandDims(axes) => {
                let mut places = places(axes, y.ndim() + axes.len())?;
                places.sort_unstable();
                if places.windows(2).any(|pair| pair[0] == pair[1]) {
                    return Err(Error::value(
                        "axis",
                        "every new axis once",
                        format!("{axes:?}"),
                    ));
                }
                for axis in places {
                    y = y.insert_axis(Axis(axis));
                }
            }
            Arrange::Squeeze(axes) => {
                let mut places = places(axes, y.ndim())?;
                places.sort_unstable();
                places.dedup();
                for axis in places.into_iter().rev().map(Axis) {
                    crate::error::check(
                        "input",
                        "numbers along a squeezed axis",
                        1,
                        y.len_of(axis),
                    )?;
                    y = y.remove_axis(axis);
                }
            }
            Arrange::Flip(axes) => {
                let mut places = places(axes, y.ndim())?;
                places.sort_unstable();
                places.dedup();
                places
                    .into_iter()
                    .for_each(|axis| y.invert_axis(Axis(axis)));
            }
            Arrange::Transpose(axes) => {
                let order = order(axes, y.ndim())?;
                y = y.permuted_axes(order);
            }
            Arrange::Reshape(shape) => {
                let shape = lengths(shape, y.len())?;
                check_size("output", &shape)?;
                y = in_rows(y).into_shape_with_order(IxDyn(&shape))?;
            }
            Arrange::Tile(counts) => y = tiled(y, counts)?,
            Arrange::Repeat(times, axis) => {
                let axis = place_in_sample(*axis, y.ndim())?;
                let mut shape = y.shape().to_vec();
                shape[axis] = shape[axis].saturating_mul(*times);
                check_size("output", &shape)?;
                if shape.contains(&0) {
                    return Ok(ArrayD::zeros(shape));
                }
                let repeated = |at| core::iter::repeat_n(at, *times);
                let places: Vec<usize> = (0..y.len_of(Axis(axis))).flat_map(repeated).collect();
                y = y.select(Axis(axis), &places);
            }
            Arrange::Roll(shift, axis) => {
                let axis = Axis(place_in_sample(*axis, y.ndim())?);
                let len = isize::try_from(y.len_of(axis)).unwrap_or(isize::MAX);
                if len > 0 {
                    let first = -shift.rem_euclid(len);
                    let parts = [Slice::from(first..), Slice::from(..first)];
                    let parts = parts.map(|part| y.slice_axis(axis, part));
                    y = match first {
                        0 => y,
                        _ => ndarray::concatenate(axis, &parts)?,
                    };
                }
            }
            Arrange::Swap(a, b) => {
                let (a, b) = (
                    place_in_sample(*a, y.ndim())?,
                    place_in_sample(*b, y.ndim())?,
                );
                y.swap_axes(a, b);
            }
            Arrange::Move(from, to) => {
                let from = place_in_sample(*from, y.ndim())?;
                let to = place_in_sample(*to, y.ndim())?;
                let mut order: Vec<usize> = (0..y.ndim()).filter(|&axis| axis != from).collect();
                order.insert(to, from);
                y = y.permuted_axes(order);
            }
            Arrange::Pad(ends) => y = padded(&y, ends)?,
        }
        Ok(y)
    }

    /// Whether samples and timesteps stay as they are.
    pub fn keeps_timesteps(&self, axes: usize) -> bool {
        let after = |which: &[isize], axes: usize| {
            places(which, axes).is_ok_and(|places| places.iter().all(|&axis| axis > 1))
        };
        match self {
            Arrange::ExpandDims(which) => after(which, axes + which.len()),
            Arrange::Squeeze(which) | Arrange::Flip(which) => after(which, axes),
            Arrange::Transpose(which) => {
                order(which, axes).is_ok_and(|order| order.get(1) == Some(&1))
            }
            Arrange::Reshape(_) => false,
            Arrange::Tile(counts) => {
                let before = (counts.len() + 2).saturating_sub(axes);
                counts.iter().take(before).all(|&times| times == 1)
            }
            Arrange::Repeat(_, axis) | Arrange::Roll(_, axis) => after(&[*axis], axes),
            Arrange::Swap(a, b) | Arrange::Move(a, b) => after(&[*a, *b], axes),
            Arrange::Pad(ends) => ends.len() > 2 && ends.iter().take(2).all(|ends| *ends == [0, 0]),
        }
    }
}

/// Each axis repeated as a whole, the last axes of fewer counts.
fn tiled<A: Element>(mut y: ArrayD<A>, counts: &[usize]) -> Result<ArrayD<A>> {
    if counts.len() > y.ndim() {
        let most = format!("at most {}", y.ndim());
        return Err(Error::value("number of repeats", most, counts.len()));
    }
    let first = y.ndim() - counts.len();
    let shape = (0..y.ndim()).map(|axis| {
        let times = axis.checked_sub(first).map_or(1, |at| counts[at]);
        y.shape()[axis].saturating_mul(times)
    });
    let shape: Vec<usize> = shape.collect();
    check_size("output", &shape)?;
    if shape.contains(&0) {
        return Ok(ArrayD::zeros(shape));
    }
    for (at, &times) in counts.iter().enumerate() {
        let axis = Axis(first + at);
        let len = y.len_of(axis);
        let places: Vec<usize> = (0..times).flat_map(|_| 0..len).collect();
        y = y.select(axis, &places);
    }
    Ok(y)
}

/// Zeros before and after the numbers along each axis.
fn padded<A: Element>(y: &ArrayD<A>, ends: &[[usize; 2]]) -> Result<ArrayD<A>> {
    if ends.len() != y.ndim() || ends.first() != Some(&[0, 0]) {
        let expected = format!("those of {} axes, none for the samples", y.ndim());
        return Err(Error::value("pad_width", expected, format!("{ends:?}")));
    }
    let longer = |(&len, [before, after]): (&usize, &[usize; 2])| {
        len.saturating_add(*before).saturating_add(*after)
    };
    let shape: Vec<usize> = y.shape().iter().zip(ends).map(longer).collect();
    check_size("output", &shape)?;
    let mut padded = ArrayD::zeros(shape);
    let mut middle = padded.view_mut();
    for (axis, ([before, _], &len)) in ends.iter().zip(y.shape()).enumerate() {
        middle.slice_axis_inplace(Axis(axis), Slice::from(*before..*before + len));
    }
    middle.assign(y);
    Ok(padded)
}

/// Several arrays of one shape along a new axis.
pub(super) fn stacked<A: Element>(inputs: &[ArrayD<A>], axis: isize) -> Result<ArrayD<A>> {
    let Some(first) = inputs.first() else {
        return Err(crate::error::wrong_inputs("at least 1", 0));
    };
    let axis = place_in_sample(axis, first.ndim() + 1)?;
    if let Some(other) = inputs.iter().find(|input| input.shape() != first.shape()) {
        let found = format!("{:?} and {:?}", first.shape(), other.shape());
        return Err(Error::value("shapes", "the same for all inputs", found));
    }
    let mut shape = first.shape().to_vec();
    shape.insert(axis, inputs.len());
    check_size("output", &shape)?;
    let views: Vec<_> = inputs.iter().map(|input| input.view()).collect();
    Ok(stack(Axis(axis), &views)?)
}

/// Whether a new axis is after that of the timesteps.
pub(super) fn stacks_after_time(axis: isize, axes: usize) -> bool {
    place_in_sample(axis, axes + 1).is_ok_and(|axis| axis > 1)
}
