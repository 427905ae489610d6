//! `ReduceOnPlateau`: lowers a rate when a value does not get better.

use super::check::{check, not_negative};
use super::setters::setters;
use crate::error::Result;

/// Lowers the learning rate when a value, such as the loss of a validation, has not got better for some epochs.
///
/// A value is better than the best if it is below it by more than `min_delta` (with [`rising`](Self::rising), above it). After
/// `patience` values in a row that are not, the rate is multiplied with `factor`, down to `min_lr`, and `cooldown` values are
/// not counted. Source: `keras.callbacks.ReduceLROnPlateau`. A value that is NaN is not better.
///
/// ```
/// use recurrent::train::ReduceOnPlateau;
/// let mut plateau = ReduceOnPlateau::new().factor(0.5).patience(2);
/// let mut rate = 0.1;
/// for loss in [3.0, 2.0, 2.5, 2.5] {
///     rate = plateau.observe(loss, rate)?; // or optimizer.set_learning_rate(plateau.observe(loss, optimizer.learning_rate())?)?
/// }
/// assert_eq!(rate, 0.05);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ReduceOnPlateau {
    factor: f64,
    patience: u64,
    min_delta: f64,
    cooldown: u64,
    min_lr: f64,
    rising: bool,
    best: Option<f64>,
    wait: u64,
    cooling: u64,
}

/// What a [`ReduceOnPlateau`] consists of, to be stored.
#[cfg(feature = "saved")]
pub(super) struct Parts {
    /// The factor, the least difference and the lowest rate.
    pub numbers: [f64; 3],
    /// The patience and the cooldown, and how far both are.
    pub counts: [u64; 4],
    pub rising: bool,
    pub best: Option<f64>,
}

#[cfg(feature = "saved")]
impl ReduceOnPlateau {
    pub(super) fn parts(&self) -> Parts {
        Parts {
            numbers: [self.factor, self.min_delta, self.min_lr],
            counts: [self.patience, self.cooldown, self.wait, self.cooling],
            rising: self.rising,
            best: self.best,
        }
    }

    pub(super) fn of_parts(parts: Parts) -> Self {
        let ([factor, min_delta, min_lr], [patience, cooldown, wait, cooling]) =
            (parts.numbers, parts.counts);
        ReduceOnPlateau {
            factor,
            patience,
            min_delta,
            cooldown,
            min_lr,
            rising: parts.rising,
            best: parts.best,
            wait,
            cooling,
        }
    }
}

impl Default for ReduceOnPlateau {
    fn default() -> Self {
        Self::new()
    }
}

impl ReduceOnPlateau {
    /// Keras' defaults: a tenth of the rate after 10 values that are not better by 0.0001.
    pub fn new() -> Self {
        ReduceOnPlateau {
            factor: 0.1,
            patience: 10,
            min_delta: 1e-4,
            cooldown: 0,
            min_lr: 0.0,
            rising: false,
            best: None,
            wait: 0,
            cooling: 0,
        }
    }

    setters! {
        /// What the rate is multiplied with: 0 or more, below 1. Default: 0.1.
        factor: f64,
        /// The number of values in a row that are not better, until the rate falls. Default: 10.
        patience: u64,
        /// By how much a value has to be better. Default: 0.0001.
        min_delta: f64,
        /// The number of values after a fall that are not counted. Default: 0.
        cooldown: u64,
        /// The lowest rate. Default: 0.
        min_lr: f64,
        /// Whether higher values are better, as for an accuracy. Default: `false`.
        rising: bool,
    }

    /// Takes the next value, and returns the rate that follows from it and from the rate so far. Returns an error, and has
    /// seen nothing, if an option or the rate is not finite or negative, or `factor` is 1 or more.
    pub fn observe(&mut self, value: f64, learning_rate: f64) -> Result<f64> {
        let is_below = (0.0..1.0).contains(&self.factor);
        check(is_below, "factor", "0 or more, below 1", self.factor)?;
        not_negative("min_delta", self.min_delta)?;
        not_negative("min_lr", self.min_lr)?;
        not_negative("learning_rate", learning_rate)?;
        if self.cooling > 0 {
            self.cooling -= 1;
            self.wait = 0;
        }
        let is_better = match self.best {
            None => !value.is_nan(),
            Some(best) if self.rising => value - self.min_delta > best,
            Some(best) => value + self.min_delta < best,
        };
        if is_better {
            self.best = Some(value);
            self.wait = 0;
        } else if self.cooling == 0 {
            self.wait += 1;
            if self.wait >= self.patience && learning_rate > self.min_lr {
                self.cooling = self.cooldown;
                self.wait = 0;
                return Ok((learning_rate * self.factor).max(self.min_lr));
            }
        }
        Ok(learning_rate)
    }
}
