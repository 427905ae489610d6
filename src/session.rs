//! `Session`: a layer or a model together with the state it keeps from call to call.

use crate::error::{Error, Result};
use crate::model::{Flow, Kept, Model};
use crate::run::Run;
use crate::state::check_samples;
use crate::{Element, Layer, Output, Recurrent, State};
use core::fmt;
use core::ops::Deref;
use ndarray::{ArrayD, ArrayRef, Dimension, Ix2, Ix3};

/// What has a state to keep: a [`Layer`] or a [`Model`].
pub trait Stateful {
    /// `f32` or `f64`.
    type Elem: Element;
    /// What is kept between calls.
    type Kept: State;

    /// The state of one sample before its first call.
    #[doc(hidden)]
    fn fresh(&self) -> Self::Kept;
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
/// A call with another number of samples is refused, and leaves the session as it was.
pub struct Session<P: Deref>
where
    P::Target: Stateful,
{
    of: P,
    kept: Option<<P::Target as Stateful>::Kept>,
}

impl<P: Deref> Session<P>
where
    P::Target: Stateful,
{
    /// A session at the zero state.
    pub fn new(of: P) -> Self {
        Session { of, kept: None }
    }

    /// Runs one call from the kept state, and keeps the state it ends in.
    pub fn forward<D>(
        &mut self,
        x: &ArrayRef<<P::Target as Stateful>::Elem, D>,
    ) -> Result<<P::Target as Forward<D>>::Output>
    where
        P::Target: Forward<D>,
    {
        self.of.forward_kept(x, &mut self.kept)
    }

    /// The state that the next call starts from; none before the first call and after a reset.
    pub fn state(&self) -> Option<&<P::Target as Stateful>::Kept> {
        self.kept.as_ref()
    }

    /// Goes on from this state in the next call, which refuses one that does not fit.
    pub fn set_state(&mut self, state: <P::Target as Stateful>::Kept) {
        self.kept = Some(state);
    }

    /// The state that the next call would start from, without the session.
    pub fn into_state(self) -> Option<<P::Target as Stateful>::Kept> {
        self.kept
    }

    /// Everything starts anew; the next call may have another number of samples.
    pub fn reset(&mut self) {
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
            (None, Some(&sample)) => Err(Error::Sample { sample, samples: 0 }),
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
    /// A call from the kept state with adjectives: masks, lengths, or `.from(state)`, which wins over the kept state; the
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
    /// A call from the kept state, with a mask of its own, (samples, timesteps).
    pub fn forward_masked<D: Dimension>(
        &mut self,
        x: &ArrayRef<A, D>,
        mask: &ArrayRef<bool, Ix2>,
    ) -> Result<ArrayD<A>> {
        let input = Flow {
            mask: Some(mask.to_owned()),
            ..Flow::from(x)
        };
        let (flow, states) = self.of.run_from(input, self.kept.as_ref())?;
        self.kept = Some(states);
        Ok(flow.values)
    }
}

impl<R: Recurrent> Stateful for Layer<R> {
    type Elem = R::Elem;
    type Kept = R::State;

    fn fresh(&self) -> R::State {
        self.inner().zero_state(1)
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

    fn fresh(&self) -> Kept {
        self.fresh_states()
    }
}

impl<A: Element, D: Dimension> Forward<D> for Model<A> {
    type Output = ArrayD<A>;

    fn forward_kept(&self, x: &ArrayRef<A, D>, kept: &mut Option<Kept>) -> Result<ArrayD<A>> {
        let (flow, states) = self.run_from(Flow::from(x), kept.as_ref())?;
        *kept = Some(states);
        Ok(flow.values)
    }
}
