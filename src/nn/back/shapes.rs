//! Layers that only move numbers, backwards: a number's gradient goes where the number came from. What was read several
//! times gets the sum, the last timestep, row or column first.

use super::rows::of_one;
use crate::error::Result;
use crate::model::BackwardCall;
use crate::nn::axis::place_in_sample;
use crate::{
    Concatenate, Cropping1d, Cropping2d, Element, Flatten, Permute, RepeatVector, Reshape,
    UpSampling1d, UpSampling2d, ZeroPadding1d, ZeroPadding2d,
};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array4, ArrayD, Axis, Ix4, Slice, s};

type Gradients<A> = Result<Vec<Option<ArrayD<A>>>>;

/// The gradient in the shape of the input, its numbers in the same order.
pub fn in_shape_of_input<A: Element>(call: &BackwardCall<A>) -> Gradients<A> {
    of_one(call, |d| {
        let d = d.as_standard_layout().into_owned();
        Ok(d.into_shape_with_order(call.inputs[0].values.raw_dim())?)
    })
}

/// Every timestep of the input gets what reached these timesteps of the output.
fn sum_timesteps<A: Element>(
    call: &BackwardCall<A>,
    read: impl Fn(usize) -> core::ops::Range<usize>,
) -> Gradients<A> {
    of_one(call, |d| {
        let mut dx = ArrayD::zeros(call.inputs[0].values.shape());
        for (t, mut dx) in dx.axis_iter_mut(Axis(1)).enumerate() {
            for at in read(t).rev() {
                dx += &d.index_axis(Axis(1), at);
            }
        }
        Ok(dx)
    })
}

impl Flatten {
    #[allow(clippy::unused_self)]
    pub(in crate::nn) fn back_over<A: Element>(self, call: BackwardCall<A>) -> Gradients<A> {
        in_shape_of_input(&call)
    }
}

impl Reshape {
    #[allow(clippy::unused_self)]
    pub(in crate::nn) fn back_over<A: Element>(&self, call: BackwardCall<A>) -> Gradients<A> {
        in_shape_of_input(&call)
    }
}

impl Permute {
    pub(in crate::nn) fn back_over<A: Element>(&self, call: BackwardCall<A>) -> Gradients<A> {
        of_one(&call, |d| {
            let mut order = vec![0; d.ndim()];
            for (from, &to) in self.dims.iter().enumerate() {
                order[to] = from + 1;
            }
            let dx = d.view().permuted_axes(order.as_slice());
            Ok(dx.as_standard_layout().into_owned())
        })
    }
}

impl RepeatVector {
    #[allow(clippy::unused_self)]
    pub(in crate::nn) fn back_over<A: Element>(self, call: BackwardCall<A>) -> Gradients<A> {
        of_one(&call, |d| {
            let mut dx = ArrayD::zeros(call.inputs[0].values.shape());
            for d in d.axis_iter(Axis(1)).rev() {
                dx += &d;
            }
            Ok(dx)
        })
    }
}

impl Cropping1d {
    pub(in crate::nn) fn back_over<A: Element>(self, call: BackwardCall<A>) -> Gradients<A> {
        of_one(&call, |d| {
            let mut dx = ArrayD::zeros(call.inputs[0].values.shape());
            let inside = Slice::from(self.before..self.before + d.len_of(Axis(1)));
            dx.slice_axis_mut(Axis(1), inside).assign(d);
            Ok(dx)
        })
    }
}

impl ZeroPadding1d {
    pub(in crate::nn) fn back_over<A: Element>(self, call: BackwardCall<A>) -> Gradients<A> {
        let first = self.before;
        sum_timesteps(&call, |t| first + t..first + t + 1)
    }
}

impl UpSampling1d {
    pub(in crate::nn) fn back_over<A: Element>(self, call: BackwardCall<A>) -> Gradients<A> {
        let size = self.size;
        sum_timesteps(&call, |t| t * size..(t + 1) * size)
    }
}

impl Cropping2d {
    pub(in crate::nn) fn back_over<A: Element>(self, call: BackwardCall<A>) -> Gradients<A> {
        of_one(&call, |d| {
            let mut dx = ArrayD::zeros(call.inputs[0].values.shape());
            let mut inside = dx.view_mut();
            for (axis, before) in [(Axis(1), self.height[0]), (Axis(2), self.width[0])] {
                let part = Slice::from(before..before + d.len_of(axis));
                inside.slice_axis_inplace(axis, part);
            }
            inside.assign(d);
            Ok(dx)
        })
    }
}

impl ZeroPadding2d {
    pub(in crate::nn) fn back_over<A: Element>(self, call: BackwardCall<A>) -> Gradients<A> {
        of_one(&call, |d| {
            let (x, mut inside) = (&call.inputs[0].values, d.view());
            for (axis, before) in [(Axis(1), self.height[0]), (Axis(2), self.width[0])] {
                let part = Slice::from(before..before + x.len_of(axis));
                inside.slice_axis_inplace(axis, part);
            }
            Ok(inside.as_standard_layout().into_owned())
        })
    }
}

impl UpSampling2d {
    pub(in crate::nn) fn back_over<A: Element>(self, call: BackwardCall<A>) -> Gradients<A> {
        of_one(&call, |d| {
            let d = d.view().into_dimensionality::<Ix4>()?;
            let x = call.inputs[0].axes::<Ix4>("input", "4 (samples, height, width, channels)")?;
            let mut dx = Array4::zeros(x.dim());
            let [rows, columns] = self.size;
            for row in (0..d.dim().1).rev() {
                for column in (0..d.dim().2).rev() {
                    let mut dx = dx.slice_mut(s![.., row / rows, column / columns, ..]);
                    dx += &d.slice(s![.., row, column, ..]);
                }
            }
            Ok(dx.into_dyn())
        })
    }
}

impl Concatenate {
    pub(in crate::nn) fn back_over<A: Element>(self, call: BackwardCall<A>) -> Gradients<A> {
        let Some(Some(d)) = call.upstream.first() else {
            return Ok(vec![None; call.inputs.len()]);
        };
        let axis = Axis(place_in_sample(self.axis, d.ndim())?);
        let mut first = 0;
        let parts = call.inputs.iter().map(|input| {
            let part = first..first + input.values.len_of(axis);
            first = part.end;
            Some(d.slice_axis(axis, Slice::from(part)).to_owned())
        });
        Ok(parts.collect())
    }
}
