//! `Batch`: what one step of a training learns from.

use crate::train::Target;
use crate::{Element, ModelState, Tensor};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array2, ArrayRef, Axis, Dimension, Ix2};

/// The inputs and targets of one step of a [`Training`](super::Training), and what else belongs to the step.
///
/// ```
/// use ndarray::{Array2, Array3};
/// use recurrent::train::Batch;
/// let (x, y) = (Array3::<f32>::zeros((2, 5, 3)), Array2::zeros((2, 1)));
/// let batch = Batch::new(&x, &y).lengths(&[5, 3]).sample_weights(&ndarray::arr1(&[1.0, 0.5]));
/// # let _ = batch;
/// ```
#[derive(Clone, Debug)]
pub struct Batch<'a, A> {
    pub(super) inputs: Vec<Tensor<A>>,
    pub(super) targets: Vec<Target<'a, A>>,
    pub(super) lengths: Option<&'a [usize]>,
    pub(super) state: Option<ModelState>,
    pub(super) burn_in: usize,
}

impl<'a, A: Element> Batch<'a, A> {
    /// A batch for a model with one input and one output.
    pub fn new<D: Dimension, E: Dimension>(x: &ArrayRef<A, D>, y_true: &'a ArrayRef<A, E>) -> Self {
        Batch::all(vec![Tensor::new(x)], vec![Target::new(y_true)])
    }

    /// A batch for a model with any number of inputs and outputs, in the order of [`Model::inputs`](crate::Model::inputs)
    /// and [`Model::outputs`](crate::Model::outputs).
    pub fn all(inputs: Vec<Tensor<A>>, targets: Vec<Target<'a, A>>) -> Self {
        Batch {
            inputs,
            targets,
            lengths: None,
            state: None,
            burn_in: 0,
        }
    }

    /// Masks right padding: only the first `lengths[r]` timesteps of sample `r` of every input are real.
    ///
    /// The mask passes through the model. Where it arrives at an output, it weighs the loss, as in Keras.
    pub fn lengths(mut self, lengths: &'a [usize]) -> Self {
        self.lengths = Some(lengths);
        self
    }

    /// Masks timesteps of the first input: `false` marks one that does not exist, (samples, timesteps).
    pub fn mask(mut self, mask: &ArrayRef<bool, Ix2>) -> Self {
        if let Some(input) = self.inputs.first_mut() {
            input.mask = Some(mask.to_owned());
        }
        self
    }

    /// A factor for each loss of the first output: see [`Target::sample_weights`].
    pub fn sample_weights<D: Dimension>(mut self, weights: &'a ArrayRef<A, D>) -> Self {
        self.targets = self
            .targets
            .into_iter()
            .enumerate()
            .map(|(at, target)| match at {
                0 => target.sample_weights(weights),
                _ => target,
            })
            .collect();
        self
    }

    /// A factor for each class of the first output: see [`Target::class_weights`].
    pub fn class_weights(mut self, weights: &'a [(usize, f64)]) -> Self {
        self.targets = self
            .targets
            .into_iter()
            .enumerate()
            .map(|(at, target)| match at {
                0 => target.class_weights(weights),
                _ => target,
            })
            .collect();
        self
    }

    /// Starts from the state in which another step ended. No gradient passes on to that step: this is truncated
    /// backpropagation through time, Keras' `stateful=True`.
    pub fn initial_state(mut self, state: ModelState) -> Self {
        self.state = Some(state);
        self
    }

    /// Runs the first `timesteps` for the state alone, without a loss and without gradients. A target that has timesteps has
    /// those of the rest only.
    pub fn burn_in(mut self, timesteps: usize) -> Self {
        self.burn_in = timesteps;
        self
    }

    /// The inputs, with the mask of the lengths if there are some. A length that does not fit is an error of the run.
    pub(super) fn masked_inputs(&self) -> Vec<Tensor<A>> {
        let mut inputs = self.inputs.clone();
        let Some(lengths) = self.lengths else {
            return inputs;
        };
        for input in &mut inputs {
            if input.values.ndim() < 2 {
                continue;
            }
            let timesteps = input.values.len_of(Axis(1));
            let mask =
                Array2::from_shape_fn((lengths.len(), timesteps), |(row, t)| t < lengths[row]);
            input.mask = Some(mask);
        }
        inputs
    }
}
