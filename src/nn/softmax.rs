//! `Softmax`: scores to probabilities.

use crate::error::{Error, Result};
use crate::model::{AnyLayer, Flow};
use crate::{Activation, Element};
use ndarray::{Array, ArrayRef, Axis, Dimension};

/// `exp(x) / sum(exp(x))` over the last axis. Source: `keras.layers.Softmax`.
///
/// In a [`Model`](crate::Model) it refuses a masked input of timesteps, as Keras does: there the layer would take the mask
/// for one of its scores. `Dense` with [`Activation::Softmax`] passes masks on.
///
/// ```
/// use ndarray::array;
/// use recurrent::Softmax;
/// assert_eq!(Softmax.forward(&array![[1.0, 1.0]]), array![[0.5, 0.5]]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Softmax;

impl Softmax {
    /// The same shape out as in.
    pub fn forward<A: Element, D: Dimension>(&self, x: &ArrayRef<A, D>) -> Array<A, D> {
        let mut y = x.as_standard_layout().into_owned();
        if let Some(last) = x.ndim().checked_sub(1) {
            for mut lane in y.lanes_mut(Axis(last)) {
                if let Some(lane) = lane.as_slice_mut() {
                    Activation::Softmax.apply(lane);
                }
            }
        } else {
            y.fill(A::one()); // a single score has all of the probability
        }
        y
    }
}

impl<A: Element> AnyLayer<A> for Softmax {
    fn name(&self) -> &str {
        "softmax"
    }

    fn forward(&self, input: Flow<A>) -> Result<Flow<A>> {
        if input.mask.is_some() {
            let expected = "none: Softmax would mask scores with it; use Dense with a softmax";
            return Err(Error::value("mask", expected, "one of timesteps"));
        }
        Ok(Flow {
            values: Softmax::forward(self, &input.values),
            mask: None,
        })
    }
}
