//! `Masking`: finds padding by its value.

use crate::Element;
use crate::describe::Scalar;
use crate::error::{Error, Result, check_size};
use crate::model::{
    AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, each, goes_back,
};
use alloc::vec::Vec;
use ndarray::{Array2, Array3, ArrayRef, ArrayViewMut1, ArrayViewMut3, Axis, Ix3};

/// Masks the timesteps whose features **all** equal a value, and sets them to 0 for the layers that follow.
///
/// The input is (samples, timesteps, features). The output has the same shape, and a mask (samples, timesteps). Source:
/// `keras.layers.Masking`.
///
/// ```
/// use ndarray::array;
/// use recurrent::Masking;
/// let (y, mask) = Masking::new(-1.0).forward(&array![[[1.0, -1.0], [-1.0, -1.0]]]);
/// assert_eq!(mask, array![[true, false]]);
/// assert_eq!(y, array![[[1.0, -1.0], [0.0, 0.0]]]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Masking<A> {
    mask_value: Scalar<A>,
}

impl<A: Element> Masking<A> {
    /// Makes a layer that masks this value.
    pub fn new(mask_value: A) -> Self {
        Masking {
            mask_value: Scalar(mask_value),
        }
    }

    /// Returns the input with its masked timesteps set to 0, and the mask.
    pub fn forward(&self, x: &ArrayRef<A, Ix3>) -> (Array3<A>, Array2<bool>) {
        let mut y = x.to_owned();
        let mask = self.mask(y.view_mut());
        (y, mask)
    }

    /// Sets the masked timesteps to 0, and returns the mask.
    fn mask(&self, mut y: ArrayViewMut3<A>) -> Array2<bool> {
        let (samples, timesteps, _) = y.dim();
        let mut mask = Array2::from_elem((samples, timesteps), true);
        for (step, real) in y.lanes_mut(Axis(2)).into_iter().zip(&mut mask) {
            *real = self.keep(step);
        }
        mask
    }

    /// Whether a timestep is real; a masked one is set to 0.
    fn keep(&self, mut step: ArrayViewMut1<A>) -> bool {
        let real = step.iter().any(|&x| x != self.mask_value.0);
        if !real {
            step.fill(A::zero());
        }
        real
    }
}

crate::describe::describe!(Masking<A>, "masking", { ; mask_value: scalar constant } => Ok(Masking { mask_value }));

impl<A: Element> AnyLayer<A> for Masking<A> {
    fn name(&self) -> &str {
        "masking"
    }

    fn forward(&self, mut input: Tensor<A>) -> Result<Tensor<A>> {
        let found = input.values.ndim();
        let x = input.values.view_mut().into_dimensionality::<Ix3>();
        let x = x.map_err(|_| Error::Rank {
            array: "input",
            expected: "3 (samples, timesteps, features)",
            found,
        })?;
        check_size("mask", &x.shape()[..2])?;
        input.mask = Some(self.mask(x));
        Ok(input)
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        inputs.to_vec()
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::EachTimestep
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let features = inputs.first().map_or(0, StepShape::last);
        each(self, inputs, move |of, inputs, output| {
            output.copy(inputs.first()?);
            let (numbers, mask) = output.both_mut();
            for (at, real) in mask.iter_mut().enumerate() {
                let step = &mut numbers[at * features..(at + 1) * features];
                *real = of.keep(step.into());
            }
            Ok(())
        })
    }

    goes_back!();
    described!();
}
