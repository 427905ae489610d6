//! `RmsProp`: steps divided by the root of a moving average of squares.

use super::rule::{Decay, Dialect, Now, Rule, Slot};
use crate::Element;
use crate::error::Result;
use crate::train::check::{not_negative, share};
use crate::train::rate::LearningRate;
use crate::train::setters::setters;
use alloc::vec::Vec;

/// RMSprop: a step is divided by the root of a moving average of the squares of the gradient.
///
/// ```text
/// v = rho · v + (1 - rho) · g²
/// d = v, or centred: a = rho · a + (1 - rho) · g,  d = max(v - a², 0)
/// Keras:    i = rate · g / √(d + epsilon)       m = momentum · m + i       w -= m        without momentum: w -= i
/// PyTorch:  i = g / (√d + epsilon)              m = momentum · m + i       w -= rate · m
/// ```
/// The maximum is our own: rounding can make v - a² negative, whose root Keras and PyTorch would take. Keras' weight decay is
/// decoupled, PyTorch's is coupled. Sources: `keras.optimizers.RMSprop`, `torch.optim.RMSprop` (`rho` is its `alpha`); Tieleman
/// & Hinton, lecture 6.5 of "Neural Networks for Machine Learning" (2012); centred: Graves, arXiv:1308.0850.
///
/// An optimiser cannot be built with `rho` or a momentum outside of 0 to 1, or a negative epsilon.
///
/// ```
/// use ndarray::arr1;
/// use recurrent::train::{Gradients, Optimizer, RmsProp};
/// let mut weights = [("w".into(), arr1(&[1.0]).into_dyn())];
/// let gradients = Gradients::from_arrays(vec![("w".into(), arr1(&[0.5]).into_dyn())]);
/// let mut optimizer = Optimizer::of(RmsProp::keras(0.01).rho(0.75).epsilon(0.0)).build()?;
/// optimizer.update_arrays(&mut weights, &gradients)?;
/// assert_eq!(weights[0].1[0], 1.0 - 0.01 * 0.5 / 0.25);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RmsProp {
    learning_rate: LearningRate,
    dialect: Dialect,
    rho: f64,
    momentum: f64,
    epsilon: f64,
    centered: bool,
}

impl RmsProp {
    /// The equation and the defaults of `keras.optimizers.RMSprop`. Keras' default rate is 0.001.
    pub fn keras(learning_rate: impl Into<LearningRate>) -> Self {
        RmsProp {
            learning_rate: learning_rate.into(),
            dialect: Dialect::Keras,
            rho: 0.9,
            momentum: 0.0,
            epsilon: 1e-7,
            centered: false,
        }
    }

    /// The equation and the defaults of `torch.optim.RMSprop`. PyTorch's default rate is 0.01.
    pub fn torch(learning_rate: impl Into<LearningRate>) -> Self {
        RmsProp {
            dialect: Dialect::Torch,
            rho: 0.99,
            epsilon: 1e-8,
            ..Self::keras(learning_rate)
        }
    }

    setters! {
        /// The share of the average that stays: PyTorch's `alpha`. Default: 0.9, in PyTorch 0.99.
        rho: f64,
        /// The share of the last step that is added. Default: 0.
        momentum: f64,
        /// What keeps the division finite. Default: 10⁻⁷ inside of the root, in PyTorch 10⁻⁸ beside it.
        epsilon: f64,
        /// Whether the variance of the gradient takes the place of its mean square. Default: `false`.
        centered: bool,
    }
}

impl<A: Element> Rule<A> for RmsProp {
    fn learning_rate(&self) -> &LearningRate {
        &self.learning_rate
    }

    fn check(&self) -> Result<()> {
        share("rho", self.rho)?;
        share("momentum", self.momentum)?;
        not_negative("epsilon", self.epsilon)
    }

    fn decay(&self) -> Decay {
        match self.dialect {
            Dialect::Keras => Decay::Decoupled(0.0),
            Dialect::Torch => Decay::Coupled(0.0),
        }
    }

    fn slots(&self) -> Vec<Slot> {
        let names = [
            ("velocity", true),
            ("momentum", self.momentum != 0.0),
            ("average_gradient", self.centered),
        ];
        let given = names.into_iter().filter(|(_, given)| *given);
        given.map(|(name, _)| Slot::zero(name)).collect()
    }

    fn update(&self, now: &Now, w: &mut [A], g: &[A], slots: &mut [&mut [A]]) {
        let [rho, rest, rate] = [self.rho, 1.0 - self.rho, now.rate].map(A::from_f64);
        let [momentum, epsilon] = [self.momentum, self.epsilon].map(A::from_f64);
        let Some((v, others)) = slots.split_first_mut() else {
            return;
        };
        let (moved, mean) = others.split_at_mut(usize::from(self.momentum != 0.0));
        let numbers = w.iter_mut().zip(g).zip(v.iter_mut());
        for (i, ((w, &g), v)) in numbers.enumerate() {
            *v = rho * *v + rest * (g * g);
            let mut square = *v;
            if let [mean] = mean {
                mean[i] = rho * mean[i] + rest * g;
                square = (square - mean[i] * mean[i]).max(A::zero());
            }
            let mut step = match self.dialect {
                Dialect::Keras => rate * g / (square + epsilon).sqrt(),
                Dialect::Torch => g / (square.sqrt() + epsilon),
            };
            if let [moved] = moved {
                step += momentum * moved[i];
                moved[i] = step;
            }
            *w -= match self.dialect {
                Dialect::Keras => step,
                Dialect::Torch => rate * step,
            };
        }
    }
}
