//! The derivatives of functions whose values are known.

use crate::activation::Activation;
use crate::kernel::steps::functions::Chosen;
use crate::kernel::vectors::{Number, Vector};
use num_traits::one;

impl Activation {
    /// Whether the derivative follows from the value.
    fn has_slope_of_value(self) -> bool {
        use Activation::{Linear, Relu, Sigmoid, Tanh};
        matches!(self, Linear | Relu | Sigmoid | Tanh)
    }
}

impl Chosen {
    /// Whether the derivatives of all functions follow from their values, and no sum is clipped.
    pub(crate) fn slopes_from_values(&self) -> bool {
        let Chosen { gate, act, out, .. } = *self;
        self.clip.is_none()
            && [gate, act, out]
                .into_iter()
                .all(Activation::has_slope_of_value)
    }
}

/// The derivative where the function is `y`, with the operations of [`Activation::slope`].
#[inline(always)]
pub fn slope<V: Vector>(of: Activation, y: V) -> V {
    match of {
        Activation::Tanh => y.fill(one()).sub(y.mul(y)),
        Activation::Sigmoid => y.mul(y.fill(one()).sub(y)),
        Activation::Linear => y.fill(one()),
        // Its value is positive where its argument is.
        _ => y.map(|y| {
            if y > V::Elem::nearest(0.0) {
                one()
            } else {
                V::Elem::nearest(0.0)
            }
        }),
    }
}
