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
    /// Applies the activation in place. For [`Softmax`](Self::Softmax) and
    /// [`LogSoftmax`](Self::LogSoftmax) the slice is the last axis.
    pub fn apply<A: Element>(self, values: &mut [A]) {
        match self {
            Activation::Softmax => softmax(values),
            Activation::LogSoftmax => log_softmax(values),
            _ => A::activate(values, self, Isa::detect()),
        }
    }
}

/// The largest number; NaN if there is one.
fn largest<A: Element>(values: &[A]) -> A {
    values.iter().fold(
        A::neg_infinity(),
        |m, &x| if x > m || x.is_nan() { x } else { m },
    )
}

/// The largest score becomes e^0, so nothing overflows.
fn softmax<A: Element>(values: &mut [A]) {
    let largest = largest(values);
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

/// The logarithm of the softmax: the largest score becomes e^0 = 1, and the others are added to that.
fn log_softmax<A: Element>(values: &mut [A]) {
    let largest = largest(values);
    let (mut others, mut is_first) = (A::zero(), true);
    for x in &mut *values {
        let is_largest = *x == largest;
        *x = if is_largest { A::zero() } else { *x - largest };
        if is_largest && is_first {
            is_first = false;
        } else {
            others += x.libm_exp();
        }
    }
    let log = others.libm_ln_1p();
    values.iter_mut().for_each(|x| *x -= log);
}

/// An activation as a layer of a [`Model`](crate::Model). The output has the shape of the input;
/// [`Activation::Softmax`] and [`Activation::LogSoftmax`] go over the last axis. Masks pass through, as in Keras. Source: `keras.layers.Activation`,
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
            of if of.is_elementwise() => Stepwise::EachTimestep,
            _ => Stepwise::of_last_axis(axes),
        }
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let last = inputs.first().map_or(1, StepShape::last);
        in_place(self, inputs, move |of, y| each_row(*of, last, y))
    }

    #[cfg(feature = "train")]
    fn scores(&self) -> Option<(Activation, &dyn crate::model::Scores<A>)> {
        Some((*self, self))
    }

    goes_back!();
    described!();
}

/// The array after the activation; a softmax goes over the last axis.
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
    if activation.is_elementwise() {
        activation.apply(numbers);
        return;
    }
    let rows = numbers.chunks_exact_mut(len.max(1));
    rows.for_each(|row| activation.apply(row));
}
