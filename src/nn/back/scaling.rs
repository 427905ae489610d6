//! Layers that multiply by numbers that do not learn, backwards: `dx = dy · scale`.

use super::rows::of_one;
#[cfg(any(feature = "keras", feature = "saved"))]
use super::shapes::in_shape_of_input;
use crate::error::Result;
use crate::model::BackwardCall;
#[cfg(any(feature = "amp", feature = "saved"))]
use crate::nn::Gain;
#[cfg(any(feature = "keras", feature = "saved"))]
use crate::nn::no_mask::NoMask;
use crate::nn::spread::spread;
use crate::{Element, Normalization, Rescaling};
use alloc::vec::Vec;
use ndarray::ArrayD;
#[cfg(any(feature = "amp", feature = "saved"))]
use ndarray::{Axis, Slice};

type Gradients<A> = Result<Vec<Option<ArrayD<A>>>>;

impl<A: Element> Normalization<A> {
    /// The mean and the variance come from `adapt`, and do not learn.
    pub(in crate::nn) fn back_over(&self, call: BackwardCall<A>) -> Gradients<A> {
        of_one(&call, |d| {
            let [_, deviation] = self.placed(d.ndim())?;
            let deviation = spread("variance", &deviation, d.shape())?;
            Ok(if self.invert {
                d * &deviation
            } else {
                d / &deviation
            })
        })
    }
}

impl<A: Element> Rescaling<A> {
    pub(in crate::nn) fn back_over(&self, call: BackwardCall<A>) -> Gradients<A> {
        of_one(&call, |d| Ok(d * &spread("scale", &self.scale, d.shape())?))
    }
}

#[cfg(any(feature = "amp", feature = "saved"))]
impl<A: Element> Gain<A> {
    /// The features after those that have a gain get nothing.
    pub(in crate::nn) fn back_over(&self, call: BackwardCall<A>) -> Gradients<A> {
        of_one(&call, |d| {
            let mut dx = ArrayD::zeros(call.inputs[0].values.shape());
            let last = Axis(dx.ndim().saturating_sub(1));
            let mut kept = dx.slice_axis_mut(last, Slice::from(..self.gains.len()));
            kept.assign(&(d * &self.gains));
            Ok(dx)
        })
    }
}

#[cfg(any(feature = "keras", feature = "saved"))]
impl NoMask {
    #[allow(clippy::unused_self)]
    pub(in crate::nn) fn back_over<A: Element>(self, call: BackwardCall<A>) -> Gradients<A> {
        in_shape_of_input(&call)
    }
}
