//! `Batch`: what one step of a training learns from.

use super::Target;
use super::loss::check_lengths;
use crate::error::{Error, Result};
use crate::{Element, ModelState, Tensor};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array2, ArrayRef, Dimension, Ix2};

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
    /// The mask passes through the model. Where it arrives at an output, it weighs the loss, as in Keras, unless the
    /// [`Target`] has a mask or lengths of its own. Those of [`Loss::ctc`](super::Loss::ctc) it needs: no mask says how
    /// long an alignment is.
    ///
    /// A step returns an error if there is not one length for each sample, a length is larger than the number of
    /// timesteps of an input, or an input has a mask already. For inputs of different lengths, give each its own mask:
    /// [`Tensor::masked`].
    pub fn lengths(mut self, lengths: &'a [usize]) -> Self {
        self.lengths = Some(lengths);
        self
    }

    /// Masks timesteps of the first input: `false` marks one that does not exist, (samples, timesteps). See
    /// [`lengths`](Self::lengths) for what a mask does.
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

    /// Starts from the state in which another step ended, [`Step::state`](super::Step::state). No gradient passes on to
    /// that step: this is truncated backpropagation through time. Sample `r` goes on from sample `r`.
    ///
    /// As in Keras, only layers that are [`stateful`](crate::Layer::stateful) have a state to go on from. A step returns
    /// an error if there is none, or if the state is that of another model or of another number of samples.
    pub fn initial_state(mut self, state: ModelState) -> Self {
        self.state = Some(state);
        self
    }

    /// Runs the first `timesteps` of every input for the state alone, as in inference, without a loss and without gradients.
    /// A target that has timesteps has those of the rest only; [`lengths`](Self::lengths) and masks count all.
    ///
    /// As with [`initial_state`](Self::initial_state), only layers that are [`stateful`](crate::Layer::stateful) go on
    /// from there. A step returns an error if there is none, or if an input has fewer timesteps.
    pub fn burn_in(mut self, timesteps: usize) -> Self {
        self.burn_in = timesteps;
        self
    }

    /// The inputs, with the mask of the lengths if there are some.
    pub(super) fn masked_inputs(&self) -> Result<Vec<Tensor<A>>> {
        let mut inputs = self.inputs.clone();
        let Some(lengths) = self.lengths else {
            return Ok(inputs);
        };
        for input in &mut inputs {
            if input.mask.is_some() {
                return Err(Error::value("lengths", "none beside a mask", "some"));
            }
            let [samples, timesteps] = match input.values.shape() {
                [samples, timesteps, ..] => [*samples, *timesteps],
                shape => {
                    return Err(Error::Rank {
                        array: "an input that lengths are given for",
                        expected: "2 or more, (samples, timesteps, …)",
                        found: shape.len(),
                    });
                }
            };
            check_lengths(lengths, samples, timesteps)?;
            let mask = Array2::from_shape_fn((samples, timesteps), |(row, t)| t < lengths[row]);
            input.mask = Some(mask);
        }
        Ok(inputs)
    }
}
