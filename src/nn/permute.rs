//! `Permute`: reorders the axes of a sample.

use super::moved::moved;
use crate::Element;
use crate::error::{Error, Result};
use crate::model::{AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, goes_back};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{ArrayD, ArrayRef, Dimension, IxDyn};

/// Reorders the axes of a sample: axis `i` of the output is axis `dims[i - 1]` of the input. Axes are counted from 1,
/// since axis 0 is the samples. No mask passes on, as in Keras. Source: `keras.layers.Permute`.
///
/// ```
/// use ndarray::array;
/// use recurrent::Permute;
/// let turned = Permute::new(&[2, 1])?.forward(&array![[[1.0, 2.0], [3.0, 4.0]]])?;
/// assert_eq!(turned, array![[[1.0, 3.0], [2.0, 4.0]]].into_dyn());
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permute {
    pub(super) dims: Vec<usize>,
}

impl Permute {
    /// Makes a layer from the order of the axes. Returns an error unless every axis from 1 on appears once.
    pub fn new(dims: &[usize]) -> Result<Self> {
        if (1..=dims.len()).all(|axis| dims.contains(&axis)) {
            return Ok(Permute { dims: dims.into() });
        }
        let expected = format!("each axis from 1 to {} once", dims.len());
        Err(Error::value("dims", expected, format!("{dims:?}")))
    }

    /// Reorders an array with the samples and the axes given to `new`. Returns an error for another number of axes.
    pub fn forward<A: Element, D: Dimension>(&self, x: &ArrayRef<A, D>) -> Result<ArrayD<A>> {
        let (axes, found) = (1 + self.dims.len(), x.ndim());
        if axes != found {
            return Err(Error::value("number of axes of the input", axes, found));
        }
        let order: Vec<usize> = [&[0], self.dims.as_slice()].concat();
        let y = x.to_owned().into_dyn().permuted_axes(IxDyn(&order));
        Ok(y.as_standard_layout().into_owned())
    }
}
crate::describe::describe!(Permute, "permute", { dims } => {
    let dims: Vec<usize> = dims;
    Permute::new(&dims)
});

impl<A: Element> AnyLayer<A> for Permute {
    fn name(&self) -> &str {
        "permute"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        Permute::forward(self, &input.values).map(Tensor::bare)
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let axis = |&axis: &usize| inputs.first().and_then(|input| input.len_of(axis));
        vec![
            [0].iter()
                .chain(&self.dims)
                .map(axis)
                .collect::<Vec<_>>()
                .into(),
        ]
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        match self.dims.first() {
            Some(1) => Stepwise::EachTimestep,
            _ => Stepwise::WholeSequence("it changes what the timesteps are"),
        }
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        moved(self, inputs)
    }

    goes_back!();
    described!();
}
