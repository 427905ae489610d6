//! `Loss`: what a training makes small, and its gradient.

mod batch;
mod binary;
mod categorical;
mod ctc;
mod difference;
mod evaluate;
mod evaluated;
mod keras;
mod kl;
mod options;
mod own;
mod reduction;
mod row;
mod sparse;
mod target;
mod torch;

pub(super) use batch::{check_lengths, counted};
pub use ctc::Impossible;
pub(super) use evaluate::{class_of, place_of_largest};
pub use evaluated::Evaluated;
pub use reduction::Reduction;
pub use target::Target;

use crate::Element;
use crate::error::{Error, Result};
use evaluate::{Call, Kind};
use ndarray::{ArrayRef, Dimension};

/// What a training makes small: a number for how far outputs are from their targets, with its gradient.
///
/// The functions without a prefix are those of `keras.losses`, with their defaults. `torch_…` are those of `torch.nn`,
/// which differ in what they average and in their options. All take outputs `y_pred` with the samples first and the
/// classes or features last; what each asks of the target is said there. Nothing is broadcast and nothing is squeezed
/// but where that is said: another shape is an error.
///
/// ```
/// use ndarray::array;
/// use recurrent::train::{Loss, Target};
/// let scores = array![[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]]; // of 2 samples for 3 classes
/// let classes = array![0.0, 2.0];
/// let loss = Loss::sparse_categorical_crossentropy().from_logits(true);
/// let found = loss.evaluate(&scores, Target::new(&classes))?;
/// assert!((found.value - 0.66908).abs() < 1e-5); // the mean of 0.23954 and ln 3
/// approx::assert_abs_diff_eq!(found.gradient[[1, 2]], (1.0 / 3.0 - 1.0) / 2.0, epsilon = 1e-15);
/// # Ok::<(), recurrent::Error>(())
/// ```
///
/// # Numbers
/// Each loss is computed in `f64` from the outputs as they are, and rounded once for its gradient; sums are `f64`, in
/// row-major order, so the result is the same bits whatever the number of threads. NaN in outputs or targets gives NaN,
/// unless the entry is masked, ignored, or has weight 0: then it adds nothing, and its gradient is 0.
///
/// # Errors
/// [`evaluate`](Self::evaluate) refuses shapes that do not fit, classes and labels that are no whole numbers in their
/// range, an option that the loss does not have (`from_logits` of a mean squared error), and values of options outside of
/// their range. The message says what was expected and what was found.
#[derive(Clone, Debug)]
pub struct Loss<A> {
    kind: Kind<A>,
    reduction: Reduction,
    /// Whether PyTorch's rules hold: a loss for each number, means of their own.
    is_torch: bool,
    wrong: Option<Error>,
}

impl<A: Element> Loss<A> {
    fn new(kind: Kind<A>) -> Self {
        Loss {
            kind,
            reduction: Reduction::Mean,
            is_torch: false,
            wrong: None,
        }
    }

    /// Returns the loss of outputs and its gradient. The errors are those of the type: see there.
    pub fn evaluate<D: Dimension>(
        &self,
        y_pred: &ArrayRef<A, D>,
        target: Target<'_, A>,
    ) -> Result<Evaluated<A, D>> {
        let mut evaluated = Evaluated::default();
        self.evaluate_into(y_pred, &target, &mut evaluated)?;
        Ok(evaluated)
    }

    /// [`evaluate`](Self::evaluate) into the result of a call before, whose memory it takes: for outputs of the same shape
    /// it allocates nothing. After an error, what is in `into` means nothing.
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Evaluated, Loss, Target};
    /// let (loss, mut evaluated) = (Loss::mean_squared_error(), Evaluated::default());
    /// for y_pred in [array![[1.0]], array![[2.0]]] {
    ///     loss.evaluate_into(&y_pred, &Target::new(&array![[0.0]]), &mut evaluated)?;
    /// }
    /// assert_eq!(evaluated.value, 4.0);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn evaluate_into<D: Dimension>(
        &self,
        y_pred: &ArrayRef<A, D>,
        target: &Target<'_, A>,
        into: &mut Evaluated<A, D>,
    ) -> Result<()> {
        if let Some(wrong) = &self.wrong {
            return Err(wrong.clone());
        }
        let call = Call {
            kind: &self.kind,
            reduction: self.reduction,
            is_torch: self.is_torch,
        };
        call.evaluate(y_pred, target, into)
    }
}
