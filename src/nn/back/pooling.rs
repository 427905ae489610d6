//! Pooling backwards. An average shares its gradient among the places that it read. A maximum of a window gives it to the
//! first place that has the maximum; a maximum over all places shares it among all that have it. Both are as in TensorFlow.
//!
//! A place that several windows read gets the sum, the last window first.

use super::rows::of_one;
use crate::error::Result;
use crate::model::BackwardCall;
use crate::nn::pool::Pool;
use crate::nn::slide::Slide;
use crate::{Element, GlobalPooling1d, GlobalPooling2d, Pooling1d, Pooling2d};
use alloc::vec::Vec;
use ndarray::{
    Array2, Array3, Array4, ArrayD, ArrayView1, ArrayView2, ArrayView4, ArrayViewMut2, Axis, Ix3,
    Ix4, s,
};

type Gradients<A> = Result<Vec<Option<ArrayD<A>>>>;

/// The place of the maximum; of several, the first. A NaN counts as the largest.
fn first_largest<A: Element>(numbers: impl Iterator<Item = A>) -> usize {
    let (mut most, mut place) = (None, 0);
    for (at, x) in numbers.enumerate() {
        if most.is_none_or(|most| x > most || x.is_nan()) {
            (most, place) = (Some(x), at);
        }
    }
    place
}

/// The gradients of images from those of the windows over them.
fn of_windows<A: Element>(
    pool: Pool,
    x: &ArrayView4<A>,
    [rows, columns]: [Slide; 2],
    d: &ArrayView4<A>,
) -> Array4<A> {
    let mut dx = Array4::zeros(x.dim());
    for ((x, mut dx), d) in x.outer_iter().zip(dx.outer_iter_mut()).zip(d.outer_iter()) {
        let windows = (0..rows.windows.count).flat_map(|row| {
            let columns = 0..columns.windows.count;
            columns.map(move |column| [row, column])
        });
        for [row, column] in windows.rev() {
            let (of_rows, of_columns) = (rows.part(row), columns.part(column));
            let count = A::from_f64((of_rows.len() * of_columns.len()) as f64);
            let d = d.slice(s![row, column, ..]);
            for (feature, &d) in d.iter().enumerate().filter(|(_, d)| **d != A::zero()) {
                let read = s![of_rows.clone(), of_columns.clone(), feature];
                let mut dx = dx.slice_mut(read);
                match pool {
                    Pool::Average => dx += d / count,
                    Pool::Max => {
                        let at = first_largest(x.slice(read).iter().copied());
                        let width = of_columns.len();
                        dx[[at / width, at % width]] += d;
                    }
                }
            }
        }
    }
    dx
}

impl Pooling1d {
    pub(in crate::nn) fn back_over<A: Element>(self, call: BackwardCall<A>) -> Gradients<A> {
        of_one(&call, |d| {
            let x = call.inputs[0].axes::<Ix3>("input", "3 (samples, timesteps, features)")?;
            let slides = [Slide::of_one(), self.slide(x.dim().1)?];
            let d = d.view().into_dimensionality::<Ix3>()?;
            let as_rows = Axis(1);
            let (x, d) = (x.insert_axis(as_rows), d.insert_axis(as_rows));
            let dx = of_windows(self.pool, &x, slides, &d);
            Ok(dx.index_axis_move(as_rows, 0).into_dyn())
        })
    }
}

impl Pooling2d {
    pub(in crate::nn) fn back_over<A: Element>(self, call: BackwardCall<A>) -> Gradients<A> {
        of_one(&call, |d| {
            let x = call.inputs[0].axes::<Ix4>("input", "4 (samples, height, width, channels)")?;
            let slides = [self.slide(0, x.dim().1)?, self.slide(1, x.dim().2)?];
            let d = d.view().into_dimensionality::<Ix4>()?;
            Ok(of_windows(self.pool, &x, slides, &d).into_dyn())
        })
    }
}

/// Adds the gradients of the real places of a sample, from that of its maximum or average.
fn of_places<A: Element>(
    pool: Pool,
    x: &ArrayView2<A>,
    is_real: impl Fn(usize) -> bool,
    d: &ArrayView1<A>,
    dx: &mut ArrayViewMut2<A>,
) {
    if pool == Pool::Average {
        let count = (0..x.nrows()).filter(|&at| is_real(at)).count();
        let share = d.mapv(|d| d / A::from_f64(count as f64));
        for at in (0..x.nrows()).filter(|&at| is_real(at)) {
            dx.row_mut(at).assign(&share);
        }
        return;
    }
    for (feature, &d) in d.iter().enumerate().filter(|(_, d)| **d != A::zero()) {
        let x = x.column(feature);
        let most = x[first_largest(x.iter().copied())];
        let count = x.iter().filter(|x| **x == most).count();
        let share = d / A::from_f64(count as f64);
        for (dx, &x) in dx.column_mut(feature).iter_mut().zip(x) {
            if x == most {
                *dx = share;
            }
        }
    }
}

/// One row of features for each sample, whether axes of length 1 are left or not.
fn rows<A: Element>(d: &ArrayD<A>, samples: usize, features: usize) -> Result<Array2<A>> {
    let d = d.as_standard_layout().into_owned();
    Ok(d.into_shape_with_order((samples, features))?)
}

impl GlobalPooling1d {
    pub(in crate::nn) fn back_over<A: Element>(self, call: BackwardCall<A>) -> Gradients<A> {
        of_one(&call, |d| {
            let input = &call.inputs[0];
            let x = input.axes::<Ix3>("input", "3 (samples, timesteps, features)")?;
            let mut dx = Array3::zeros(x.dim());
            let d = rows(d, x.dim().0, x.dim().2)?;
            let all = x.outer_iter().zip(dx.outer_iter_mut()).zip(d.rows());
            for (sample, ((x, mut dx), d)) in all.enumerate() {
                let is_real = |t| input.mask.as_ref().is_none_or(|mask| mask[[sample, t]]);
                of_places(self.pool, &x, is_real, &d, &mut dx);
            }
            Ok(dx.into_dyn())
        })
    }
}

impl GlobalPooling2d {
    pub(in crate::nn) fn back_over<A: Element>(self, call: BackwardCall<A>) -> Gradients<A> {
        of_one(&call, |d| {
            let x = call.inputs[0].axes::<Ix4>("input", "4 (samples, height, width, channels)")?;
            let (samples, height, width, channels) = x.dim();
            let mut dx = Array3::zeros((samples, height * width, channels));
            let x = x.to_shape(dx.dim())?;
            let d = rows(d, samples, channels)?;
            for ((x, mut dx), d) in x.outer_iter().zip(dx.outer_iter_mut()).zip(d.rows()) {
                of_places(self.pool, &x, |_| true, &d, &mut dx);
            }
            let dx = dx.into_shape_with_order((samples, height, width, channels))?;
            Ok(dx.into_dyn())
        })
    }
}
