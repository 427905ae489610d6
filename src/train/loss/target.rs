//! `Target`: what the outputs should have been, and what each of them counts.

use crate::Element;
use ndarray::{ArrayRef, ArrayViewD, Dimension};

/// What the outputs should have been, and how much each of them counts.
///
/// ```
/// use ndarray::array;
/// use recurrent::train::{Loss, Target};
/// let (y_pred, y) = (array![[0.5, 0.5], [9.0, 9.0]], array![[0.5, 1.5], [0.0, 0.0]]);
/// let (mask, weights) = (array![true, false], array![2.0, 1.0]);
/// let target = Target::new(&y).mask(&mask).sample_weights(&weights);
/// let loss = Loss::mean_squared_error().evaluate(&y_pred, target)?;
/// assert_eq!(loss.value, 1.0); // (0² + 1²)/2 · 2, of the one row that counts
/// assert_eq!(loss.gradient, array![[0.0, -2.0], [0.0, 0.0]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Target<'a, A> {
    /// The true values, the classes, or the labels.
    pub y_true: ArrayViewD<'a, A>,
    /// See [`mask`](Self::mask).
    pub mask: Option<ArrayViewD<'a, bool>>,
    /// See [`lengths`](Self::lengths).
    pub lengths: Option<&'a [usize]>,
    /// See [`sample_weights`](Self::sample_weights).
    pub sample_weights: Option<ArrayViewD<'a, A>>,
    /// See [`class_weights`](Self::class_weights).
    pub class_weights: Option<&'a [(usize, f64)]>,
    /// See [`label_lengths`](Self::label_lengths).
    pub label_lengths: Option<&'a [usize]>,
    /// See [`upstream`](Self::upstream).
    pub upstream: Option<ArrayViewD<'a, A>>,
}

impl<'a, A: Element> Target<'a, A> {
    /// The true values, of the shape that the loss asks for: see the functions of [`Loss`](super::Loss).
    pub fn new<D: Dimension>(y_true: &'a ArrayRef<A, D>) -> Self {
        Target {
            y_true: y_true.view().into_dyn(),
            mask: None,
            lengths: None,
            sample_weights: None,
            class_weights: None,
            label_lengths: None,
            upstream: None,
        }
    }

    /// The same target, borrowed from this one.
    pub(crate) fn reborrow(&self) -> Target<'_, A> {
        Target {
            y_true: self.y_true.view(),
            mask: self.mask.as_ref().map(|mask| mask.view()),
            lengths: self.lengths,
            sample_weights: self.sample_weights.as_ref().map(|weights| weights.view()),
            class_weights: self.class_weights,
            label_lengths: self.label_lengths,
            upstream: self.upstream.as_ref().map(|upstream| upstream.view()),
        }
    }

    /// Which losses count: `false` means masked. The shape is that of the losses, (samples, timesteps) for a sequence.
    ///
    /// A masked entry adds nothing and its gradient is 0, whatever its outputs, labels and weights are, NaN too.
    pub fn mask<D: Dimension>(mut self, mask: &'a ArrayRef<bool, D>) -> Self {
        self.mask = Some(mask.view().into_dyn());
        self
    }

    /// The number of real timesteps of each sample; the rest is masked. For CTC it is the number of outputs to align.
    pub fn lengths(mut self, lengths: &'a [usize]) -> Self {
        self.lengths = Some(lengths);
        self
    }

    /// A factor for each loss: Keras' `sample_weight`.
    ///
    /// For losses of shape (samples) the shape is (samples) or (samples, 1). For losses of shape (samples, timesteps) it
    /// is (samples, 1), one weight for each sample, or (samples, timesteps). Weights with one axis are refused there:
    /// Keras takes them for weights of timesteps if there are as many timesteps as samples.
    ///
    /// An entry with weight 0 adds nothing and its gradient is 0, whatever its outputs are.
    ///
    /// ```
    /// use ndarray::{Array3, array};
    /// use recurrent::train::{Loss, Target};
    /// let (y_pred, y) = (Array3::ones((2, 2, 1)), Array3::zeros((2, 2, 1))); // 2 samples, 2 timesteps
    /// let loss = Loss::mean_squared_error();
    /// let each_sample = array![[0.5], [2.0]];
    /// assert_eq!(loss.evaluate(&y_pred, Target::new(&y).sample_weights(&each_sample))?.value, 1.25);
    /// let guess = array![0.5, 2.0];
    /// let error = loss.evaluate(&y_pred, Target::new(&y).sample_weights(&guess)).unwrap_err();
    /// let expected = "expected of shape [2, 1] (one for each sample) or [2, 2]";
    /// assert_eq!(error.to_string(), format!("sample_weights is of shape [2], {expected}"));
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn sample_weights<D: Dimension>(mut self, weights: &'a ArrayRef<A, D>) -> Self {
        self.sample_weights = Some(weights.view().into_dyn());
        self
    }

    /// A factor for each class: Keras' `class_weight`. Classes that are not named weigh 1.
    ///
    /// They become sample weights, by the class of each entry of `y_true`: the label itself, or the place of the largest
    /// number of a row with several. As in Keras, they cannot be given together with sample weights. Other than in Keras,
    /// they may be given for sequences.
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y = array![0.0, 1.0];
    /// let loss = Loss::sparse_categorical_crossentropy().from_logits(true);
    /// let loss = loss.evaluate(&array![[0.0, 0.0], [0.0, 0.0]], Target::new(&y).class_weights(&[(1, 3.0)]))?;
    /// assert_eq!(loss.gradient, array![[-0.25, 0.25], [0.75, -0.75]]);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn class_weights(mut self, weights: &'a [(usize, f64)]) -> Self {
        self.class_weights = Some(weights);
        self
    }

    /// For CTC: the number of labels of each sample. Without it, labels end where the zeros begin, as in Keras.
    pub fn label_lengths(mut self, lengths: &'a [usize]) -> Self {
        self.label_lengths = Some(lengths);
        self
    }

    /// For [`Reduction::None`](super::Reduction::None): the gradient with respect to each loss, of their shape. Without
    /// it, it is 1.
    pub fn upstream<D: Dimension>(mut self, upstream: &'a ArrayRef<A, D>) -> Self {
        self.upstream = Some(upstream.view().into_dyn());
        self
    }
}
