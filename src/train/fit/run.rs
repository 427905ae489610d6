//! Runs a [`Fit`].

use super::evaluate::evaluated;
use super::fitting::{Fitting, Sums, value_of};
use super::order::Order;
use super::{Ended, Epoch, EpochEnd, Fit, Go, History, Source, StepEnd};
use crate::Element;
use crate::error::{Error, Result};
use crate::train::Examples;
use crate::train::examples::Rows;
use crate::train::metric::check_all;
use crate::train::state::arrays_of;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// The samples to learn from, and those of the validation.
struct Plan<'f, A> {
    samples: Vec<usize>,
    validation: Option<(&'f dyn Rows<A>, Vec<usize>)>,
}

impl<'f, A: Element> Fit<'f, A> {
    /// Trains.
    ///
    /// A training that was [resumed](crate::train::Training::resume) goes on where it was, if the data and the options are the same: in the
    /// middle of an epoch on arrays, at the start of an epoch on batches.
    ///
    /// Returns an error if an option is out of its range, if the data does not fit the model, a loss or a metric, if a value that
    /// is watched is not there, or if a loss or a gradient is not finite. Then the training has the weights of the last step
    /// that was taken.
    pub fn run(mut self) -> Result<History> {
        let plan = self.check()?;
        let mut fitting = self.training.fitting.take().unwrap_or_default();
        if fitting.plateau.is_none() {
            fitting.plateau.clone_from(&self.plateau);
        }
        self.training.fitting = Some(fitting);
        let ended = self.all_epochs(&plan);
        let fitting = self.training.fitting.take().unwrap_or_default();
        let ended = ended?;
        if self.training.optimizer.has_averages() {
            self.training.overwrite_with_averages()?;
        }
        let stopping = self.early_stopping.as_ref();
        if stopping.is_some_and(|stopping| stopping.restore_best_weights)
            && let Some(best) = fitting.best_weights
        {
            self.training.replace(best)?;
        }
        Ok(History {
            epochs: fitting.history,
            ended,
            best_epoch: fitting.best_epoch,
        })
    }

    /// The samples to learn from, and those of the validation.
    fn check(&self) -> Result<Plan<'f, A>> {
        check_all(&self.metrics, self.training.outputs())?;
        self.pieces.check()?;
        if let Some(stopping) = &self.early_stopping {
            stopping.check()?;
        }
        if self.batch_size == 0 {
            return Err(Error::value("batch_size", "at least 1", 0));
        }
        let split = self.validation_split;
        if !(0.0..1.0).contains(&split) {
            return Err(Error::value(
                "validation_split",
                "0 or more, below 1",
                split,
            ));
        }
        let data = match &self.source {
            Source::Arrays(data) => Some(*data),
            Source::Batches(_) => None,
        };
        let mut learned = 0;
        let mut validation = None;
        if let Some(data) = data {
            let count = data.check()?;
            learned = count;
            if split > 0.0 && self.validation_data.is_none() {
                let kept = libm::floor(count as f64 * (1.0 - split));
                learned = num_traits::NumCast::from(kept).unwrap_or(0);
                if learned == 0 || learned == count {
                    let expected = "one that leaves samples on both sides";
                    let found = alloc::format!("{split} of {count} samples");
                    return Err(Error::value("validation_split", expected, found));
                }
                validation = Some((data, (learned..count).collect()));
            }
            if self.sort_by_length && data.lengths().is_none() {
                return Err(Error::value("lengths", "some, to sort by them", "none"));
            }
        } else if split > 0.0 || self.sort_by_length {
            let expected = "arrays, to split or to sort them: `Training::fit`";
            return Err(Error::value("data", expected, "batches"));
        }
        if let Some(data) = self.validation_data {
            validation = Some((data, (0..data.check()?).collect()));
        }
        Ok(Plan {
            samples: (0..learned).collect(),
            validation,
        })
    }

    fn all_epochs(&mut self, plan: &Plan<A>) -> Result<Ended> {
        loop {
            let fitting = self.fitting();
            let (epoch, wait) = (fitting.epoch, fitting.wait);
            let mut stopping = self.early_stopping.iter();
            if stopping.any(|stopping| stopping.ends(epoch, wait)) {
                return Ok(Ended::Early);
            }
            if epoch >= self.epochs {
                return Ok(Ended::Epochs);
            }
            if let Some(ended) = self.steps(plan, epoch)? {
                return Ok(ended);
            }
            if let Some(ended) = self.end_epoch(plan)? {
                return Ok(ended);
            }
        }
    }

    fn fitting(&mut self) -> &mut Fitting<A> {
        self.training.fitting.get_or_insert_with(Fitting::default)
    }

    /// Takes the steps of an epoch, and returns why it did not come to its end.
    fn steps(&mut self, plan: &Plan<A>, epoch: u64) -> Result<Option<Ended>> {
        let metrics = self.metrics.len();
        let fitting = self.fitting();
        if fitting.steps == 0 {
            fitting.sums = Sums::new(metrics);
            fitting.carried = None;
        }
        if fitting.sums.tallies.len() != metrics {
            let (expected, found) = (metrics, fitting.sums.tallies.len());
            return Err(Error::value(
                "number of metrics of the resumed epoch",
                expected,
                found,
            ));
        }
        // A training that was resumed leaves out the steps that it took.
        let (mut seen, mut ended) = (0, None);
        let taken = fitting.steps;
        let batches: Box<dyn Iterator<Item = Examples<A>>> = match &mut self.source {
            Source::Batches(epochs) if taken == 0 => epochs(epoch),
            Source::Batches(_) => {
                let expected = "0, as batches that are made anew start with an epoch";
                return Err(Error::value("steps of the resumed epoch", expected, taken));
            }
            Source::Arrays(data) => {
                let (data, seed) = (*data, self.training.seed);
                let order = Order {
                    samples: &plan.samples,
                    batch_size: self.batch_size,
                    shuffle: self.shuffle.then_some(seed),
                    lengths: data.lengths().filter(|_| self.sort_by_length),
                };
                let batches = order.batches(epoch).into_iter();
                Box::new(batches.map(|rows| data.examples(&rows)))
            }
        };
        for examples in batches {
            if matches!(self.source, Source::Batches(_)) {
                examples.check()?;
            }
            self.pieces.each(examples, |piece, part, burn_in, weight| {
                seen += 1;
                if seen <= taken {
                    return Ok(true);
                }
                if piece == 0 {
                    self.fitting().carried = None;
                }
                ended = self.step(part, burn_in, weight)?;
                Ok(ended.is_none())
            })?;
            if ended.is_some() {
                return Ok(ended);
            }
        }
        if seen == 0 {
            return Err(Error::value("number of batches", "at least 1", 0));
        }
        if seen < taken {
            let expected = alloc::format!("at most the {seen} of this data");
            return Err(Error::value("steps of the resumed epoch", expected, taken));
        }
        Ok(None)
    }

    /// Takes one step, and returns why it is the last one.
    fn step(&mut self, part: &Examples<A>, burn_in: usize, weight: f64) -> Result<Option<Ended>> {
        let mut batch = part.batch().burn_in(burn_in);
        batch.state = self.fitting().carried.take();
        let step = self.training.step(&batch)?;
        let carries = self.pieces.window.is_some();
        let metrics = &self.metrics;
        let fitting = self.training.fitting.get_or_insert_with(Fitting::default);
        fitting.carried = carries.then(|| step.state.clone());
        fitting.steps += 1;
        fitting.sums.add(step.loss, &step.losses, weight);
        fitting.sums.norms += step.gradient_norm;
        for (metric, tally) in metrics.iter().zip(&mut fitting.sums.tallies) {
            metric.count(tally, &step.outputs, &batch.targets)?;
        }
        let (epoch, at) = (fitting.epoch, fitting.steps - 1);
        if let Some(each) = &mut self.each_step {
            let end = StepEnd {
                epoch,
                step: at,
                result: &step,
                training: self.training,
            };
            if each(&end) == Go::Stop {
                return Ok(Some(Ended::Stopped));
            }
        }
        #[cfg(feature = "std")]
        if self
            .deadline
            .is_some_and(|deadline| std::time::Instant::now() > deadline)
        {
            return Ok(Some(Ended::Deadline));
        }
        Ok(None)
    }

    /// What follows the steps of an epoch; returns why it is the last one.
    fn end_epoch(&mut self, plan: &Plan<A>) -> Result<Option<Ended>> {
        let metrics = core::mem::take(&mut self.metrics);
        let mut epoch = self.fitting().epoch(&metrics);
        let validated = match &plan.validation {
            Some((data, samples)) => {
                let data = (*data, samples.as_slice());
                evaluated(self.training, data, self.batch_size, self.pieces, &metrics).map(Some)
            }
            None => Ok(None),
        };
        if let Ok(Some(sums)) = &validated {
            epoch.val_loss = Some(sums.loss());
            epoch.val_metrics = sums.metrics(&metrics, "val_");
        }
        self.metrics = metrics;
        validated?;
        self.lower_rate(&mut epoch)?;
        let fitting = self.training.fitting.get_or_insert_with(Fitting::default);
        let mut is_kept = false;
        if let Some(stopping) = &self.early_stopping {
            is_kept = fitting.watch(stopping, &epoch)? && stopping.restore_best_weights;
        }
        if is_kept {
            fitting.best_weights = Some(arrays_of(&self.training.model)?);
        }
        fitting.history.push(epoch.clone());
        (fitting.epoch, fitting.steps, fitting.carried) = (fitting.epoch + 1, 0, None);
        if let Some(each) = &mut self.each_epoch {
            let end = EpochEnd {
                epoch: &epoch,
                training: self.training,
            };
            if each(&end) == Go::Stop {
                return Ok(Some(Ended::Stopped));
            }
        }
        Ok(None)
    }

    /// Lowers the learning rate, if the epoch was no better.
    fn lower_rate(&mut self, epoch: &mut Epoch) -> Result<()> {
        epoch.learning_rate = self.training.optimizer.learning_rate();
        let watched = if epoch.val_loss.is_some() {
            "val_loss"
        } else {
            "loss"
        };
        let value = value_of(epoch, watched)?;
        let rate = epoch.learning_rate;
        if let Some(plateau) = &mut self.fitting().plateau {
            let lower = plateau.observe(value, rate)?;
            if lower.total_cmp(&rate).is_ne() {
                self.training.optimizer.set_learning_rate(lower)?;
            }
        }
        Ok(())
    }
}
