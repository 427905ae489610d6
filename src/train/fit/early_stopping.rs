//! `EarlyStopping`: ends a training that no longer gets better.

use crate::error::{Error, Result};
use alloc::string::String;

/// Ends a training when a value of its epochs has not got better for some of them.
///
/// A value is better than the best one if it is below it by more than `min_delta` (with [`rising`](Self::rising), above it). The
/// training ends after an epoch, but not the first one, when `patience` epochs in a row were not better. NaN is never better.
/// Source: `keras.callbacks.EarlyStopping`.
///
/// ```
/// use recurrent::train::EarlyStopping;
/// let stopping = EarlyStopping::new().patience(5).restore_best_weights(true);
/// let of_accuracy = EarlyStopping::new().monitor("val_accuracy").rising(true);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct EarlyStopping {
    pub(super) monitor: String,
    patience: u64,
    min_delta: f64,
    rising: bool,
    start_from_epoch: u64,
    pub(super) restore_best_weights: bool,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self::new()
    }
}

impl EarlyStopping {
    /// Watches `val_loss`, with a patience of 0, and keeps the last weights: Keras' defaults.
    pub fn new() -> Self {
        EarlyStopping {
            monitor: "val_loss".into(),
            patience: 0,
            min_delta: 0.0,
            rising: false,
            start_from_epoch: 0,
            restore_best_weights: false,
        }
    }

    /// The value that is watched, by its name in a [`History`](crate::train::History): `val_loss` by default.
    pub fn monitor(mut self, name: impl Into<String>) -> Self {
        self.monitor = name.into();
        self
    }

    /// The number of epochs in a row that may be no better.
    pub fn patience(mut self, patience: u64) -> Self {
        self.patience = patience;
        self
    }

    /// By how much a value has to be better; 0 by default.
    pub fn min_delta(mut self, min_delta: f64) -> Self {
        self.min_delta = min_delta;
        self
    }

    /// Whether higher values are better, as for an accuracy; `false` by default.
    pub fn rising(mut self, yes: bool) -> Self {
        self.rising = yes;
        self
    }

    /// The first epoch, counted from 0, that is watched.
    pub fn start_from_epoch(mut self, epoch: u64) -> Self {
        self.start_from_epoch = epoch;
        self
    }

    /// Whether the model ends with the weights of its best epoch, also if the training was not ended early; `false` by default.
    pub fn restore_best_weights(mut self, yes: bool) -> Self {
        self.restore_best_weights = yes;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.min_delta.is_finite() && self.min_delta >= 0.0 {
            return Ok(());
        }
        let expected = "a finite number, 0 or more";
        Err(Error::value("min_delta", expected, self.min_delta))
    }

    /// Whether this epoch is watched.
    pub(super) fn watches(&self, epoch: u64) -> bool {
        epoch >= self.start_from_epoch
    }

    /// Whether a value is better than the best one so far.
    pub(super) fn is_better(&self, value: f64, best: Option<f64>) -> bool {
        match best {
            None => !value.is_nan(),
            Some(best) if self.rising => value - self.min_delta > best,
            Some(best) => value + self.min_delta < best,
        }
    }

    /// Whether a training ends that has this number of epochs, the last of which were no better.
    pub(super) fn ends(&self, epochs: u64, wait: u64) -> bool {
        wait >= self.patience && wait > 0 && epochs > 1
    }
}
