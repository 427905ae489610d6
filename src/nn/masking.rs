//! `Masking`: finds the padding by its value.

use crate::Element;
use crate::describe::Scalar;
use crate::error::{Result, check_size};
use crate::model::{AnyLayer, Flow, OverTime, Shape, described};
use alloc::vec::Vec;
use ndarray::{Array2, Array3, ArrayRef, Axis, Ix3};

/// Masks the timesteps whose features **all** equal a value, and sets them to 0 for the layers behind it.
///
/// `(samples, timesteps, features)` in, the same and a mask (samples, timesteps) out. Source: `keras.layers.Masking`.
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
    /// The value that means "nothing there".
    pub fn new(mask_value: A) -> Self {
        Masking {
            mask_value: Scalar(mask_value),
        }
    }

    /// The input with its masked steps set to 0, and the mask.
    pub fn forward(&self, x: &ArrayRef<A, Ix3>) -> (Array3<A>, Array2<bool>) {
        let (samples, timesteps, _) = x.dim();
        let (mut y, mut mask) = (x.to_owned(), Array2::from_elem((samples, timesteps), true));
        for (mut step, real) in y.lanes_mut(Axis(2)).into_iter().zip(&mut mask) {
            *real = step.iter().any(|&x| x != self.mask_value.0);
            if !*real {
                step.fill(A::zero());
            }
        }
        (y, mask)
    }
}

crate::describe::describe!(Masking<A>, "masking", { ; mask_value: scalar constant } => Ok(Masking { mask_value }));

impl<A: Element> AnyLayer<A> for Masking<A> {
    fn name(&self) -> &str {
        "masking"
    }

    fn forward(&self, input: Flow<A>) -> Result<Flow<A>> {
        let x = input.axes("input", "3 (samples, timesteps, features)")?;
        check_size("mask", &x.shape()[..2])?;
        let (y, mask) = Masking::forward(self, &x);
        Ok(Flow {
            values: y.into_dyn(),
            mask: Some(mask),
        })
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        inputs.to_vec()
    }

    fn over_time(&self, _: &[usize]) -> OverTime {
        OverTime::Each
    }

    described!();
}
