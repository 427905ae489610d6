//! `Metric`: what a training is judged by, beside its loss.

mod auc;
mod tally;

#[cfg(feature = "saved")]
pub(super) use auc::Scores;
pub(super) use tally::Tally;

use super::Target;
use crate::error::{Error, Result};
use crate::{Element, Tensor};
use alloc::string::String;

/// A number that says how good outputs are, over all batches of an epoch or of an evaluation.
///
/// | metric | of the rows of outputs |
/// | --- | --- |
/// | [`accuracy`](Self::accuracy) | one of the next three, as Keras infers it: of one output the binary one; of labels the sparse one; else the categorical one |
/// | [`binary_accuracy`](Self::binary_accuracy) | the share of outputs on the right side of the [`threshold`](Self::threshold) |
/// | [`categorical_accuracy`](Self::categorical_accuracy), [`sparse_categorical_accuracy`](Self::sparse_categorical_accuracy) | how often the largest output is that of the class; the target is a row, or a label |
/// | [`top_k_accuracy`](Self::top_k_accuracy) | how often fewer than `k` outputs are larger than that of the class |
/// | [`precision`](Self::precision), [`recall`](Self::recall), [`f1`](Self::f1) | tp / (tp + fp), tp / (tp + fn), 2 tp / (2 tp + fp + fn), over all outputs; 0 where nothing is divided |
/// | [`auc`](Self::auc) | the share of pairs of a positive and a negative output that are in the right order; half of those that are equal. NaN without such a pair |
/// | [`mean_absolute_error`](Self::mean_absolute_error), [`mean_squared_error`](Self::mean_squared_error), [`root_mean_squared_error`](Self::root_mean_squared_error) | of the differences |
///
/// A masked row does not count. As Keras' `metrics`, a metric does not see the weights of samples and classes; a
/// [`weighted`](Self::weighted) one does, as those of `weighted_metrics`. Means are divided by the sum of what the rows count.
/// Sums are in `f64`. Source: `keras.metrics`; [`auc`](Self::auc) is exact, where Keras counts at 200 thresholds.
///
/// ```
/// use ndarray::{Array2, Array3, array};
/// use recurrent::train::{Adam, Batch, Loss, Metric, Training};
/// use recurrent::{Activation, Dense, Layer, Lstm, Model};
/// let head = Dense::from_weights(Array2::zeros((4, 1)), array![0.1])?;
/// let model = Model::<f32>::new()
///     .add(Layer::new(Lstm::builder(2, 4).build()?))
///     .add(head.with_activation(Activation::Sigmoid)?);
/// let training = Training::of(model).loss(Loss::binary_crossentropy());
/// let training = training.optimizer(Adam::keras(1e-3)).build()?;
/// let (x, y) = (Array3::ones((4, 3, 2)), array![[1.0], [1.0], [1.0], [0.0]]);
/// let found = training.evaluate(&Batch::new(&x, &y)).metric(Metric::accuracy()).run()?;
/// assert_eq!(found.get("accuracy"), Some(0.75));
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Metric {
    kind: Kind,
    name: String,
    output: usize,
    threshold: f64,
    is_weighted: bool,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Accuracy,
    Binary,
    Categorical,
    Sparse,
    TopK(usize),
    Precision,
    Recall,
    F1,
    Auc,
    Absolute,
    Squared,
    RootSquared,
}

impl Metric {
    fn new(kind: Kind, name: &str) -> Self {
        Metric {
            kind,
            name: name.into(),
            output: 0,
            threshold: 0.5,
            is_weighted: false,
        }
    }

    /// The accuracy that fits the outputs and the target. Source: the metric `"accuracy"` of Keras.
    pub fn accuracy() -> Self {
        Self::new(Kind::Accuracy, "accuracy")
    }

    /// The share of outputs that are above the threshold where the target is 1, and not where it is 0.
    pub fn binary_accuracy() -> Self {
        Self::new(Kind::Binary, "binary_accuracy")
    }

    /// How often the largest output stands where the largest number of the target stands.
    pub fn categorical_accuracy() -> Self {
        Self::new(Kind::Categorical, "categorical_accuracy")
    }

    /// How often the largest output is that of the label.
    pub fn sparse_categorical_accuracy() -> Self {
        Self::new(Kind::Sparse, "sparse_categorical_accuracy")
    }

    /// How often fewer than `k` outputs are larger than that of the class, which is a label or a row. Keras' default is 5.
    pub fn top_k_accuracy(k: usize) -> Self {
        Self::new(Kind::TopK(k), "top_k_accuracy")
    }

    /// The share of what is above the threshold that is positive.
    pub fn precision() -> Self {
        Self::new(Kind::Precision, "precision")
    }

    /// The share of what is positive that is above the threshold.
    pub fn recall() -> Self {
        Self::new(Kind::Recall, "recall")
    }

    /// The harmonic mean of [`precision`](Self::precision) and [`recall`](Self::recall).
    pub fn f1() -> Self {
        Self::new(Kind::F1, "f1")
    }

    /// The area under the curve of true positives over false positives.
    pub fn auc() -> Self {
        Self::new(Kind::Auc, "auc")
    }

    /// The mean of |y - ŷ|.
    pub fn mean_absolute_error() -> Self {
        Self::new(Kind::Absolute, "mean_absolute_error")
    }

    /// The mean of (y - ŷ)².
    pub fn mean_squared_error() -> Self {
        Self::new(Kind::Squared, "mean_squared_error")
    }

    /// The root of the mean of (y - ŷ)².
    pub fn root_mean_squared_error() -> Self {
        Self::new(Kind::RootSquared, "root_mean_squared_error")
    }

    /// Sets the number that positive outputs are above: 0.5 by default, 0 for scores of a sigmoid.
    pub fn threshold(mut self, threshold: f64) -> Self {
        self.threshold = threshold;
        self
    }

    /// Judges this output of the model; the first one, 0, by default.
    pub fn of_output(mut self, output: usize) -> Self {
        self.output = output;
        self
    }

    /// Counts each row with the weight of its sample and class: one of Keras' `weighted_metrics`.
    pub fn weighted(mut self) -> Self {
        self.is_weighted = true;
        self
    }

    /// Sets the name that stands in a [`History`](super::History): that of the metric by default.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Counts the output of a batch that it judges. As in a loss, the mask that arrives there holds unless the target has one.
    pub(super) fn count<A: Element>(
        &self,
        tally: &mut Tally,
        outputs: &[Tensor<A>],
        targets: &[Target<A>],
    ) -> Result<()> {
        let (Some(output), Some(target)) = (outputs.get(self.output), targets.get(self.output))
        else {
            return Ok(()); // `check` refused it
        };
        let mut target = target.reborrow();
        if let Some(mask) = &output.mask
            && target.mask.is_none()
            && target.lengths.is_none()
        {
            target.mask = Some(mask.view().into_dyn());
        }
        tally.add(self, &output.values, &target)
    }

    /// Refuses what is out of its range, for a model with this number of outputs.
    pub(super) fn check(&self, outputs: usize) -> Result<()> {
        if self.output >= outputs {
            let expected = alloc::format!("below {outputs}, the number of outputs");
            return Err(Error::value("output of a metric", expected, self.output));
        }
        if self.kind == Kind::TopK(0) {
            return Err(Error::value("k of top_k_accuracy", "at least 1", 0));
        }
        if self.threshold.is_nan() {
            return Err(Error::value(
                "threshold of a metric",
                "a number",
                self.threshold,
            ));
        }
        Ok(())
    }
}

/// Refuses metrics that cannot be told apart.
pub(super) fn check_all(metrics: &[Metric], outputs: usize) -> Result<()> {
    for (at, metric) in metrics.iter().enumerate() {
        metric.check(outputs)?;
        if metrics[..at].iter().any(|other| other.name == metric.name) {
            let expected = "one for each metric: see `Metric::named`";
            return Err(Error::value(
                "name",
                expected,
                alloc::format!("two of {:?}", metric.name),
            ));
        }
    }
    Ok(())
}
