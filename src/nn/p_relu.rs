//! `PRelu`: a line through 0 with a learned slope below it.

use super::spread::spread;
use crate::Element;
use crate::error::{Error, Result};
use crate::model::{
    AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, goes_back, in_place,
};
use alloc::vec::Vec;
use ndarray::{Array, ArrayD, ArrayRef, Dimension, Zip};

/// Multiplies what is below 0 by learned slopes: `y = x` from 0 on, `y = alpha x` below.
///
/// | array | shape |
/// | --- | --- |
/// | input, output | (samples, …) |
/// | alpha | that of a sample; an axis of length 1 has one slope for all numbers along it |
///
/// Masks pass through, as in Keras. Source: He et al., "Delving Deep into Rectifiers" (2015); `keras.layers.PReLU`.
///
/// ```
/// use ndarray::array;
/// use recurrent::PRelu;
/// let layer = PRelu::from_weights(array![0.5, 0.0].into_dyn());
/// assert_eq!(layer.forward(&array![[-2.0, -2.0], [3.0, 3.0]])?, array![[-1.0, 0.0], [3.0, 3.0]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone)]
pub struct PRelu<A> {
    alpha: ArrayD<A>,
}

impl<A: Element> PRelu<A> {
    /// Makes a layer from the slopes, with as many axes as a sample.
    pub fn from_weights(alpha: ArrayD<A>) -> Self {
        PRelu { alpha }
    }

    #[cfg(feature = "train")]
    pub(super) fn alpha(&self) -> &ArrayD<A> {
        &self.alpha
    }

    /// Computes an array of the same shape. Returns an error if the slopes do not fit a sample.
    pub fn forward<D: Dimension>(&self, x: &ArrayRef<A, D>) -> Result<Array<A, D>> {
        self.of(x.to_owned())
    }

    fn of<D: Dimension>(&self, x: Array<A, D>) -> Result<Array<A, D>> {
        if x.ndim() != self.alpha.ndim() + 1 {
            return Err(Error::Rank {
                array: "input",
                expected: "one more than alpha, for the samples",
                found: x.ndim(),
            });
        }
        let mut x = x.into_dyn();
        let alpha = spread("alpha", &self.alpha, x.shape())?;
        Zip::from(&mut x)
            .and(&alpha)
            .for_each(|x, &alpha| *x = sloped(*x, alpha));
        Ok(x.into_dimensionality()?)
    }
}

fn sloped<A: Element>(x: A, alpha: A) -> A {
    if x < A::zero() { alpha * x } else { x }
}

crate::describe::describe!(PRelu<A>, "p_relu", {; alpha: array } => Ok(PRelu { alpha }));

impl<A: Element> core::fmt::Debug for PRelu<A> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        crate::describe::debug::<A>(self, "PRelu", f)
    }
}

impl<A: Element> AnyLayer<A> for PRelu<A> {
    fn name(&self) -> &str {
        "p_relu"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        Ok(Tensor {
            values: self.of(input.values)?,
            mask: input.mask,
        })
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        inputs.to_vec()
    }

    fn stepwise(&self, axes: &[usize]) -> Stepwise {
        match (axes, self.alpha.shape()) {
            ([2], _) | (_, [1, ..]) => Stepwise::EachTimestep,
            _ => Stepwise::WholeSequence("it has slopes for every timestep"),
        }
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let shape = inputs.first().map_or(&[][..], |input| &input.axes);
        let of_sample = shape.get(1..).unwrap_or_default();
        if of_sample.len() != self.alpha.ndim() {
            return Ok(None); // a call reports what is wrong
        }
        let alpha = spread("alpha", &self.alpha, of_sample)?;
        let alpha: Vec<A> = alpha.iter().copied().collect();
        in_place(self, inputs, move |_: &Self, numbers| {
            for sample in numbers.chunks_exact_mut(alpha.len().max(1)) {
                let both = sample.iter_mut().zip(&alpha);
                both.for_each(|(x, &alpha)| *x = sloped(*x, alpha));
            }
        })
    }

    goes_back!();
    described!();
}
