//! `Softmax`: turns scores into probabilities.

use super::activation::{each_row, on_last_axis};
use super::axis::{in_rows, place};
use crate::error::{Error, Result};
use crate::model::{
    AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, each_or_err, goes_back,
};
use crate::{Activation, Element};
use alloc::vec::Vec;
use ndarray::{Array, ArrayRef, Axis, Dimension};

/// Computes `exp(x) / sum(exp(x))` over the last axis or another one. Source: `keras.layers.Softmax`.
///
/// In a [`Model`](crate::Model), an input whose timesteps are masked is an error, as in Keras: there the layer would
/// take the mask for a mask of its scores. `Dense` with [`Activation::Softmax`] passes masks on.
///
/// ```
/// use ndarray::array;
/// use recurrent::Softmax;
/// assert_eq!(Softmax::new().forward(&array![[1.0, 1.0]])?, array![[0.5, 0.5]]);
/// assert_eq!(Softmax::over(0).forward(&array![[1.0, 1.0]])?, array![[1.0, 1.0]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Softmax {
    pub(super) axis: isize,
}

impl Softmax {
    /// Goes over the last axis.
    pub fn new() -> Self {
        Self::over(-1)
    }

    /// Goes over this axis, counted from 0 (the samples) or, if negative, from the end.
    pub fn over(axis: isize) -> Self {
        Softmax { axis }
    }

    /// Computes the probabilities; the output has the shape of the input. Returns an error if there is no such axis.
    pub fn forward<A: Element, D: Dimension>(&self, x: &ArrayRef<A, D>) -> Result<Array<A, D>> {
        self.of(x.as_standard_layout().into_owned())
    }

    /// Computes on an owned array in row-major order.
    fn of<A: Element, D: Dimension>(self, mut y: Array<A, D>) -> Result<Array<A, D>> {
        let axis = place(self.axis, y.ndim())?;
        if axis + 1 == y.ndim() {
            return Ok(on_last_axis(Activation::Softmax, y));
        }
        if y.is_empty() {
            return Ok(y);
        }
        let mut scores = Vec::new();
        for mut lane in y.lanes_mut(Axis(axis)) {
            scores.clear();
            scores.extend(&lane);
            Activation::Softmax.apply(&mut scores);
            lane.iter_mut().zip(&scores).for_each(|(y, &p)| *y = p);
        }
        Ok(y)
    }
}

impl Default for Softmax {
    fn default() -> Self {
        Self::new()
    }
}
crate::describe::describe!(Softmax, "softmax", { axis } => Ok(Softmax { axis }));

impl<A: Element> AnyLayer<A> for Softmax {
    fn name(&self) -> &str {
        "softmax"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        check_bare(input.mask.is_some())?;
        self.of(in_rows(input.values)).map(Tensor::bare)
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        inputs.to_vec()
    }

    fn uses_mask(&self) -> bool {
        true
    }

    fn stepwise(&self, axes: &[usize]) -> Stepwise {
        match axes.first().map(|&axes| place(self.axis, axes)) {
            Some(Ok(1)) => Stepwise::WholeSequence("it goes over the timesteps"),
            _ => Stepwise::EachTimestep,
        }
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let axes = inputs.first().map_or(&[][..], |input| &input.axes);
        if place(self.axis, axes.len())? + 1 != axes.len() {
            return Ok(None);
        }
        let scores = axes[axes.len() - 1];
        each_or_err(self, inputs, move |_, inputs, output| {
            let input = inputs.first()?;
            check_bare(input.mask().is_some())?;
            output.copy(input);
            each_row(Activation::Softmax, scores, &mut output.numbers);
            Ok(())
        })
    }

    #[cfg(feature = "train")]
    fn scores(&self) -> Option<(Activation, &dyn crate::model::Scores<A>)> {
        (self.axis == -1).then_some((Activation::Softmax, self))
    }

    goes_back!();
    described!();
}

fn check_bare(is_masked: bool) -> Result<()> {
    if !is_masked {
        return Ok(());
    }
    let expected = "none: Softmax would mask scores with it; use Dense with a softmax";
    Err(Error::value("mask", expected, "one of timesteps"))
}
