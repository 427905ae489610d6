//! `Lion`: steps of one length, by the sign of the momentum.

use super::rule::{Now, Rule, Slot};
use crate::Element;
use crate::error::Result;
use crate::train::check::below_one;
use crate::train::rate::LearningRate;
use crate::train::regularizer::sign;
use crate::train::setters::setters;
use alloc::vec::Vec;

/// Lion: every number moves by the rate, in the direction of the sign of its momentum.
///
/// ```text
/// w -= rate · sign(beta_1 · m + (1 - beta_1) · g)        sign(0) = 0
/// m = beta_2 · m + (1 - beta_2) · g
/// ```
/// Source: `keras.optimizers.Lion`; Chen et al., arXiv:2302.06675. Rates are 3 to 10 times smaller than Adam's.
///
/// An optimiser cannot be built with a beta outside of 0 to 1 or at 1.
///
/// ```
/// use ndarray::arr1;
/// use recurrent::train::{Gradients, Lion, Optimizer};
/// let mut weights = [("w".into(), arr1(&[1.0, 1.0, 1.0]).into_dyn())];
/// let gradients = Gradients::from_arrays(vec![("w".into(), arr1(&[0.001, -7.0, 0.0]).into_dyn())]);
/// Optimizer::of(Lion::keras(0.25)).build()?.update_arrays(&mut weights, &gradients)?;
/// assert_eq!(weights[0].1, arr1(&[0.75, 1.25, 1.0]).into_dyn());
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Lion {
    learning_rate: LearningRate,
    beta_1: f64,
    beta_2: f64,
}

impl Lion {
    /// The equation and the defaults of `keras.optimizers.Lion`. Keras' default rate is 0.001.
    pub fn keras(learning_rate: impl Into<LearningRate>) -> Self {
        Lion {
            learning_rate: learning_rate.into(),
            beta_1: 0.9,
            beta_2: 0.99,
        }
    }

    setters! {
        /// The share of the momentum in the step. Default: 0.9.
        beta_1: f64,
        /// The share of the momentum that stays. Default: 0.99.
        beta_2: f64,
    }
}

impl<A: Element> Rule<A> for Lion {
    fn learning_rate(&self) -> &LearningRate {
        &self.learning_rate
    }

    fn check(&self) -> Result<()> {
        below_one("beta_1", self.beta_1)?;
        below_one("beta_2", self.beta_2)
    }

    fn slots(&self) -> Vec<Slot> {
        Vec::from([Slot::zero("momentum")])
    }

    fn update(&self, now: &Now, w: &mut [A], g: &[A], slots: &mut [&mut [A]]) {
        let [beta_1, new_1] = [self.beta_1, 1.0 - self.beta_1].map(A::from_f64);
        let [beta_2, new_2] = [self.beta_2, 1.0 - self.beta_2].map(A::from_f64);
        let rate = A::from_f64(now.rate);
        let [m] = slots else {
            return;
        };
        for ((w, &g), m) in w.iter_mut().zip(g).zip(m.iter_mut()) {
            *w -= rate * sign(beta_1 * *m + new_1 * g);
            *m = beta_2 * *m + new_2 * g;
        }
    }
}
