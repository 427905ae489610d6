//! `Reduction`: how the losses of a batch become one number.

/// How the losses of a batch become one number. Source: `keras.losses.Loss`, `reduction`; PyTorch's three are among them.
///
/// With the losses v, the sample weights s (1 where there are none), the mask m (0 or 1), the number of losses N and the
/// number of unmasked ones M:
///
/// ```text
/// Mean                  Σ(v s) / N, with a mask Σ(v s m) / M
/// MeanWithSampleWeight  Σ(v s) / Σ s, with a mask Σ(v s m) / Σ(s m)
/// Sum                   Σ(v s m)
/// None                  v s m
/// ```
///
/// A quotient whose divisor is 0 is 0, and so are its gradients: a batch in which all is masked teaches nothing.
///
/// Sums are `f64`, in row-major order.
///
/// ```
/// use ndarray::array;
/// use recurrent::train::{Loss, Reduction, Target};
/// let (y_pred, y) = (array![[1.0], [2.0], [9.0]], array![[0.0], [0.0], [0.0]]);
/// let (mask, weights) = (array![true, true, false], array![1.0, 3.0, 1.0]);
/// let target = Target::new(&y).mask(&mask).sample_weights(&weights);
/// let value = |reduction| -> recurrent::Result<f64> {
///     let loss = Loss::mean_squared_error().reduction(reduction);
///     Ok(loss.evaluate(&y_pred, target.clone())?.value)
/// };
/// assert_eq!(value(Reduction::Mean)?, 13.0 / 2.0);
/// assert_eq!(value(Reduction::MeanWithSampleWeight)?, 13.0 / 4.0);
/// assert_eq!(value(Reduction::Sum)?, 13.0);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reduction {
    /// The mean over all losses, of samples and of timesteps, that are not masked; the weights do not count. Keras'
    /// `"sum_over_batch_size"` and `"mean"`.
    ///
    /// Two losses of PyTorch have a mean of their own: see [`Loss::torch_cross_entropy`](super::Loss::torch_cross_entropy)
    /// and [`Loss::torch_ctc`](super::Loss::torch_ctc).
    #[default]
    Mean,
    /// The mean, divided by the sum of the weights. Keras' `"mean_with_sample_weight"`.
    ///
    /// Without a mask it is the sum of the weights as they were given: weights of shape (samples, 1) for losses of shape
    /// (samples, timesteps) make the mean `timesteps` times larger, as in Keras.
    MeanWithSampleWeight,
    /// The sum.
    Sum,
    /// Every loss by itself, in [`Evaluated::values`](super::Evaluated::values). What is differentiated is their sum, or
    /// their sum times [`Target::upstream`](super::Target::upstream).
    None,
}
