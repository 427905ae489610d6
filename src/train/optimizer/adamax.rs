//! `Adamax`: Adam with the largest gradient.

use super::rule::{Now, Rule, Slot};
use crate::Element;
use crate::error::Result;
use crate::train::check::{below_one, not_negative};
use crate::train::rate::LearningRate;
use crate::train::setters::setters;
use alloc::vec::Vec;
use libm::pow;

/// Adamax: [`Adam`](crate::train::Adam) with a decaying largest gradient in place of the root of the average square.
///
/// ```text
/// m += (1 - beta_1) · (g - m)
/// u = max(beta_2 · u, |g|)
/// w -= rate / (1 - beta_1ᵗ) · m / (u + epsilon)
/// ```
/// Source: `keras.optimizers.Adamax`; Kingma & Ba, arXiv:1412.6980, section 7. PyTorch's `Adamax` adds epsilon to |g| before
/// the maximum, and is not offered.
///
/// An optimiser cannot be built with a beta outside of 0 to 1 or at 1, or a negative epsilon.
///
/// ```
/// use recurrent::train::{Adamax, Optimizer};
/// let optimizer = Optimizer::<f32>::of(Adamax::keras(1e-3)).build()?;
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Adamax {
    learning_rate: LearningRate,
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
}

impl Adamax {
    /// The equation and the defaults of `keras.optimizers.Adamax`. Keras' default rate is 0.001.
    pub fn keras(learning_rate: impl Into<LearningRate>) -> Self {
        Adamax {
            learning_rate: learning_rate.into(),
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-7,
        }
    }

    setters! {
        /// The share of the average of the gradient that stays. Default: 0.9.
        beta_1: f64,
        /// The share of the largest gradient that stays. Default: 0.999.
        beta_2: f64,
        /// What keeps the division finite. Default: 10⁻⁷.
        epsilon: f64,
    }
}

impl<A: Element> Rule<A> for Adamax {
    fn learning_rate(&self) -> &LearningRate {
        &self.learning_rate
    }

    fn check(&self) -> Result<()> {
        below_one("beta_1", self.beta_1)?;
        below_one("beta_2", self.beta_2)?;
        not_negative("epsilon", self.epsilon)
    }

    fn slots(&self) -> Vec<Slot> {
        Vec::from(["momentum", "norm"].map(Slot::zero))
    }

    fn update(&self, now: &Now, w: &mut [A], g: &[A], slots: &mut [&mut [A]]) {
        let rate = A::from_f64(now.rate / (1.0 - pow(self.beta_1, now.t as f64)));
        let [new, beta_2] = [1.0 - self.beta_1, self.beta_2].map(A::from_f64);
        let epsilon = A::from_f64(self.epsilon);
        let [m, u] = slots else {
            return;
        };
        let numbers = w.iter_mut().zip(g).zip(m.iter_mut()).zip(u.iter_mut());
        for (((w, &g), m), u) in numbers {
            *m += new * (g - *m);
            *u = (beta_2 * *u).max(g.abs());
            *w -= rate * *m / (*u + epsilon);
        }
    }
}
