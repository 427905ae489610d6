//! `Reduce`: one number of many, along axes.

use super::Binary;
use crate::Element;
use crate::error::Result;
use crate::nn::axis::place_in_sample;
use alloc::vec::Vec;
use ndarray::{ArrayD, ArrayView1, Axis};

/// What is made of the numbers along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub(crate) enum Along {
    All,
    Any,
    Sum,
    Mean,
    Max,
    Min,
    Prod,
    /// The index of the largest number, the first of several.
    ArgMax,
    ArgMin,
    /// The logarithm of the sum of exponentials.
    LogSumExp,
    /// The variance, and its root.
    Var,
    Std,
}

impl Along {
    fn of<A: Element>(self, x: &ArrayD<A>, axis: Axis) -> ArrayD<A> {
        let fold = |first, of: Binary| x.fold_axis(axis, first, move |&y, &x| of.of(y, x));
        match self {
            Along::All => fold(A::one(), Binary::LogicalAnd),
            Along::Any => fold(A::zero(), Binary::LogicalOr),
            Along::Sum => x.sum_axis(axis),
            Along::Mean => x.sum_axis(axis) / A::from_f64(x.len_of(axis) as f64),
            Along::Max => fold(A::neg_infinity(), Binary::Maximum),
            Along::Min => fold(A::infinity(), Binary::Minimum),
            Along::Prod => fold(A::one(), Binary::Multiply),
            Along::ArgMax => x.map_axis(axis, |lane| first(&lane, |x, most| x > most)),
            Along::ArgMin => x.map_axis(axis, |lane| first(&lane, |x, least| x < least)),
            Along::LogSumExp => x.map_axis(axis, |lane| log_sum_exp(&lane)),
            // The squares are there already: see `Reduce::squares`.
            Along::Var | Along::Std => Along::Mean.of(x, axis),
        }
    }
}

/// The index of the first number that no other comes before. A NaN comes before all.
fn first<A: Element>(lane: &ArrayView1<A>, is_before: impl Fn(A, A) -> bool) -> A {
    let mut best = 0;
    for (at, &x) in lane.iter().enumerate() {
        let found = lane[best];
        if !found.is_nan() && (is_before(x, found) || x.is_nan()) {
            best = at;
        }
    }
    A::from_f64(best as f64)
}

/// The largest number is taken out of the exponentials, so that none overflows.
fn log_sum_exp<A: Element>(lane: &ArrayView1<A>) -> A {
    let most = lane
        .iter()
        .fold(A::neg_infinity(), |y, &x| Binary::Maximum.of(y, x));
    if most.is_infinite() {
        return most;
    }
    let sum = lane
        .iter()
        .fold(A::zero(), |sum, &x| sum + (x - most).libm_exp());
    most + sum.libm_ln()
}

/// A reduction of every sample along axes. Source: `keras.ops.mean` and its like.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub(crate) struct Reduce {
    pub of: Along,
    pub axes: Vec<isize>,
    pub keepdims: bool,
}

impl Reduce {
    /// The axes of an array with this number of axes, the last first, each once.
    pub fn places(&self, axes: usize) -> Result<Vec<usize>> {
        let places = self.axes.iter().map(|&axis| place_in_sample(axis, axes));
        let mut places: Vec<usize> = places.collect::<Result<_>>()?;
        places.sort_unstable_by(|a, b| b.cmp(a));
        places.dedup();
        Ok(places)
    }

    pub fn of<A: Element>(&self, mut y: ArrayD<A>) -> Result<ArrayD<A>> {
        let places = self.places(y.ndim())?;
        if matches!(self.of, Along::Var | Along::Std) {
            y = Self::squares(y, &places)?;
        }
        for axis in places {
            y = self.of.of(&y, Axis(axis));
            if self.keepdims {
                y = y.insert_axis(Axis(axis));
            }
        }
        if self.of == Along::Std {
            y.mapv_inplace(A::sqrt);
        }
        Ok(y)
    }

    /// The squares of the distances from the mean along these axes.
    fn squares<A: Element>(mut x: ArrayD<A>, places: &[usize]) -> Result<ArrayD<A>> {
        let mut mean = x.clone();
        for &axis in places {
            mean = Along::Mean.of(&mean, Axis(axis)).insert_axis(Axis(axis));
        }
        let mean = super::arithmetic::spread(&mean, x.shape())?.to_owned();
        x.zip_mut_with(&mean, |x, &mean| *x = (*x - mean) * (*x - mean));
        Ok(x)
    }

    /// Whether samples and timesteps stay as they are.
    pub fn keeps_timesteps(&self, axes: usize) -> bool {
        let places = self.places(axes);
        places.is_ok_and(|places| places.iter().all(|&axis| axis > 1))
    }
}
