//! `Evaluate`: the losses and metrics of a model on data, as in inference.

use super::fitting::Sums;
use super::order::Order;
use super::pieces::Pieces;
use crate::Element;
use crate::error::{Error, Result};
use crate::train::examples::Rows;
use crate::train::metric::check_all;
use crate::train::{Batch, Metric, Training};
use alloc::string::String;
use alloc::vec::Vec;

/// What an evaluation found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Evaluation {
    /// The mean loss of the batches, each weighted by its samples.
    pub loss: f64,
    /// The loss of each output, without its weight.
    pub losses: Vec<f64>,
    /// The metrics by name.
    pub metrics: Vec<(String, f64)>,
}

impl Evaluation {
    /// A metric by its name, or `loss`.
    pub fn get(&self, name: &str) -> Option<f64> {
        if name == "loss" {
            return Some(self.loss);
        }
        let mut metrics = self.metrics.iter();
        metrics.find(|(of, _)| of == name).map(|(_, value)| *value)
    }
}

/// An evaluation of a [`Training`]: [`Training::evaluate`] starts it, [`run`](Self::run) does it. The model runs as in inference.
#[must_use = "nothing is evaluated until `run`"]
pub struct Evaluate<'t, A: Element> {
    training: &'t Training<A>,
    data: &'t dyn Rows<A>,
    batch_size: usize,
    pieces: Pieces,
    metrics: Vec<Metric>,
}

impl<A: Element> Training<A> {
    /// Starts an evaluation of the model as it is now: Keras' `evaluate`.
    ///
    /// ```
    /// use ndarray::{Array2, Array3};
    /// use recurrent::train::{Adam, Batch, Loss, Metric, Training};
    /// use recurrent::{Layer, Lstm, Model};
    /// let model = Model::<f32>::new().add(Layer::new(Lstm::builder(2, 1).build()?));
    /// let training = Training::of(model).loss(Loss::mean_squared_error());
    /// let training = training.optimizer(Adam::keras(1e-3)).build()?;
    /// let (x, y) = (Array3::ones((100, 5, 2)), Array2::zeros((100, 1)));
    /// let found = training.evaluate(&Batch::new(&x, &y)).metric(Metric::mean_absolute_error()).run()?;
    /// assert!((found.loss - found.get("mean_absolute_error").unwrap().powi(2)).abs() < 1e-6);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn evaluate<'t>(&'t self, data: &'t Batch<'_, A>) -> Evaluate<'t, A> {
        Evaluate {
            training: self,
            data,
            batch_size: 32,
            pieces: Pieces::default(),
            metrics: Vec::new(),
        }
    }
}

impl<A: Element> Evaluate<'_, A> {
    /// The number of samples that run together; 32 by default. It changes a loss of masked samples: each batch has a mean of its
    /// own.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = batch_size;
        self
    }

    /// Runs the samples of a batch in windows of this number of timesteps: see [`Fit::windows`](super::Fit::windows).
    pub fn windows(mut self, timesteps: usize) -> Self {
        self.pieces.window = Some(timesteps);
        self
    }

    /// Runs the first timesteps of every sample for the state alone: see [`Fit::burn_in`](super::Fit::burn_in).
    pub fn burn_in(mut self, timesteps: usize) -> Self {
        self.pieces.burn_in = timesteps;
        self
    }

    /// Also computes this metric. It may be called several times.
    pub fn metric(mut self, metric: Metric) -> Self {
        self.metrics.push(metric);
        self
    }

    /// Runs it. Returns an error if the data does not fit the model, its losses or a metric, if there is no sample, or if a loss is
    /// not finite.
    pub fn run(&self) -> Result<Evaluation> {
        let samples: Vec<usize> = (0..self.data.check()?).collect();
        check_all(&self.metrics, self.training.outputs())?;
        self.pieces.check()?;
        if self.batch_size == 0 {
            return Err(Error::value("batch_size", "at least 1", 0));
        }
        let sums = evaluated(
            self.training,
            (self.data, &samples),
            self.batch_size,
            self.pieces,
            &self.metrics,
        )?;
        Ok(Evaluation {
            loss: sums.loss(),
            losses: sums.losses(),
            metrics: sums.metrics(&self.metrics, ""),
        })
    }
}

/// Evaluates these samples of the data.
pub fn evaluated<A: Element>(
    training: &Training<A>,
    (data, samples): (&dyn Rows<A>, &[usize]),
    batch_size: usize,
    pieces: Pieces,
    metrics: &[Metric],
) -> Result<Sums> {
    let order = Order {
        samples,
        batch_size,
        shuffle: None,
        lengths: None,
    };
    let mut sums = Sums::new(metrics.len());
    for rows in order.batches(0) {
        // As in Keras, classes have no weights here.
        let examples = data.examples(&rows).without_class_weights();
        let mut state = None;
        pieces.each(examples, |_, piece, burn_in, weight| {
            let mut batch = piece.batch().burn_in(burn_in);
            batch.state = state.take();
            let (loss, losses, outputs, ends) = training.losses(&batch)?;
            sums.add(loss, &losses, weight);
            for (metric, tally) in metrics.iter().zip(&mut sums.tallies) {
                metric.count(tally, &outputs, &batch.targets)?;
            }
            state = pieces.window.is_some().then_some(ends);
            Ok(true)
        })?;
    }
    Ok(sums)
}
