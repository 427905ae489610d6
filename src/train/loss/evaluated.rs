//! `Evaluated`: a loss, and its gradient.

use crate::Element;
use alloc::vec::Vec;
use ndarray::{Array, ArrayD, Dimension, IxDyn};

/// A loss, and its gradient with respect to the outputs.
///
/// ```
/// use ndarray::array;
/// use recurrent::train::{Loss, Target};
/// let y = array![[0.0], [0.0]];
/// let loss = Loss::mean_squared_error().evaluate(&array![[1.0], [2.0]], Target::new(&y))?;
/// assert_eq!(loss.value, 2.5);
/// assert_eq!(loss.values, array![1.0, 4.0].into_dyn());
/// assert_eq!(loss.gradient, array![[1.0], [2.0]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Evaluated<A, D: Dimension = IxDyn> {
    /// The loss of the batch. With [`Reduction::None`](super::Reduction::None) it is the sum of the values times
    /// [`Target::upstream`](super::Target::upstream).
    pub value: f64,
    /// The losses before they were reduced, times weight and mask: one for each entry of `y_pred` but the last axis, with
    /// PyTorch's element-wise losses one for each entry, with CTC one for each sample. Of a loss of your own: nothing.
    pub values: ArrayD<f64>,
    /// The gradient of `value`, of the shape of `y_pred`.
    pub gradient: Array<A, D>,
    pub(super) room: Room,
}

/// What a loss computes with, kept so that the next one allocates nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Room {
    /// Weight times mask of each loss.
    pub(super) weights: Vec<f64>,
    /// The numbers of a row, or of a lattice.
    pub(super) numbers: Vec<f64>,
    /// The labels of a sample.
    pub(super) labels: Vec<usize>,
}

/// Without values, and ready for [`Loss::evaluate_into`](super::Loss::evaluate_into).
impl<A: Element, D: Dimension> Default for Evaluated<A, D> {
    fn default() -> Self {
        Evaluated {
            value: 0.0,
            values: ArrayD::zeros(IxDyn(&[0])),
            gradient: Array::default(D::zeros(D::NDIM.unwrap_or(1))),
            room: Room::default(),
        }
    }
}
