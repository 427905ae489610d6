//! `Pool`: the maximum or the average of some rows.

use super::slide::Slide;
use crate::Element;
use crate::error::{Result, check_size};
use alloc::vec::Vec;
use ndarray::{Array4, ArrayView4};

/// How the numbers of a window are pooled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(rename_all = "snake_case", deny_unknown_fields)
)]
pub(super) enum Pool {
    Max,
    Average,
}

impl Pool {
    /// Pools at least one row of features into `y`, one feature at a time.
    pub fn rows<'x, A: Element>(self, mut rows: impl Iterator<Item = &'x [A]>, y: &mut [A]) {
        let Some(first) = rows.next() else {
            return;
        };
        y.copy_from_slice(first);
        match self {
            Pool::Max => {
                // A NaN stays.
                let larger = |y: A, x: A| if x > y || x.is_nan() { x } else { y };
                rows.for_each(|x| y.iter_mut().zip(x).for_each(|(y, &x)| *y = larger(*y, x)));
            }
            Pool::Average => {
                let mut count = 1.0;
                rows.for_each(|x| {
                    y.iter_mut().zip(x).for_each(|(y, &x)| *y += x);
                    count += 1.0;
                });
                let count = A::from_f64(count);
                y.iter_mut().for_each(|y| *y /= count);
            }
        }
    }

    /// Pools windows along the height and the width: (samples, height, width, features) to (samples, rows, columns,
    /// features). The padding does not count.
    pub fn windows<A: Element>(
        self,
        x: &ArrayView4<A>,
        [rows, columns]: [Slide; 2],
    ) -> Result<Array4<A>> {
        let (samples, _, width, features) = x.dim();
        let shape = [samples, rows.windows.count, columns.windows.count, features];
        check_size("output", &shape)?;
        let mut y = Array4::zeros(shape);
        if y.is_empty() {
            return Ok(y);
        }
        let parts: Vec<_> = (0..columns.windows.count)
            .map(|i| columns.part(i))
            .collect();
        for (x, mut y) in x.outer_iter().zip(y.outer_iter_mut()) {
            let x = x.as_standard_layout();
            let (Some(x), Some(y)) = (x.as_slice(), y.as_slice_mut()) else {
                continue; // both are in row-major order
            };
            let places = (0..rows.windows.count).flat_map(|i| parts.iter().map(move |j| (i, j)));
            for ((row, part), y) in places.zip(y.chunks_exact_mut(features)) {
                let of_window = rows.part(row).flat_map(|row| {
                    let start = row * width;
                    x[(start + part.start) * features..(start + part.end) * features]
                        .chunks_exact(features)
                });
                self.rows(of_window, y);
            }
        }
        Ok(y)
    }
}
