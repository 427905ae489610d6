//! `Training`: a model that learns, step by step.

use super::batch::Batch;
use super::builder::TrainingBuilder;
use super::{Evaluated, Loss, Noise, Optimizer, Target};
use crate::error::{Error, Result};
use crate::gradients::Gradients;
use crate::model::{ModelTape, Phase};
use crate::{Activation, Element, Model, ModelState, Tensor};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use ndarray::{ArrayD, Axis, Slice};

/// A model that learns: it owns the model, the optimiser and its slots.
///
/// [`Training::of`] starts it. [`step`](Self::step) learns from one batch. Between two steps, [`model`](Self::model) is a
/// model like any other.
///
/// ```
/// use ndarray::{Array2, Array3, Axis};
/// use recurrent::train::{Adam, Batch, Loss, Training};
/// use recurrent::{Dense, Initializer, Layer, Lstm, Model};
/// // The sum of a sequence.
/// let x = Array3::from_shape_fn((8, 5, 1), |(i, t, _)| ((i * 7 + t * 3) % 11) as f32 / 11.0);
/// let y = x.sum_axis(Axis(1));
/// let head = Initializer::GlorotUniform.matrix(8, 1, 1)?;
/// let model = Model::new()
///     .add(Layer::new(Lstm::builder(1, 8).seed(0).build()?))
///     .add(Dense::from_weights(head, None)?);
/// let mut training = Training::of(model)
///     .loss(Loss::mean_squared_error())
///     .optimizer(Adam::keras(1e-2))
///     .build()?;
/// let first = training.step(&Batch::new(&x, &y))?.loss;
/// for _ in 0..100 {
///     training.step(&Batch::new(&x, &y))?;
/// }
/// let last = training.step(&Batch::new(&x, &y))?.loss;
/// assert!(last < first / 10.0, "{first} {last}");
/// let trained: Model<f32> = training.into_model();
/// assert_eq!(trained.forward(&x)?.shape(), [8, 1]);
/// # Ok::<(), recurrent::Error>(())
/// ```
pub struct Training<A: Element> {
    pub(super) model: Model<A>,
    pub(super) losses: Vec<OutputLoss<A>>,
    pub(super) optimizer: Optimizer<A>,
    /// The paths of all weights that do not learn.
    pub(super) frozen: Vec<String>,
    /// The penalty of each weight that has one.
    pub(super) penalties: Vec<(String, super::Regularizer)>,
    pub(super) seed: u64,
    pub(super) step: u64,
    pub(super) tape: ModelTape<A>,
}

/// The loss of an output.
pub(super) struct OutputLoss<A> {
    pub loss: Loss<A>,
    pub weight: f64,
    /// The loss of the sums of a last dense layer, whose softmax or sigmoid it takes in.
    pub of_sums: Option<(Activation, Loss<A>)>,
}

/// What one step of a [`Training`] gave.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Step<A> {
    /// The loss of the batch before the update: that of every output times its weight, and the penalties of the weights.
    pub loss: f64,
    /// The loss of each output.
    pub losses: Vec<f64>,
    /// The outputs, before the update.
    pub outputs: Vec<Tensor<A>>,
    /// The state at the end of the batch, for [`Batch::initial_state`] of the next window.
    pub state: ModelState,
}

impl<A: Element> Training<A> {
    /// Starts the options of a training of this model.
    pub fn of(model: Model<A>) -> TrainingBuilder<A> {
        TrainingBuilder::new(model)
    }

    /// Learns from one batch: runs the model, computes the loss and its gradients, and moves the weights.
    ///
    /// Returns an error if the batch does not fit the model or a loss, and if the loss or a gradient is not finite; the error
    /// names what it was. Then nothing has moved: no weight, no moving average, no slot, no count.
    pub fn step(&mut self, batch: &Batch<A>) -> Result<Step<A>> {
        let (gradients, step, moved) = self.gradients_of(batch)?;
        self.optimizer.update(&mut self.model, &gradients)?;
        for (path, array) in moved {
            self.model.set(&path, &array)?;
        }
        self.step += 1;
        Ok(step)
    }

    /// Computes the loss of a batch, and the gradients with which [`step`](Self::step) would move the weights. Moves nothing.
    pub fn gradients(&mut self, batch: &Batch<A>) -> Result<(f64, Gradients<A>)> {
        let (gradients, step, _) = self.gradients_of(batch)?;
        Ok((step.loss, gradients))
    }

    #[allow(clippy::type_complexity)]
    fn gradients_of(
        &mut self,
        batch: &Batch<A>,
    ) -> Result<(Gradients<A>, Step<A>, Vec<(String, ArrayD<A>)>)> {
        let phase = Phase::new(true, &self.frozen);
        let phase = phase.with_noise(Noise::seed(self.seed).step(self.step));
        let mut inputs = batch.masked_inputs();
        let fresh = self.model.fresh_states();
        let mut kept = match &batch.state {
            Some(state) => Some(fresh.resume(state.clone())?),
            None => None,
        };
        if batch.burn_in > 0 {
            let (first, rest) = split(&inputs, batch.burn_in)?;
            kept = Some(self.model.run_from(first, kept.as_ref())?.1);
            inputs = rest;
        }
        let (model, tape) = (&self.model, &mut self.tape);
        let (outputs, ends) = model.record_from(&inputs, &phase, kept.as_ref(), tape)?;
        if batch.targets.len() != outputs.len() {
            let (expected, found) = (outputs.len(), batch.targets.len());
            return Err(Error::value("number of targets", expected, found));
        }
        let (mut loss, mut losses) = (0.0, Vec::new());
        let (mut upstream, mut of_sums) = (Vec::new(), Vec::new());
        for (at, (output, target)) in outputs.iter().zip(&batch.targets).enumerate() {
            let of = &self.losses[at];
            let (evaluated, sums) = self.evaluate(at, output, target.reborrow())?;
            finite(&format!("loss of output {at}"), self.step, evaluated.value)?;
            loss += of.weight * evaluated.value;
            losses.push(evaluated.value);
            let weight = A::from_f64(of.weight);
            upstream.push(Some(evaluated.gradient.mapv_into(|d| d * weight)));
            of_sums.push(sums);
        }
        let mut gradients = Gradients::zeros_like(&self.model);
        gradients.retain(|path| !self.frozen.iter().any(|frozen| frozen == path));
        let all = gradients.all();
        self.model
            .back_over(&self.tape, &phase, &upstream, &of_sums, all)?;
        for (path, regularizer) in &self.penalties {
            let weight = self.model.get(path)?;
            loss += regularizer.penalty(&weight);
            if let Some(gradient) = gradients.get_mut(path) {
                regularizer.add_gradient(&weight, gradient)?;
            }
        }
        finite("loss", self.step, loss)?;
        let mut moved: Vec<(String, ArrayD<A>)> = Vec::new();
        let mut each = |path: &str, array| moved.push((path.into(), array));
        self.model.moved_by(&self.tape, &phase, &mut each);
        for (path, array) in gradients.iter() {
            all_finite(&format!("gradient of {path}"), self.step, array)?;
        }
        for (path, array) in &moved {
            all_finite(path, self.step, array)?;
        }
        let state = ends.snapshot(&fresh)?;
        let step = Step {
            loss,
            losses,
            outputs,
            state,
        };
        Ok((gradients, step, moved))
    }

    /// The loss of an output, and whether its gradient is that of the sums of the last layer.
    fn evaluate<'t>(
        &self,
        at: usize,
        output: &'t Tensor<A>,
        mut target: Target<'t, A>,
    ) -> Result<(Evaluated<A>, bool)> {
        let of = &self.losses[at];
        // The mask that arrives at an output weighs its loss.
        if let Some(mask) = &output.mask
            && target.mask.is_none()
            && target.lengths.is_none()
        {
            target.mask = Some(mask.view().into_dyn());
        }
        let named = |source| of_output(at, source);
        if let Some((_, loss)) = &of.of_sums
            && let Some(sums) = self.model.sums_of_output(&self.tape, at)?
        {
            return Ok((loss.evaluate(&sums, target).map_err(named)?, true));
        }
        let evaluated = of.loss.evaluate(&output.values, target).map_err(named)?;
        Ok((evaluated, false))
    }

    /// The model as it is now.
    pub fn model(&self) -> &Model<A> {
        &self.model
    }

    /// The model, without the training.
    pub fn into_model(self) -> Model<A> {
        self.model
    }

    /// The optimiser, to read its rate and its slots.
    pub fn optimizer(&self) -> &Optimizer<A> {
        &self.optimizer
    }

    /// The optimiser, to set its rate.
    pub fn optimizer_mut(&mut self) -> &mut Optimizer<A> {
        &mut self.optimizer
    }

    /// The number of steps so far.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// Replaces the weights by their moving averages, as Keras' `fit` does at its end: see
    /// [`Optimizer::overwrite_with_averages`].
    pub fn overwrite_with_averages(&mut self) -> Result<()> {
        self.optimizer.overwrite_with_averages(&mut self.model)
    }
}

/// The first `timesteps` of every input, and the rest.
#[allow(clippy::type_complexity)]
fn split<A: Element>(
    inputs: &[Tensor<A>],
    timesteps: usize,
) -> Result<(Vec<Tensor<A>>, Vec<Tensor<A>>)> {
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    for input in inputs {
        let found = input.values.shape().get(1).copied().unwrap_or(0);
        if found < timesteps {
            let expected = format!("at least the {timesteps} of the burn-in");
            return Err(Error::value("number of timesteps", expected, found));
        }
        let part = |slice: Slice| Tensor {
            values: input.values.slice_axis(Axis(1), slice).to_owned(),
            mask: input
                .mask
                .as_ref()
                .map(|mask| mask.slice_axis(Axis(1), slice).to_owned()),
        };
        first.push(part(Slice::from(..timesteps)));
        rest.push(part(Slice::from(timesteps..)));
    }
    Ok((first, rest))
}

fn of_output(at: usize, source: Error) -> Error {
    Error::value("loss", format!("one that fits output {at}"), source)
}

/// Refuses a number that is not finite.
fn finite(what: &str, step: u64, found: f64) -> Result<()> {
    if found.is_finite() {
        return Ok(());
    }
    let found = format!("{found}: {what} in step {step}");
    Err(Error::value("number", "a finite one", found))
}

fn all_finite<A: Element>(what: &str, step: u64, array: &ArrayD<A>) -> Result<()> {
    let wrong = array.iter().find(|x| !x.is_finite());
    wrong.map_or(Ok(()), |x| finite(what, step, x.as_f64()))
}
