//! `Slide`: the windows along one axis of an input.

use super::padding::{Padding, Windows};
use crate::error::Result;
use core::ops::Range;

/// The windows along one axis: how many there are, and where each of them reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slide {
    /// The length of the axis.
    pub len: usize,
    /// The numbers that a window reads, and the distance between two of them.
    pub size: usize,
    pub dilation_rate: usize,
    /// The distance between the starts of two windows.
    pub strides: usize,
    pub windows: Windows,
}

impl Slide {
    /// Places windows of `size` adjacent numbers. `name` is the length of the axis in errors.
    pub fn new(
        name: &'static str,
        padding: Padding,
        len: usize,
        size: usize,
        strides: usize,
    ) -> Result<Self> {
        Self::dilated(name, padding, len, size, [strides, 1])
    }

    /// Places windows of `size` numbers at distances of `dilation_rate`. All of them are at least 1.
    pub fn dilated(
        name: &'static str,
        padding: Padding,
        len: usize,
        size: usize,
        [strides, dilation_rate]: [usize; 2],
    ) -> Result<Self> {
        Ok(Slide {
            len,
            size,
            dilation_rate,
            strides,
            windows: padding.windows(name, len, span(size, dilation_rate), strides)?,
        })
    }

    /// An axis of length 1 with one window.
    pub fn of_one() -> Self {
        Slide {
            len: 1,
            size: 1,
            dilation_rate: 1,
            strides: 1,
            windows: Windows {
                count: 1,
                before: 0,
            },
        }
    }

    /// The length of the axis with the padding that windows read, and without the end that none reads.
    pub fn padded(&self) -> usize {
        let starts = self.windows.count.saturating_sub(1);
        let last = starts.saturating_mul(self.strides);
        last.saturating_add(span(self.size, self.dilation_rate))
    }

    /// Whether all windows lie in the input.
    pub fn is_inside(&self) -> bool {
        self.windows.before == 0 && self.padded() <= self.len
    }

    /// The place on the axis that number `tap` of a window reads; `None` in the padding.
    #[cfg(feature = "train")]
    pub fn place(&self, window: usize, tap: usize) -> Option<usize> {
        let place = window * self.strides + tap * self.dilation_rate;
        let place = place.checked_sub(self.windows.before)?;
        (place < self.len).then_some(place)
    }

    /// The part of the axis that a window without dilation covers.
    pub fn part(&self, window: usize) -> Range<usize> {
        let from = window * self.strides;
        let to = from.saturating_add(self.size) - self.windows.before;
        from.saturating_sub(self.windows.before)..to.min(self.len)
    }
}

/// The distance between the first and the last of `size` numbers, and one.
pub(super) fn span(size: usize, dilation_rate: usize) -> usize {
    (size - 1).saturating_mul(dilation_rate).saturating_add(1)
}
