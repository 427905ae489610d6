//! `Nadam`: Adam with Nesterov momentum.

use super::rule::{Now, Rule, Slot};
use crate::Element;
use crate::error::Result;
use crate::train::check::{below_one, not_negative};
use crate::train::rate::LearningRate;
use crate::train::setters::setters;
use alloc::vec::Vec;
use libm::pow;

/// Nadam: [`Adam`](crate::train::Adam) with Nesterov momentum, whose share grows with the updates.
///
/// ```text
/// u(t) = beta_1 · (1 - ½ · 0.96ᵗ)        P(t) = u(1) · u(2) · … · u(t)
/// m += (1 - beta_1) · (g - m)
/// v += (1 - beta_2) · (g² - v)
/// m̂ = u(t + 1) · m / (1 - P(t + 1)) + (1 - u(t)) · g / (1 - P(t))
/// w -= rate · m̂ / (√(v / (1 - beta_2ᵗ)) + epsilon)
/// ```
/// Source: `keras.optimizers.Nadam`; Dozat, "Incorporating Nesterov Momentum into Adam" (2016). PyTorch's `NAdam` lets the
/// share grow 250 times slower, and is not offered.
///
/// An optimiser cannot be built with a beta outside of 0 to 1 or at 1, or a negative epsilon.
///
/// ```
/// use recurrent::train::{Nadam, Optimizer};
/// let optimizer = Optimizer::<f32>::of(Nadam::keras(1e-3).beta_1(0.8)).build()?;
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Nadam {
    learning_rate: LearningRate,
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
}

impl Nadam {
    /// The equation and the defaults of `keras.optimizers.Nadam`. Keras' default rate is 0.001.
    pub fn keras(learning_rate: impl Into<LearningRate>) -> Self {
        Nadam {
            learning_rate: learning_rate.into(),
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-7,
        }
    }

    setters! {
        /// The share of the average of the gradient that stays. Default: 0.9.
        beta_1: f64,
        /// The share of the average of its square that stays. Default: 0.999.
        beta_2: f64,
        /// What keeps the division finite. Default: 10⁻⁷.
        epsilon: f64,
    }

    /// u(t).
    fn share(&self, t: u64) -> f64 {
        self.beta_1 * (1.0 - 0.5 * pow(0.96, t as f64))
    }
}

impl<A: Element> Rule<A> for Nadam {
    fn learning_rate(&self) -> &LearningRate {
        &self.learning_rate
    }

    fn check(&self) -> Result<()> {
        below_one("beta_1", self.beta_1)?;
        below_one("beta_2", self.beta_2)?;
        not_negative("epsilon", self.epsilon)
    }

    fn slots(&self) -> Vec<Slot> {
        Vec::from(["momentum", "velocity"].map(Slot::zero))
    }

    fn factor(&self, t: u64) -> f64 {
        self.share(t)
    }

    fn update(&self, now: &Now, w: &mut [A], g: &[A], slots: &mut [&mut [A]]) {
        let (share, next) = (self.share(now.t), self.share(now.t + 1));
        let of_m = A::from_f64(now.rate * next / (1.0 - now.product * next));
        let of_g = A::from_f64(now.rate * (1.0 - share) / (1.0 - now.product));
        let correction = 1.0 - pow(self.beta_2, now.t as f64);
        let [correction, epsilon] = [correction, self.epsilon].map(A::from_f64);
        let [new_1, new_2] = [1.0 - self.beta_1, 1.0 - self.beta_2].map(A::from_f64);
        let [m, v] = slots else {
            return;
        };
        let numbers = w.iter_mut().zip(g).zip(m.iter_mut()).zip(v.iter_mut());
        for (((w, &g), m), v) in numbers {
            *m += new_1 * (g - *m);
            *v += new_2 * (g * g - *v);
            *w -= (of_m * *m + of_g * g) / ((*v / correction).sqrt() + epsilon);
        }
    }
}
