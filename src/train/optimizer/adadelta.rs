//! `Adadelta`: steps in the units of the weights.

use super::rule::{Now, Rule, Slot};
use crate::Element;
use crate::error::Result;
use crate::train::check::{not_negative, share};
use crate::train::rate::LearningRate;
use crate::train::setters::setters;
use alloc::vec::Vec;

/// Adadelta: a step is multiplied with the root of the average square of the steps before it.
///
/// ```text
/// v = rho · v + (1 - rho) · g²
/// d = -√(a + epsilon) / √(v + epsilon) · g
/// a = rho · a + (1 - rho) · d²
/// w += rate · d
/// ```
/// The paper has a rate of 1, Keras' default is 0.001. `Adadelta::keras(1.0).rho(0.9).epsilon(1e-6)` has the defaults of
/// `torch.optim.Adadelta`, whose equation is the same. Sources: `keras.optimizers.Adadelta`; Zeiler, arXiv:1212.5701.
///
/// An optimiser cannot be built with `rho` outside of 0 to 1, or a negative epsilon.
///
/// ```
/// use recurrent::train::{Adadelta, Optimizer};
/// let optimizer = Optimizer::<f32>::of(Adadelta::keras(1.0).rho(0.9)).build()?;
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Adadelta {
    learning_rate: LearningRate,
    rho: f64,
    epsilon: f64,
}

impl Adadelta {
    /// The equation and the defaults of `keras.optimizers.Adadelta`. Keras' default rate is 0.001.
    pub fn keras(learning_rate: impl Into<LearningRate>) -> Self {
        Adadelta {
            learning_rate: learning_rate.into(),
            rho: 0.95,
            epsilon: 1e-7,
        }
    }

    setters! {
        /// The share of the averages that stays. Default: 0.95.
        rho: f64,
        /// What keeps the division finite and starts the steps. Default: 10⁻⁷.
        epsilon: f64,
    }
}

impl<A: Element> Rule<A> for Adadelta {
    fn learning_rate(&self) -> &LearningRate {
        &self.learning_rate
    }

    fn check(&self) -> Result<()> {
        share("rho", self.rho)?;
        not_negative("epsilon", self.epsilon)
    }

    fn slots(&self) -> Vec<Slot> {
        Vec::from(["accumulated_grad", "accumulated_delta_var"].map(Slot::zero))
    }

    fn update(&self, now: &Now, w: &mut [A], g: &[A], slots: &mut [&mut [A]]) {
        let [rho, rest] = [self.rho, 1.0 - self.rho].map(A::from_f64);
        let [rate, epsilon] = [now.rate, self.epsilon].map(A::from_f64);
        let [v, a] = slots else {
            return;
        };
        let numbers = w.iter_mut().zip(g).zip(v.iter_mut()).zip(a.iter_mut());
        for (((w, &g), v), a) in numbers {
            *v = rho * *v + rest * (g * g);
            let d = -((*a + epsilon).sqrt() / (*v + epsilon).sqrt() * g);
            *a = rho * *a + rest * (d * d);
            *w += rate * d;
        }
    }
}
