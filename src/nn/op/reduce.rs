//! `Reduce`: one number of many, along axes.

use super::Binary;
use crate::Element;
use crate::error::Result;
use crate::nn::axis::place_in_sample;
use alloc::vec::Vec;
use ndarray::{ArrayD, Axis};

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
        }
    }
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
        for axis in self.places(y.ndim())? {
            y = self.of.of(&y, Axis(axis));
            if self.keepdims {
                y = y.insert_axis(Axis(axis));
            }
        }
        Ok(y)
    }

    /// Whether samples and timesteps stay as they are.
    pub fn keeps_timesteps(&self, axes: usize) -> bool {
        let places = self.places(axes);
        places.is_ok_and(|places| places.iter().all(|&axis| axis > 1))
    }
}
