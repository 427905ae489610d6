//! `UpSampling1d`: repeats every timestep.

use super::moved::moved;
use crate::Element;
use crate::error::{Error, Result, check_size};
use crate::model::{AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, goes_back};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array3, ArrayRef, Axis, Ix3};

/// Repeats every timestep `size` times: (samples, timesteps, features) in, (samples, size · timesteps, features) out.
/// No mask passes on, as in Keras. Source: `keras.layers.UpSampling1D`.
///
/// ```
/// use ndarray::array;
/// use recurrent::UpSampling1d;
/// assert_eq!(UpSampling1d::new(2)?.forward(&array![[[5.0], [6.0]]])?, array![[[5.0], [5.0], [6.0], [6.0]]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpSampling1d {
    pub(super) size: usize,
}

impl UpSampling1d {
    /// Makes a layer from the number of repetitions of each timestep.
    pub fn new(size: usize) -> Result<Self> {
        if size == 0 {
            return Err(Error::value("size", "at least 1", 0));
        }
        Ok(UpSampling1d { size })
    }

    /// Computes (samples, timesteps, features) to (samples, size · timesteps, features).
    pub fn forward<A: Element>(&self, x: &ArrayRef<A, Ix3>) -> Result<Array3<A>> {
        let (samples, timesteps, features) = x.dim();
        let shape = [samples, timesteps.saturating_mul(self.size), features];
        check_size("output", &shape)?;
        let mut y = Array3::zeros(shape);
        if y.is_empty() {
            return Ok(y);
        }
        for (t, mut y) in y.axis_iter_mut(Axis(1)).enumerate() {
            y.assign(&x.index_axis(Axis(1), t / self.size));
        }
        Ok(y)
    }
}
crate::describe::describe!(UpSampling1d, "up_sampling1d", { size } => UpSampling1d::new(size));

impl<A: Element> AnyLayer<A> for UpSampling1d {
    fn name(&self) -> &str {
        "up_sampling1d"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        let x = input.axes("input", "3 (samples, timesteps, features)")?;
        UpSampling1d::forward(self, &x).map(Tensor::bare)
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let more = |timesteps: usize| timesteps.checked_mul(self.size);
        vec![
            inputs
                .first()
                .unwrap_or(&Shape::unknown())
                .with_timesteps(more),
        ]
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::WholeSequence("it repeats timesteps")
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        moved(self, inputs)
    }

    goes_back!();
    described!();
}
