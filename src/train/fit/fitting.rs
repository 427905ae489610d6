//! `Fitting`: how far a training is.

use super::early_stopping::EarlyStopping;
use super::history::Epoch;
use crate::ModelState;
use crate::error::{Error, Result};
use crate::train::ReduceOnPlateau;
use crate::train::metric::{Metric, Tally};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::ArrayD;

/// How far a training is, between two of its steps. What a resumed one goes on from.
#[derive(Clone, Debug)]
pub struct Fitting<A> {
    pub epoch: u64,
    /// The steps of this epoch that were taken.
    pub steps: u64,
    pub sums: Sums,
    /// The state that the next window of a series goes on from.
    pub carried: Option<ModelState>,
    pub history: Vec<Epoch>,
    pub best: Option<f64>,
    pub best_epoch: Option<u64>,
    /// The number of epochs since the best one.
    pub wait: u64,
    pub best_weights: Option<Vec<(String, ArrayD<A>)>>,
    pub plateau: Option<ReduceOnPlateau>,
}

impl<A> Default for Fitting<A> {
    fn default() -> Self {
        Fitting {
            epoch: 0,
            steps: 0,
            sums: Sums::default(),
            carried: None,
            history: Vec::new(),
            best: None,
            best_epoch: None,
            wait: 0,
            best_weights: None,
            plateau: None,
        }
    }
}

/// What was summed over the batches of an epoch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sums {
    pub loss: f64,
    pub losses: Vec<f64>,
    /// The weights of the batches.
    pub weight: f64,
    pub norms: f64,
    pub tallies: Vec<Tally>,
}

impl Sums {
    /// Nothing yet, of this number of metrics.
    pub fn new(metrics: usize) -> Self {
        Sums {
            tallies: vec![Tally::default(); metrics],
            ..Sums::default()
        }
    }

    /// Adds the losses of a batch of this weight.
    pub fn add(&mut self, loss: f64, losses: &[f64], weight: f64) {
        self.loss += loss * weight;
        self.losses.resize(losses.len(), 0.0);
        let pairs = self.losses.iter_mut().zip(losses);
        pairs.for_each(|(sum, loss)| *sum += loss * weight);
        self.weight += weight;
    }

    pub fn loss(&self) -> f64 {
        self.loss / self.weight
    }

    pub fn losses(&self) -> Vec<f64> {
        self.losses.iter().map(|loss| loss / self.weight).collect()
    }

    /// The metrics by name, after this beginning.
    pub fn metrics(&self, metrics: &[Metric], before: &str) -> Vec<(String, f64)> {
        let both = metrics.iter().zip(&self.tallies);
        let named = |(metric, tally): (&Metric, &Tally)| {
            (format!("{before}{}", metric.name()), tally.value(metric))
        };
        both.map(named).collect()
    }
}

impl<A> Fitting<A> {
    /// What the epoch that ends here gave, without its validation.
    pub fn epoch(&self, metrics: &[Metric]) -> Epoch {
        Epoch {
            epoch: self.epoch,
            steps: self.steps,
            loss: self.sums.loss(),
            losses: self.sums.losses(),
            metrics: self.sums.metrics(metrics, ""),
            gradient_norm: self.sums.norms / self.steps as f64,
            ..Epoch::default()
        }
    }

    /// Takes the value of an epoch that is watched; returns whether its weights are to be kept.
    pub fn watch(&mut self, stopping: &EarlyStopping, epoch: &Epoch) -> Result<bool> {
        if !stopping.watches(epoch.epoch) {
            return Ok(false);
        }
        let value = value_of(epoch, &stopping.monitor)?;
        if stopping.is_better(value, self.best) {
            (self.best, self.best_epoch, self.wait) = (Some(value), Some(epoch.epoch), 0);
            return Ok(true);
        }
        self.wait += 1;
        // Keras keeps those of the first epoch, whatever its value is.
        Ok(self.best_weights.is_none())
    }
}

/// A value of an epoch that is watched.
pub fn value_of(epoch: &Epoch, name: &str) -> Result<f64> {
    epoch.get(name).ok_or_else(|| {
        let expected = format!("one of {}", epoch.names().join(", "));
        Error::value("value to monitor", expected, format!("{name:?}"))
    })
}
