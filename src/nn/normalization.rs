//! `Normalization`: shifts and scales features to a mean and a variance that are known.

use super::axis::place_in_sample;
use super::spread::spread;
use crate::Element;
use crate::describe::{Describe, Part, PartMut, Role, Scalar, each_array, each_array_mut};
#[cfg(feature = "saved")]
use crate::describe::{In, Saved};
use crate::error::{Error, Result};
use crate::model::{
    AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, goes_back, in_place,
};
use alloc::format;
use alloc::vec::Vec;
use ndarray::{Array, Array1, ArrayD, ArrayRef, Dimension, IxDyn, Zip};

/// Normalises features by a mean and a variance that were found before, as Keras' `adapt` does:
///
/// ```text
/// y = (x - mean) / max(√variance, 10⁻⁷)
/// y = mean + x · max(√variance, 10⁻⁷)          invert = true
/// ```
/// | array | shape |
/// | --- | --- |
/// | input, output | the same |
/// | mean, variance | the lengths of the axes; fewer axes, or of length 1, stand for all numbers along them |
///
/// Masks pass through and change nothing. Source: `keras.layers.Normalization`.
///
/// ```
/// use ndarray::array;
/// use recurrent::Normalization;
/// let norm = Normalization::from_weights(array![3.0], array![4.0])?;
/// assert_eq!(norm.forward(&array![[5.0], [3.0]])?, array![[1.0], [0.0]]);
/// assert_eq!(norm.invert(true).forward(&array![[1.0]])?, array![[5.0]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone)]
pub struct Normalization<A> {
    mean: ArrayD<A>,
    variance: ArrayD<A>,
    /// What Keras counted; `None` where mean and variance are arguments, which are no weights.
    count: Option<Scalar<A>>,
    axes: Vec<isize>,
    pub(super) invert: bool,
}

/// Keras' epsilon, the least deviation.
const LEAST: f64 = 1e-7;

impl<A: Element> Normalization<A> {
    /// Normalises along the last axis. Returns an error if the arrays differ in length.
    pub fn from_weights(mean: Array1<A>, variance: Array1<A>) -> Result<Self> {
        Self::over(&[-1], mean.into_dyn(), variance.into_dyn())
    }

    /// Normalises along these axes, counted from 0 (the samples) or, if negative, from the end.
    /// The axes of the arrays are in ascending order. Returns an error if the arrays have different shapes, or more axes
    /// than there are.
    pub fn over(axes: &[isize], mean: ArrayD<A>, variance: ArrayD<A>) -> Result<Self> {
        if mean.shape() != variance.shape() {
            let expected = format!("{:?}, as that of the mean", mean.shape());
            let found = format!("{:?}", variance.shape());
            return Err(Error::value("shape of the variance", expected, found));
        }
        if mean.ndim() > axes.len() {
            return Err(Error::Rank {
                array: "mean",
                expected: "at most as many as axes are kept",
                found: mean.ndim(),
            });
        }
        Ok(Normalization {
            mean,
            variance,
            count: None,
            axes: axes.into(),
            invert: false,
        })
    }

    /// Sets whether the layer undoes the normalisation.
    pub fn invert(mut self, yes: bool) -> Self {
        self.invert = yes;
        self
    }

    /// Makes mean and variance weights, with the number of samples that Keras has seen.
    pub fn counted(mut self, count: A) -> Self {
        self.count = Some(Scalar(count));
        self
    }

    /// Normalises an array; the output has the same shape. Returns an error if the axes do not fit.
    pub fn forward<D: Dimension>(&self, x: &ArrayRef<A, D>) -> Result<Array<A, D>> {
        self.normalised(x.to_owned())
    }

    fn normalised<D: Dimension>(&self, x: Array<A, D>) -> Result<Array<A, D>> {
        let mut x = x.into_dyn();
        let [mean, deviation] = self.placed(x.ndim())?;
        let mean = spread("mean", &mean, x.shape())?;
        let deviation = spread("variance", &deviation, x.shape())?;
        let all = Zip::from(&mut x).and(&mean).and(&deviation);
        all.for_each(|y, &mean, &deviation| *y = self.number(*y, mean, deviation));
        Ok(x.into_dimensionality()?)
    }

    fn number(&self, x: A, mean: A, deviation: A) -> A {
        if self.invert {
            mean + x * deviation
        } else {
            (x - mean) / deviation
        }
    }

    /// The axes counted from the front, ascending.
    fn places(&self, axes: usize) -> Result<Vec<usize>> {
        let places = self.axes.iter().map(|&axis| place_in_sample(axis, axes));
        let mut places: Vec<usize> = places.collect::<Result<_>>()?;
        places.sort_unstable();
        if places.is_sorted_by(|a, b| a < b) {
            return Ok(places);
        }
        let expected = "each axis once";
        Err(Error::value("axis", expected, format!("{:?}", self.axes)))
    }

    /// The mean and the deviation, with as many axes as the input.
    pub(super) fn placed(&self, axes: usize) -> Result<[ArrayD<A>; 2]> {
        let mut shape = alloc::vec![1; axes];
        let places = self.places(axes)?;
        for (&at, &len) in places.iter().rev().zip(self.mean.shape().iter().rev()) {
            shape[at] = len;
        }
        let least = A::from_f64(LEAST);
        let deviation = self.variance.mapv(|v| {
            let root = v.sqrt();
            if root < least { least } else { root }
        });
        let place = |x: &ArrayD<A>| {
            let x = x.as_standard_layout().into_owned();
            x.into_shape_with_order(IxDyn(&shape))
        };
        Ok([place(&self.mean)?, place(&deviation)?])
    }
}

impl<A: Element> Describe<A> for Normalization<A> {
    fn class(&self) -> &'static str {
        "normalization"
    }

    fn parts(&self, each: &mut dyn FnMut(Part<A>)) {
        let Normalization {
            mean,
            variance,
            count,
            axes,
            invert,
        } = self;
        let role = if count.is_some() {
            Role::Fixed
        } else {
            Role::Constant
        };
        each(Part::Option("axes", axes));
        each(Part::Option("invert", invert));
        each_array(each, "mean", role, mean);
        each_array(each, "variance", role, variance);
        each_array(each, "count", role, count);
    }

    fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<A>)) {
        if self.count.is_some() {
            each_array_mut(each, "mean", &mut self.mean);
            each_array_mut(each, "variance", &mut self.variance);
            each_array_mut(each, "count", &mut self.count);
        }
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }
}

#[cfg(feature = "saved")]
impl<A: Element> Saved for Normalization<A> {
    type Number = A;

    fn read_from(from: &mut In) -> Result<Self> {
        from.class("normalization")?;
        let axes: Vec<isize> = from.get("axes")?;
        let norm = Self::over(&axes, from.array("mean")?, from.array("variance")?)?;
        Ok(Normalization {
            count: from.optional_scalar("count")?,
            invert: from.get("invert")?,
            ..norm
        })
    }
}

impl<A: Element> core::fmt::Debug for Normalization<A> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        crate::describe::debug::<A>(self, "Normalization", f)
    }
}

impl<A: Element> AnyLayer<A> for Normalization<A> {
    fn name(&self) -> &str {
        "normalization"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        Ok(Tensor {
            values: self.normalised(input.values)?,
            mask: input.mask,
        })
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        inputs.to_vec()
    }

    fn stepwise(&self, axes: &[usize]) -> Stepwise {
        match axes.first().map(|&axes| self.places(axes)) {
            Some(Ok(places)) if !places.contains(&1) => Stepwise::EachTimestep,
            _ => Stepwise::WholeSequence("it normalises along the timesteps"),
        }
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let shape = inputs.first().map_or(&[][..], |input| &input.axes);
        // The numbers of one sample.
        let one: Vec<usize> = shape.iter().skip(1).copied().collect();
        let one = [&[1], one.as_slice()].concat();
        let [mean, deviation] = self.placed(shape.len())?;
        let all = |name, x: &ArrayD<A>| -> Result<Vec<A>> {
            Ok(spread(name, x, &one)?.iter().copied().collect())
        };
        let (mean, deviation) = (all("mean", &mean)?, all("variance", &deviation)?);
        in_place(self, inputs, move |of: &Self, numbers| {
            for sample in numbers.chunks_exact_mut(mean.len().max(1)) {
                for ((y, &mean), &deviation) in sample.iter_mut().zip(&mean).zip(&deviation) {
                    *y = of.number(*y, mean, deviation);
                }
            }
        })
    }

    goes_back!();
    described!();
}
