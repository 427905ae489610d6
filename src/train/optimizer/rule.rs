//! `Rule`: how one number moves, given its gradient.

use crate::Element;
use crate::error::Result;
use crate::train::rate::LearningRate;
use alloc::vec::Vec;
use core::fmt::Debug;

/// What is the same for all numbers of an array in an update.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// The learning rate.
    pub rate: f64,
    /// The number of updates with this one: 1 at the first.
    pub t: u64,
    /// Whether it is the first update of this array.
    pub is_first: bool,
    /// The product of [`Rule::factor`] over all updates, with this one.
    pub product: f64,
}

/// Weight decay: the factor, and where it goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decay {
    /// w -= rate · decay · w, before the update.
    Decoupled(f64),
    /// g += decay · w, before the update.
    Coupled(f64),
}

/// A number that the rule keeps for each number of a weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slot {
    /// The name, in Keras' words.
    pub name: &'static str,
    /// What it is before the first update.
    pub start: f64,
}

impl Slot {
    /// A slot that starts at 0.
    pub fn zero(name: &'static str) -> Self {
        Slot { name, start: 0.0 }
    }
}

/// How an optimiser moves numbers. It sees numbers, gradients and slots in whatever order they lie, and no shapes.
pub trait Rule<A: Element>: Debug + Send + Sync {
    /// The rate that the rule was made with.
    fn learning_rate(&self) -> &LearningRate;

    /// Refuses options out of their range.
    fn check(&self) -> Result<()>;

    /// The weight decay, unless another is asked for.
    fn decay(&self) -> Decay {
        Decay::Decoupled(0.0)
    }

    /// The slots of each number, in the order in which [`update`](Self::update) takes them.
    fn slots(&self) -> Vec<Slot>;

    /// Whether the updates of each array are counted apart, as in PyTorch. Keras has one count for all.
    fn counts_apart(&self) -> bool {
        false
    }

    /// What [`Now::product`] is multiplied with in update `t`.
    fn factor(&self, t: u64) -> f64 {
        let _ = t;
        1.0
    }

    /// Moves the numbers `w`, whose gradients are `g`, and their slots.
    fn update(&self, now: &Now, w: &mut [A], g: &[A], slots: &mut [&mut [A]]);
}

/// Whose equation a rule has, where the two differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Keras,
    Torch,
}
