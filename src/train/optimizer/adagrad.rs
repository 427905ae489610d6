//! `Adagrad`: steps divided by the root of the sum of squares.

use super::rule::{Decay, Dialect, Now, Rule, Slot};
use crate::Element;
use crate::error::{Error, Result};
use crate::train::check::not_negative;
use crate::train::rate::LearningRate;
use crate::train::setters::setters;
use alloc::vec::Vec;

/// Adagrad: a step is divided by the root of the sum of the squares of all gradients so far.
///
/// ```text
/// v += g²
/// Keras:    w -= rate · g / √(v + epsilon)                                     v starts at 0.1
/// PyTorch:  w -= rate / (1 + (t - 1) · lr_decay) · g / (√v + epsilon)          v starts at 0
/// ```
/// Keras' weight decay is decoupled, PyTorch's is coupled. Sources: `keras.optimizers.Adagrad`, `torch.optim.Adagrad`; Duchi,
/// Hazan & Singer, "Adaptive Subgradient Methods" (2011).
///
/// An optimiser cannot be built with a negative option, or with `lr_decay` in Keras' equation.
///
/// ```
/// use ndarray::arr1;
/// use recurrent::train::{Adagrad, Gradients, Optimizer};
/// let mut weights = [("w".into(), arr1(&[1.0]).into_dyn())];
/// let gradients = Gradients::from_arrays(vec![("w".into(), arr1(&[0.5]).into_dyn())]);
/// let rule = Adagrad::keras(0.25).initial_accumulator_value(0.75).epsilon(0.0);
/// Optimizer::of(rule).build()?.update_arrays(&mut weights, &gradients)?;
/// assert_eq!(weights[0].1[0], 0.875);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Adagrad {
    learning_rate: LearningRate,
    dialect: Dialect,
    initial_accumulator_value: f64,
    epsilon: f64,
    lr_decay: f64,
}

impl Adagrad {
    /// The equation and the defaults of `keras.optimizers.Adagrad`. Keras' default rate is 0.001.
    pub fn keras(learning_rate: impl Into<LearningRate>) -> Self {
        Adagrad {
            learning_rate: learning_rate.into(),
            dialect: Dialect::Keras,
            initial_accumulator_value: 0.1,
            epsilon: 1e-7,
            lr_decay: 0.0,
        }
    }

    /// The equation and the defaults of `torch.optim.Adagrad`. PyTorch's default rate is 0.01.
    pub fn torch(learning_rate: impl Into<LearningRate>) -> Self {
        Adagrad {
            dialect: Dialect::Torch,
            initial_accumulator_value: 0.0,
            epsilon: 1e-10,
            ..Self::keras(learning_rate)
        }
    }

    setters! {
        /// What the sum of squares starts with. Default: 0.1, in PyTorch 0.
        initial_accumulator_value: f64,
        /// What keeps the division finite. Default: 10⁻⁷ inside of the root, in PyTorch 10⁻¹⁰ beside it.
        epsilon: f64,
        /// PyTorch's: how the rate falls with the updates. Default: 0.
        lr_decay: f64,
    }
}

impl<A: Element> Rule<A> for Adagrad {
    fn learning_rate(&self) -> &LearningRate {
        &self.learning_rate
    }

    fn check(&self) -> Result<()> {
        not_negative("initial_accumulator_value", self.initial_accumulator_value)?;
        not_negative("epsilon", self.epsilon)?;
        not_negative("lr_decay", self.lr_decay)?;
        if self.dialect == Dialect::Keras && self.lr_decay != 0.0 {
            let expected = "0, since Keras has none";
            return Err(Error::value("lr_decay", expected, self.lr_decay));
        }
        Ok(())
    }

    fn decay(&self) -> Decay {
        match self.dialect {
            Dialect::Keras => Decay::Decoupled(0.0),
            Dialect::Torch => Decay::Coupled(0.0),
        }
    }

    fn slots(&self) -> Vec<Slot> {
        Vec::from([Slot {
            name: "accumulator",
            start: self.initial_accumulator_value,
        }])
    }

    fn counts_apart(&self) -> bool {
        self.dialect == Dialect::Torch
    }

    fn update(&self, now: &Now, w: &mut [A], g: &[A], slots: &mut [&mut [A]]) {
        let rate = now.rate / (1.0 + (now.t - 1) as f64 * self.lr_decay);
        let [rate, epsilon] = [rate, self.epsilon].map(A::from_f64);
        let [v] = slots else {
            return;
        };
        for ((w, &g), v) in w.iter_mut().zip(g).zip(v.iter_mut()) {
            *v += g * g;
            let root = match self.dialect {
                Dialect::Keras => (*v + epsilon).sqrt(),
                Dialect::Torch => v.sqrt() + epsilon,
            };
            *w -= rate * g / root;
        }
    }
}
