//! `Pool`: the maximum or the average of some rows.

use super::slide::Slide;
use crate::Element;
use crate::error::{Result, check_size};
use crate::model::{AnyLayer, Planned, StepShape, each};
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
        for (x, mut y) in x.outer_iter().zip(y.outer_iter_mut()) {
            let x = x.as_standard_layout();
            if let (Some(x), Some(y)) = (x.as_slice(), y.as_slice_mut()) {
                self.write(x, [rows, columns], width, features, y);
            }
        }
        Ok(y)
    }

    /// Pools the windows of a sample, (height, width, features) in row-major order, into `y`. There is at least one
    /// feature.
    pub fn write<A: Element>(
        self,
        x: &[A],
        [rows, columns]: [Slide; 2],
        width: usize,
        features: usize,
        y: &mut [A],
    ) {
        let counts = [rows, columns].map(|slide| slide.windows.count);
        let places = (0..counts[0]).flat_map(|i| (0..counts[1]).map(move |j| (i, j)));
        for ((i, j), y) in places.zip(y.chunks_exact_mut(features)) {
            let part = columns.part(j);
            let of_window = rows.part(i).flat_map(|row| {
                let start = row * width;
                x[(start + part.start) * features..(start + part.end) * features]
                    .chunks_exact(features)
            });
            self.rows(of_window, y);
        }
    }

    /// The stepper of a layer that pools windows of samples of one size.
    pub fn plan<A: Element, L: AnyLayer<A>>(
        self,
        layer: &L,
        inputs: &[StepShape],
        slides: [Slide; 2],
    ) -> Result<Option<Planned<A>>> {
        let axes = inputs.first().map_or(&[][..], |input| &input.axes);
        let (samples, features) = match axes {
            [samples, .., features] => (*samples, *features),
            _ => return Ok(None), // a call reports what is wrong
        };
        if samples == 0 || features == 0 || slides.iter().any(|slide| slide.windows.count == 0) {
            return Ok(None);
        }
        each(layer, inputs, move |_: &L, inputs, output| {
            let x = &inputs.first()?.numbers;
            let sizes = [x.len(), output.numbers.len()].map(|len| (len / samples).max(1));
            let outputs = output.numbers.chunks_exact_mut(sizes[1]);
            for (x, y) in x.chunks_exact(sizes[0]).zip(outputs) {
                self.write(x, slides, slides[1].len, features, y);
            }
            output.set_mask(None);
            Ok(())
        })
    }
}
