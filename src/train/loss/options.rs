//! The options of a loss.

use super::Loss;
use super::binary::Binary;
use super::categorical::Categorical;
use super::ctc::Impossible;
use super::evaluate::Kind;
use super::reduction::Reduction;
use super::sparse::Sparse;
use crate::error::Error;
use crate::{Activation, Element};
use alloc::string::ToString;

/// Options. Each says of which losses it is; of another one it is an error when the loss is evaluated.
impl<A: Element> Loss<A> {
    /// How the losses of a batch become one number. Not of [`Loss::of`].
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Reduction, Target};
    /// let y = array![[0.0], [0.0]];
    /// let loss = Loss::mean_squared_error().reduction(Reduction::Sum);
    /// assert_eq!(loss.evaluate(&array![[1.0], [2.0]], Target::new(&y))?.value, 5.0);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn reduction(mut self, reduction: Reduction) -> Self {
        if let Kind::Own(_) = self.kind {
            return self.refuse("reduction", "none, as the function reduces", "some");
        }
        self.reduction = reduction;
        self
    }

    /// Whether the outputs are scores, of which the loss takes the sigmoid or the softmax itself. Of Keras' three
    /// crossentropies; `false` by default. Scores give exact logarithms where probabilities are clipped.
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y = array![[1.0]];
    /// let loss = Loss::binary_crossentropy().from_logits(true);
    /// assert_eq!(loss.evaluate(&array![[-800.0]], Target::new(&y))?.value, 800.0);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
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
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y = array![[0.0, 1.0]];
    /// let loss = Loss::categorical_crossentropy().from_logits(true).label_smoothing(0.5);
    /// let loss = loss.evaluate(&array![[0.0, 0.0]], Target::new(&y))?;
    /// assert_eq!(loss.gradient, array![[0.25, -0.25]]); // 1/2 less 0.25 and 0.75
    /// # Ok::<(), recurrent::Error>(())
    /// ```
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
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y = array![[1.0, 1.0]];
    /// let loss = Loss::binary_crossentropy().from_logits(true).pos_weight(&[1.0, 4.0]);
    /// let loss = loss.evaluate(&array![[0.0, 0.0]], Target::new(&y))?;
    /// assert_eq!(loss.gradient, array![[-0.25, -1.0]]);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
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
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y = array![0.0, -1.0];
    /// let loss = Loss::sparse_categorical_crossentropy().from_logits(true).ignore_class(-1);
    /// let loss = loss.evaluate(&array![[0.0, 0.0], [5.0, 6.0]], Target::new(&y))?;
    /// assert_eq!(loss.gradient, array![[-0.5, 0.5], [0.0, 0.0]]);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn ignore_class(mut self, class: i64) -> Self {
        let Kind::Sparse(sparse) = &mut self.kind else {
            return self.refuse("ignore_class", "none, as this loss does not have it", class);
        };
        sparse.ignore_class = Some(class);
        self
    }

    /// A weight for each class. Of [`torch_cross_entropy`](Self::torch_cross_entropy); Keras' are in the
    /// [`Target`](super::Target::class_weights).
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y = array![0.0, 1.0];
    /// let loss = Loss::torch_cross_entropy().class_weights(&[1.0, 3.0]);
    /// let loss = loss.evaluate(&array![[0.0, 0.0], [0.0, 0.0]], Target::new(&y))?;
    /// assert_eq!(loss.gradient, array![[-0.125, 0.125], [0.375, -0.375]]);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
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
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Loss, Target};
    /// let y = array![[0.0, 2.0]];
    /// let loss = Loss::ctc().blank(1).evaluate(&array![[[0.0_f64; 3]; 2]], Target::new(&y).label_lengths(&[2]))?;
    /// assert!((loss.value - 9.0_f64.ln()).abs() < 1e-15); // one of nine
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn blank(mut self, class: usize) -> Self {
        let Kind::Ctc(ctc) = &mut self.kind else {
            return self.refuse("blank", "none, as this loss does not have it", class);
        };
        ctc.blank = class;
        self
    }

    /// What the loss of a sample is whose labels do not fit into its timesteps. Of CTC.
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::train::{Impossible, Loss, Target};
    /// let y = array![[1.0, 1.0]]; // a blank has to be between them
    /// let loss = Loss::ctc().impossible(Impossible::Zero);
    /// assert_eq!(loss.evaluate(&array![[[0.0, 0.0], [0.0, 0.0]]], Target::new(&y))?.value, 0.0);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
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
    /// After a softmax or sigmoid of a `Dense`, `Activation` or `Softmax` layer Keras' crossentropies (on TensorFlow) never
    /// see the probabilities. They ask only whether there is a softmax or a sigmoid, not which: a categorical crossentropy
    /// of sigmoids is that of the softmax of the scores. Not after `TimeDistributed` or another layer that comes after the
    /// activation, and not with an [`ignore_class`](Self::ignore_class).
    ///
    /// ```
    /// use ndarray::array;
    /// use recurrent::Activation;
    /// use recurrent::train::{Loss, Target};
    /// let (scores, y) = (array![[800.0, 0.0]], array![1.0]); // probabilities 1 and 0
    /// let loss = Loss::sparse_categorical_crossentropy();
    /// let clipped = loss.evaluate(&array![[1.0, 0.0]], Target::new(&y))?;
    /// assert!((clipped.value - 16.118).abs() < 1e-3);
    /// let loss = loss.of_scores(Activation::Softmax).unwrap();
    /// assert_eq!(loss.evaluate(&scores, Target::new(&y))?.value, 800.0);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn of_scores(&self, activation: Activation) -> Option<Self> {
        let is_seen = match &self.kind {
            Kind::Binary(_) | Kind::Categorical(_) => true,
            Kind::Sparse(sparse) => sparse.ignore_class.is_none(),
            _ => false,
        };
        let gives = matches!(activation, Activation::Softmax | Activation::Sigmoid);
        let takes = is_seen && !self.is_torch && gives;
        takes.then(|| self.clone().from_logits(true))
    }

    pub(super) fn refuse(
        mut self,
        name: &'static str,
        expected: &str,
        found: impl ToString,
    ) -> Self {
        self.wrong = self.wrong.or(Some(Error::value(name, expected, found)));
        self
    }

    pub(super) fn checked(
        self,
        name: &'static str,
        expected: &str,
        found: f64,
        is_valid: bool,
    ) -> Self {
        if is_valid {
            self
        } else {
            self.refuse(name, expected, found)
        }
    }
}
