//! `RepeatVector`: repeats one vector at every timestep.

use super::moved::moved;
use crate::Element;
use crate::error::{Result, check_size};
use crate::model::{AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, goes_back};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array3, ArrayRef, Axis, Ix2};

/// Repeats a vector `n` times: (samples, features) in, (samples, n, features) out. It turns an encoder's last output
/// into a decoder's input. No mask passes on. Source: `keras.layers.RepeatVector`.
///
/// ```
/// use ndarray::array;
/// use recurrent::RepeatVector;
/// assert_eq!(RepeatVector::new(2).forward(&array![[1.0, 2.0]])?, array![[[1.0, 2.0], [1.0, 2.0]]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepeatVector {
    n: usize,
}

impl RepeatVector {
    /// Makes a layer that returns this number of timesteps.
    pub fn new(n: usize) -> Self {
        RepeatVector { n }
    }

    /// Computes (samples, features) to (samples, n, features).
    pub fn forward<A: Element>(&self, x: &ArrayRef<A, Ix2>) -> Result<Array3<A>> {
        let (samples, features) = x.dim();
        check_size("output", &[samples, self.n, features])?;
        let mut y = Array3::zeros((samples, self.n, features));
        y.axis_iter_mut(Axis(1)).for_each(|mut step| step.assign(x));
        Ok(y)
    }
}
crate::describe::describe!(RepeatVector, "repeat_vector", { n } => Ok(RepeatVector { n }));

impl<A: Element> AnyLayer<A> for RepeatVector {
    fn name(&self) -> &str {
        "repeat_vector"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        let x = input.axes("input", "2 (samples, features)")?;
        Ok(Tensor {
            values: RepeatVector::forward(self, &x)?.into_dyn(),
            mask: None,
        })
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let [samples, features] =
            [0, 1].map(|axis| inputs.first().and_then(|input| input.len_of(axis)));
        vec![Shape::from([samples, Some(self.n), features])]
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::WholeSequence("it makes timesteps of one vector")
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        moved(self, inputs)
    }

    goes_back!();
    described!();
}
