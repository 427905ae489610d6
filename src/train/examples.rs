//! `Examples`: what a training learns from, with arrays of its own.

use super::{Batch, Target};
use crate::error::{Error, Result, check};
use crate::{Element, Tensor};
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use ndarray::{Array2, ArrayD, ArrayRef, Axis, Dimension, Slice};

/// The inputs and targets of a batch, as a [`Batch`] has them, with arrays of their own: what an iterator hands to
/// [`Training::fit_batches`](super::Training::fit_batches).
///
/// ```
/// use ndarray::{Array2, Array3};
/// use recurrent::train::Examples;
/// let (x, y) = (Array3::<f32>::zeros((8, 5, 2)), Array2::zeros((8, 1)));
/// let examples = Examples::new(&x, &y).lengths(vec![5; 8]);
/// assert_eq!(examples.samples(), 8);
/// ```
#[derive(Clone, Debug)]
pub struct Examples<A> {
    inputs: Vec<Tensor<A>>,
    targets: Vec<Answers<A>>,
    lengths: Option<Vec<usize>>,
}

/// A target with arrays of its own.
#[derive(Clone, Debug)]
struct Answers<A> {
    y_true: ArrayD<A>,
    mask: Option<ArrayD<bool>>,
    lengths: Option<Vec<usize>>,
    sample_weights: Option<ArrayD<A>>,
    class_weights: Option<Vec<(usize, f64)>>,
    label_lengths: Option<Vec<usize>>,
}

impl<A: Element> Answers<A> {
    fn new(y_true: ArrayD<A>) -> Self {
        Answers {
            y_true,
            mask: None,
            lengths: None,
            sample_weights: None,
            class_weights: None,
            label_lengths: None,
        }
    }

    fn target(&self) -> Target<'_, A> {
        let mut target = Target::new(&self.y_true);
        target.mask = self.mask.as_ref().map(|mask| mask.view());
        target.lengths = self.lengths.as_deref();
        target.sample_weights = self.sample_weights.as_ref().map(|weights| weights.view());
        target.class_weights = self.class_weights.as_deref();
        target.label_lengths = self.label_lengths.as_deref();
        target
    }
}

impl<A: Element> Examples<A> {
    /// The examples of a model with one input and one output.
    pub fn new<D: Dimension, E: Dimension>(x: &ArrayRef<A, D>, y_true: &ArrayRef<A, E>) -> Self {
        Examples::all(vec![Tensor::new(x)], vec![y_true.to_owned().into_dyn()])
    }

    /// The examples of a model with any number of inputs and outputs, in the order of
    /// [`Model::inputs`](crate::Model::inputs) and [`Model::outputs`](crate::Model::outputs).
    pub fn all(inputs: Vec<Tensor<A>>, y_true: Vec<ArrayD<A>>) -> Self {
        Examples {
            inputs,
            targets: y_true.into_iter().map(Answers::new).collect(),
            lengths: None,
        }
    }

    /// Masks right padding: see [`Batch::lengths`].
    pub fn lengths(mut self, lengths: Vec<usize>) -> Self {
        self.lengths = Some(lengths);
        self
    }

    /// A factor for each loss of the first output: see [`Target::sample_weights`].
    pub fn sample_weights<D: Dimension>(mut self, weights: &ArrayRef<A, D>) -> Self {
        if let Some(target) = self.targets.first_mut() {
            target.sample_weights = Some(weights.to_owned().into_dyn());
        }
        self
    }

    /// A factor for each class of the first output: see [`Target::class_weights`].
    pub fn class_weights(mut self, weights: Vec<(usize, f64)>) -> Self {
        if let Some(target) = self.targets.first_mut() {
            target.class_weights = Some(weights);
        }
        self
    }

    /// The number of samples.
    pub fn samples(&self) -> usize {
        self.inputs.first().map_or(0, samples)
    }

    /// The same examples, borrowed.
    pub fn batch(&self) -> Batch<'_, A> {
        let targets = self.targets.iter().map(Answers::target).collect();
        let batch = Batch::all(self.inputs.clone(), targets);
        match &self.lengths {
            Some(lengths) => batch.lengths(lengths),
            None => batch,
        }
    }

    /// Returns an error unless everything has as many samples, at least one.
    pub(super) fn check(&self) -> Result<()> {
        check_samples(&self.batch()).map(|_| ())
    }

    /// These samples of a batch.
    fn of(batch: &Batch<A>, rows: &[usize]) -> Self {
        let inputs = batch.inputs.iter().map(|input| Tensor {
            values: input.values.select(Axis(0), rows),
            mask: input.mask.as_ref().map(|mask| mask.select(Axis(0), rows)),
        });
        let counts = |of: Option<&[usize]>| of.map(|of| rows.iter().map(|&row| of[row]).collect());
        let targets = batch.targets.iter().map(|target| Answers {
            y_true: target.y_true.select(Axis(0), rows),
            mask: target.mask.as_ref().map(|mask| mask.select(Axis(0), rows)),
            lengths: counts(target.lengths),
            sample_weights: target
                .sample_weights
                .as_ref()
                .map(|of| of.select(Axis(0), rows)),
            class_weights: target.class_weights.map(<[_]>::to_vec),
            label_lengths: counts(target.label_lengths),
        });
        Examples {
            inputs: inputs.collect(),
            targets: targets.collect(),
            lengths: counts(batch.lengths),
        }
    }

    /// Without the weights of classes.
    pub(super) fn without_class_weights(mut self) -> Self {
        let targets = self.targets.iter_mut();
        targets.for_each(|target| target.class_weights = None);
        self
    }

    /// The number of timesteps. Returns an error unless all inputs and targets have as many.
    pub(super) fn timesteps(&self) -> Result<usize> {
        let axis = |array: &'static str, shape: &[usize]| match shape {
            [_, timesteps, ..] => Ok(*timesteps),
            _ => Err(Error::Rank {
                array,
                expected: "2 or more (samples, timesteps, …), to be cut into windows",
                found: shape.len(),
            }),
        };
        let mut inputs = self
            .inputs
            .iter()
            .map(|input| axis("input", input.values.shape()));
        let first = inputs.next().unwrap_or(Ok(0))?;
        for other in inputs {
            check("input", "timesteps", first, other?)?;
        }
        for target in &self.targets {
            check(
                "y_true",
                "timesteps",
                first,
                axis("y_true", target.y_true.shape())?,
            )?;
        }
        Ok(first)
    }

    /// The part of all timesteps that a window reads, `range`, of which the first `burn_in` have no target.
    pub(super) fn window(&self, range: Range<usize>, burn_in: usize) -> Self {
        let read = Slice::from(range.clone());
        let learned = Slice::from(range.start + burn_in..range.end);
        let left = |lengths: &[usize], from: usize| -> Vec<usize> {
            let of_sample = lengths.iter().map(|length| length.saturating_sub(from));
            of_sample.map(|left| left.min(range.end - from)).collect()
        };
        let mut inputs: Vec<Tensor<A>> = self
            .inputs
            .iter()
            .map(|input| Tensor {
                values: input.values.slice_axis(Axis(1), read).to_owned(),
                mask: input
                    .mask
                    .as_ref()
                    .map(|mask| mask.slice_axis(Axis(1), read).to_owned()),
            })
            .collect();
        // A mask may be all false, where no length may be 0 after a burn-in.
        if let (Some(lengths), Some(input)) = (&self.lengths, inputs.first_mut()) {
            let (left, shape) = (left(lengths, range.start), (lengths.len(), range.len()));
            input.mask = Some(Array2::from_shape_fn(shape, |(row, t)| t < left[row]));
        }
        let targets = self.targets.iter().map(|target| {
            let cut = |of: &ArrayD<A>| of.slice_axis(Axis(1), learned).to_owned();
            Answers {
                y_true: cut(&target.y_true),
                mask: target
                    .mask
                    .as_ref()
                    .map(|mask| mask.slice_axis(Axis(1), learned).to_owned()),
                lengths: target
                    .lengths
                    .as_ref()
                    .map(|of| left(of, range.start + burn_in)),
                sample_weights: target.sample_weights.as_ref().map(|weights| {
                    match weights.shape() {
                        [_, 1, ..] | [_] => weights.clone(),
                        _ => cut(weights),
                    }
                }),
                class_weights: target.class_weights.clone(),
                label_lengths: target.label_lengths.clone(),
            }
        });
        Examples {
            targets: targets.collect(),
            inputs,
            lengths: None,
        }
    }
}

/// Where samples are taken from: a [`Batch`] whose own lifetime does not matter.
pub(super) trait Rows<A> {
    /// The number of samples. Returns an error unless everything has as many, at least one.
    fn check(&self) -> Result<usize>;
    /// These samples, which are below the number that [`check`](Self::check) returned.
    fn examples(&self, rows: &[usize]) -> Examples<A>;
    /// The lengths of the samples, if they are given.
    fn lengths(&self) -> Option<&[usize]>;
}

impl<A: Element> Rows<A> for Batch<'_, A> {
    fn check(&self) -> Result<usize> {
        check_samples(self)
    }

    fn examples(&self, rows: &[usize]) -> Examples<A> {
        Examples::of(self, rows)
    }

    fn lengths(&self) -> Option<&[usize]> {
        self.lengths
    }
}

/// The number of samples of an input.
fn samples<A>(input: &Tensor<A>) -> usize {
    input.values.shape().first().copied().unwrap_or(0)
}

/// The number of samples of a batch. Returns an error unless everything in it has as many, at least one.
fn check_samples<A: Element>(batch: &Batch<A>) -> Result<usize> {
    let count = batch.inputs.first().map_or(0, samples);
    if count == 0 {
        return Err(Error::value("number of samples", "at least 1", 0));
    }
    let same = |array: &'static str, found: Option<&usize>| {
        check(array, "samples", count, found.copied().unwrap_or(0))
    };
    for input in &batch.inputs {
        same("input", input.values.shape().first())?;
        let mut mask = input.mask.iter();
        mask.try_for_each(|mask| same("mask", mask.shape().first()))?;
    }
    batch
        .lengths
        .map_or(Ok(()), |of| check("lengths", "samples", count, of.len()))?;
    for target in &batch.targets {
        same("y_true", target.y_true.shape().first())?;
        target
            .mask
            .iter()
            .try_for_each(|of| same("mask", of.shape().first()))?;
        let mut weights = target.sample_weights.iter();
        weights.try_for_each(|of| same("sample_weights", of.shape().first()))?;
        for (name, of) in [
            ("lengths", target.lengths),
            ("label_lengths", target.label_lengths),
        ] {
            of.map_or(Ok(()), |of| check(name, "samples", count, of.len()))?;
        }
        if target.upstream.is_some() {
            let expected = "none: batches are made of these samples";
            return Err(Error::value("upstream", expected, "some"));
        }
    }
    if batch.state.is_some() || batch.burn_in > 0 {
        let expected = "none: every batch starts anew (see `windows`)";
        return Err(Error::value(
            "state or burn-in of the examples",
            expected,
            "some",
        ));
    }
    Ok(count)
}
