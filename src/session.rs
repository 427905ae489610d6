//! `Session`: a layer or a model together with the state it keeps from call to call.

use crate::error::{Error, Result, check};
use crate::model::{Engine, Kept, Model, StepShape, Tensor, Value, only};
use crate::run::Run;
use crate::state::check_samples;
use crate::{Element, Layer, ModelState, Output, Recurrent, State};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;
use ndarray::{ArrayD, ArrayRef, ArrayView2, Axis, Dimension, Ix2, Ix3, IxDyn};

/// What has a state to keep: a [`Layer`] or a [`Model`].
#[diagnostic::on_unimplemented(
    message = "a `Session` is one of a `Layer` or a `Model`, not of `{Self}`",
    note = "a recurrent layer needs its flags: `let layer = Layer::new(lstm);`, then `Session::new(&layer)`",
    note = "what is in an `Arc` or a `Box` is borrowed as `Session::new(&*shared)`, or shared as `Session::new(Arc::clone(&shared))`"
)]
pub trait Stateful {
    /// `f32` or `f64`.
    type Elem: Element;
    /// What is kept between calls.
    type Kept: State;

    /// What takes single steps.
    #[doc(hidden)]
    type Steps: Default + Send;

    /// The state of one sample before its first call.
    #[doc(hidden)]
    fn fresh(&self) -> Self::Kept;

    /// Whether a state is one of this layer or model.
    #[doc(hidden)]
    fn check_state(&self, state: &Self::Kept) -> Result<()>;
}

/// What can be called in a [`Session`] with an input of `D` axes: a [`Layer`] with three, a [`Model`] with any number.
/// Sealed by its hidden method.
pub trait Forward<D>: Stateful {
    /// What a call returns.
    type Output;

    #[doc(hidden)]
    fn forward_kept(
        &self,
        x: &ArrayRef<Self::Elem, D>,
        kept: &mut Option<Self::Kept>,
    ) -> Result<Self::Output>;
}

/// Keras' `stateful=True`: every call goes on where the last one ended.
///
/// The state is kept here and not in the layer, so that one set of weights serves any number of sessions, and any batch
/// size: the first call after a [`reset`](Self::reset) decides it. A session borrows (`Session::new(&layer)`) or shares
/// (`Session::new(Arc::clone(&layer))`) its layer or model.
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
/// A layer read from a model file keeps its state from call to call only if it is `stateful` there, as in Keras; if
/// not, `forward` keeps nothing, and [`step`](Self::step) alone goes on.
///
/// A call with another number of samples is refused, and leaves the session as it was.
pub struct Session<P: Deref>
where
    P::Target: Stateful,
{
    of: P,
    kept: Option<<P::Target as Stateful>::Kept>,
    steps: <P::Target as Stateful>::Steps,
    /// Whether the kept state is what the last step left.
    is_stepped: bool,
}

impl<P: Deref> Session<P>
where
    P::Target: Stateful,
{
    /// A session at the zero state.
    pub fn new(of: P) -> Self {
        Session {
            of,
            kept: None,
            steps: Default::default(),
            is_stepped: false,
        }
    }

    /// Runs one call from the kept state, and keeps the state it ends in.
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

    /// The state that the next call starts from; none before the first call and after a reset.
    pub fn state(&self) -> Option<&<P::Target as Stateful>::Kept> {
        self.kept.as_ref()
    }

    /// Goes on from this state in the next call. Refuses one that does not fit.
    pub fn set_state(&mut self, state: <P::Target as Stateful>::Kept) -> Result<()> {
        self.of.check_state(&state)?;
        self.keep(state);
        Ok(())
    }

    fn keep(&mut self, state: <P::Target as Stateful>::Kept) {
        self.is_stepped = false;
        self.kept = Some(state);
    }

    /// The state that the next call would start from, without the session.
    pub fn into_state(self) -> Option<<P::Target as Stateful>::Kept> {
        self.kept
    }

    /// Everything starts anew; the next call may have another number of samples.
    pub fn reset(&mut self) {
        self.is_stepped = false;
        self.kept = None;
    }

    /// These samples start anew, the others go on. Refuses the whole call if one of them does not exist.
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
    /// A call from the kept state with adjectives: masks, lengths, or `.initial_state(state)`, which wins over the kept state; the
    /// state at the end is kept.
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
    /// All that the next call or step starts from, to be written down; none before the first call and after a reset.
    /// Another session of the same model that [resumes](Self::resume) it goes on bit for bit, in whatever process.
    /// Refuses the state of a [`Cell`](crate::Cell) of your own that does not say how it is made of arrays.
    ///
    /// (The session of a single [`Layer`] has [`state`](Self::state) and [`set_state`](Self::set_state) for that.)
    pub fn snapshot(&self) -> Result<Option<ModelState>> {
        let fresh = self.of.fresh_states();
        let kept = self.kept.as_ref();
        kept.map(|kept| kept.snapshot(&fresh)).transpose()
    }

    /// Goes on from a snapshot. Refuses that of a model with other layers.
    pub fn resume(&mut self, snapshot: ModelState) -> Result<()> {
        let state = self.of.fresh_states().resume(snapshot)?;
        self.keep(state);
        Ok(())
    }

    /// A call from the kept state, with a mask of its own, (samples, timesteps).
    pub fn forward_masked<D: Dimension>(
        &mut self,
        x: &ArrayRef<A, D>,
        mask: &ArrayRef<bool, Ix2>,
    ) -> Result<ArrayD<A>> {
        self.of.check_one_output()?;
        let flow = only(self.forward_all([Tensor::new(x).masked(mask)])?)?;
        Ok(flow.values)
    }

    /// A call from the kept state of a model with several inputs or outputs, in their order.
    pub fn forward_all(
        &mut self,
        inputs: impl IntoIterator<Item = Tensor<A>>,
    ) -> Result<Vec<Tensor<A>>> {
        let inputs = inputs.into_iter().collect();
        let (flows, states) = self.of.run_from(inputs, self.kept.as_ref())?;
        self.keep(states);
        Ok(flows)
    }

    /// One timestep in a live stream: an input without its axis of timesteps, so (samples, features), or (samples) for token
    /// ids.
    ///
    /// It returns what [`Model::forward`] gives for all timesteps up to this one: where the model returns sequences their
    /// newest timestep, (samples, …), else its output. Every recurrent layer goes on from step to step, also one that is
    /// not [`stateful`](Layer::stateful); a later `forward` starts that one anew, as in Keras.
    ///
    /// The first step plans those that follow, until the shape of the input changes. A [`ModelStream`](crate::ModelStream) does
    /// the same without allocating its outputs.
    ///
    /// A layer that cannot work timestep by timestep is refused, by its name: a [`Bidirectional`](crate::Bidirectional), a
    /// pooling over time. Behind the last output of a recurrent layer (without `return_sequences`) any layer may stand.
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

    /// One timestep of those samples whose `mask` is true. The others hold their states, as in a masked call.
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

    /// One timestep of a model with several inputs or outputs. Inputs have their axis of timesteps, of length 1:
    /// (samples, 1, …), masks (samples, 1); and so have the outputs that are sequences.
    pub fn step_all(
        &mut self,
        inputs: impl IntoIterator<Item = Tensor<A>>,
    ) -> Result<Vec<Tensor<A>>> {
        let inputs: Vec<Tensor<A>> = inputs.into_iter().collect();
        let engine = self.step_from(&inputs)?;
        let outputs = (0..engine.output_count()).filter_map(|at| engine.output(at));
        outputs.map(Value::to_flow).collect()
    }

    /// One timestep of all inputs, each (samples, 1, …). The steps are planned anew where these are of another shape than
    /// the last.
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

/// An error about the axes of a step's input, which a step gives one more, as whoever gave it counts them.
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
        let (flows, states) = self.run_from(alloc::vec![Tensor::new(x)], kept.as_ref())?;
        let flow = only(flows)?;
        *kept = Some(states);
        Ok(flow.values)
    }
}
