//! `Training`: a model that learns, step by step.

use super::batch::Batch;
use super::fit::Fitting;
use super::{Evaluated, Loss, Noise, Optimizer, Regularizer, Target};
use crate::backward::Keep;
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
/// [`Training::of`] starts it. [`step`](Self::step) learns from one [`Batch`]. Between two steps, [`model`](Self::model)
/// is a model like any other.
///
/// # A step
/// ```text
/// 1. run        burn-in, as in inference; then the timesteps to learn from, as in a training: dropout drops, and a
///               batch normalisation that is not frozen uses the statistics of the batch
/// 2. loss       Σ weight · loss of an output + Σ penalties of the trainable weights
/// 3. gradients  of the loss, through all timesteps that were not burnt in; of the state that was handed on, none
/// 4. check      that the loss, the gradients and the moving averages are finite
/// 5. move       the moving averages; then the weights, in the order of the Optimizer: accumulate → clip → weight
///               decay → rule → averages of the weights → constraints
/// ```
/// The loss is that of the weights before the update. A mask that arrives at an output weighs its loss, unless the
/// [`Target`] has a mask or lengths of its own. Source: `keras.Model.train_on_batch`, whose losses and weights it gives
/// after dozens of steps.
///
/// The same seed, batches and options give the same bits in every run.
///
/// # Speed and memory
/// A step of an LSTM or a GRU takes about four times as long as its forward pass; three times is the number of its
/// products. A step keeps the input of every layer, and the states and gates of every recurrent layer at every timestep:
/// [`recompute`](crate::train::TrainingBuilder::recompute) and
/// [`checkpoints`](crate::train::TrainingBuilder::checkpoints) make that less. It allocates.
/// With the feature `rayon`, threads share long products and long steps.
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
    /// The penalty of each weight that learns and has one; with two, there are two entries.
    pub(super) penalties: Vec<(String, Regularizer)>,
    pub(super) seed: u64,
    pub(super) keep: Keep,
    pub(super) step: u64,
    pub(super) tape: ModelTape<A>,
    /// How far a [`Fit`](super::Fit) is, while it runs or before it goes on.
    pub(super) fitting: Option<Fitting<A>>,
}

/// Arrays of a model by their paths.
type Arrays<A> = Vec<(String, ArrayD<A>)>;

/// The loss of an output.
pub(super) struct OutputLoss<A> {
    pub loss: Loss<A>,
    pub weight: f64,
    /// The loss of the scores before a last softmax or sigmoid, which it takes in.
    pub of_sums: Option<(Activation, Loss<A>)>,
}

/// What one step of a [`Training`] gave. The step is over: the model has its new weights.
///
/// ```
/// use ndarray::{Array3, s};
/// use recurrent::train::{Adam, Batch, Loss, Training};
/// use recurrent::{Layer, Lstm, Model};
/// let lstm = Layer::new(Lstm::<f32>::builder(1, 1).build()?);
/// let model = Model::new().add(lstm.return_sequences(true).stateful(true));
/// let training = Training::of(model).loss(Loss::mean_squared_error());
/// let mut training = training.optimizer(Adam::keras(1e-3)).build()?;
/// // A long series in windows: truncated backpropagation through time.
/// let series = Array3::from_shape_fn((1, 101, 1), |(_, t, _)| (t as f32 / 5.0).sin());
/// let mut state = None;
/// for start in (0..100).step_by(20) {
///     let (x, y) = (series.slice(s![.., start..start + 20, ..]), series.slice(s![.., start + 1..start + 21, ..]));
///     let step = training.step(&Batch::new(&x, &y).initial_state(state.take()))?;
///     assert!(step.loss < 1.0);
///     state = Some(step.state);
/// }
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Step<A> {
    /// The loss of the batch before the update: that of every output times its weight, and the penalties of the weights.
    pub loss: f64,
    /// The loss of each output, without its weight.
    pub losses: Vec<f64>,
    /// The norm of all gradients together, before they were clipped or accumulated.
    pub gradient_norm: f64,
    /// The outputs of the run, made by the weights before the update, with dropout.
    pub outputs: Vec<Tensor<A>>,
    /// The state of the stateful layers at the end of the batch, for [`Batch::initial_state`] of the next window. Layers
    /// that are not [`stateful`](crate::Layer::stateful) have none.
    pub state: ModelState,
}

impl<A: Element> Training<A> {
    /// Learns from one batch: runs the model, computes the loss and its gradients, and moves the weights. The page of the
    /// type has the order.
    ///
    /// Returns an error if
    /// - the batch does not fit the model or a loss: other shapes, another number of targets, a length that is too long;
    /// - it has an initial state or a burn-in, and no layer keeps a state;
    /// - the loss, a gradient or what an update would make is not finite. The error names the array and the step.
    ///
    /// Then nothing has moved: no weight, no moving average, no slot, no count. The next step is the same as without the
    /// failed one.
    ///
    /// ```
    /// use ndarray::{Array2, Array3};
    /// use recurrent::train::{Adam, Batch, Loss, Training};
    /// use recurrent::{Layer, Lstm, Model};
    /// let model = Model::<f32>::new().add(Layer::new(Lstm::builder(2, 3).build()?));
    /// let training = Training::of(model).loss(Loss::mean_squared_error());
    /// let mut training = training.optimizer(Adam::keras(1e-3)).build()?;
    /// let (mut x, y) = (Array3::ones((4, 5, 2)), Array2::zeros((4, 3)));
    /// x[[1, 2, 0]] = f32::NAN;
    /// let wrong = training.step(&Batch::new(&x, &y)).unwrap_err().to_string();
    /// assert_eq!(wrong, "number is NaN: loss of output 0 in step 0, expected a finite one");
    /// assert_eq!(training.steps(), 0);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn step(&mut self, batch: &Batch<A>) -> Result<Step<A>> {
        let (gradients, step, moved) = self.gradients_of(batch)?;
        let before = self.replace(moved)?;
        if let Err(error) = self.optimizer.update(&mut self.model, &gradients) {
            self.replace(before)?;
            return Err(error);
        }
        self.step += 1;
        Ok(step)
    }

    /// Replaces arrays of the model, all of them or none, and returns what they were.
    pub(super) fn replace(&mut self, arrays: Arrays<A>) -> Result<Arrays<A>> {
        let mut before: Arrays<A> = Vec::new();
        for (path, array) in arrays {
            let old = self.model.get(&path)?;
            if let Err(error) = self.model.set(&path, &array) {
                self.replace(before)?;
                return Err(error);
            }
            before.push((path, old));
        }
        Ok(before)
    }

    /// Computes the loss of a batch, and the gradients with which [`step`](Self::step) would move the weights. Moves
    /// nothing. Frozen weights have no gradient. The errors are those of [`step`](Self::step) before an update.
    ///
    /// ```
    /// use ndarray::{Array2, Array3};
    /// use recurrent::train::{Adam, Batch, Loss, Training};
    /// use recurrent::{Layer, Lstm, Model};
    /// let model = Model::<f32>::new().add(Layer::new(Lstm::builder(2, 3).build()?));
    /// let training = Training::of(model).loss(Loss::mean_squared_error()).freeze(["bias"]);
    /// let mut training = training.optimizer(Adam::keras(1e-3)).build()?;
    /// let (x, y) = (Array3::ones((4, 5, 2)), Array2::zeros((4, 3)));
    /// let (loss, gradients) = training.gradients(&Batch::new(&x, &y))?;
    /// assert!(loss > 0.0 && gradients.norm() > 0.0);
    /// let paths: Vec<&str> = gradients.iter().map(|(path, _)| path).collect();
    /// assert_eq!(paths, ["lstm/kernel", "lstm/recurrent_kernel"]);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn gradients(&mut self, batch: &Batch<A>) -> Result<(f64, Gradients<A>)> {
        let (gradients, step, _) = self.gradients_of(batch)?;
        Ok((step.loss, gradients))
    }

    /// The gradients of the weights that learn, what the step gives, and the moving averages after it.
    fn gradients_of(&mut self, batch: &Batch<A>) -> Result<(Gradients<A>, Step<A>, Arrays<A>)> {
        let phase = Phase::new(true, &self.frozen);
        let phase = phase.with_noise(Noise::seed(self.seed).step(self.step));
        let phase = phase.keeping(self.keep);
        let mut tape = core::mem::take(&mut self.tape);
        let run = self.run(batch, &phase, &mut tape);
        self.tape = tape;
        let (outputs, state) = run?;
        let (mut loss, mut losses) = (0.0, Vec::new());
        let (mut upstream, mut of_sums) = (Vec::new(), Vec::new());
        for (at, (output, target)) in outputs.iter().zip(&batch.targets).enumerate() {
            let of = &self.losses[at];
            let (evaluated, sums) = self.loss_of(&self.tape, at, output, target.reborrow())?;
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
        let moved = self.model.moved_arrays(&self.tape, &phase);
        let gradient_norm = gradients.norm();
        for (path, array) in gradients.iter() {
            all_finite(&format!("gradient of {path}"), self.step, array)?;
        }
        for (path, array) in &moved {
            all_finite(path, self.step, array)?;
        }
        let step = Step {
            loss,
            losses,
            gradient_norm,
            outputs,
            state,
        };
        Ok((gradients, step, moved))
    }

    /// Runs the model on a batch: its outputs, and the state of its stateful layers at the end.
    fn run(
        &self,
        batch: &Batch<A>,
        phase: &Phase,
        tape: &mut ModelTape<A>,
    ) -> Result<(Vec<Tensor<A>>, ModelState)> {
        if batch.targets.len() != self.losses.len() {
            let (expected, found) = (self.losses.len(), batch.targets.len());
            return Err(Error::value("number of targets", expected, found));
        }
        let mut inputs = batch.masked_inputs()?;
        let fresh = self.model.fresh_states();
        let mut kept = match &batch.state {
            Some(state) => Some(fresh.resume(state.clone())?),
            None => None,
        };
        if batch.burn_in > 0 {
            batch.check_burn_in()?;
            let (first, rest) = split(&inputs, batch.burn_in)?;
            kept = Some(self.model.run_from(first, kept.as_ref())?.1);
            inputs = rest;
        }
        let (outputs, ends) = self
            .model
            .record_from(&inputs, phase, kept.as_ref(), tape)?;
        if kept.is_some() && ends.0.iter().all(Option::is_none) {
            // What came before would be forgotten.
            let expected = "none, as no layer of the model keeps one: see `Layer::stateful`";
            return Err(Error::value("state to go on from", expected, "given"));
        }
        Ok((outputs, ends.snapshot(&fresh)?))
    }

    /// The losses of a batch as in inference: that of all, with the penalties, and that of each output; the outputs, and the state
    /// at the end.
    pub(super) fn losses(
        &self,
        batch: &Batch<A>,
    ) -> Result<(f64, Vec<f64>, Vec<Tensor<A>>, ModelState)> {
        let mut tape = ModelTape::default();
        let phase = Phase::new(false, &self.frozen).keeping(Keep::States);
        let (outputs, state) = self.run(batch, &phase, &mut tape)?;
        let (mut loss, mut losses) = (0.0, Vec::new());
        for (at, (output, target)) in outputs.iter().zip(&batch.targets).enumerate() {
            let (evaluated, _) = self.loss_of(&tape, at, output, target.reborrow())?;
            loss += self.losses[at].weight * evaluated.value;
            losses.push(evaluated.value);
        }
        for (path, regularizer) in &self.penalties {
            loss += regularizer.penalty(&self.model.get(path)?);
        }
        finite("loss of the evaluation", self.step, loss)?;
        Ok((loss, losses, outputs, state))
    }

    /// The number of outputs of the model.
    pub(super) fn outputs(&self) -> usize {
        self.losses.len()
    }

    /// The loss of an output, and whether its gradient is that of the scores before the activation of the last layer.
    fn loss_of<'t>(
        &self,
        tape: &ModelTape<A>,
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
            && let Some(sums) = self.model.sums_of_output(tape, at)?
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

    /// The number of steps so far, also of those that only accumulated gradients. [`Optimizer::step`] counts the updates.
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
