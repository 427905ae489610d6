//! `Optimizer`: moves the weights of a layer or model by their gradients.

use super::builder::{OptimizerBuilder, Options};
use super::rule::{Decay, Now};
use super::weight::{OfLayer, Owner, Target, check_finite, check_shape, paths_of, targets};
use crate::Element;
use crate::describe::Describe;
use crate::error::{Error, Result};
use crate::gradients::Gradients;
use crate::train::check::not_negative;
use crate::train::rate::LearningRate;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use ndarray::{ArrayD, Zip};

/// The name of the moving average among the slots of a weight.
pub(super) const AVERAGE: &str = "average";
/// The name of the sum of gradients among the slots of a weight.
pub(super) const SUM: &str = "gradient_accumulator";

/// Moves the weights of a layer or model by their gradients.
///
/// It is made of a rule ([`Sgd`](crate::train::Sgd), [`Adam`](crate::train::Adam) …) and of the options of an
/// [`OptimizerBuilder`]. An update, in this order:
///
/// ```text
/// accumulate the gradients → clip → weight decay → rule → moving averages → overwrite by them → constraints
/// ```
/// A weight without a gradient is frozen: neither it nor its slots move. Source of the order: `keras.optimizers.Optimizer`.
///
/// ```
/// use ndarray::arr1;
/// use recurrent::train::{Adam, Clip, Gradients, Optimizer};
/// use recurrent::{Layer, Lstm, Model};
/// let mut lstm = Lstm::<f32>::builder(2, 3).build()?;
/// let mut optimizer = Optimizer::of(Adam::keras(1e-3)).clip(Clip::GlobalNorm(1.0)).build()?;
/// let gradients = Gradients::from_arrays(vec![("bias".into(), arr1(&[1.0; 12]).into_dyn())]);
/// optimizer.update(&mut lstm, &gradients)?;
/// assert!((lstm.bias().unwrap()[0] + 1e-3).abs() < 1e-6);
///
/// let mut model = Model::new().add(Layer::new(lstm)); // there, paths begin with the name of the layer
/// let mut optimizer = Optimizer::of(Adam::keras(1e-3)).build()?;
/// let wrong = optimizer.update(&mut model, &gradients).unwrap_err().to_string();
/// assert!(wrong.contains("\"bias\", expected one of the trainable weights lstm/kernel"));
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Optimizer<A> {
    pub(super) options: OptimizerBuilder<A>,
    pub(super) learning_rate: LearningRate,
    pub(super) step: u64,
    pub(super) accumulated: u64,
    pub(super) product: f64,
    pub(super) kept: BTreeMap<String, Kept<A>>,
    /// Whether every name in the options was found to select a weight.
    names_are_checked: bool,
}

/// What is kept for one weight, in row-major order.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept<A> {
    pub updates: u64,
    /// Those of the rule, in its order; none before the first update.
    pub slots: Vec<ArrayD<A>>,
    pub average: Option<ArrayD<A>>,
    /// The sum of the gradients since the last update, if there were some.
    pub sum: Option<ArrayD<A>>,
}

/// A weight after an update that has not taken place yet.
struct Moved<A> {
    path: String,
    before: ArrayD<A>,
    after: ArrayD<A>,
    kept: Kept<A>,
}

impl<A: Element> OptimizerBuilder<A> {
    /// Makes the optimiser. Returns an error if an option is out of its range.
    pub fn build(self) -> Result<Optimizer<A>> {
        self.check()?;
        Ok(Optimizer {
            learning_rate: self.rule.learning_rate().clone(),
            options: self,
            step: 0,
            accumulated: 0,
            product: 1.0,
            kept: BTreeMap::new(),
            names_are_checked: false,
        })
    }
}

impl<A: Element> Optimizer<A> {
    /// An optimiser with this rule, whose options are still to be said.
    pub fn of(rule: impl Into<OptimizerBuilder<A>>) -> OptimizerBuilder<A> {
        rule.into()
    }

    /// Moves the weights of a layer or model by their gradients, or keeps these if gradients are accumulated.
    ///
    /// Returns an error if a gradient has another path or shape than every trainable weight, or a number that is not finite; if
    /// a weight is borrowed or a name of the options selects none; or if the update would make numbers that are not finite. The
    /// error names the path, and nothing has moved: no weight, no slot, no count.
    pub fn update(&mut self, layer: &mut dyn Describe<A>, gradients: &Gradients<A>) -> Result<()> {
        self.update_all(&mut OfLayer(layer), gradients)
    }

    /// Moves arrays of your own, by their paths, like the weights of a layer: for parameters of a loss.
    pub fn update_arrays(
        &mut self,
        mut weights: &mut [(String, ArrayD<A>)],
        gradients: &Gradients<A>,
    ) -> Result<()> {
        self.update_all(&mut weights, gradients)
    }

    fn update_all(&mut self, owner: &mut dyn Owner<A>, gradients: &Gradients<A>) -> Result<()> {
        let has_sum = |path: &str| self.kept.get(path).is_some_and(|kept| kept.sum.is_some());
        let given: BTreeSet<&str> = gradients.iter().map(|(path, _)| path).collect();
        let weights = owner.weights(&|path| given.contains(path) || has_sum(path));
        if !self.names_are_checked {
            self.options.check_names(paths_of(&weights))?;
            self.names_are_checked = true;
        }
        let targets = targets(weights, gradients)?;
        let mut sums = Vec::new();
        for target in &targets {
            sums.push(self.sum(target)?);
        }
        let steps = self.options.gradient_accumulation_steps;
        if self.accumulated + 1 < steps {
            for (target, sum) in targets.into_iter().zip(sums) {
                self.kept.entry(target.path).or_default().sum = Some(sum);
            }
            self.accumulated += 1;
            return Ok(());
        }
        if steps > 1 {
            let steps = A::from_f64(steps as f64);
            sums.iter_mut().for_each(|sum| *sum /= steps);
        }
        if let Some(clip) = self.options.clip {
            clip.apply_to(sums.iter_mut().collect())?;
        }
        let rate = self.learning_rate();
        not_negative("learning_rate", rate)?;
        let t = self.step + 1;
        let product = self.product * self.options.rule.factor(t);
        let moved = targets.into_iter().zip(sums);
        let moved = moved.map(|(target, gradient)| self.moved(target, gradient, rate, product));
        let moved: Vec<Moved<A>> = moved.collect::<Result<_>>()?;
        set_all(owner, &moved)?;
        self.step = t;
        self.accumulated = 0;
        self.product = product;
        let kept = moved.into_iter().map(|moved| (moved.path, moved.kept));
        self.kept.extend(kept);
        Ok(())
    }

    /// The sum of the gradients of a weight since the last update, with the one of this call, in row-major order.
    fn sum(&self, target: &Target<A>) -> Result<ArrayD<A>> {
        let before = self.kept.get(&target.path);
        let before = before.and_then(|kept| kept.sum.as_ref());
        let sum = match (before, target.gradient) {
            (Some(sum), Some(gradient)) => {
                check_shape(SUM, &target.path, gradient.shape(), sum.shape())?;
                let sum = sum + gradient;
                check_finite("sum of the gradients", &target.path, &sum)?;
                sum
            }
            (Some(sum), None) => {
                check_shape(SUM, &target.path, target.array.shape(), sum.shape())?;
                sum.clone()
            }
            (None, Some(gradient)) => gradient.clone(),
            (None, None) => ArrayD::zeros(target.array.raw_dim()),
        };
        Ok(row_major(sum))
    }

    /// What a weight becomes by a gradient, which is clipped already.
    fn moved(
        &self,
        target: Target<A>,
        mut gradient: ArrayD<A>,
        rate: f64,
        product: f64,
    ) -> Result<Moved<A>> {
        let Target {
            path,
            array: before,
            gradient: _,
        } = target;
        let Options {
            factor,
            decay,
            constraint,
        } = self.options.options(&path)?;
        let rule = &self.options.rule;
        let rate = rate * factor;
        let mut kept = self.kept.get(&path).cloned().unwrap_or_default();
        kept.sum = None;
        kept.updates += 1;
        if kept.slots.is_empty() {
            let slots = rule.slots().into_iter();
            let start = |start| ArrayD::from_elem(before.raw_dim(), A::from_f64(start));
            kept.slots = slots.map(|slot| start(slot.start)).collect();
        }
        for slot in kept.slots.iter().chain(&kept.average) {
            check_shape("slot", &path, before.shape(), slot.shape())?;
        }
        let mut after = row_major(before.clone());
        match decay {
            Decay::Decoupled(0.0) | Decay::Coupled(0.0) => {} // else -0 would become 0
            Decay::Decoupled(decay) => {
                let share = A::from_f64(decay * rate);
                after.mapv_inplace(|w| w - w * share);
            }
            Decay::Coupled(decay) => {
                let decay = A::from_f64(decay);
                Zip::from(&mut gradient)
                    .and(&after)
                    .for_each(|g, &w| *g += decay * w);
            }
        }
        let t = self.step + 1;
        let now = Now {
            rate,
            t: if rule.counts_apart() { kept.updates } else { t },
            is_first: kept.updates == 1,
            product,
        };
        let slots = kept.slots.iter_mut();
        let mut slots: Vec<&mut [A]> = slots.filter_map(ArrayD::as_slice_mut).collect();
        if let (Some(w), Some(g)) = (after.as_slice_mut(), gradient.as_slice()) {
            rule.update(&now, w, g, &mut slots);
        }
        if let Some(ema) = self.options.ema {
            let momentum = ema.momentum_at(t);
            let [old, new] = [momentum, 1.0 - momentum].map(A::from_f64);
            let average = kept.average.get_or_insert_with(|| before.clone());
            Zip::from(&mut *average)
                .and(&after)
                .for_each(|average, &w| *average = old * *average + new * w);
            if ema.overwrites_at(t) {
                after.assign(average);
            }
        }
        if let Some(constraint) = constraint {
            constraint.apply(&mut after)?;
        }
        check_finite("updated weight", &path, &after)?;
        for slot in &kept.slots {
            check_finite("updated slot", &path, slot)?;
        }
        Ok(Moved {
            path,
            before,
            after,
            kept,
        })
    }

    /// The rate with which the next call would update. The step of a schedule is the number of calls so far, and that is the
    /// number of updates unless gradients are accumulated.
    pub fn learning_rate(&self) -> f64 {
        let calls = self.step * self.options.gradient_accumulation_steps + self.accumulated;
        self.learning_rate.at(calls)
    }

    /// Sets the rate of the updates to come: a number, or a schedule, which goes on from the updates so far. Returns an error if
    /// it is negative or not finite.
    pub fn set_learning_rate(&mut self, learning_rate: impl Into<LearningRate>) -> Result<()> {
        let learning_rate = learning_rate.into();
        learning_rate.check()?;
        self.learning_rate = learning_rate;
        Ok(())
    }

    /// The number of updates so far. Calls that only accumulate gradients are not counted.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// An array that is kept for the weight at this path, by its name in Keras: `momentum`, `velocity`, `average` …
    /// [`WeightState::slots`](crate::train::WeightState::slots) says which there are.
    pub fn slot(&self, path: &str, name: &str) -> Option<&ArrayD<A>> {
        let kept = self.kept.get(path)?;
        match name {
            AVERAGE => kept.average.as_ref(),
            SUM => kept.sum.as_ref(),
            _ => {
                let slots = self.options.rule.slots();
                let place = slots.iter().position(|slot| slot.name == name)?;
                kept.slots.get(place)
            }
        }
    }

    /// The options in words, to be compared.
    pub(crate) fn options(&self) -> alloc::string::String {
        alloc::format!("{:?}", self.options)
    }

    /// Whether there are moving averages, after an update.
    pub(crate) fn has_averages(&self) -> bool {
        self.kept.values().any(|kept| kept.average.is_some())
    }

    /// Replaces the weights of a layer or model by their moving averages, as Keras' `fit` does at its end. Weights without one
    /// stay. Returns an error, and has changed nothing, if there are no averages, or one does not fit its weight.
    ///
    /// Source: `finalize_variable_values` of `keras.optimizers.Optimizer`.
    pub fn overwrite_with_averages(&self, layer: &mut dyn Describe<A>) -> Result<()> {
        let has_average = |path: &str| self.slot(path, AVERAGE).is_some();
        let mut owner = OfLayer(layer);
        let mut moved = Vec::new();
        for weight in owner.weights(&has_average) {
            let average = self.slot(&weight.path, AVERAGE);
            if let (Some(before), Some(after)) = (weight.array, average) {
                check_shape(AVERAGE, &weight.path, before.shape(), after.shape())?;
                moved.push(Moved {
                    path: weight.path,
                    before,
                    after: after.clone(),
                    kept: Kept::default(),
                });
            }
        }
        if moved.is_empty() {
            let expected =
                "some: build the optimiser with `use_ema`, and update weights of this layer";
            return Err(Error::value("number of averages", expected, 0));
        }
        set_all(&mut owner, &moved)
    }
}

/// Replaces weights, all of them or none.
fn set_all<A: Element>(owner: &mut dyn Owner<A>, moved: &[Moved<A>]) -> Result<()> {
    for (done, Moved { path, after, .. }) in moved.iter().enumerate() {
        if !owner.set(path, after) {
            for Moved { path, before, .. } in &moved[..done] {
                owner.set(path, before);
            }
            let expected =
                "one of a layer that is owned: it is borrowed, or shared and no copy can be made";
            return Err(Error::value("weight", expected, format!("{path:?}")));
        }
    }
    Ok(())
}

/// The array with its numbers in row-major order, so that it is one slice.
pub(super) fn row_major<A: Element>(array: ArrayD<A>) -> ArrayD<A> {
    if array.is_standard_layout() {
        return array;
    }
    array.as_standard_layout().into_owned()
}
