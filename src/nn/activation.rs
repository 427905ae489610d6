//! `Activation`: applied to numbers, and as a layer.

use crate::error::Result;
use crate::kernel::Isa;
use crate::model::{AnyLayer, Flow, OverTime, Shape, described};
use crate::{Activation, Element};
use alloc::vec::Vec;
use ndarray::{Array, Axis, Dimension};
crate::describe::describe!(Activation, "activation", "activation");

impl Activation {
    /// Applies it in place; to [`Softmax`](Self::Softmax) the slice is the last axis.
    pub fn apply<A: Element>(self, values: &mut [A]) {
        if self == Activation::Softmax {
            softmax(values);
        } else {
            A::activate(values, self, Isa::detect());
        }
    }
}

/// The largest score becomes e^0, so that nothing overflows.
fn softmax<A: Element>(values: &mut [A]) {
    let largest = values.iter().fold(
        A::neg_infinity(),
        |m, &x| if x > m || x.is_nan() { x } else { m },
    );
    let mut sum = A::zero();
    for x in &mut *values {
        *x = if *x == largest {
            A::one()
        } else {
            (*x - largest).libm_exp()
        };
        sum += *x;
    }
    values.iter_mut().for_each(|x| *x /= sum);
}

/// An activation is a layer of a [`Model`](crate::Model): the same shape out as in, [`Activation::Softmax`] over the last
/// axis. Masks pass through, as in Keras. Source: `keras.layers.Activation`, `ReLU`, `LeakyReLU`, `ELU`.
///
/// ```
/// use ndarray::array;
/// use recurrent::{Activation, Model};
/// let model = Model::<f32>::new().add(Activation::Relu);
/// assert_eq!(model.forward(&array![[-1.0, 2.0]])?, array![[0.0, 2.0]].into_dyn());
/// # Ok::<(), recurrent::Error>(())
/// ```
impl<A: Element> AnyLayer<A> for Activation {
    fn name(&self) -> &str {
        "activation"
    }

    fn forward(&self, input: Flow<A>) -> Result<Flow<A>> {
        self.check("activation")?;
        let Flow { values, mask } = input;
        let values = on_last_axis(*self, values);
        Ok(Flow { values, mask })
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        inputs.to_vec()
    }

    fn over_time(&self, axes: &[usize]) -> OverTime {
        match self {
            Activation::Softmax => OverTime::of_last_axis(axes),
            _ => OverTime::Each,
        }
    }

    described!();
}

/// The array after the activation; softmax goes over the last axis.
pub(super) fn on_last_axis<A: Element, D: Dimension>(
    activation: Activation,
    y: Array<A, D>,
) -> Array<A, D> {
    let mut y = if y.is_standard_layout() {
        y
    } else {
        y.as_standard_layout().into_owned()
    };
    let last = y.ndim().checked_sub(1).map(Axis);
    match last {
        Some(last) if activation == Activation::Softmax && !y.is_empty() => {
            for lane in y.lanes_mut(last) {
                if let Some(lane) = lane.into_slice() {
                    activation.apply(lane);
                }
            }
        }
        _ => {
            if let Some(y) = y.as_slice_mut() {
                activation.apply(y);
            }
        }
    }
    y
}
