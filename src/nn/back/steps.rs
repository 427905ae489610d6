//! Layers that leave timesteps out or say which are real, backwards: `Masking`, the mask of a Keras file.

use super::rows::of_one;
use crate::error::Result;
use crate::model::BackwardCall;
use crate::{Element, Masking};
use alloc::vec::Vec;
use ndarray::{ArrayD, Axis};

impl<A: Element> Masking<A> {
    /// A masked timestep was set to 0, so nothing reaches its input.
    #[allow(clippy::unused_self)]
    pub(in crate::nn) fn back_over(&self, call: BackwardCall<A>) -> Result<Vec<Option<ArrayD<A>>>> {
        of_one(&call, |d| {
            let mut dx = d.clone();
            let mask = call.outputs[0].mask.iter();
            for ((sample, t), _) in mask
                .flat_map(|mask| mask.indexed_iter())
                .filter(|(_, real)| !**real)
            {
                let mut of_sample = dx.index_axis_mut(Axis(0), sample);
                of_sample.index_axis_mut(Axis(0), t).fill(A::zero());
            }
            Ok(dx)
        })
    }
}

#[cfg(any(feature = "keras", feature = "saved"))]
impl crate::nn::AskMask {
    /// The second input decides what is real, and has no gradient.
    #[allow(clippy::unused_self, clippy::unnecessary_wraps)] // the form of all layers
    pub(in crate::nn) fn back_over<A: Element>(
        self,
        call: BackwardCall<A>,
    ) -> Result<Vec<Option<ArrayD<A>>>> {
        Ok(alloc::vec![call.upstream[0].clone(), None])
    }
}
