//! `Slice`: a part of an array, as in `x[:, -1]` and `x[:, ::-1]`.

use crate::Element;
use crate::error::{Error, Result};
use alloc::format;
use alloc::vec::Vec;
use ndarray::{ArrayD, Axis};

/// What stands between two commas of a Python index.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub(crate) enum Cut {
    /// `3`, which removes the axis.
    One(isize),
    /// `1:4:2`
    Span([Option<isize>; 3]),
    /// `...`
    Rest,
    /// `None`, which adds an axis of length 1.
    New,
}

impl Cut {
    fn is_whole(self) -> bool {
        matches!(self, Cut::Span([None, None, None | Some(1)]))
    }
}

/// A part of an array, of all samples. Source: `keras.ops.get_item`, `tf.strided_slice`.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub(crate) struct Slice(pub Vec<Cut>);

impl Slice {
    pub fn of<A: Element>(&self, mut y: ArrayD<A>) -> Result<ArrayD<A>> {
        let takes_one = |cut: &&Cut| matches!(cut, Cut::One(_) | Cut::Span(_));
        let named = self.0.iter().filter(takes_one).count();
        let Some(rest) = y.ndim().checked_sub(named) else {
            let most = format!("at most {}", y.ndim());
            return Err(Error::value("number of indices", most, named));
        };
        let mut axis = 0;
        for &cut in &self.0 {
            match cut {
                Cut::Rest => axis += rest,
                cut if cut.is_whole() => axis += 1,
                Cut::One(_) | Cut::New if axis == 0 => {
                    let found = "one of them, or a new axis before them";
                    return Err(Error::value("index of the samples", "all", found));
                }
                Cut::Span(ends) => {
                    y = y.select(Axis(axis), &span(ends, y.len_of(Axis(axis)))?);
                    axis += 1;
                }
                Cut::New => {
                    y = y.insert_axis(Axis(axis));
                    axis += 1;
                }
                Cut::One(index) => {
                    let len = y.len_of(Axis(axis));
                    let at = match usize::try_from(index) {
                        Ok(at) => Some(at),
                        Err(_) => len.checked_sub(index.unsigned_abs()),
                    };
                    let refuse = || Error::value("index", format!("one of {len}"), index);
                    let at = at.filter(|&at| at < len).ok_or_else(refuse)?;
                    y = y.index_axis_move(Axis(axis), at);
                }
            }
        }
        Ok(y)
    }

    /// Whether samples and timesteps stay as they are, in an array with this number of axes.
    pub fn keeps_timesteps(&self, axes: usize) -> bool {
        let named = self.0.iter().filter(|cut| **cut != Cut::Rest).count();
        let mut axis = 0;
        self.0.iter().all(|cut| {
            let keeps = axis > 1 || *cut == Cut::Rest || cut.is_whole();
            axis += if *cut == Cut::Rest {
                axes.saturating_sub(named)
            } else {
                1
            };
            keeps
        })
    }
}

/// The indices that a Python slice selects.
fn span([start, stop, step]: [Option<isize>; 3], len: usize) -> Result<Vec<usize>> {
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(Error::value("step", "another one than 0", step));
    }
    let len = isize::try_from(len).unwrap_or(isize::MAX);
    // Where a slice ends is between the first and the last index, or one beyond in its direction.
    let (least, most) = if step > 0 { (0, len) } else { (-1, len - 1) };
    let at = |end: Option<isize>, default: isize| match end {
        None => default,
        Some(end) if end < 0 => end.saturating_add(len).clamp(least, most),
        Some(end) => end.clamp(least, most),
    };
    let (start, stop) = if step > 0 {
        (at(start, 0), at(stop, len))
    } else {
        (at(start, len - 1), at(stop, -1))
    };
    let mut places = Vec::new();
    let mut place = start;
    while if step > 0 { place < stop } else { place > stop } {
        places.push(place.unsigned_abs());
        place = place.saturating_add(step);
    }
    Ok(places)
}
