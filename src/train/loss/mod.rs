//! `Loss`: what a training makes small, and its gradient.

mod batch;
mod binary;
mod categorical;
mod ctc;
mod difference;
mod evaluate;
mod evaluated;
mod kl;
mod own;
mod reduction;
mod row;
mod sparse;
mod target;
mod torch;

pub use ctc::Impossible;
pub use evaluated::Evaluated;
pub use reduction::Reduction;
pub use target::Target;

use crate::error::{Error, Result};
use crate::{Activation, Element};
use alloc::string::ToString;
use binary::Binary;
use categorical::Categorical;
use ctc::Ctc;
use difference::Difference;
use evaluate::{Call, Kind};
use ndarray::{ArrayD, ArrayRef, ArrayViewD, Dimension};
use own::Own;
use sparse::Sparse;

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
/// assert!((found.gradient[[1, 2]] - (1.0 / 3.0 - 1.0) / 2.0).abs() < 1e-15);
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

/// The losses of Keras, and your own.
impl<A: Element> Loss<A> {
    fn new(kind: Kind<A>) -> Self {
        Loss {
            kind,
            reduction: Reduction::Mean,
            is_torch: false,
            wrong: None,
        }
    }

    /// The mean over the last axis of (p - y)². Source: `keras.losses.MeanSquaredError`.
    ///
    /// `y_true` has the shape of `y_pred`, (samples, …, outputs); with one output and no other axis it may be (samples).
    /// The losses have that shape without the last axis. So have those of the other losses for which nothing else is said.
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y = array![[0.0, 1.0]];
    /// let loss = Loss::mean_squared_error().evaluate(&array![[1.0, 3.0]], Target::new(&y))?;
    /// assert_eq!((loss.value, loss.gradient), (2.5, array![[1.0, 2.0]]));
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn mean_squared_error() -> Self {
        Self::new(Kind::Difference(Difference::Squared))
    }

    /// The mean over the last axis of |p - y|; its slope at 0 is 0. Source: `keras.losses.MeanAbsoluteError`.
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y = array![[0.0, 1.0]];
    /// let loss = Loss::mean_absolute_error().evaluate(&array![[1.0, 1.0]], Target::new(&y))?;
    /// assert_eq!((loss.value, loss.gradient), (0.5, array![[0.5, 0.0]]));
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn mean_absolute_error() -> Self {
        Self::new(Kind::Difference(Difference::Absolute))
    }

    /// The mean over the last axis of e²/2 where |e| ≤ delta, and delta (|e| - delta/2) elsewhere, with e = p - y.
    /// Source: `keras.losses.Huber`, whose default is a `delta` of 1.
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y = array![[0.0, 0.0]];
    /// let loss = Loss::huber(1.0).evaluate(&array![[1.0, 3.0]], Target::new(&y))?;
    /// assert_eq!((loss.value, loss.gradient), (1.5, array![[0.5, 0.5]]));
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn huber(delta: f64) -> Self {
        let loss = Self::new(Kind::Difference(Difference::Huber { delta }));
        loss.checked(
            "delta",
            "a positive number",
            delta,
            delta > 0.0 && delta.is_finite(),
        )
    }

    /// The mean over the last axis of ln cosh(p - y). Source: `keras.losses.LogCosh`.
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y = array![[0.0]];
    /// let loss = Loss::log_cosh().evaluate(&array![[1.0_f64]], Target::new(&y))?;
    /// assert!((loss.value - 1.0_f64.cosh().ln()).abs() < 1e-15);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn log_cosh() -> Self {
        Self::new(Kind::Difference(Difference::LogCosh))
    }

    /// The mean over the last axis of -(w y ln p + (1 - y) ln(1 - p)). Source: `keras.losses.BinaryCrossentropy`.
    ///
    /// The p are probabilities, clipped to between 1e-7 and 1 - 1e-7 (no gradient goes through what is clipped), or with
    /// [`from_logits`](Self::from_logits) the sigmoids of the outputs. [`label_smoothing`](Self::label_smoothing) e makes
    /// y (1 - e) + e/2 of y. w is 1, or [`pos_weight`](Self::pos_weight).
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y = array![[1.0]];
    /// let loss = Loss::binary_crossentropy().evaluate(&array![[0.5]], Target::new(&y))?;
    /// assert!((loss.value - core::f64::consts::LN_2).abs() < 1e-15);
    /// assert_eq!(loss.gradient, array![[-2.0]]);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn binary_crossentropy() -> Self {
        Self::new(Kind::Binary(Binary::default()))
    }

    /// -Σ y ln p over the classes on the last axis. Source: `keras.losses.CategoricalCrossentropy`.
    ///
    /// The p are probabilities, divided by their sum and clipped to between 1e-7 and 1 - 1e-7, or with
    /// [`from_logits`](Self::from_logits) the softmax of the outputs. Then the gradient is p - y, as in TensorFlow, also
    /// where y does not sum to 1. [`label_smoothing`](Self::label_smoothing) e makes y (1 - e) + e/classes of y.
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y = array![[0.0, 1.0]];
    /// let loss = Loss::categorical_crossentropy().from_logits(true);
    /// let loss = loss.evaluate(&array![[0.0, 0.0]], Target::new(&y))?;
    /// assert_eq!(loss.gradient, array![[0.5, -0.5]]);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn categorical_crossentropy() -> Self {
        Self::new(Kind::Categorical(Categorical::default()))
    }

    /// -ln p of the true class. Source: `keras.losses.SparseCategoricalCrossentropy`.
    ///
    /// `y_true` has the numbers of the classes, from 0, as the shape of `y_pred` without its last axis, or with a last
    /// axis of 1. The p are the softmax of the outputs with [`from_logits`](Self::from_logits); else probabilities,
    /// clipped to between 1e-7 and 1 - 1e-7 and then divided by their sum. See also [`ignore_class`](Self::ignore_class).
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y_pred = array![[[0.25_f64, 0.75], [0.5, 0.5]]]; // 1 sample, 2 timesteps, 2 classes
    /// let y = array![[1.0, 0.0]];
    /// let loss = Loss::sparse_categorical_crossentropy().evaluate(&y_pred, Target::new(&y))?;
    /// assert!((loss.value + (0.75_f64.ln() + 0.5_f64.ln()) / 2.0).abs() < 1e-15);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn sparse_categorical_crossentropy() -> Self {
        Self::new(Kind::Sparse(Sparse::default()))
    }

    /// Σ y ln(y/p) over the last axis, y and p clipped to between 1e-7 and 1. Source: `keras.losses.KLDivergence`.
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y = array![[0.5, 0.5]];
    /// let loss = Loss::kl_divergence().evaluate(&array![[0.25, 0.5]], Target::new(&y))?;
    /// assert!((loss.value - 0.5 * core::f64::consts::LN_2).abs() < 1e-15);
    /// assert_eq!(loss.gradient, array![[-2.0, -1.0]]);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn kl_divergence() -> Self {
        Self::new(Kind::Kl)
    }

    /// Connectionist temporal classification: -ln of the probability of all ways to spread the labels over the timesteps,
    /// with repetitions and with blanks between them. Source: `keras.losses.CTC`; Graves et al., "Connectionist Temporal
    /// Classification" (2006). Computed exactly, in logarithms.
    ///
    /// `y_pred` is (samples, timesteps, classes), scores (or logarithms of probabilities) of which a softmax is taken.
    /// `y_true` is (samples, labels), padded at the end with 0, the [`blank`](Self::blank), or with anything if there are
    /// [`Target::label_lengths`]. Every timestep counts, unless there are [`Target::lengths`]; a mask is refused. The
    /// losses are (samples); their mean is not divided by any length.
    ///
    /// If the labels do not fit into the timesteps, the loss is infinite and the gradient of the sample 0, or what
    /// [`impossible`](Self::impossible) says. NaN or +∞ among the outputs of a sample gives NaN.
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y_pred = array![[[0.0, 0.0], [0.0, 0.0]]]; // 2 timesteps, blank and 1
    /// let y = array![[1.0, 0.0]]; // "1", padded
    /// let loss = Loss::ctc().evaluate(&y_pred, Target::new(&y))?;
    /// assert!((loss.value + 0.75_f64.ln()).abs() < 1e-15); // 11, 1_ and _1 of four
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn ctc() -> Self {
        Self::new(Kind::Ctc(Ctc::default()))
    }

    /// A loss of your own: a function from the outputs to the loss and its gradient, of the shape of the outputs. It
    /// reduces, and it reads masks and weights of the target, itself.
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let quartic = Loss::of(|y_pred, target| {
    ///     let e = &y_pred - &target.y_true;
    ///     Ok((e.mapv(|e: f64| e.powi(4)).sum(), e.mapv(|e| 4.0 * e.powi(3))))
    /// });
    /// let y = array![[0.0, 1.0]];
    /// let loss = quartic.evaluate(&array![[1.0, 3.0]], Target::new(&y))?;
    /// assert_eq!((loss.value, loss.gradient), (17.0, array![[4.0, 32.0]]));
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn of<F>(function: F) -> Self
    where
        F: Fn(ArrayViewD<'_, A>, &Target<'_, A>) -> Result<(f64, ArrayD<A>)>,
        F: Send + Sync + 'static,
    {
        Self::new(Kind::Own(Own::new(function)))
    }
}

/// Options. Each says of which losses it is; of another one it is an error when the loss is evaluated.
impl<A: Element> Loss<A> {
    /// How the losses of a batch become one number. Not of [`Loss::of`].
    pub fn reduction(mut self, reduction: Reduction) -> Self {
        if let Kind::Own(_) = self.kind {
            return self.refuse("reduction", "none, as the function reduces", "some");
        }
        self.reduction = reduction;
        self
    }

    /// Whether the outputs are scores, of which the loss takes the sigmoid or the softmax itself. Of Keras' three
    /// crossentropies; `false` by default. Scores give exact logarithms where probabilities are clipped.
    pub fn from_logits(mut self, from_logits: bool) -> Self {
        match &mut self.kind {
            _ if self.is_torch => {}
            Kind::Binary(Binary {
                from_logits: of, ..
            })
            | Kind::Categorical(Categorical {
                from_logits: of, ..
            })
            | Kind::Sparse(Sparse {
                from_logits: of, ..
            }) => {
                *of = from_logits;
                return self;
            }
            _ => {}
        }
        self.refuse(
            "from_logits",
            "none, as this loss does not have it",
            from_logits,
        )
    }

    /// How much of each true value is spread over all, from 0 (none, the default) to 1. Of the binary and the categorical
    /// crossentropy and of PyTorch's.
    pub fn label_smoothing(mut self, smoothing: f64) -> Self {
        match &mut self.kind {
            Kind::Binary(Binary {
                label_smoothing, ..
            })
            | Kind::Categorical(Categorical {
                label_smoothing, ..
            }) => {
                *label_smoothing = smoothing;
            }
            Kind::Sparse(sparse) if self.is_torch => sparse.label_smoothing = smoothing,
            _ => {
                let expected = "none, as this loss does not have it";
                return self.refuse("label_smoothing", expected, smoothing);
            }
        }
        let is_valid = (0.0..=1.0).contains(&smoothing);
        self.checked(
            "label_smoothing",
            "a number from 0 to 1",
            smoothing,
            is_valid,
        )
    }

    /// The factor w of the true values in a binary crossentropy: one number for all outputs, or one for each. Source:
    /// `torch.nn.BCEWithLogitsLoss`.
    pub fn pos_weight(mut self, weights: &[f64]) -> Self {
        let Kind::Binary(binary) = &mut self.kind else {
            let expected = "none, as this loss does not have it";
            return self.refuse("pos_weight", expected, weights.len());
        };
        binary.pos_weight = weights.to_vec();
        match weights.iter().find(|w| !w.is_finite()) {
            Some(&wrong) => self.refuse("pos_weight", "finite numbers", wrong),
            None if weights.is_empty() => self.refuse("pos_weight", "one number or more", "empty"),
            None => self,
        }
    }

    /// A class whose entries count as masked, so that a mean is over the others. It need not be a class of the outputs:
    /// -1 is often taken. Of the sparse categorical crossentropy (Keras' `ignore_class`, none by default) and of
    /// PyTorch's (`ignore_index`, -100 by default).
    pub fn ignore_class(mut self, class: i64) -> Self {
        let Kind::Sparse(sparse) = &mut self.kind else {
            return self.refuse("ignore_class", "none, as this loss does not have it", class);
        };
        sparse.ignore_class = Some(class);
        self
    }

    /// A weight for each class. Of [`torch_cross_entropy`](Self::torch_cross_entropy); Keras' are in the
    /// [`Target`](Target::class_weights).
    pub fn class_weights(mut self, weights: &[f64]) -> Self {
        match &mut self.kind {
            Kind::Sparse(sparse) if self.is_torch => sparse.class_weights = weights.to_vec(),
            _ => {
                let expected = "none, as this loss does not have it: see Target::class_weights";
                return self.refuse("class_weights", expected, weights.len());
            }
        }
        match weights.iter().find(|w| !w.is_finite()) {
            Some(&wrong) => self.refuse("class_weights", "finite numbers", wrong),
            None if weights.is_empty() => {
                self.refuse("class_weights", "one number for each class", "empty")
            }
            None => self,
        }
    }

    /// The class that stands for no label; 0 by default. Of CTC.
    pub fn blank(mut self, class: usize) -> Self {
        let Kind::Ctc(ctc) = &mut self.kind else {
            return self.refuse("blank", "none, as this loss does not have it", class);
        };
        ctc.blank = class;
        self
    }

    /// What the loss of a sample is whose labels do not fit into its timesteps. Of CTC.
    pub fn impossible(mut self, impossible: Impossible) -> Self {
        let Kind::Ctc(ctc) = &mut self.kind else {
            return self.refuse("impossible", "none, as this loss does not have it", "some");
        };
        ctc.impossible = impossible;
        self
    }

    /// The loss that Keras takes for a model that ends in this activation: from the scores that the activation was given,
    /// with the gradient with respect to them. `None` where Keras takes the outputs.
    ///
    /// Behind `Dense(softmax)` or `Dense(sigmoid)` Keras' crossentropies (on TensorFlow) never see the probabilities.
    /// They ask only whether there is a softmax or a sigmoid, not which: a categorical crossentropy of sigmoids is that of
    /// the softmax of the scores. Not behind `TimeDistributed` or any other layer, and not with an
    /// [`ignore_class`](Self::ignore_class).
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::Activation;
    /// use recurrent::train::{Loss, Target};
    /// let (scores, y) = (array![[800.0, 0.0]], array![1.0]); // probabilities 1 and 0
    /// let loss = Loss::sparse_categorical_crossentropy();
    /// let clipped = loss.evaluate(&array![[1.0, 0.0]], Target::new(&y))?;
    /// assert!((clipped.value - 16.118).abs() < 1e-3);
    /// let loss = loss.behind(Activation::Softmax).unwrap();
    /// assert_eq!(loss.evaluate(&scores, Target::new(&y))?.value, 800.0);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn behind(&self, activation: Activation) -> Option<Self> {
        let is_seen = match &self.kind {
            Kind::Binary(_) | Kind::Categorical(_) => true,
            Kind::Sparse(sparse) => sparse.ignore_class.is_none(),
            _ => false,
        };
        let gives = matches!(activation, Activation::Softmax | Activation::Sigmoid);
        let takes = is_seen && !self.is_torch && gives;
        takes.then(|| self.clone().from_logits(true))
    }

    fn refuse(mut self, name: &'static str, expected: &str, found: impl ToString) -> Self {
        self.wrong = self.wrong.or(Some(Error::value(name, expected, found)));
        self
    }

    fn checked(self, name: &'static str, expected: &str, found: f64, is_valid: bool) -> Self {
        if is_valid {
            self
        } else {
            self.refuse(name, expected, found)
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
