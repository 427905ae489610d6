//! What the operators of a constant part of a graph do with arrays.

use crate::error::{Error, Result};
use crate::format::MOST_AXES;
use alloc::format;
use alloc::vec::Vec;
use ndarray::{ArrayD, ArrayViewD, Axis, IxDyn, Slice};

/// The axis that `axis` counts, from the end if it is negative.
pub(super) fn axis(axis: i64, axes: usize) -> Result<usize> {
    let length = i64::try_from(axes).unwrap_or(i64::MAX);
    let from_front = if axis < 0 {
        axis.saturating_add(length)
    } else {
        axis
    };
    let found = usize::try_from(from_front).ok().filter(|&axis| axis < axes);
    found.ok_or_else(|| refuse(format!("an axis of {axes}"), axis))
}

fn refuse(expected: impl alloc::string::ToString, found: impl alloc::string::ToString) -> Error {
    Error::file("array", expected, found)
}

/// A place among `len` things: counted from the end if it is negative, and no further than both ends.
pub(super) fn place(at: i64, length: usize) -> usize {
    let from_behind =
        || length.saturating_sub(usize::try_from(at.unsigned_abs()).unwrap_or(length));
    usize::try_from(at).map_or_else(|_| from_behind(), |at| at.min(length))
}

/// Refuses more axes than an array may have.
fn check_axes(axes: usize) -> Result<()> {
    if axes <= MOST_AXES {
        return Ok(());
    }
    Err(refuse(format!("at most {MOST_AXES} axes"), axes))
}

pub(super) fn transpose(x: ArrayD<f64>, perm: Option<&[i64]>) -> Result<ArrayD<f64>> {
    let Some(perm) = perm else {
        return Ok(x.reversed_axes());
    };
    check_axes(perm.len())?;
    let axes = perm.iter().map(|&a| axis(a, x.ndim()));
    let axes = axes.collect::<Result<Vec<_>>>()?;
    let all_once = (0..x.ndim()).all(|a| axes.contains(&a)) && axes.len() == x.ndim();
    if !all_once {
        return Err(refuse(
            format!("each of {} axes once", x.ndim()),
            format!("{perm:?}"),
        ));
    }
    Ok(x.permuted_axes(IxDyn(&axes)))
}

pub(super) fn squeeze(x: ArrayD<f64>, axes: Option<&[i64]>) -> Result<ArrayD<f64>> {
    let shape = x.shape().to_vec();
    let gone = match axes {
        Some(axes) => axes
            .iter()
            .map(|&a| axis(a, shape.len()))
            .collect::<Result<_>>()?,
        None => (0..shape.len())
            .filter(|&a| shape[a] == 1)
            .collect::<Vec<_>>(),
    };
    let kept = (0..shape.len())
        .filter(|a| !gone.contains(a))
        .map(|a| shape[a]);
    reshaped(x, kept.collect())
}

pub(super) fn unsqueeze(x: ArrayD<f64>, axes: &[i64]) -> Result<ArrayD<f64>> {
    let rank = x.ndim().saturating_add(axes.len());
    check_axes(rank)?;
    let new = axes
        .iter()
        .map(|&a| axis(a, rank))
        .collect::<Result<Vec<_>>>()?;
    let mut old = x.shape().to_vec().into_iter();
    let shape = (0..rank).map(|a| {
        if new.contains(&a) {
            Some(1)
        } else {
            old.next()
        }
    });
    match shape.collect::<Option<Vec<_>>>() {
        Some(shape) => reshaped(x, shape),
        None => Err(refuse("each axis once", format!("{axes:?}"))),
    }
}

/// -1 is the length that is left, 0 that of the same axis.
pub(super) fn reshape(x: ArrayD<f64>, shape: &[i64]) -> Result<ArrayD<f64>> {
    check_axes(shape.len())?;
    let numbers = x.len();
    let wrong = || {
        refuse(
            format!("a shape of {numbers} numbers"),
            format!("{shape:?}"),
        )
    };
    let lengths = shape
        .iter()
        .enumerate()
        .map(|(axis, &length)| match length {
            0 => x.shape().get(axis).copied(),
            -1 => Some(1),
            length => usize::try_from(length).ok(),
        });
    let mut lengths = lengths.collect::<Option<Vec<_>>>().ok_or_else(wrong)?;
    let mut left = (0..shape.len()).filter(|&axis| shape[axis] == -1);
    if let Some(axis) = left.next() {
        let others = lengths
            .iter()
            .try_fold(1_usize, |all, &n| all.checked_mul(n));
        lengths[axis] = others.filter(|&n| n > 0).map_or(0, |n| numbers / n);
    }
    if left.next().is_some() {
        return Err(wrong());
    }
    reshaped(x, lengths)
}

fn reshaped(x: ArrayD<f64>, shape: Vec<usize>) -> Result<ArrayD<f64>> {
    let from = format!("{:?}", x.shape());
    let to = format!("a shape of as many numbers as {shape:?}");
    // Rows must be contiguous before their lengths can change.
    let x = x.as_standard_layout().into_owned();
    x.into_shape_with_order(shape).map_err(|_| refuse(to, from))
}

pub(super) fn concat(parts: &[ArrayD<f64>], along: i64) -> Result<ArrayD<f64>> {
    let axes = parts.first().map_or(0, ArrayD::ndim);
    let views: Vec<ArrayViewD<f64>> = parts.iter().map(|part| part.view()).collect();
    let joined = ndarray::concatenate(Axis(axis(along, axes)?), &views);
    joined.map_err(|error| refuse("parts that fit together", error))
}

/// `starts` and `ends` are places.
pub(super) fn slice(
    mut x: ArrayD<f64>,
    starts: &[i64],
    ends: &[i64],
    axes: Option<&[i64]>,
) -> Result<ArrayD<f64>> {
    let all: Vec<i64> = (0..).take(starts.len()).collect();
    let axes = axes.unwrap_or(&all);
    if ends.len() != starts.len() || axes.len() != starts.len() {
        let found = format!("{}, {}, {}", starts.len(), ends.len(), axes.len());
        return Err(refuse("as many starts as ends and axes", found));
    }
    for ((&start, &end), &along) in starts.iter().zip(ends).zip(axes) {
        let along = Axis(axis(along, x.ndim())?);
        let length = x.len_of(along);
        let (start, end) = (place(start, length), place(end, length));
        x.slice_axis_inplace(along, Slice::from(start..end.max(start)));
    }
    Ok(x)
}
