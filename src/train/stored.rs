//! `Stored`: the state of a training as texts and arrays, which a file can hold.

use super::fit::{Epoch, Fitting, Sums};
use super::metric::{Scores, Tally};
use super::plateau::Parts;
use super::{OptimizerState, ReduceOnPlateau, TrainingState, WeightState};
use crate::error::{Error, Result};
use crate::{Element, ModelState};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use ndarray::{Array1, ArrayD, Ix1, Ix2};
use serde::{Deserialize, Serialize};

/// The version of this form.
const VERSION: u64 = 1;
/// What errors call it.
const PART: &str = "state of a training";

/// The state of a training as a text and arrays.
pub(crate) struct Stored<A> {
    /// JSON, without numbers that a decimal would round.
    pub(crate) head: String,
    pub(crate) arrays: Vec<(String, ArrayD<A>)>,
    pub(crate) doubles: Vec<(String, ArrayD<f64>)>,
}

/// The name of the array with all single numbers.
const NUMBERS: &str = "numbers";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    version: u64,
    options: Vec<(String, String)>,
    seed: u64,
    step: u64,
    weights: Vec<String>,
    optimizer: HeadOptimizer,
    fit: Option<HeadFit>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadOptimizer {
    step: u64,
    accumulated: u64,
    has_rate: bool,
    /// The path of each weight, its updates, and the names of its slots.
    weights: Vec<(String, u64, Vec<String>)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadFit {
    epoch: u64,
    steps: u64,
    outputs: usize,
    /// The number of scores of each metric.
    scores: Vec<usize>,
    epochs: Vec<HeadEpoch>,
    has_best: bool,
    best_epoch: Option<u64>,
    wait: u64,
    best_weights: Option<Vec<String>>,
    plateau: Option<HeadPlateau>,
    /// The number of arrays of each layer that keeps a state.
    carried: Option<Vec<Option<usize>>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadEpoch {
    epoch: u64,
    steps: u64,
    outputs: usize,
    metrics: Vec<String>,
    is_validated: bool,
    val_metrics: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadPlateau {
    patience: u64,
    cooldown: u64,
    rising: bool,
    has_best: bool,
    wait: u64,
    cooling: u64,
}

/// The single numbers, in the order in which they were written.
struct Numbers(alloc::vec::IntoIter<f64>);

impl Numbers {
    fn next(&mut self) -> Result<f64> {
        let missing = || Error::file(PART, "more numbers", "too few");
        self.0.next().ok_or_else(missing)
    }

    fn some(&mut self, yes: bool) -> Result<Option<f64>> {
        yes.then(|| self.next()).transpose()
    }

    fn list(&mut self, count: usize) -> Result<Vec<f64>> {
        // Not collected: the count is that of a file.
        let mut list = Vec::new();
        for _ in 0..count {
            list.push(self.next()?);
        }
        Ok(list)
    }

    fn named(&mut self, names: Vec<String>) -> Result<Vec<(String, f64)>> {
        let named = names.into_iter().map(|name| Ok((name, self.next()?)));
        named.collect()
    }
}

fn names<T>(of: &[(String, T)]) -> Vec<String> {
    of.iter().map(|(name, _)| name.clone()).collect()
}

impl<A: Element> TrainingState<A> {
    pub(crate) fn store(&self) -> Result<Stored<A>> {
        let (mut arrays, mut doubles, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
        let mut put = |folder: &str, of: &[(String, ArrayD<A>)]| {
            let named = of
                .iter()
                .map(|(path, array)| (format!("{folder}/{path}"), array.clone()));
            arrays.extend(named);
        };
        put("weights", &self.weights);
        let optimizer = &self.optimizer;
        for weight in &optimizer.weights {
            for (name, slot) in &weight.slots {
                put(
                    &format!("optimizer/{name}"),
                    &[(weight.path.clone(), slot.clone())],
                );
            }
        }
        numbers.push(optimizer.product);
        numbers.extend(optimizer.learning_rate);
        let fit = self.fitting.as_deref().map(|fitting| {
            if let Some(best) = &fitting.best_weights {
                put("best", best);
            }
            store_fit(fitting, &mut numbers, &mut doubles)
        });
        let slots =
            |weight: &WeightState<A>| (weight.path.clone(), weight.updates, names(&weight.slots));
        let head = Head {
            version: VERSION,
            options: self.options.clone(),
            seed: self.seed,
            step: self.step,
            weights: names(&self.weights),
            optimizer: HeadOptimizer {
                step: optimizer.step,
                accumulated: optimizer.accumulated,
                has_rate: optimizer.learning_rate.is_some(),
                weights: optimizer.weights.iter().map(slots).collect(),
            },
            fit,
        };
        doubles.push((NUMBERS.to_string(), Array1::from(numbers).into_dyn()));
        let wrong = |error| Error::file(PART, "one that can be written", error);
        Ok(Stored {
            head: serde_json::to_string(&head).map_err(wrong)?,
            arrays,
            doubles,
        })
    }

    /// Restores a state from its text, and from arrays by their names.
    pub(crate) fn restore(
        head: serde_json::Value,
        array: &mut dyn FnMut(&str) -> Result<ArrayD<A>>,
        double: &mut dyn FnMut(&str) -> Result<ArrayD<f64>>,
    ) -> Result<Self> {
        let head: Head = serde_json::from_value(head)
            .map_err(|error| Error::file(PART, "that of a training", error))?;
        if head.version != VERSION {
            let (expected, found) = (format!("version {VERSION}"), head.version);
            return Err(Error::file(PART, expected, format!("version {found}")));
        }
        let numbers = double(NUMBERS)?.into_dimensionality::<Ix1>()?;
        let mut numbers = Numbers(numbers.to_vec().into_iter());
        let mut take = |folder: &str, paths: Vec<String>| {
            let named = paths.into_iter().map(|path| {
                let array = array(&format!("{folder}/{path}"))?;
                Ok((path, array))
            });
            named.collect::<Result<Vec<_>>>()
        };
        let weights = take("weights", head.weights)?;
        let mut kept = Vec::new();
        for (path, updates, names) in head.optimizer.weights {
            let mut slots = Vec::new();
            for name in names {
                let mut slot = take(&format!("optimizer/{name}"), [path.clone()].into())?;
                slots.extend(slot.pop().map(|(_, slot)| (name, slot)));
            }
            kept.push(WeightState {
                path,
                updates,
                slots,
            });
        }
        let optimizer = OptimizerState {
            step: head.optimizer.step,
            accumulated: head.optimizer.accumulated,
            product: numbers.next()?,
            learning_rate: numbers.some(head.optimizer.has_rate)?,
            weights: kept,
        };
        let fitting = match head.fit {
            Some(mut fit) => {
                let best = fit.best_weights.take();
                let best = best.map(|paths| take("best", paths)).transpose()?;
                let fitting = restore_fit(fit, &mut numbers, double)?;
                Some(Box::new(Fitting {
                    best_weights: best,
                    ..fitting
                }))
            }
            None => None,
        };
        if numbers.0.next().is_some() {
            return Err(Error::file(
                PART,
                "fewer numbers",
                "some that are left over",
            ));
        }
        Ok(TrainingState {
            weights,
            optimizer,
            options: head.options,
            seed: head.seed,
            step: head.step,
            fitting,
        })
    }
}

fn store_fit<A>(
    fitting: &Fitting<A>,
    numbers: &mut Vec<f64>,
    doubles: &mut Vec<(String, ArrayD<f64>)>,
) -> HeadFit {
    let sums = &fitting.sums;
    numbers.extend([sums.loss, sums.weight, sums.norms]);
    numbers.extend(&sums.losses);
    for tally in &sums.tallies {
        numbers.extend(tally.sums);
        for &(score, is_positive, weight) in &tally.scores.0 {
            numbers.extend([score, f64::from(u8::from(is_positive)), weight]);
        }
    }
    for epoch in &fitting.history {
        numbers.extend([epoch.loss, epoch.learning_rate, epoch.gradient_norm]);
        numbers.extend(epoch.val_loss);
        numbers.extend(&epoch.losses);
        let metrics = epoch.metrics.iter().chain(&epoch.val_metrics);
        numbers.extend(metrics.map(|(_, value)| value));
    }
    numbers.extend(fitting.best);
    let plateau = fitting.plateau.as_ref().map(|plateau| {
        let of = plateau.parts();
        numbers.extend(of.numbers);
        numbers.extend(of.best);
        HeadPlateau {
            patience: of.counts[0],
            cooldown: of.counts[1],
            wait: of.counts[2],
            cooling: of.counts[3],
            rising: of.rising,
            has_best: of.best.is_some(),
        }
    });
    let carried = fitting.carried.as_ref().map(|state| {
        let mut counts = Vec::new();
        for (layer, arrays) in state.arrays().iter().enumerate() {
            counts.push(arrays.as_ref().map(Vec::len));
            for (at, array) in arrays.iter().flatten().enumerate() {
                doubles.push((format!("carried/{layer}/{at}"), array.clone().into_dyn()));
            }
        }
        counts
    });
    let epoch = |epoch: &Epoch| HeadEpoch {
        epoch: epoch.epoch,
        steps: epoch.steps,
        outputs: epoch.losses.len(),
        metrics: names(&epoch.metrics),
        is_validated: epoch.val_loss.is_some(),
        val_metrics: names(&epoch.val_metrics),
    };
    HeadFit {
        epoch: fitting.epoch,
        steps: fitting.steps,
        outputs: sums.losses.len(),
        scores: sums
            .tallies
            .iter()
            .map(|tally| tally.scores.0.len())
            .collect(),
        epochs: fitting.history.iter().map(epoch).collect(),
        has_best: fitting.best.is_some(),
        best_epoch: fitting.best_epoch,
        wait: fitting.wait,
        best_weights: fitting.best_weights.as_deref().map(names),
        plateau,
        carried,
    }
}

fn restore_fit<A>(
    head: HeadFit,
    numbers: &mut Numbers,
    double: &mut dyn FnMut(&str) -> Result<ArrayD<f64>>,
) -> Result<Fitting<A>> {
    let [loss, weight, norms] = [numbers.next()?, numbers.next()?, numbers.next()?];
    let losses = numbers.list(head.outputs)?;
    let mut tallies = Vec::new();
    for count in head.scores {
        let mut tally = Tally {
            sums: [numbers.next()?, numbers.next()?, numbers.next()?],
            scores: Scores::default(),
        };
        for _ in 0..count {
            let (score, is_positive) = (numbers.next()?, numbers.next()? > 0.0);
            tally.scores.add(score, is_positive, numbers.next()?);
        }
        tallies.push(tally);
    }
    let mut history = Vec::new();
    for of in head.epochs {
        history.push(Epoch {
            epoch: of.epoch,
            steps: of.steps,
            loss: numbers.next()?,
            learning_rate: numbers.next()?,
            gradient_norm: numbers.next()?,
            val_loss: numbers.some(of.is_validated)?,
            losses: numbers.list(of.outputs)?,
            metrics: numbers.named(of.metrics)?,
            val_metrics: numbers.named(of.val_metrics)?,
        });
    }
    let best = numbers.some(head.has_best)?;
    let mut plateau = None;
    if let Some(of) = head.plateau {
        let settings = [numbers.next()?, numbers.next()?, numbers.next()?];
        plateau = Some(ReduceOnPlateau::of_parts(Parts {
            numbers: settings,
            counts: [of.patience, of.cooldown, of.wait, of.cooling],
            rising: of.rising,
            best: numbers.some(of.has_best)?,
        }));
    }
    let mut carried = None;
    if let Some(layers) = head.carried {
        let mut state = Vec::new();
        for (layer, count) in layers.into_iter().enumerate() {
            let mut arrays = Vec::new();
            for at in 0..count.unwrap_or(0) {
                let array = double(&format!("carried/{layer}/{at}"))?;
                arrays.push(array.into_dimensionality::<Ix2>()?);
            }
            state.push(count.map(|_| arrays));
        }
        carried = Some(ModelState::from_arrays(state));
    }
    Ok(Fitting {
        epoch: head.epoch,
        steps: head.steps,
        sums: Sums {
            loss,
            losses,
            weight,
            norms,
            tallies,
        },
        carried,
        history,
        best,
        best_epoch: head.best_epoch,
        wait: head.wait,
        best_weights: None,
        plateau,
    })
}
