//! `History`: what a training was like, epoch by epoch.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// What an epoch gave. Its `Display` is a line as Keras writes it.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Epoch {
    /// The number of the epoch, from 0.
    pub epoch: u64,
    /// The number of steps.
    pub steps: u64,
    /// The mean loss of the batches, each weighted by its samples. As in Keras, each batch was seen by the weights before its
    /// step, with dropout.
    pub loss: f64,
    /// The loss of each output, without its weight.
    pub losses: Vec<f64>,
    /// The metrics of the same outputs, by name.
    pub metrics: Vec<(String, f64)>,
    /// The loss of the validation, by the weights at the end of the epoch.
    pub val_loss: Option<f64>,
    /// The metrics of the validation; their names begin with `val_`.
    pub val_metrics: Vec<(String, f64)>,
    /// The learning rate at the end of the epoch.
    pub learning_rate: f64,
    /// The mean of the norms of the gradients, before they were clipped.
    pub gradient_norm: f64,
}

impl Epoch {
    /// A value by its name: `loss`, `val_loss`, `learning_rate`, `gradient_norm`, that of a metric, or `val_` and that.
    pub fn get(&self, name: &str) -> Option<f64> {
        match name {
            "loss" => Some(self.loss),
            "val_loss" => self.val_loss,
            "learning_rate" => Some(self.learning_rate),
            "gradient_norm" => Some(self.gradient_norm),
            _ => {
                let mut all = self.metrics.iter().chain(&self.val_metrics);
                all.find(|(of, _)| of == name).map(|(_, value)| *value)
            }
        }
    }

    /// The names that [`get`](Self::get) knows.
    pub(super) fn names(&self) -> Vec<&str> {
        let mut names = Vec::from(["loss", "learning_rate", "gradient_norm"]);
        names.extend(self.val_loss.map(|_| "val_loss"));
        let metrics = self.metrics.iter().chain(&self.val_metrics);
        names.extend(metrics.map(|(name, _)| name.as_str()));
        names
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epoch {}: loss {:.4}", self.epoch + 1, self.loss)?;
        for (name, value) in &self.metrics {
            write!(f, ", {name} {value:.4}")?;
        }
        if let Some(loss) = self.val_loss {
            write!(f, ", val_loss {loss:.4}")?;
        }
        for (name, value) in &self.val_metrics {
            write!(f, ", {name} {value:.4}")?;
        }
        Ok(())
    }
}

/// Why a training ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// After its last epoch.
    #[default]
    Epochs,
    /// By its [`EarlyStopping`](super::EarlyStopping).
    Early,
    /// By a function that returned [`Go::Stop`](super::Go::Stop).
    Stopped,
    /// At its deadline.
    Deadline,
}

/// What a training was like: [`Fit::run`](super::Fit::run) returns it. Its `Display` has a line for each epoch.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct History {
    /// The epochs that were finished.
    pub epochs: Vec<Epoch>,
    /// Why it ended.
    pub ended: Ended,
    /// The epoch with the best value, if there was an [`EarlyStopping`](super::EarlyStopping).
    pub best_epoch: Option<u64>,
}

impl History {
    /// A value of every epoch, by its name: see [`Epoch::get`]. `None` if an epoch does not have it.
    pub fn get(&self, name: &str) -> Option<Vec<f64>> {
        self.epochs.iter().map(|epoch| epoch.get(name)).collect()
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.epochs.iter().map(|epoch| format!("{epoch}")).collect();
        f.write_str(&lines.join("\n"))
    }
}
