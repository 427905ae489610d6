//! `Sgd`: gradient descent, with momentum.

use super::rule::{Decay, Dialect, Now, Rule, Slot};
use crate::Element;
use crate::error::{Error, Result};
use crate::train::check::share;
use crate::train::rate::LearningRate;
use crate::train::setters::setters;
use alloc::vec::Vec;

/// Gradient descent, perhaps with momentum.
///
/// ```text
/// momentum 0:  w -= rate · g
/// Keras:       v = momentum · v - rate · g                    w += v               nesterov: w += momentum · v - rate · g
/// PyTorch:     v = momentum · v + (1 - dampening) · g         w -= rate · v        nesterov: w -= rate · (g + momentum · v)
///              (at the first update v = g)
/// ```
/// So in Keras the rate is inside of the velocity: when it changes, the steps before go on with the old one. Keras' weight
/// decay is decoupled, PyTorch's is coupled. Sources: `keras.optimizers.SGD`, `torch.optim.SGD`; Sutskever et al., "On the
/// importance of initialization and momentum in deep learning" (2013).
///
/// An optimiser cannot be built with a momentum or dampening outside of 0 to 1, with a dampening in Keras' equation, or with
/// PyTorch's Nesterov momentum together with a dampening or without a momentum.
///
/// ```
/// use ndarray::arr1;
/// use recurrent::train::{Gradients, Optimizer, Sgd};
/// let mut weights = [("w".into(), arr1(&[1.0]).into_dyn())];
/// let gradients = Gradients::from_arrays(vec![("w".into(), arr1(&[0.5]).into_dyn())]);
/// let mut optimizer = Optimizer::of(Sgd::keras(0.25).momentum(0.5).nesterov(true)).build()?;
/// optimizer.update_arrays(&mut weights, &gradients)?;
/// assert_eq!(weights[0].1[0], 1.0 - 0.5 * 0.125 - 0.125);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Sgd {
    learning_rate: LearningRate,
    dialect: Dialect,
    momentum: f64,
    dampening: f64,
    nesterov: bool,
}

impl Sgd {
    fn new(learning_rate: LearningRate, dialect: Dialect) -> Self {
        Sgd {
            learning_rate,
            dialect,
            momentum: 0.0,
            dampening: 0.0,
            nesterov: false,
        }
    }

    /// The equation of `keras.optimizers.SGD`, without momentum. Keras' default rate is 0.01.
    pub fn keras(learning_rate: impl Into<LearningRate>) -> Self {
        Self::new(learning_rate.into(), Dialect::Keras)
    }

    /// The equation of `torch.optim.SGD`, without momentum. PyTorch's default rate is 0.001.
    pub fn torch(learning_rate: impl Into<LearningRate>) -> Self {
        Self::new(learning_rate.into(), Dialect::Torch)
    }

    setters! {
        /// The share of the velocity that stays. Default: 0.
        momentum: f64,
        /// PyTorch's: what is taken off the gradient before it goes into the velocity. Default: 0.
        dampening: f64,
        /// Whether the step looks ahead along the velocity. Default: `false`.
        nesterov: bool,
    }
}

impl<A: Element> Rule<A> for Sgd {
    fn learning_rate(&self) -> &LearningRate {
        &self.learning_rate
    }

    fn check(&self) -> Result<()> {
        share("momentum", self.momentum)?;
        share("dampening", self.dampening)?;
        if self.dialect == Dialect::Keras && self.dampening != 0.0 {
            let expected = "0, since Keras has none";
            return Err(Error::value("dampening", expected, self.dampening));
        }
        if self.dialect == Dialect::Torch
            && self.nesterov
            && (self.dampening != 0.0 || self.momentum == 0.0)
        {
            let expected = "false without a momentum, and with a dampening";
            return Err(Error::value("nesterov", expected, true));
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
        let has_momentum = self.momentum != 0.0;
        has_momentum
            .then(|| Slot::zero("momentum"))
            .into_iter()
            .collect()
    }

    fn counts_apart(&self) -> bool {
        self.dialect == Dialect::Torch
    }

    fn update(&self, now: &Now, w: &mut [A], g: &[A], slots: &mut [&mut [A]]) {
        let [rate, momentum] = [now.rate, self.momentum].map(A::from_f64);
        let [v] = slots else {
            w.iter_mut().zip(g).for_each(|(w, &g)| *w -= rate * g);
            return;
        };
        let numbers = w.iter_mut().zip(g).zip(v.iter_mut());
        match self.dialect {
            Dialect::Keras => numbers.for_each(|((w, &g), v)| {
                let step = rate * g;
                *v = momentum * *v - step;
                *w += if self.nesterov {
                    momentum * *v - step
                } else {
                    *v
                };
            }),
            Dialect::Torch => {
                let dampened = if now.is_first {
                    A::one()
                } else {
                    A::from_f64(1.0 - self.dampening)
                };
                numbers.for_each(|((w, &g), v)| {
                    *v = momentum * *v + dampened * g;
                    let step = if self.nesterov { g + momentum * *v } else { *v };
                    *w -= rate * step;
                });
            }
        }
    }
}
