//! `LearningRate`: a constant rate, or one that depends on the number of updates.

use super::check::{at_least_one, check, not_negative, positive};
use crate::error::{Error, Result};
use alloc::format;
use alloc::vec::Vec;
use core::f64::consts::PI;

/// The learning rate of an optimiser: a constant, or a schedule of the number of updates so far, which is 0 at the first.
/// Where gradients are accumulated, a schedule counts the calls, as in Keras.
///
/// A number or a schedule turns into a `LearningRate` where an optimiser takes one. Rates are computed in `f64`.
///
/// ```
/// use recurrent::train::{Adam, CosineDecay, LearningRate};
/// let constant = Adam::keras(1e-3);
/// let falling = Adam::keras(CosineDecay::new(1e-3, 1000));
/// assert_eq!(LearningRate::from(CosineDecay::new(0.2, 10)).at(5), 0.1);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LearningRate {
    /// The same rate at every update.
    Constant(f64),
    /// A rate that falls by a factor.
    ExponentialDecay(ExponentialDecay),
    /// A rate that changes at given updates.
    PiecewiseConstantDecay(PiecewiseConstantDecay),
    /// A rate that falls along half a cosine.
    CosineDecay(CosineDecay),
}

impl LearningRate {
    /// The rate of the update after `step` updates. Infinite or NaN only if the rates themselves are.
    pub fn at(&self, step: u64) -> f64 {
        match self {
            LearningRate::Constant(rate) => *rate,
            LearningRate::ExponentialDecay(schedule) => schedule.at(step),
            LearningRate::PiecewiseConstantDecay(schedule) => schedule.at(step),
            LearningRate::CosineDecay(schedule) => schedule.at(step),
        }
    }

    /// Refuses a rate that is negative or not finite, and schedules that have one or divide by 0.
    pub(crate) fn check(&self) -> Result<()> {
        match self {
            LearningRate::Constant(rate) => not_negative("learning_rate", *rate),
            LearningRate::ExponentialDecay(schedule) => schedule.check(),
            LearningRate::PiecewiseConstantDecay(schedule) => schedule.check(),
            LearningRate::CosineDecay(schedule) => schedule.check(),
        }
    }
}

impl From<f64> for LearningRate {
    fn from(rate: f64) -> Self {
        LearningRate::Constant(rate)
    }
}

macro_rules! schedule {
    ($schedule:ident) => {
        impl From<$schedule> for LearningRate {
            fn from(schedule: $schedule) -> Self {
                LearningRate::$schedule(schedule)
            }
        }
    };
}
schedule!(ExponentialDecay);
schedule!(PiecewiseConstantDecay);
schedule!(CosineDecay);

/// A rate that is multiplied with `decay_rate` in every `decay_steps` updates:
///
/// ```text
/// rate(step) = initial_learning_rate · decay_rate ^ (step / decay_steps)        staircase: the exponent rounded down
/// ```
/// Source: `keras.optimizers.schedules.ExponentialDecay`. An optimiser with a factor that is not positive, with a negative
/// rate or with no steps cannot be built.
///
/// ```
/// use recurrent::train::{ExponentialDecay, LearningRate};
/// let rate = LearningRate::from(ExponentialDecay::new(0.1, 10, 0.5).staircase(true));
/// assert_eq!([rate.at(0), rate.at(9), rate.at(10)], [0.1, 0.1, 0.05]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ExponentialDecay {
    initial_learning_rate: f64,
    decay_steps: u64,
    decay_rate: f64,
    staircase: bool,
}

impl ExponentialDecay {
    /// A rate that falls smoothly.
    pub fn new(initial_learning_rate: f64, decay_steps: u64, decay_rate: f64) -> Self {
        ExponentialDecay {
            initial_learning_rate,
            decay_steps,
            decay_rate,
            staircase: false,
        }
    }

    /// Whether the rate falls at every `decay_steps`-th update only.
    #[must_use]
    pub fn staircase(mut self, staircase: bool) -> Self {
        self.staircase = staircase;
        self
    }

    fn at(&self, step: u64) -> f64 {
        let power = step as f64 / self.decay_steps as f64;
        let power = if self.staircase {
            libm::floor(power)
        } else {
            power
        };
        self.initial_learning_rate * libm::pow(self.decay_rate, power)
    }

    fn check(&self) -> Result<()> {
        not_negative("initial_learning_rate", self.initial_learning_rate)?;
        at_least_one("decay_steps", self.decay_steps)?;
        positive("decay_rate", self.decay_rate)
    }
}

/// A rate that is `values[i]` while `step <= boundaries[i]`, and the last of the values after the last boundary.
///
/// Source: `keras.optimizers.schedules.PiecewiseConstantDecay`. An optimiser cannot be built with boundaries that do not
/// ascend, without exactly one value more than boundaries, or with a negative value.
///
/// ```
/// use recurrent::train::{LearningRate, PiecewiseConstantDecay};
/// let rate = LearningRate::from(PiecewiseConstantDecay::new([2], [0.1, 0.01]));
/// assert_eq!([rate.at(0), rate.at(2), rate.at(3)], [0.1, 0.1, 0.01]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct PiecewiseConstantDecay {
    boundaries: Vec<u64>,
    values: Vec<f64>,
}

impl PiecewiseConstantDecay {
    /// The numbers of updates at which the rate changes, and the rates.
    pub fn new(
        boundaries: impl IntoIterator<Item = u64>,
        values: impl IntoIterator<Item = f64>,
    ) -> Self {
        PiecewiseConstantDecay {
            boundaries: boundaries.into_iter().collect(),
            values: values.into_iter().collect(),
        }
    }

    fn at(&self, step: u64) -> f64 {
        let part = self.boundaries.iter().filter(|&&end| step > end).count();
        self.values.get(part).copied().unwrap_or(f64::NAN)
    }

    fn check(&self) -> Result<()> {
        let (boundaries, values) = (&self.boundaries, &self.values);
        if !boundaries.is_sorted_by(|a, b| a < b) {
            let found = format!("{boundaries:?}");
            return Err(Error::value("boundaries", "ascending ones", found));
        }
        if values.len() != boundaries.len() + 1 {
            let expected = format!("{}, one more than boundaries", boundaries.len() + 1);
            return Err(Error::value("number of values", expected, values.len()));
        }
        values
            .iter()
            .try_for_each(|&value| not_negative("values", value))
    }
}

/// A rate that falls along half a cosine to `alpha` times its start, perhaps after a linear warm-up:
///
/// ```text
/// step < warmup_steps:   rate = initial + (warmup_target - initial) · step / warmup_steps
/// else, with done = min(step - warmup_steps, decay_steps) / decay_steps and start = warmup_target, or initial without one:
///                        rate = start · ((1 - alpha) · (1 + cos(π · done)) / 2 + alpha)
/// ```
/// Source: `keras.optimizers.schedules.CosineDecay`. An optimiser cannot be built with a negative rate or `alpha`, or with
/// no steps.
///
/// ```
/// use recurrent::train::{CosineDecay, LearningRate};
/// let rate = LearningRate::from(CosineDecay::new(0.0, 100).warmup(10, 0.5).alpha(0.1));
/// assert_eq!([rate.at(0), rate.at(5), rate.at(10), rate.at(1000)], [0.0, 0.25, 0.5, 0.05]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CosineDecay {
    initial_learning_rate: f64,
    decay_steps: u64,
    alpha: f64,
    /// The number of updates and the rate after them.
    warmup: Option<(u64, f64)>,
}

impl CosineDecay {
    /// A rate that falls to 0 in `decay_steps` updates.
    pub fn new(initial_learning_rate: f64, decay_steps: u64) -> Self {
        CosineDecay {
            initial_learning_rate,
            decay_steps,
            alpha: 0.0,
            warmup: None,
        }
    }

    /// The last rate, as a share of the first.
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// Rises from the initial rate to `warmup_target` in `warmup_steps` updates first.
    #[must_use]
    pub fn warmup(mut self, warmup_steps: u64, warmup_target: f64) -> Self {
        self.warmup = Some((warmup_steps, warmup_target));
        self
    }

    fn at(&self, step: u64) -> f64 {
        let initial = self.initial_learning_rate;
        let (warmup_steps, start) = self.warmup.unwrap_or((0, initial));
        if step < warmup_steps {
            return initial + (start - initial) * (step as f64 / warmup_steps as f64);
        }
        let done = (step - warmup_steps).min(self.decay_steps);
        let done = done as f64 / self.decay_steps as f64;
        let falling = 0.5 * (1.0 + libm::cos(PI * done));
        start * ((1.0 - self.alpha) * falling + self.alpha)
    }

    fn check(&self) -> Result<()> {
        not_negative("initial_learning_rate", self.initial_learning_rate)?;
        at_least_one("decay_steps", self.decay_steps)?;
        let alpha = self.alpha;
        check(
            alpha.is_finite() && alpha >= 0.0,
            "alpha",
            "a finite number, 0 or more",
            alpha,
        )?;
        let target = self.warmup.map_or(0.0, |(_, target)| target);
        not_negative("warmup_target", target)
    }
}
