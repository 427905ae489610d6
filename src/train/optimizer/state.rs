//! `OptimizerState`: what an optimiser has learned.

use alloc::string::String;
use alloc::vec::Vec;
use ndarray::ArrayD;

/// What an optimiser has learned, as a value: with it a training goes on as if it had never stopped, bit for bit.
///
/// [`Optimizer::state`](crate::train::Optimizer::state) makes it, [`Optimizer::resume`](crate::train::Optimizer::resume)
/// takes it. Options of the optimiser are code, and not in it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OptimizerState<A> {
    /// The number of updates so far.
    pub step: u64,
    /// The number of calls since the last update, while gradients are accumulated.
    pub accumulated: u64,
    /// The product of the shares of momentum in [`Nadam`](crate::train::Nadam), Keras' `u_product`; 1 for other rules.
    pub product: f64,
    /// The learning rate, if it is constant.
    pub learning_rate: Option<f64>,
    /// The weights that had a gradient, by path.
    pub weights: Vec<WeightState<A>>,
}

/// What an optimiser keeps for one weight.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WeightState<A> {
    /// The path of the weight.
    pub path: String,
    /// The number of its updates.
    pub updates: u64,
    /// Arrays of the shape of the weight, by name, in Keras' words: those of the rule (`momentum`, `velocity` …), then
    /// `average` if there are moving averages, and `gradient_accumulator` between two updates of an accumulation.
    pub slots: Vec<(String, ArrayD<A>)>,
}
