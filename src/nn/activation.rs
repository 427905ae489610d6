//! `Activation`: applied to numbers, and as a layer.

use super::axis::in_rows;
use crate::error::Result;
use crate::kernel::Isa;
use crate::model::{
    AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, goes_back, in_place,
};
use crate::{Activation, Element};
use alloc::vec::Vec;
use ndarray::{Array, Dimension};
crate::describe::describe!(Activation, "activation", "activation");

impl Activation {
    /// Applies the activation in place. For [`Softmax`](Self::Softmax) the slice is the last axis.
    pub fn apply<A: Element>(self, values: &mut [A]) {
        if self == Activation::Softmax {
            softmax(values);
        } else {
            A::activate(values, self, Isa::detect());
        }
    }
}

/// The largest score becomes e^0, so nothing overflows.
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

/// An activation as a layer of a [`Model`](crate::Model). The output has the shape of the input;
/// [`Activation::Softmax`] goes over the last axis. Masks pass through, as in Keras. Source: `keras.layers.Activation`,
/// `ReLU`, `LeakyReLU`, `ELU`.
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

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        self.check("activation")?;
        let Tensor { values, mask } = input;
        let values = on_last_axis(*self, values);
        Ok(Tensor { values, mask })
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        inputs.to_vec()
    }

    fn stepwise(&self, axes: &[usize]) -> Stepwise {
        match self {
            Activation::Softmax => Stepwise::of_last_axis(axes),
            _ => Stepwise::EachTimestep,
        }
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let last = inputs.first().map_or(1, StepShape::last);
        in_place(self, inputs, move |of, y| each_row(*of, last, y))
    }

    goes_back!();
    described!();
}

/// The array after the activation; softmax goes over the last axis.
pub(super) fn on_last_axis<A: Element, D: Dimension>(
    activation: Activation,
    y: Array<A, D>,
) -> Array<A, D> {
    let mut y = in_rows(y);
    let last = y.shape().last().copied().unwrap_or(1);
    if let Some(y) = y.as_slice_mut() {
        each_row(activation, last, y);
    }
    y
}

/// Applies the activation to consecutive rows of this length; only softmax depends on where they end.
pub(super) fn each_row<A: Element>(activation: Activation, len: usize, numbers: &mut [A]) {
    match activation {
        Activation::Softmax => {
            let rows = numbers.chunks_exact_mut(len.max(1));
            rows.for_each(|row| activation.apply(row));
        }
        _ => activation.apply(numbers),
    }
}
