//! `Ftrl`: weights that follow the regularised leader.

use super::rule::{Now, Rule, Slot};
use crate::Element;
use crate::error::Result;
use crate::train::check::{check, not_negative};
use crate::train::rate::LearningRate;
use crate::train::setters::setters;
use alloc::vec::Vec;
use libm::pow;

/// FTRL: a weight is what minimises the sum of all gradients so far with its penalties, so that many weights become 0.
///
/// ```text
/// p = -learning_rate_power        l2' = l2 + beta / (2 · rate)
/// n' = n + g²
/// z += (g + 2 · shrinkage · w) - (n'ᵖ - nᵖ) / rate · w
/// w = (clip(z, -l1, l1) - z) / (n'ᵖ / rate + 2 · l2')
/// n = n'
/// ```
/// l1, l2 and shrinkage are `l1_regularization_strength`, `l2_regularization_strength` and
/// `l2_shrinkage_regularization_strength`. Source: `keras.optimizers.Ftrl`; McMahan et al., "Ad Click Prediction" (2013).
///
/// An optimiser cannot be built with a negative option, or a `learning_rate_power` above 0. A rate of 0 makes numbers that are
/// not finite, which an update refuses.
///
/// ```
/// use recurrent::train::{Ftrl, Optimizer};
/// let rule = Ftrl::keras(0.1).l1_regularization_strength(0.01);
/// let optimizer = Optimizer::<f32>::of(rule).build()?;
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Ftrl {
    learning_rate: LearningRate,
    learning_rate_power: f64,
    initial_accumulator_value: f64,
    l1_regularization_strength: f64,
    l2_regularization_strength: f64,
    l2_shrinkage_regularization_strength: f64,
    beta: f64,
}

impl Ftrl {
    /// The equation and the defaults of `keras.optimizers.Ftrl`. Keras' default rate is 0.001.
    pub fn keras(learning_rate: impl Into<LearningRate>) -> Self {
        Ftrl {
            learning_rate: learning_rate.into(),
            learning_rate_power: -0.5,
            initial_accumulator_value: 0.1,
            l1_regularization_strength: 0.0,
            l2_regularization_strength: 0.0,
            l2_shrinkage_regularization_strength: 0.0,
            beta: 0.0,
        }
    }

    setters! {
        /// How the rate falls with the sum of squares: 0 or less. Default: -0.5.
        learning_rate_power: f64,
        /// What the sum of squares starts with. Default: 0.1.
        initial_accumulator_value: f64,
        /// The factor of Σ |w|. Default: 0.
        l1_regularization_strength: f64,
        /// The factor of Σ w². Default: 0.
        l2_regularization_strength: f64,
        /// The factor of Σ w² whose gradient goes into the sum of gradients only. Default: 0.
        l2_shrinkage_regularization_strength: f64,
        /// The paper's β, which makes the first steps shorter. Default: 0.
        beta: f64,
    }
}

impl<A: Element> Rule<A> for Ftrl {
    fn learning_rate(&self) -> &LearningRate {
        &self.learning_rate
    }

    fn check(&self) -> Result<()> {
        let power = self.learning_rate_power;
        let good = power.is_finite() && power <= 0.0;
        let expected = "a finite number, 0 or less";
        check(good, "learning_rate_power", expected, power)?;
        for (name, x) in [
            ("initial_accumulator_value", self.initial_accumulator_value),
            (
                "l1_regularization_strength",
                self.l1_regularization_strength,
            ),
            (
                "l2_regularization_strength",
                self.l2_regularization_strength,
            ),
            (
                "l2_shrinkage_regularization_strength",
                self.l2_shrinkage_regularization_strength,
            ),
            ("beta", self.beta),
        ] {
            not_negative(name, x)?;
        }
        Ok(())
    }

    fn slots(&self) -> Vec<Slot> {
        let start = self.initial_accumulator_value;
        let accumulator = Slot {
            name: "accumulator",
            start,
        };
        Vec::from([accumulator, Slot::zero("linear")])
    }

    fn update(&self, now: &Now, w: &mut [A], g: &[A], slots: &mut [&mut [A]]) {
        let power = |n: A| match self.learning_rate_power {
            -0.5 => n.sqrt(),
            power => A::from_f64(pow(n.as_f64(), -power)),
        };
        let l2 = 2.0 * self.l2_regularization_strength + self.beta / now.rate;
        let shrinkage = 2.0 * self.l2_shrinkage_regularization_strength;
        let [l1, l2] = [self.l1_regularization_strength, l2].map(A::from_f64);
        let [rate, shrinkage] = [now.rate, shrinkage].map(A::from_f64);
        let [n, z] = slots else {
            return;
        };
        let numbers = w.iter_mut().zip(g).zip(n.iter_mut()).zip(z.iter_mut());
        for (((w, &g), n), z) in numbers {
            let sum = *n + g * g;
            let leader = power(sum);
            *z += g + shrinkage * *w - (leader - power(*n)) / rate * *w;
            *n = sum;
            *w = (z.max(-l1).min(l1) - *z) / (leader / rate + l2);
        }
    }
}
