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
/// What does not fit is an error of the step, not of the batch.
///
/// ```
/// use ndarray::{Array2, Array3, array};
/// use recurrent::train::{Adam, Batch, Loss, Target, Training};
/// use recurrent::{Layer, Lstm, Model, Tensor};
/// let model = Model::<f32>::new().add(Layer::new(Lstm::builder(3, 1).build()?));
/// let training = Training::of(model).loss(Loss::mean_squared_error());
/// let mut training = training.optimizer(Adam::keras(1e-3)).build()?;
///
/// let (x, y, weights) = (Array3::ones((2, 5, 3)), Array2::zeros((2, 1)), array![1.0, 0.5]);
/// let batch = Batch::new(&x, &y).lengths(&[5, 3]).sample_weights(&weights);
/// let loss = training.gradients(&batch)?.0;
///
/// // The same, as for a model with several inputs and outputs.
/// let mask = array![[true; 5], [true, true, true, false, false]];
/// let target = Target::new(&y).sample_weights(&weights);
/// let batch = Batch::all(vec![Tensor::new(&x).masked(&mask)], vec![target]);
/// assert_eq!(training.gradients(&batch)?.0, loss);
/// # Ok::<(), recurrent::Error>(())
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

    /// Masks right padding: only the first `lengths[r]` timesteps of sample `r` of the first input are real. Its axis 1 is
    /// the timesteps.
    ///
    /// The mask passes through the model. Where it arrives at an output, it weighs the loss, as in Keras, unless the
    /// [`Target`] has a mask or lengths of its own. Those of [`Loss::ctc`](super::Loss::ctc) it needs: no mask says how
    /// long an alignment is.
    ///
    /// A step returns an error if there is not one length for each sample, a length is larger than the number of
    /// timesteps, or the input has a mask already. Other inputs take a mask of their own: [`Tensor::masked`].
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
    /// an error if there is none, or if the state is that of another model or of another number of samples. `None` starts
    /// anew.
    pub fn initial_state(mut self, state: impl Into<Option<ModelState>>) -> Self {
        self.state = state.into();
        self
    }

    /// Runs the first `timesteps` of every input for the state alone, as in inference, without a loss and without gradients.
    /// A target that has timesteps has those of the rest only; [`lengths`](Self::lengths) and masks count all.
    ///
    /// As with [`initial_state`](Self::initial_state), only layers that are [`stateful`](crate::Layer::stateful) go on
    /// from there, and they should read forwards. A step returns an error if there is none, if an input has fewer timesteps,
    /// if one of the [`lengths`](Self::lengths) ends inside of the burn-in, or if the model has several inputs.
    pub fn burn_in(mut self, timesteps: usize) -> Self {
        self.burn_in = timesteps;
        self
    }

    /// Refuses a burn-in that would train on what is no output.
    pub(super) fn check_burn_in(&self) -> Result<()> {
        if self.inputs.len() > 1 {
            let (expected, found) = ("1, with a burn-in", self.inputs.len());
            return Err(Error::value("number of inputs", expected, found));
        }
        let lengths = self.lengths.unwrap_or_default();
        match lengths.iter().find(|&&length| length <= self.burn_in) {
            None => Ok(()),
            Some(length) => {
                let expected = alloc::format!("more than the {} of the burn-in", self.burn_in);
                Err(Error::value("length", expected, length))
            }
        }
    }

    /// The inputs, with the mask of the lengths if there are some.
    pub(super) fn masked_inputs(&self) -> Result<Vec<Tensor<A>>> {
        let mut inputs = self.inputs.clone();
        let Some(lengths) = self.lengths else {
            return Ok(inputs);
        };
        if let Some(input) = inputs.first_mut() {
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
