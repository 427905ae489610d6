//! `Batch`: what each loss counts, and their sum.

use super::reduction::Reduction;
use super::row::times;
use super::sparse::whole;
use super::target::Target;
use crate::Element;
use crate::error::{Error, Result, check};
use alloc::string::String;
use alloc::vec::Vec;
use ndarray::{ArrayD, ArrayViewD, Axis};

/// The losses of a batch: their shape, what each counts, and how they become one number.
pub(super) struct Batch<'b, 't, A> {
    pub(super) target: &'b Target<'t, A>,
    /// The lengths that mask losses.
    pub(super) lengths: Option<&'b [usize]>,
    pub(super) shape: &'b [usize],
    pub(super) reduction: Reduction,
}

/// What a kind of loss says of its entries.
pub(super) struct Entries<'e> {
    /// Whether an entry is as if masked, where the kind has such entries.
    pub(super) ignored: Option<&'e dyn Fn(usize) -> bool>,
    /// Refuses the target of an entry.
    pub(super) check: &'e dyn Fn(usize) -> Result<()>,
    /// The class of an entry, where it has one.
    pub(super) class: Option<&'e dyn Fn(usize) -> f64>,
    /// What an entry counts in the divisor of the mean, where that is not 1.
    pub(super) share: Option<&'e dyn Fn(usize) -> f64>,
}

impl<A: Element> Batch<'_, '_, A> {
    /// Fills `weights` with weight times mask of each loss, and returns the divisor of their sum.
    pub(super) fn weigh(&self, entries: &Entries, weights: &mut Vec<f64>) -> Result<f64> {
        self.check_mask()?;
        self.check_upstream()?;
        let given = self.sample_weights()?;
        if self.target.class_weights.is_some() && entries.class.is_none() {
            let expected = "none, as this loss has no classes";
            return Err(Error::value("class_weights", expected, "some"));
        }
        let count = self.shape.iter().product();
        weights.clear();
        weights.resize(count, 1.0);
        self.mask(weights);
        if let Some(ignored) = entries.ignored {
            let entries = weights.iter_mut().enumerate();
            entries.for_each(|(i, m)| *m = if ignored(i) { 0.0 } else { *m });
        }
        let mut divisor = 0.0;
        for i in (0..count).filter(|&i| weights[i] != 0.0) {
            (entries.check)(i)?;
            divisor += entries.share.map_or(1.0, |share| share(i));
        }
        let is_masked =
            self.target.mask.is_some() || self.lengths.is_some() || entries.ignored.is_some();
        let mut sum = None;
        if let Some(given) = given {
            if !is_masked {
                sum = Some(given.iter().map(|s| s.as_f64()).sum());
            }
            let given = given
                .broadcast(self.shape)
                .ok_or_else(|| self.wrong_weights())?;
            let pairs = weights.iter_mut().zip(&given);
            pairs
                .filter(|(w, _)| **w != 0.0)
                .for_each(|(w, s)| *w = s.as_f64());
        }
        if let (Some(classes), Some(class)) = (self.target.class_weights, entries.class) {
            for (i, w) in weights.iter_mut().enumerate().filter(|(_, w)| **w != 0.0) {
                let class = whole(libm::rint(class(i))).and_then(|class| class.try_into().ok());
                let named = classes.iter().find(|(named, _)| Some(*named) == class);
                *w = named.map_or(1.0, |(_, weight)| *weight);
            }
        }
        Ok(match self.reduction {
            Reduction::Mean => divisor,
            Reduction::MeanWithSampleWeight => sum.unwrap_or_else(|| weights.iter().sum()),
            Reduction::Sum | Reduction::None => 1.0,
        })
    }

    /// Asks for each loss that counts, with the factor of its gradient, and returns what they reduce to.
    pub(super) fn reduce(
        &self,
        (weights, divisor): (&[f64], f64),
        values: &mut ArrayD<f64>,
        gradient: &mut [A],
        mut each: impl FnMut(usize, f64, &mut [A]) -> Result<f64>,
    ) -> Result<f64> {
        if values.shape() != self.shape || !values.is_standard_layout() {
            *values = ArrayD::zeros(self.shape);
        }
        let size = gradient.len().checked_div(weights.len()).unwrap_or(0);
        let mut upstream = self.target.upstream.iter().flatten();
        let (mut sum, mut gradient) = (0.0, gradient);
        for (i, (&weight, value)) in weights.iter().zip(values).enumerate() {
            let (own, rest) = gradient.split_at_mut(size);
            gradient = rest;
            let factor = upstream.next().map_or(1.0, |u| u.as_f64());
            *value = 0.0;
            if weight == 0.0 {
                own.fill(A::zero());
                continue;
            }
            *value = times(weight, each(i, weight * factor / divisor, own)?);
            sum += times(factor, *value);
            if divisor == 0.0 {
                own.fill(A::zero());
            }
        }
        Ok(if divisor == 0.0 { 0.0 } else { sum / divisor })
    }

    fn check_mask(&self) -> Result<()> {
        let sequence = || {
            let expected = "2 or more, (samples, timesteps, …): give a mask";
            match self.shape {
                [samples, timesteps, ..] => Ok((*samples, *timesteps)),
                other => Err(Error::Rank {
                    array: "the losses that lengths are given for",
                    expected,
                    found: other.len(),
                }),
            }
        };
        if let Some(mask) = &self.target.mask {
            if self.lengths.is_some() {
                return Err(Error::value("lengths", "none beside a mask", "some"));
            }
            let axes = mask.ndim();
            if axes < self.shape.len().min(2) || !self.shape.starts_with(mask.shape()) {
                let expected = alloc::format!("of shape {:?}, as the losses", self.shape);
                return Err(Error::value("mask", expected, of_shape(mask.shape())));
            }
        }
        if let Some(lengths) = self.lengths {
            let (samples, timesteps) = sequence()?;
            check_lengths(lengths, samples, timesteps)?;
        }
        Ok(())
    }

    /// Sets what is masked to 0.
    fn mask(&self, weights: &mut [f64]) {
        if let Some(mask) = &self.target.mask {
            let size = weights.len().checked_div(mask.len()).unwrap_or(0).max(1);
            let parts = weights.chunks_mut(size).zip(mask);
            parts
                .filter(|(_, real)| !**real)
                .for_each(|(part, _)| part.fill(0.0));
        }
        if let (Some(lengths), [_, timesteps, rest @ ..]) = (self.lengths, self.shape) {
            let step = rest.iter().product::<usize>();
            let samples = weights.chunks_mut((timesteps * step).max(1)).zip(lengths);
            samples.for_each(|(sample, length)| sample[length * step..].fill(0.0));
        }
    }

    fn check_upstream(&self) -> Result<()> {
        let Some(upstream) = &self.target.upstream else {
            return Ok(());
        };
        if self.reduction != Reduction::None {
            let expected = "none, as the loss is one number: it is for Reduction::None";
            return Err(Error::value(
                "upstream",
                expected,
                of_shape(upstream.shape()),
            ));
        }
        if upstream.shape() == self.shape {
            return Ok(());
        }
        let expected = alloc::format!("of shape {:?}, as the losses", self.shape);
        Err(Error::value(
            "upstream",
            expected,
            of_shape(upstream.shape()),
        ))
    }

    /// The sample weights with as many axes as the losses have.
    fn sample_weights(&self) -> Result<Option<ArrayViewD<'_, A>>> {
        let Some(given) = &self.target.sample_weights else {
            return Ok(None);
        };
        if self.target.class_weights.is_some() {
            let expected = "none beside sample weights, as in Keras: multiply them";
            return Err(Error::value("class_weights", expected, "some"));
        }
        let mut weights = given.view();
        let axes = self.shape.len();
        if weights.ndim() == axes + 1 && weights.shape()[axes] == 1 {
            weights = weights.index_axis_move(Axis(axes), 0);
        }
        let pairs = weights.shape().iter().zip(self.shape).enumerate();
        let mut fits =
            pairs.map(|(axis, (found, full))| found == full || (axis > 0 && *found == 1));
        if weights.ndim() == axes && fits.all(|fits| fits) {
            return Ok(Some(weights));
        }
        Err(self.wrong_weights())
    }

    #[cold]
    fn wrong_weights(&self) -> Error {
        let mut each_sample: Vec<usize> = alloc::vec![1; self.shape.len()];
        each_sample[..1].copy_from_slice(&self.shape[..1]);
        let expected = match self.shape {
            [_] => of_shape(self.shape),
            full => alloc::format!("of shape {each_sample:?} (one for each sample) or {full:?}"),
        };
        let found = self
            .target
            .sample_weights
            .iter()
            .map(|weights| of_shape(weights.shape()));
        Error::value("sample_weights", expected, found.collect::<String>())
    }
}

pub(super) fn of_shape(shape: &[usize]) -> String {
    alloc::format!("of shape {shape:?}")
}

/// The place of the entry with this number in an array.
pub(super) fn place(mut i: usize, shape: &[usize]) -> Vec<usize> {
    let mut place: Vec<usize> = Vec::new();
    for &n in shape.iter().rev() {
        place.push(i % n.max(1));
        i /= n.max(1);
    }
    place.reverse();
    place
}

/// Refuses lengths that are not one for each sample, or longer than the sequence.
pub(in crate::train) fn check_lengths(
    lengths: &[usize],
    samples: usize,
    timesteps: usize,
) -> Result<()> {
    check("lengths", "samples", samples, lengths.len())?;
    match lengths.iter().position(|&length| length > timesteps) {
        None => Ok(()),
        Some(sample) => Err(Error::Length {
            sample,
            timesteps,
            found: lengths[sample],
        }),
    }
}

/// What each row of outputs counts in a metric: 0 if it is masked, else 1 or, if asked, its weight. `class` is that of a row.
pub(in crate::train) fn counted<A: Element>(
    target: &Target<A>,
    rows: &[usize],
    is_weighted: bool,
    class: &dyn Fn(usize) -> f64,
) -> Result<Vec<f64>> {
    let mut target = target.reborrow();
    if !is_weighted {
        (target.sample_weights, target.class_weights) = (None, None);
    }
    target.upstream = None;
    let batch = Batch {
        lengths: target.lengths,
        target: &target,
        shape: rows,
        reduction: Reduction::Sum,
    };
    let entries = Entries {
        ignored: None,
        check: &|_| Ok(()),
        class: Some(class),
        share: None,
    };
    let mut weights = Vec::new();
    batch.weigh(&entries, &mut weights)?;
    Ok(weights)
}
