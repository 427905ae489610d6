//! `OptimizerState`: what an optimiser has learned.

use super::engine::{AVERAGE, Kept, Optimizer, SUM, row_major};
use crate::Element;
use crate::error::{Error, Result};
use crate::train::rate::LearningRate;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use ndarray::ArrayD;

/// More calls than there can be. So many are exact in `f64`, as rules and schedules count.
const MOST: u64 = 1 << 53;

/// What an optimiser has learned, as a value: with it a training goes on as if it had never stopped, bit for bit.
///
/// [`Optimizer::state`](crate::train::Optimizer::state) makes it, [`Optimizer::resume`](crate::train::Optimizer::resume)
/// takes it. Options of the optimiser are code, and not in it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OptimizerState<A> {
    /// The number of updates so far.
    pub step: u64,
    /// The number of calls since the last update, while gradients are accumulated.
    pub accumulated: u64,
    /// The product of the shares of momentum in [`Nadam`](crate::train::Nadam), Keras' `u_product`; 1 for other rules.
    pub product: f64,
    /// The learning rate, if it is constant.
    pub learning_rate: Option<f64>,
    /// The weights that had a gradient, by path.
    pub weights: Vec<WeightState<A>>,
}

/// What an optimiser keeps for one weight.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WeightState<A> {
    /// The path of the weight.
    pub path: String,
    /// The number of its updates.
    pub updates: u64,
    /// Arrays of the shape of the weight, by name, in Keras' words: those of the rule (`momentum`, `velocity` …), then
    /// `average` if there are moving averages, and `gradient_accumulator` between two updates of an accumulation.
    pub slots: Vec<(String, ArrayD<A>)>,
}

impl<A: Element> Optimizer<A> {
    /// What the optimiser has learned.
    pub fn state(&self) -> OptimizerState<A> {
        let names: Vec<_> = self.options.rule.slots();
        let weights = self.kept.iter().map(|(path, kept)| {
            let of_rule = names.iter().map(|slot| slot.name).zip(&kept.slots);
            let others = [(AVERAGE, &kept.average), (SUM, &kept.sum)];
            let others = others
                .into_iter()
                .filter_map(|(name, slot)| Some((name, slot.as_ref()?)));
            let slots = of_rule.chain(others);
            WeightState {
                path: path.clone(),
                updates: kept.updates,
                slots: slots
                    .map(|(name, slot)| (name.to_string(), slot.clone()))
                    .collect(),
            }
        });
        OptimizerState {
            step: self.step,
            accumulated: self.accumulated,
            product: self.product,
            learning_rate: match self.learning_rate {
                LearningRate::Constant(rate) => Some(rate),
                _ => None,
            },
            weights: weights.collect(),
        }
    }

    /// Goes on from a state of an optimiser with the same options, bit for bit. Returns an error, and has changed nothing, if the
    /// state has other slots than this optimiser, or counts that it cannot have.
    ///
    /// ```
    /// use ndarray::arr1;
    /// use recurrent::train::{Adam, Gradients, Optimizer};
    /// let gradients = Gradients::from_arrays(vec![("w".into(), arr1(&[0.5_f32]).into_dyn())]);
    /// let mut weights = [("w".to_string(), arr1(&[1.0]).into_dyn())];
    /// let mut optimizer = Optimizer::of(Adam::keras(0.1)).build()?;
    /// optimizer.update_arrays(&mut weights, &gradients)?;
    ///
    /// let mut again = Optimizer::of(Adam::keras(0.1)).build()?;
    /// again.resume(optimizer.state())?;
    /// let mut copy = weights.clone();
    /// optimizer.update_arrays(&mut weights, &gradients)?;
    /// again.update_arrays(&mut copy, &gradients)?;
    /// assert_eq!(copy, weights);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn resume(&mut self, state: OptimizerState<A>) -> Result<()> {
        let learning_rate = match state.learning_rate {
            Some(rate) => LearningRate::Constant(rate),
            None => self.learning_rate.clone(),
        };
        learning_rate.check()?;
        let steps = self.options.gradient_accumulation_steps;
        if state.accumulated >= steps {
            let expected = format!("fewer than gradient_accumulation_steps, {steps}");
            return Err(Error::value("accumulated", expected, state.accumulated));
        }
        if state.step > MOST / steps {
            let expected = format!("{} at most", MOST / steps);
            return Err(Error::value("step", expected, state.step));
        }
        if !(0.0..=1.0).contains(&state.product) {
            return Err(Error::value(
                "product",
                "a number from 0 to 1",
                state.product,
            ));
        }
        let mut kept = BTreeMap::new();
        for weight in state.weights {
            let WeightState {
                path,
                updates,
                slots,
            } = weight;
            if updates > state.step {
                let expected = format!("{} at most", state.step);
                return Err(Error::value("updates of a weight", expected, updates));
            }
            let slots = self.kept_of(&path, updates, slots)?;
            if kept.insert(path.clone(), slots).is_some() {
                return Err(Error::value("path of a state", "one weight only", path));
            }
        }
        self.learning_rate = learning_rate;
        self.step = state.step;
        self.accumulated = state.accumulated;
        self.product = state.product;
        self.kept = kept;
        Ok(())
    }

    /// What is kept for a weight, of the slots of a state.
    fn kept_of(
        &self,
        path: &str,
        updates: u64,
        slots: Vec<(String, ArrayD<A>)>,
    ) -> Result<Kept<A>> {
        let names: Vec<_> = self.options.rule.slots();
        let of_rule = if updates > 0 { names.len() } else { 0 };
        let mut kept = Kept {
            updates,
            ..Kept::default()
        };
        for (name, slot) in slots {
            let slot = row_major(slot);
            let next = names.get(kept.slots.len());
            match &*name {
                AVERAGE if self.options.ema.is_some() => kept.average = Some(slot),
                SUM if self.options.gradient_accumulation_steps > 1 => kept.sum = Some(slot),
                name if next.is_some_and(|next| next.name == name) => kept.slots.push(slot),
                name => {
                    let expected = format!("those of this optimiser for {path:?}");
                    return Err(Error::value("slots", expected, format!("{name:?}")));
                }
            }
        }
        if kept.slots.len() != of_rule {
            let expected = format!("{of_rule} of the rule for {path:?}");
            let found = kept.slots.len();
            return Err(Error::value("number of slots", expected, found));
        }
        Ok(kept)
    }
}
