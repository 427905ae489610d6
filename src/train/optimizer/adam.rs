//! `Adam` and `AdamW`: moving averages of the gradient and of its square.

use super::rule::{Decay, Dialect, Now, Rule, Slot};
use crate::Element;
use crate::error::Result;
use crate::train::check::{below_one, not_negative};
use crate::train::rate::LearningRate;
use crate::train::setters::setters;
use alloc::vec::Vec;
use libm::{pow, sqrt};

/// Adam: moving averages of the gradient and of its square, both corrected for their start at 0.
///
/// ```text
/// m += (1 - beta_1) · (g - m)
/// v += (1 - beta_2) · (g² - v)                                                   amsgrad: then the largest v so far
/// Keras:    w -= rate · √(1 - beta_2ᵗ) / (1 - beta_1ᵗ) · m / (√v + epsilon)
/// PyTorch:  w -= rate / (1 - beta_1ᵗ) · m / (√v / √(1 - beta_2ᵗ) + epsilon)
/// ```
/// Keras' epsilon stands beside the root that is not corrected: with gradients of 10⁻⁷ the first step is thirty times smaller
/// than PyTorch's. Keras' weight decay is decoupled, PyTorch's is coupled: [`AdamW`] decouples it. PyTorch counts the updates
/// of each array apart. Sources: `keras.optimizers.Adam`, `torch.optim.Adam`; Kingma & Ba, arXiv:1412.6980; AMSGrad: Reddi,
/// Kale & Kumar, "On the Convergence of Adam and Beyond" (2018).
///
/// An optimiser cannot be built with a beta outside of 0 to 1 or at 1, or a negative epsilon.
///
/// ```
/// use ndarray::arr1;
/// use recurrent::train::{Adam, Gradients, Optimizer};
/// let mut weights = [("w".into(), arr1(&[1.0_f64]).into_dyn())];
/// let gradients = Gradients::from_arrays(vec![("w".into(), arr1(&[0.5]).into_dyn())]);
/// let mut optimizer = Optimizer::of(Adam::keras(0.001)).build()?;
/// optimizer.update_arrays(&mut weights, &gradients)?;
/// assert!((weights[0].1[0] - 0.999).abs() < 1e-8); // the first step is as long as the rate
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Adam {
    learning_rate: LearningRate,
    dialect: Dialect,
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
    amsgrad: bool,
    decay: Decay,
}

impl Adam {
    /// The equation and the defaults of `keras.optimizers.Adam`. Keras' default rate is 0.001.
    pub fn keras(learning_rate: impl Into<LearningRate>) -> Self {
        Adam {
            learning_rate: learning_rate.into(),
            dialect: Dialect::Keras,
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-7,
            amsgrad: false,
            decay: Decay::Decoupled(0.0),
        }
    }

    /// The equation and the defaults of `torch.optim.Adam`. PyTorch's default rate is 0.001.
    pub fn torch(learning_rate: impl Into<LearningRate>) -> Self {
        Adam {
            dialect: Dialect::Torch,
            epsilon: 1e-8,
            decay: Decay::Coupled(0.0),
            ..Self::keras(learning_rate)
        }
    }

    setters! {
        /// The share of the average of the gradient that stays. Default: 0.9.
        beta_1: f64,
        /// The share of the average of its square that stays. Default: 0.999.
        beta_2: f64,
        /// What keeps the division finite. Default: 10⁻⁷, in PyTorch 10⁻⁸.
        epsilon: f64,
        /// Whether the largest average of squares so far takes the place of the last. Default: `false`.
        amsgrad: bool,
    }
}

/// [`Adam`] with weight decay that is decoupled from the gradient: w -= rate · decay · w, before the update.
///
/// Biases decay like all weights, unless
/// [`exclude_from_weight_decay`](crate::train::OptimizerBuilder::exclude_from_weight_decay) names them. Sources:
/// `keras.optimizers.AdamW`, `torch.optim.AdamW`; Loshchilov & Hutter, arXiv:1711.05101.
///
/// ```
/// use recurrent::train::{AdamW, Optimizer};
/// let rule = AdamW::keras(1e-3).beta_2(0.99); // decays by 0.004, Keras' default
/// let optimizer = Optimizer::<f32>::of(rule).weight_decay(0.01).exclude_from_weight_decay(["bias"]).build()?;
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub enum AdamW {}

impl AdamW {
    /// The equation and the defaults of `keras.optimizers.AdamW`: a decay of 0.004. Keras' default rate is 0.001.
    pub fn keras(learning_rate: impl Into<LearningRate>) -> Adam {
        Adam {
            decay: Decay::Decoupled(0.004),
            ..Adam::keras(learning_rate)
        }
    }

    /// The equation and the defaults of `torch.optim.AdamW`: a decay of 0.01. PyTorch's default rate is 0.001.
    pub fn torch(learning_rate: impl Into<LearningRate>) -> Adam {
        Adam {
            decay: Decay::Decoupled(0.01),
            ..Adam::torch(learning_rate)
        }
    }
}

impl<A: Element> Rule<A> for Adam {
    fn learning_rate(&self) -> &LearningRate {
        &self.learning_rate
    }

    fn check(&self) -> Result<()> {
        below_one("beta_1", self.beta_1)?;
        below_one("beta_2", self.beta_2)?;
        not_negative("epsilon", self.epsilon)
    }

    fn decay(&self) -> Decay {
        self.decay
    }

    fn slots(&self) -> Vec<Slot> {
        let names = ["momentum", "velocity", "velocity_hat"];
        let count = if self.amsgrad { 3 } else { 2 };
        names[..count].iter().map(|name| Slot::zero(name)).collect()
    }

    fn counts_apart(&self) -> bool {
        self.dialect == Dialect::Torch
    }

    fn update(&self, now: &Now, w: &mut [A], g: &[A], slots: &mut [&mut [A]]) {
        let t = now.t as f64;
        let root = sqrt(1.0 - pow(self.beta_2, t));
        // Where the second correction goes.
        let (of_step, of_root) = match self.dialect {
            Dialect::Keras => (root, 1.0),
            Dialect::Torch => (1.0, root),
        };
        let rate = A::from_f64(now.rate * of_step / (1.0 - pow(self.beta_1, t)));
        let [root, epsilon] = [of_root, self.epsilon].map(A::from_f64);
        let [new_1, new_2] = [1.0 - self.beta_1, 1.0 - self.beta_2].map(A::from_f64);
        let [m, v, largest @ ..] = slots else {
            return;
        };
        let numbers = w.iter_mut().zip(g).zip(m.iter_mut()).zip(v.iter_mut());
        for (i, (((w, &g), m), v)) in numbers.enumerate() {
            *m += new_1 * (g - *m);
            *v += new_2 * (g * g - *v);
            let mut square = *v;
            if let [largest] = largest {
                square = square.max(largest[i]);
                largest[i] = square;
            }
            *w -= rate * *m / (square.sqrt() / root + epsilon);
        }
    }
}
