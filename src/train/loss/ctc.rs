//! `Ctc`: connectionist temporal classification.

use super::batch::check_lengths;
use super::sparse::class;
use super::target::Target;
use crate::Element;
use crate::error::{Error, Result, check, check_size};
use alloc::vec::Vec;

/// What the loss of a sample is whose labels do not fit into its timesteps.
///
/// ```
/// use ndarray::array;
/// use recurrent::train::{Impossible, Loss, Target};
/// let (y_pred, y) = (array![[[0.0, 0.0]]], array![[1.0, 1.0]]); // two labels for one timestep
/// let loss = Loss::ctc().evaluate(&y_pred, Target::new(&y))?;
/// assert_eq!((loss.value, loss.gradient), (f64::INFINITY, array![[[0.0, 0.0]]]));
/// let loss = Loss::ctc().impossible(Impossible::Refused);
/// let error = loss.evaluate(&y_pred, Target::new(&y)).unwrap_err();
/// assert!(error.to_string().contains("sample 0 with 2 labels"));
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Impossible {
    /// Infinite, with gradient 0. (PyTorch's gradient is NaN, Keras' value some hundreds with a gradient that means
    /// nothing.)
    #[default]
    Infinite,
    /// 0, with gradient 0: PyTorch's `zero_infinity`.
    Zero,
    /// None: the call returns an error that names the sample.
    Refused,
}

/// -ln of the probability of all alignments of the labels
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ctc {
    pub(super) blank: usize,
    pub(super) impossible: Impossible,
}

/// The outputs and the labels of a batch.
pub(super) struct Sequences<'s, 't, A> {
    pub(super) x: &'s [A],
    pub(super) y: &'s [A],
    pub(super) timesteps: usize,
    pub(super) classes: usize,
    pub(super) width: usize,
    pub(super) target: &'s Target<'t, A>,
}

impl<A: Element> Sequences<'_, '_, A> {
    pub(super) fn check(&self, samples: usize, ctc: &Ctc) -> Result<()> {
        if self.target.mask.is_some() {
            let expected = "none, as it is no length of an alignment: give lengths";
            return Err(Error::value("mask", expected, "some"));
        }
        if ctc.blank >= self.classes {
            let expected = alloc::format!("one of the {} classes", self.classes);
            return Err(Error::value("blank", expected, ctc.blank));
        }
        if let Some(lengths) = self.target.lengths {
            check_lengths(lengths, samples, self.timesteps)?;
        }
        if let Some(lengths) = self.target.label_lengths {
            check("label_lengths", "samples", samples, lengths.len())?;
            if let Some(&found) = lengths.iter().find(|&&length| length > self.width) {
                let expected = alloc::format!("at most {}, the labels of a sample", self.width);
                return Err(Error::value("label_lengths", expected, found));
            }
        } else if ctc.blank != 0 {
            let expected = "given, as the labels are not padded with the blank";
            return Err(Error::value("label_lengths", expected, "missing"));
        }
        Ok(())
    }

    fn timesteps(&self, sample: usize) -> usize {
        self.target
            .lengths
            .map_or(self.timesteps, |lengths| lengths[sample])
    }

    /// The labels of a sample, without the padding.
    fn labels(&self, sample: usize) -> &[A] {
        let labels = &self.y[sample * self.width..][..self.width];
        let count = match self.target.label_lengths {
            Some(lengths) => lengths[sample],
            None => labels.iter().filter(|y| **y != A::zero()).count(),
        };
        &labels[..count]
    }

    /// Refuses labels that are no classes, and blanks among them.
    pub(super) fn check_labels(&self, sample: usize, ctc: &Ctc) -> Result<()> {
        let is_label = |y: A| class(y, self.classes).is_some_and(|y| y != ctc.blank);
        let labels = self.labels(sample);
        match labels.iter().position(|&y| !is_label(y)) {
            None => Ok(()),
            Some(at) => {
                let (last, blank) = (self.classes - 1, ctc.blank);
                let expected =
                    alloc::format!("whole numbers from 0 to {last}, not the blank {blank}");
                let found = alloc::format!("{} at [{sample}, {at}]", labels[at]);
                Err(Error::value("y_true", expected, found))
            }
        }
    }
}

impl Ctc {
    /// The loss of a sample; `share` is what it is divided by.
    pub(super) fn sample<A: Element>(
        &self,
        of: &Sequences<A>,
        sample: usize,
        by_label_length: bool,
        scale: f64,
        g: &mut [A],
        room: (&mut Vec<f64>, &mut Vec<usize>),
    ) -> Result<f64> {
        let (numbers, labels) = room;
        let timesteps = of.timesteps(sample);
        labels.clear();
        labels.extend(
            of.labels(sample)
                .iter()
                .filter_map(|&y| class(y, of.classes)),
        );
        let share = if by_label_length {
            labels.len().max(1) as f64
        } else {
            1.0
        };
        let x = &of.x[sample * of.timesteps * of.classes..][..timesteps * of.classes];
        let (own, padding) = g.split_at_mut(x.len());
        padding.fill(A::zero());
        let repeats = labels.windows(2).filter(|pair| pair[0] == pair[1]).count();
        let is_short = labels.len() + repeats > timesteps;
        let found = if is_short {
            None
        } else {
            let lattice = Lattice {
                x,
                classes: of.classes,
                labels,
                blank: self.blank,
            };
            lattice.align(scale / share, own, numbers)?
        };
        if let Some(value) = found {
            return Ok(value / share);
        }
        own.fill(A::zero());
        match self.impossible {
            Impossible::Infinite => Ok(f64::INFINITY),
            Impossible::Zero => Ok(0.0),
            Impossible::Refused => {
                let expected = alloc::format!("labels that fit into {timesteps} timesteps");
                let count = labels.len();
                let found = alloc::format!(
                    "sample {sample} with {count} labels, {repeats} of them repeated"
                );
                Err(Error::value("y_true", expected, found))
            }
        }
    }
}

/// The alignments of one sample: a blank, then each label and a blank; each timestep stays, goes on by one, or skips a
/// blank between two labels that differ.
struct Lattice<'l, A> {
    x: &'l [A],
    classes: usize,
    labels: &'l [usize],
    blank: usize,
}

impl<A: Element> Lattice<'_, A> {
    fn states(&self) -> usize {
        2 * self.labels.len() + 1
    }

    fn class(&self, state: usize) -> usize {
        if state.is_multiple_of(2) {
            self.blank
        } else {
            self.labels[state / 2]
        }
    }

    /// Whether this state can follow the one two before it.
    fn skips(&self, state: usize) -> bool {
        state >= 3 && state % 2 == 1 && self.labels[state / 2] != self.labels[state / 2 - 1]
    }

    /// Returns the loss and writes `scale` times its gradient, or returns `None` if there is no alignment.
    fn align(&self, scale: f64, g: &mut [A], numbers: &mut Vec<f64>) -> Result<Option<f64>> {
        let (classes, states) = (self.classes, self.states());
        let timesteps = self.x.len() / classes;
        if timesteps == 0 {
            return Ok(self.labels.is_empty().then_some(0.0));
        }
        if self.x.iter().any(|x| x.is_nan() || *x == A::infinity()) {
            g.fill(A::nan());
            return Ok(Some(f64::NAN));
        }
        check_size("CTC alignments", &[timesteps + 1, classes + states])?;
        numbers.clear();
        numbers.resize((timesteps + 1) * (classes + states), 0.0);
        let (logs, rest) = numbers.split_at_mut(timesteps * classes);
        let (before, rest) = rest.split_at_mut(timesteps * states);
        let (after, counts) = rest.split_at_mut(states);
        for (x, logs) in self.x.chunks(classes).zip(logs.chunks_mut(classes)) {
            log_softmax(x, logs);
        }
        // before: ln of the probability of all ways to a state, its own timestep included.
        before.fill(f64::NEG_INFINITY);
        for state in 0..states.min(2) {
            before[state] = logs[self.class(state)];
        }
        for t in 1..timesteps {
            let (past, now) = before[(t - 1) * states..].split_at_mut(states);
            for state in 0..states {
                let from = |back: usize| past[state - back];
                let next = if state > 0 {
                    from(1)
                } else {
                    f64::NEG_INFINITY
                };
                let skip = if self.skips(state) {
                    from(2)
                } else {
                    f64::NEG_INFINITY
                };
                now[state] = log_add([from(0), next, skip]) + logs[t * classes + self.class(state)];
            }
        }
        let ends = states.saturating_sub(2)..states;
        let last = &before[(timesteps - 1) * states..];
        let skipped = if states > 1 {
            last[ends.start]
        } else {
            f64::NEG_INFINITY
        };
        let total = log_add([last[states - 1], skipped, f64::NEG_INFINITY]);
        if total == f64::NEG_INFINITY {
            return Ok(None);
        }
        // after: ln of the probability of all ways from a state to the end.
        after.fill(f64::NEG_INFINITY);
        after[ends].fill(0.0);
        for t in (0..timesteps).rev() {
            let (logs, before) = (&logs[t * classes..][..classes], &before[t * states..]);
            counts.fill(0.0);
            for state in 0..states {
                counts[self.class(state)] += libm::exp(before[state] + after[state] - total);
            }
            for (k, g) in g[t * classes..][..classes].iter_mut().enumerate() {
                *g = A::from_f64((libm::exp(logs[k]) - counts[k]) * scale);
            }
            for state in 0..states {
                let to = |on: usize| after[state + on] + logs[self.class(state + on)];
                let next = if state + 1 < states {
                    to(1)
                } else {
                    f64::NEG_INFINITY
                };
                let can_skip = state + 2 < states && self.skips(state + 2);
                let skip = if can_skip { to(2) } else { f64::NEG_INFINITY };
                after[state] = log_add([to(0), next, skip]);
            }
        }
        Ok(Some(-total))
    }
}

/// The logarithms of the probabilities that belong to the scores of a timestep.
fn log_softmax<A: Element>(x: &[A], logs: &mut [f64]) {
    let scores = x.iter().map(|x| x.as_f64());
    let max = scores.clone().fold(f64::NEG_INFINITY, f64::max);
    if max == f64::NEG_INFINITY {
        return logs.fill(max);
    }
    let sum: f64 = scores.clone().map(|x| libm::exp(x - max)).sum();
    let sum = libm::log(sum);
    logs.iter_mut()
        .zip(scores)
        .for_each(|(log, x)| *log = x - max - sum);
}

/// The logarithm of the sum of numbers whose logarithms these are.
fn log_add(logs: [f64; 3]) -> f64 {
    let max = logs.into_iter().fold(f64::NEG_INFINITY, f64::max);
    if max == f64::NEG_INFINITY {
        return max;
    }
    let others = logs.into_iter().filter(|log| *log != f64::NEG_INFINITY);
    max + libm::log(others.map(|log| libm::exp(log - max)).sum())
}
