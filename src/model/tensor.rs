//! `Tensor`: what flows from layer to layer.

use crate::Element;
use crate::error::{Error, Result, check};
use ndarray::{Array2, ArrayD, ArrayRef, ArrayView, ArrayView3, Dimension, Ix2};

/// What flows from layer to layer: an array, and the mask of its timesteps if there is one.
///
/// ```
/// use ndarray::array;
/// use recurrent::Tensor;
/// let x = array![[[0.1, 0.2], [0.3, 0.4]]];
/// let padded = Tensor::new(&x).masked(&array![[true, false]]);
/// assert_eq!(padded.values, x.into_dyn());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor<A> {
    /// Samples first.
    pub values: ArrayD<A>,
    /// `false` where a timestep is not there, (samples, timesteps).
    pub mask: Option<Array2<bool>>,
}

impl<A: Element> Tensor<A> {
    /// A copy of an array, without a mask. (One that you give away need not be copied: `Tensor { values: x.into_dyn(), mask:
    /// None }`.)
    pub fn new<D: Dimension>(x: &ArrayRef<A, D>) -> Self {
        Tensor::bare(x.to_owned())
    }
}

impl<A> Tensor<A> {
    /// The same array with this mask, (samples, timesteps).
    pub fn masked(mut self, mask: &ArrayRef<bool, Ix2>) -> Self {
        self.mask = Some(mask.to_owned());
        self
    }

    /// Without a mask.
    pub(crate) fn bare<D: Dimension>(values: ndarray::Array<A, D>) -> Self {
        Tensor {
            values: values.into_dyn(),
            mask: None,
        }
    }

    /// The array seen with `D` axes; `expected` says which in the error.
    pub(crate) fn axes<D: Dimension>(
        &self,
        array: &'static str,
        expected: &'static str,
    ) -> Result<ArrayView<'_, A, D>> {
        let found = self.values.ndim();
        let view = self.values.view().into_dimensionality();
        view.map_err(|_| Error::Rank {
            array,
            expected,
            found,
        })
    }

    /// Refuses a mask of other samples or timesteps than the array.
    pub(crate) fn check_mask(&self) -> Result<()> {
        let Some(mask) = &self.mask else {
            return Ok(());
        };
        let shape = self.values.shape();
        let [samples, timesteps] = [0, 1].map(|axis| shape.get(axis).copied().unwrap_or(1));
        check("mask", "samples", samples, mask.nrows())?;
        check("mask", "timesteps", timesteps, mask.ncols())
    }
}

/// The input as what it must be.
pub(super) fn sequence<A: Element>(input: &Tensor<A>) -> Result<ArrayView3<'_, A>> {
    let expected = match input.values.ndim() {
        2 => {
            "3 (samples, timesteps, features): for one sequence alone add an axis of samples; behind another recurrent layer, give that one return_sequences"
        }
        _ => "3 (samples, timesteps, features)",
    };
    input.axes("input", expected)
}
