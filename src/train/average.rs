//! `Ema`: moving averages of the weights.

use super::check::{at_least_one, share};
use super::setters::setters;
use crate::error::Result;

/// Exponential moving averages of the weights, which an optimiser keeps beside them.
///
/// After the first update an average is the weight. After each later one, before the constraint:
///
/// ```text
/// average = momentum · average + (1 - momentum) · weight
/// ```
/// Every `overwrite_frequency` updates the weights become their averages. Without one they do when the user says so:
/// [`Optimizer::overwrite_with_averages`](crate::train::Optimizer::overwrite_with_averages), which Keras' `fit` does at its
/// end. Source: `use_ema`, `ema_momentum` and `ema_overwrite_frequency` of `keras.optimizers.Optimizer`.
///
/// A weight without a gradient keeps its average. In Keras, averages move at every call while gradients are accumulated; here
/// they move with the updates.
///
/// ```
/// use recurrent::train::{Adam, Ema, Optimizer};
/// let ema = Ema::new().momentum(0.999).overwrite_frequency(100);
/// let optimizer = Optimizer::<f32>::of(Adam::keras(1e-3)).use_ema(ema).build()?;
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ema {
    momentum: f64,
    overwrite_frequency: Option<u64>,
}

impl Default for Ema {
    fn default() -> Self {
        Self::new()
    }
}

impl Ema {
    /// Keras' defaults: a momentum of 0.99, and weights that are not overwritten.
    pub fn new() -> Self {
        Ema {
            momentum: 0.99,
            overwrite_frequency: None,
        }
    }

    setters! {
        /// The share of the average that stays in each update, from 0 to 1. Default: 0.99.
        momentum: f64,
    }

    /// After how many updates the weights become their averages, again and again.
    #[must_use]
    pub fn overwrite_frequency(mut self, updates: u64) -> Self {
        self.overwrite_frequency = Some(updates);
        self
    }

    pub(crate) fn check(self) -> Result<()> {
        share("ema_momentum", self.momentum)?;
        at_least_one(
            "ema_overwrite_frequency",
            self.overwrite_frequency.unwrap_or(1),
        )
    }

    /// What stays of the average in update `t`, which is counted from 1.
    pub(crate) fn momentum_at(self, t: u64) -> f64 {
        if t > 1 { self.momentum } else { 0.0 }
    }

    /// Whether weights become their averages after update `t`, which is counted from 1.
    pub(crate) fn overwrites_at(self, t: u64) -> bool {
        self.overwrite_frequency
            .is_some_and(|updates| t.is_multiple_of(updates))
    }
}
