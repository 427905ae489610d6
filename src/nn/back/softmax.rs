//! A softmax over any axis, backwards: `dx = y (dy - Σ dy y)`.

use super::rows::{is_reached, of_one};
use crate::error::Result;
use crate::model::BackwardCall;
use crate::nn::axis::place;
use crate::{Activation, Element, Softmax};
use alloc::vec::Vec;
use ndarray::{ArrayD, Axis};

impl Softmax {
    pub(in crate::nn) fn back_over<A: Element>(
        self,
        call: BackwardCall<A>,
    ) -> Result<Vec<Option<ArrayD<A>>>> {
        of_one(&call, |d| {
            if call.of_sums {
                return Ok(d.clone());
            }
            let axis = Axis(place(self.axis, d.ndim())?);
            let (y, mut dx) = (&call.outputs[0].values, d.clone());
            for (mut d, y) in dx.lanes_mut(axis).into_iter().zip(y.lanes(axis)) {
                if is_reached(d.view()) {
                    let (mut row, y) = (d.to_vec(), y.to_vec());
                    Activation::Softmax.back(&y, &y, &mut row);
                    d.iter_mut().zip(row).for_each(|(d, of)| *d = of);
                }
            }
            Ok(dx)
        })
    }
}
