//! `Session`: a layer or a model with the state that it keeps between calls.

use crate::error::{Error, Result, check};
use crate::model::{Engine, Kept, Model, StepShape, Tensor, Value, only};
use crate::run::Run;
use crate::state::check_samples;
use crate::{Element, Layer, ModelState, Output, Recurrent, State};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;
use ndarray::{ArrayD, ArrayRef, ArrayView2, Axis, Dimension, Ix2, Ix3, IxDyn};

/// A [`Layer`] or a [`Model`], whose state a [`Session`] keeps.
#[diagnostic::on_unimplemented(
    message = "a `Session` is one of a `Layer` or a `Model`, not of `{Self}`",
    note = "a recurrent layer needs its flags: `let layer = Layer::new(lstm);`, then `Session::new(&layer)`",
    note = "what is in an `Arc` or a `Box` is borrowed as `Session::new(&*shared)`, or shared as `Session::new(Arc::clone(&shared))`"
)]
pub trait Stateful {
    /// The type of the numbers, `f32` or `f64`.
    type Elem: Element;
    /// The state that is kept between calls.
    type Kept: State;

    /// The engine that takes single timesteps.
    #[doc(hidden)]
    type Steps: Default + Send;

    /// The state of one sample before its first call.
    #[doc(hidden)]
    fn fresh(&self) -> Self::Kept;

    /// Returns an error if a state does not fit this layer or model.
    #[doc(hidden)]
    fn check_state(&self, state: &Self::Kept) -> Result<()>;
}

/// A layer or model that a [`Session`] can call with an input of `D` axes: three for a [`Layer`], any number for a
/// [`Model`]. The trait is sealed by its hidden method.
pub trait Forward<D>: Stateful {
    /// The result of a call.
    type Output;

    #[doc(hidden)]
    fn forward_kept(
        &self,
        x: &ArrayRef<Self::Elem, D>,
        kept: &mut Option<Self::Kept>,
    ) -> Result<Self::Output>;
}

/// A layer or model that keeps its state between calls: Keras' `stateful=True`. Each call starts from the state in which
/// the last one ended.
///
/// The state is kept in the session and not in the layer, so one set of weights serves any number of sessions. The batch
/// size is that of the first call, or of the first call after a [`reset`](Self::reset). A session borrows its layer or
/// model (`Session::new(&layer)`) or shares it (`Session::new(Arc::clone(&layer))`).
///
/// ```
/// use ndarray::{Array3, s};
/// use recurrent::{Layer, Lstm, Session};
/// let layer = Layer::new(Lstm::<f32>::builder(2, 3).build()?);
/// let x = Array3::from_shape_fn((1, 8, 2), |(_, t, _)| t as f32 / 8.0);
/// let mut session = Session::new(&layer);
/// session.forward(&x.slice(s![.., ..5, ..]))?;                   // a chunk of 5 timesteps
/// let chunked = session.forward(&x.slice(s![.., 5.., ..]))?;     // and one of 3
/// assert_eq!(chunked, layer.forward(&x)?);
/// # Ok::<(), recurrent::Error>(())
/// ```
///
/// A layer from a model file keeps its state between calls only if the file says that it is `stateful`, as in Keras. If it
/// is not, [`forward`](Self::forward) starts from zeros each time, and only [`step`](Self::step) continues.
///
/// A call with another number of samples returns an error and leaves the session unchanged.
pub struct Session<P: Deref>
where
    P::Target: Stateful,
{
    of: P,
    kept: Option<<P::Target as Stateful>::Kept>,
    steps: <P::Target as Stateful>::Steps,
    /// Whether the kept state comes from the last step.
    is_stepped: bool,
}

impl<P: Deref> Session<P>
where
    P::Target: Stateful,
{
    /// Makes a session that starts from the initial state.
    pub fn new(of: P) -> Self {
        Session {
            of,
            kept: None,
            steps: Default::default(),
            is_stepped: false,
        }
    }

    /// Runs one call from the kept state and keeps the state after it. Returns an error, and keeps the old state, if the
    /// input does not fit.
    pub fn forward<D>(
        &mut self,
        x: &ArrayRef<<P::Target as Stateful>::Elem, D>,
    ) -> Result<<P::Target as Forward<D>>::Output>
    where
        P::Target: Forward<D>,
    {
        self.is_stepped = false;
        self.of.forward_kept(x, &mut self.kept)
    }

    /// The state that the next call starts from. `None` before the first call and after a reset.
    pub fn state(&self) -> Option<&<P::Target as Stateful>::Kept> {
        self.kept.as_ref()
    }

    /// Sets the state that the next call starts from. Returns an error if it does not fit.
    pub fn set_state(&mut self, state: <P::Target as Stateful>::Kept) -> Result<()> {
        self.of.check_state(&state)?;
        self.keep(state);
        Ok(())
    }

    fn keep(&mut self, state: <P::Target as Stateful>::Kept) {
        self.is_stepped = false;
        self.kept = Some(state);
    }

    /// Ends the session and returns the state that the next call would have started from.
    pub fn into_state(self) -> Option<<P::Target as Stateful>::Kept> {
        self.kept
    }

    /// Resets all samples to the initial state. The next call may have another number of samples.
    pub fn reset(&mut self) {
        self.is_stepped = false;
        self.kept = None;
    }

    /// Resets these samples to the initial state; the others continue. Returns an error, and resets nothing, if one of them
    /// does not exist.
    pub fn reset_samples(&mut self, samples: &[usize]) -> Result<()> {
        match (&mut self.kept, samples.first()) {
            (Some(kept), _) => {
                check_samples(samples, kept.samples())?;
                let fresh = self.of.fresh();
                samples
                    .iter()
                    .try_for_each(|&row| kept.copy_sample(row, &fresh, 0))
            }
            (None, None) => Ok(()),
            (None, Some(&sample)) => {
                let expected = "none: the session keeps no state before its first call";
                Err(Error::value("sample", expected, sample))
            }
        }
    }
}

impl<P: Deref> fmt::Debug for Session<P>
where
    P::Target: Stateful,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let samples = self.kept.as_ref().map(State::samples);
        f.debug_struct("Session")
            .field("samples", &samples)
            .finish_non_exhaustive()
    }
}

impl<R: Recurrent, P: Deref<Target = Layer<R>>> Session<P> {
    /// Starts a call from the kept state, and keeps the state after it. Add adjectives and end it with a verb, as in
    /// [`Layer::run`]. `.initial_state(state)` takes precedence over the kept state. If the layer is not
    /// [`stateful`](Layer::stateful), the call starts from zeros and nothing is kept.
    pub fn run<'a>(&'a mut self, x: &'a ArrayRef<R::Elem, Ix3>) -> Run<'a, R> {
        let run = self.of.run(x);
        if self.of.is_stateful() {
            run.keeping(&mut self.kept)
        } else {
            run
        }
    }
}

impl<A: Element, P: Deref<Target = Model<A>>> Session<P> {
    /// Returns everything that the next call or step starts from, so that it can be stored. `None` before the first call
    /// and after a reset.
    ///
    /// Another session of the same model that [resumes](Self::resume) the snapshot continues bit for bit, in any process.
    /// Returns an error if the model has a [`Cell`](crate::Cell) of your own whose state does not implement
    /// [`State::to_arrays`]. For the session of a single [`Layer`] use [`state`](Self::state) and
    /// [`set_state`](Self::set_state).
    pub fn snapshot(&self) -> Result<Option<ModelState>> {
        let fresh = self.of.fresh_states();
        let kept = self.kept.as_ref();
        kept.map(|kept| kept.snapshot(&fresh)).transpose()
    }

    /// Continues from a snapshot. Returns an error if it comes from a model with other layers.
    pub fn resume(&mut self, snapshot: ModelState) -> Result<()> {
        let state = self.of.fresh_states().resume(snapshot)?;
        self.keep(state);
        Ok(())
    }

    /// Runs one call from the kept state with a mask, (samples, timesteps), and keeps the state after it.
    pub fn forward_masked<D: Dimension>(
        &mut self,
        x: &ArrayRef<A, D>,
        mask: &ArrayRef<bool, Ix2>,
    ) -> Result<ArrayD<A>> {
        self.of.check_one_output()?;
        let flow = only(self.forward_all([Tensor::new(x).masked(mask)])?)?;
        Ok(flow.values)
    }

    /// Runs one call from the kept state of a model with several inputs or outputs, given and returned in the order of the
    /// model.
    pub fn forward_all(
        &mut self,
        inputs: impl IntoIterator<Item = Tensor<A>>,
    ) -> Result<Vec<Tensor<A>>> {
        let inputs = inputs.into_iter().collect();
        let start = start_of(&self.of, self.kept.as_ref());
        let (flows, states) = self.of.run_from(inputs, Some(&start))?;
        self.keep(states);
        Ok(flows)
    }

    /// Takes one timestep in real time. The input has no axis of timesteps: it is (samples, features), or (samples) for
    /// token ids.
    ///
    /// The result is what [`Model::forward`] gives for all timesteps up to this one. If the model returns sequences, it is
    /// their newest timestep, (samples, …). Every recurrent layer continues from step to step, even one that is not
    /// [`stateful`](Layer::stateful); a later [`forward`](Self::forward) starts such a layer from zeros, as in Keras.
    ///
    /// The first step plans the following ones, until the shape of the input changes. A [`ModelStream`](crate::ModelStream)
    /// does the same without allocating its outputs.
    ///
    /// Returns an error that names the layer if a layer cannot work timestep by timestep, such as a
    /// [`Bidirectional`](crate::Bidirectional) or a pooling over time. After the last output of a recurrent layer (without
    /// `return_sequences`) any layer is allowed.
    ///
    /// ```
    /// use ndarray::{Array2, array, s};
    /// use recurrent::{Dense, Layer, Lstm, Model, Session};
    /// let lstm = |features| Lstm::<f32>::builder(features, 3).build();
    /// let model = Model::new()
    ///     .add(Layer::new(lstm(2)?).return_sequences(true))
    ///     .add(Layer::new(lstm(3)?))
    ///     .add(Dense::from_weights(Array2::eye(3), None)?);
    /// let x = array![[[0.1, 0.2], [0.3, 0.1], [0.2, 0.3]]];
    /// let mut live = Session::new(&model);
    /// for t in 0..3 {
    ///     let now = live.step(&x.slice(s![.., t, ..]))?;
    ///     assert_eq!(now, model.forward(&x.slice(s![.., ..=t, ..]))?);
    /// }
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn step<D: Dimension>(&mut self, x: &ArrayRef<A, D>) -> Result<ArrayD<A>> {
        self.step_one(x, None)
    }

    /// Takes one timestep of the samples whose `mask` is true. The others keep their states, as in a masked call.
    pub fn step_masked<D: Dimension>(
        &mut self,
        x: &ArrayRef<A, D>,
        mask: &[bool],
    ) -> Result<ArrayD<A>> {
        self.step_one(x, Some(mask))
    }

    fn step_one<D: Dimension>(
        &mut self,
        x: &ArrayRef<A, D>,
        mask: Option<&[bool]>,
    ) -> Result<ArrayD<A>> {
        self.of.check_one_output()?;
        if x.ndim() == 0 {
            return Err(Error::Rank {
                array: "input",
                expected: "at least 1 (samples, ...)",
                found: 0,
            });
        }
        let mut input = Tensor::bare(x.to_owned().into_dyn().insert_axis(Axis(1)));
        if let Some(mask) = mask {
            input = input.masked(&ArrayView2::from_shape((mask.len(), 1), mask)?);
        }
        let engine = self
            .step_from(&[input])
            .map_err(|error| of_step(error, x.ndim()))?;
        let output = engine
            .output(0)
            .ok_or_else(|| Error::value("number of outputs", 1, 0))?;
        let axes = output.shape.of_step();
        Ok(ArrayD::from_shape_vec(
            IxDyn(&axes),
            output.numbers.clone(),
        )?)
    }

    /// Takes one timestep of a model with several inputs or outputs.
    ///
    /// Inputs have an axis of timesteps of length 1, (samples, 1, …), and so do outputs that are sequences. Masks are
    /// (samples, 1).
    pub fn step_all(
        &mut self,
        inputs: impl IntoIterator<Item = Tensor<A>>,
    ) -> Result<Vec<Tensor<A>>> {
        let inputs: Vec<Tensor<A>> = inputs.into_iter().collect();
        let engine = self.step_from(&inputs)?;
        let outputs = (0..engine.output_count()).filter_map(|at| engine.output(at));
        outputs.map(Value::to_flow).collect()
    }

    /// Takes one timestep of all inputs, each (samples, 1, …). If the shapes differ from those of the last step, the steps
    /// are planned again.
    fn step_from(&mut self, inputs: &[Tensor<A>]) -> Result<&Engine<A>> {
        self.of.check_inputs(inputs, self.kept.as_ref())?;
        for input in inputs {
            let timesteps = input.values.shape().get(1).copied().unwrap_or(0);
            check("input of a step", "timesteps", 1, timesteps)?;
        }
        let shapes = inputs.iter().map(|input| input.values.shape());
        let planned = self
            .steps
            .take()
            .filter(|engine| engine.takes(shapes.clone()));
        let engine = if let Some(engine) = planned {
            self.steps.insert(engine)
        } else {
            self.is_stepped = false;
            let shape = |axes: &[usize]| StepShape {
                axes: axes.to_vec(),
                is_timestep: true,
            };
            let engine = Engine::new(&self.of, shapes.map(shape).collect())?;
            self.steps.insert(Box::new(engine))
        };
        let mut both = engine.inputs().iter_mut().zip(inputs);
        both.try_for_each(|(to, input)| to.take(input))?;
        if let (Some(kept), true) = (&mut self.kept, self.is_stepped) {
            engine.step(&self.of, kept)?;
            return Ok(engine);
        }
        let mut kept = match &self.kept {
            Some(kept) => engine.admit(&self.of, kept)?,
            None => engine.fresh().clone(),
        };
        engine.step(&self.of, &mut kept)?;
        (self.kept, self.is_stepped) = (Some(kept), true);
        Ok(engine)
    }
}

/// Counts the axes of a step's input in an error as the caller does: without the axis of timesteps that a step adds.
fn of_step(error: Error, axes: usize) -> Error {
    if let Error::Layer { source, .. } = &error
        && let Error::Rank {
            array: "input",
            found,
            ..
        } = **source
        && found == axes + 1
    {
        return Error::Rank {
            array: "input of a step",
            expected: "those of a call without the timesteps: (samples, features)",
            found: axes,
        };
    }
    error
}

impl<R: Recurrent> Stateful for Layer<R> {
    type Elem = R::Elem;
    type Kept = R::State;
    type Steps = ();

    fn fresh(&self) -> R::State {
        self.inner().zero_state(1)
    }

    fn check_state(&self, state: &R::State) -> Result<()> {
        self.inner().check()?;
        self.inner().check_state(state, state.samples())
    }
}

impl<R: Recurrent> Forward<Ix3> for Layer<R> {
    type Output = Output<R::Elem, R::State>;

    fn forward_kept(
        &self,
        x: &ArrayRef<R::Elem, Ix3>,
        kept: &mut Option<R::State>,
    ) -> Result<Self::Output> {
        if self.is_stateful() {
            self.run(x).keeping(kept).output()
        } else {
            self.forward(x)
        }
    }
}

impl<A: Element> Stateful for Model<A> {
    type Elem = A;
    type Kept = Kept;
    type Steps = Option<Box<Engine<A>>>;

    fn fresh(&self) -> Kept {
        self.fresh_states()
    }

    fn check_state(&self, state: &Kept) -> Result<()> {
        self.check_kept(state)
    }
}

impl<A: Element, D: Dimension> Forward<D> for Model<A> {
    type Output = ArrayD<A>;

    fn forward_kept(&self, x: &ArrayRef<A, D>, kept: &mut Option<Kept>) -> Result<ArrayD<A>> {
        self.check_one_output()?;
        let start = start_of(self, kept.as_ref());
        let (flows, states) = self.run_from(alloc::vec![Tensor::new(x)], Some(&start))?;
        let flow = only(flows)?;
        *kept = Some(states);
        Ok(flow.values)
    }
}

/// The states that a call of a session starts from. Before the first call there are none, but they are kept from then on: a
/// stateful layer that is called twice goes on in its second call.
fn start_of<'k, A: Element>(model: &Model<A>, kept: Option<&'k Kept>) -> Cow<'k, Kept> {
    kept.map_or_else(|| Cow::Owned(model.fresh_states().emptied()), Cow::Borrowed)
}
