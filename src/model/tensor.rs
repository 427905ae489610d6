//! `Tensor`: the value that passes between layers.

use crate::Element;
use crate::error::{Error, Result, check};
use crate::mask::Mask;
use ndarray::{Array2, ArrayD, ArrayRef, ArrayView, ArrayView3, Dimension, Ix2};

/// The value that passes between layers: an array, and the mask of its timesteps if there is one.
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
    /// The numbers; axis 0 is the samples.
    pub values: ArrayD<A>,
    /// The mask, (samples, timesteps): `false` at padding.
    pub mask: Option<Array2<bool>>,
}

impl<A: Element> Tensor<A> {
    /// Copies an array, without a mask. (To move an owned array in, write `Tensor { values: x.into_dyn(), mask: None
    /// }`.)
    pub fn new<D: Dimension>(x: &ArrayRef<A, D>) -> Self {
        Tensor::bare(x.to_owned())
    }
}

impl<A> Tensor<A> {
    /// Sets the mask, (samples, timesteps).
    pub fn masked(mut self, mask: &ArrayRef<bool, Ix2>) -> Self {
        self.mask = Some(mask.to_owned());
        self
    }

    /// Masks right padding: only the first `lengths[r]` timesteps of sample `r` are real. Returns an error if there is not
    /// one length for each sample, or if a length is larger than the number of timesteps.
    ///
    /// ```
    /// use ndarray::{Array3, array};
    /// use recurrent::Tensor;
    /// let padded = Tensor::new(&Array3::<f32>::zeros((2, 3, 4))).lengths(&[3, 1])?;
    /// assert_eq!(padded.mask, Some(array![[true, true, true], [true, false, false]]));
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn lengths(mut self, lengths: &[usize]) -> Result<Self> {
        let &[samples, timesteps, ..] = self.values.shape() else {
            return Err(Error::Rank {
                array: "input",
                expected: "2 or more (samples, timesteps, …)",
                found: self.values.ndim(),
            });
        };
        let mask = Mask::Lengths(lengths);
        mask.check(samples, timesteps)?;
        let is_real = |(sample, t)| mask.is_real(sample, t);
        self.mask = Some(Array2::from_shape_fn((samples, timesteps), is_real));
        Ok(self)
    }

    /// Makes a tensor without a mask.
    pub(crate) fn bare<D: Dimension>(values: ndarray::Array<A, D>) -> Self {
        Tensor {
            values: values.into_dyn(),
            mask: None,
        }
    }

    /// A view of the array with `D` axes; on failure the error says `expected`.
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

    /// Returns an error if the samples or timesteps of the mask are not those of the array.
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
            "3 (samples, timesteps, features): for one sequence alone add an axis of samples; after another recurrent layer, give that one return_sequences"
        }
        _ => "3 (samples, timesteps, features)",
    };
    input.axes("input", expected)
}
