//! Pooling backwards. An average shares its gradient among the timesteps that it read. A maximum of a window gives it to
//! the first timestep that has the maximum; a maximum over all timesteps shares it among all that have it. Both are as in
//! TensorFlow.

use super::rows::of_one;
use crate::error::Result;
use crate::model::BackwardCall;
use crate::nn::pool::Pool;
use crate::{Element, GlobalPooling1d, Pooling1d};
use alloc::vec::Vec;
use ndarray::{Array1, Array3, ArrayD, Axis, Ix3, s};

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

impl Pooling1d {
    pub(in crate::nn) fn back_over<A: Element>(
        self,
        call: BackwardCall<A>,
    ) -> Result<Vec<Option<ArrayD<A>>>> {
        of_one(&call, |d| {
            let x = call.inputs[0].axes::<Ix3>("input", "3 (samples, timesteps, features)")?;
            let slide = self.slide(x.dim().1)?;
            let mut dx = Array3::zeros(x.dim());
            let d = d.view().into_dimensionality::<Ix3>()?;
            for ((x, mut dx), d) in x.outer_iter().zip(dx.outer_iter_mut()).zip(d.outer_iter()) {
                for (window, d) in d.outer_iter().enumerate().rev() {
                    let of = slide.part(window);
                    let count = A::from_f64(of.len() as f64);
                    for (feature, &d) in d.iter().enumerate().filter(|(_, d)| **d != A::zero()) {
                        let x = x.slice(s![of.clone(), feature]);
                        let mut dx = dx.slice_mut(s![of.clone(), feature]);
                        match self.pool {
                            Pool::Average => dx += d / count,
                            Pool::Max => dx[first_largest(x.iter().copied())] += d,
                        }
                    }
                }
            }
            Ok(dx.into_dyn())
        })
    }
}

impl GlobalPooling1d {
    pub(in crate::nn) fn back_over<A: Element>(
        self,
        call: BackwardCall<A>,
    ) -> Result<Vec<Option<ArrayD<A>>>> {
        of_one(&call, |d| {
            let input = &call.inputs[0];
            let x = input.axes::<Ix3>("input", "3 (samples, timesteps, features)")?;
            let (samples, timesteps, features) = x.dim();
            let mut dx = Array3::zeros(x.dim());
            let d: Vec<A> = d.iter().copied().collect();
            for sample in 0..samples {
                let d = Array1::from_iter(d[sample * features..][..features].iter().copied());
                let (x, mut dx) = (
                    x.index_axis(Axis(0), sample),
                    dx.index_axis_mut(Axis(0), sample),
                );
                if self.pool == Pool::Average {
                    let is_real = |t| input.mask.as_ref().is_none_or(|mask| mask[[sample, t]]);
                    let count = (0..timesteps).filter(|&t| is_real(t)).count();
                    let share = d / A::from_f64(count as f64);
                    for t in (0..timesteps).filter(|&t| is_real(t)) {
                        dx.row_mut(t).assign(&share);
                    }
                    continue;
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
            Ok(dx.into_dyn())
        })
    }
}
