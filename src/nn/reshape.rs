//! `Reshape`: changes the shape of a sample.

use crate::Element;
use crate::error::{Error, Result};
use crate::model::{
    AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, each, goes_back,
};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{ArrayD, ArrayRef, Dimension, IxDyn};

/// Changes the shape of every sample and keeps the order of its numbers: (samples, …) in, (samples, shape…) out. One
/// axis may be -1: its length is inferred. No mask passes on, as in Keras. Source: `keras.layers.Reshape`.
///
/// ```
/// use ndarray::array;
/// use recurrent::Reshape;
/// let x = array![[1.0, 2.0, 3.0, 4.0]];
/// assert_eq!(Reshape::new(&[-1, 2])?.forward(&x)?, array![[[1.0, 2.0], [3.0, 4.0]]].into_dyn());
/// assert_eq!(
///     Reshape::new(&[3, -1])?.forward(&x).unwrap_err().to_string(),
///     "count of numbers in a sample is 4, expected as many as fit into the shape [3, -1]"
/// );
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reshape {
    shape: Vec<isize>,
}

impl Reshape {
    /// Makes a layer from the new shape of a sample.
    pub fn new(shape: &[isize]) -> Result<Self> {
        let open = shape.iter().filter(|&&len| len == -1).count();
        if open > 1 || shape.iter().any(|&len| len < -1) {
            let expected = "lengths, at most one of them -1";
            return Err(Error::value("shape", expected, format!("{shape:?}")));
        }
        Ok(Reshape {
            shape: shape.into(),
        })
    }

    /// Computes (samples, …) to (samples, shape…). Returns an error if the count of numbers does not fit.
    pub fn forward<A: Element, D: Dimension>(&self, x: &ArrayRef<A, D>) -> Result<ArrayD<A>> {
        let Some((&samples, of_sample)) = x.shape().split_first() else {
            return Err(Error::Rank {
                array: "input",
                expected: "at least 1 (samples, ...)",
                found: 0,
            });
        };
        // Taken from the shape and not from the array, which may have no samples. A count that overflows fits no shape.
        let numbers = of_sample.iter().copied().fold(1, usize::saturating_mul);
        let mut shape = vec![samples];
        shape.extend(self.resolve(numbers).ok_or_else(|| {
            let expected = format!("as many as fit into the shape {:?}", self.shape);
            Error::value("count of numbers in a sample", expected, numbers)
        })?);
        let y = x.as_standard_layout().into_owned().into_dyn();
        Ok(y.into_shape_with_order(IxDyn(&shape))?)
    }

    /// The shape of a sample with this count of numbers.
    fn resolve(&self, numbers: usize) -> Option<Vec<usize>> {
        let known = self
            .shape
            .iter()
            .filter_map(|&len| usize::try_from(len).ok());
        let known = known.fold(1, usize::saturating_mul);
        let rest = if self.shape.contains(&-1) {
            let whole = known > 0 && numbers.is_multiple_of(known);
            whole.then(|| numbers / known)?
        } else {
            (numbers == known).then_some(0)?
        };
        let len = |&len: &isize| usize::try_from(len).unwrap_or(rest);
        Some(self.shape.iter().map(len).collect())
    }
}
crate::describe::describe!(Reshape, "reshape", { shape } => {
    let shape: Vec<isize> = shape;
    Reshape::new(&shape)
});

impl<A: Element> AnyLayer<A> for Reshape {
    fn name(&self) -> &str {
        "reshape"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        Reshape::forward(self, &input.values).map(Tensor::bare)
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let input = inputs.first();
        let numbers = input.and_then(|input| {
            let of_sample = input.axes()?.get(1..)?.iter();
            of_sample.copied().try_fold(1, |n, len| len?.checked_mul(n))
        });
        let known = numbers.and_then(|numbers| self.resolve(numbers));
        let axes: Vec<Option<usize>> = match known {
            Some(shape) => shape.into_iter().map(Some).collect(),
            None => self
                .shape
                .iter()
                .map(|&len| usize::try_from(len).ok())
                .collect(),
        };
        let samples = input.and_then(|input| input.len_of(0));
        vec![[&[samples], axes.as_slice()].concat().into()]
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::WholeSequence("it changes what the timesteps are")
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        each(self, inputs, |_, inputs, output| {
            output.numbers.copy_from_slice(&inputs.first()?.numbers);
            Ok(())
        })
    }

    goes_back!();
    described!();
}
