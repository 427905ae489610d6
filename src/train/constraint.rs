//! `Constraint`: what weights are brought to after each update.

use super::check::{check, not_negative, share};
use crate::Element;
use crate::error::{Error, Result};
use alloc::format;
use alloc::vec::Vec;
use ndarray::{ArrayD, Axis, Zip};

/// What the norm is divided by where it is 0: `keras.backend.epsilon()`.
const EPSILON: f64 = 1e-7;

/// A bound that a weight is brought to after each update of an optimiser.
///
/// | constraint | the weight becomes |
/// | --- | --- |
/// | [`max_norm`](Self::max_norm) | w · clip(norm, 0, max_value) / (10⁻⁷ + norm) |
/// | [`min_max_norm`](Self::min_max_norm) | w · (rate · clip(norm, min_value, max_value) + (1 - rate) · norm) / (10⁻⁷ + norm) |
/// | [`unit_norm`](Self::unit_norm) | w / (10⁻⁷ + norm) |
/// | [`non_neg`](Self::non_neg) | max(w, 0) |
///
/// The norm is √(Σ w²) over the axes of [`axis`](Self::axis). Axis 0, the default, gives the column of each unit of a kernel
/// (features, units) a norm of its own. The 10⁻⁷ also shrinks weights below the limit, as in Keras. Norms are summed in `f64`.
/// Source: `keras.constraints.MaxNorm`, `MinMaxNorm`, `UnitNorm` and `NonNeg`.
///
/// ```
/// use ndarray::{arr2, array};
/// use recurrent::train::Constraint;
/// let mut kernel = arr2(&[[3.0, 0.1], [4.0, 0.0]]).into_dyn(); // the norms of its columns are 5 and 0.1
/// Constraint::max_norm(2.0).apply(&mut kernel)?;
/// assert!((kernel[[1, 0]] - 1.6_f64).abs() < 1e-6 && (kernel[[0, 1]] - 0.1).abs() < 1e-6);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint {
    bound: Bound,
    axes: Vec<isize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Bound {
    MaxNorm(f64),
    MinMaxNorm { min: f64, max: f64, rate: f64 },
    UnitNorm,
    NonNeg,
}

impl Constraint {
    fn new(bound: Bound) -> Self {
        Constraint {
            bound,
            axes: Vec::from([0]),
        }
    }

    /// A norm of `max_value` at most. Keras' default is 2.
    pub fn max_norm(max_value: f64) -> Self {
        Self::new(Bound::MaxNorm(max_value))
    }

    /// A norm that each update brings nearer to `min_value..=max_value`, by the share `rate` of the way. Keras' defaults are 0,
    /// 1 and 1.
    pub fn min_max_norm(min_value: f64, max_value: f64, rate: f64) -> Self {
        Self::new(Bound::MinMaxNorm {
            min: min_value,
            max: max_value,
            rate,
        })
    }

    /// A norm of 1.
    pub fn unit_norm() -> Self {
        Self::new(Bound::UnitNorm)
    }

    /// No number below 0. It has no axis.
    pub fn non_neg() -> Self {
        Self::new(Bound::NonNeg)
    }

    /// The axes over which a norm is made. A negative one counts from the end. Default: 0.
    #[must_use]
    pub fn axis(mut self, axes: impl IntoIterator<Item = isize>) -> Self {
        self.axes = axes.into_iter().collect();
        self
    }

    /// Brings a weight to the bound. Returns an error, and has changed nothing, if a value of the constraint is negative or not
    /// finite, `rate` is above 1, or the weight does not have an axis.
    pub fn apply<A: Element>(&self, weight: &mut ArrayD<A>) -> Result<()> {
        self.check()?;
        let axes = self.places(weight.ndim())?;
        let want = |norm: f64| match self.bound {
            Bound::MaxNorm(max) => norm.min(max),
            Bound::MinMaxNorm { min, max, rate } => {
                rate * norm.clamp(min, max) + (1.0 - rate) * norm
            }
            Bound::UnitNorm | Bound::NonNeg => 1.0,
        };
        if self.bound == Bound::NonNeg {
            weight.mapv_inplace(|w| w.max(A::zero()));
            return Ok(());
        }
        let mut factors = weight.mapv(|w| w.as_f64() * w.as_f64());
        for axis in axes {
            let sums = factors.fold_axis(axis, 0.0, |sum, square| sum + square);
            factors = sums.insert_axis(axis);
        }
        factors.mapv_inplace(|squares| {
            let norm = libm::sqrt(squares);
            want(norm) / (EPSILON + norm)
        });
        Zip::from(weight)
            .and_broadcast(&factors)
            .for_each(|w, &factor| *w *= A::from_f64(factor));
        Ok(())
    }

    pub(crate) fn check(&self) -> Result<()> {
        match self.bound {
            Bound::MaxNorm(max) => not_negative("max_value", max),
            Bound::MinMaxNorm { min, max, rate } => {
                not_negative("min_value", min)?;
                let good = max.is_finite() && max >= min;
                check(good, "max_value", "a finite number, min_value or more", max)?;
                share("rate", rate)
            }
            Bound::UnitNorm | Bound::NonNeg => Ok(()),
        }
    }

    /// The axes that the bound takes norms over, for an array of `count` axes.
    pub(crate) fn places(&self, count: usize) -> Result<Vec<Axis>> {
        if self.bound == Bound::NonNeg {
            return Ok(Vec::new());
        }
        let place = |&axis: &isize| {
            let from_the_end = count.checked_sub(axis.unsigned_abs());
            let place = if axis < 0 {
                from_the_end
            } else {
                Some(axis.unsigned_abs()).filter(|&place| place < count)
            };
            let expected = || format!("one of the {count} of the weight");
            place
                .map(Axis)
                .ok_or_else(|| Error::value("axis of the constraint", expected(), axis))
        };
        let mut places: Vec<Axis> = self.axes.iter().map(place).collect::<Result<_>>()?;
        places.sort_by_key(|axis| axis.0);
        places.dedup();
        Ok(places)
    }
}
