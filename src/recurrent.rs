//! What runs a sequence: the traits of layers.

use crate::error::{Result, check};
use crate::mask::Rows;
use crate::pass::{Pass, Sink};
use crate::run::Run;
use crate::{Element, Stacked, State, Stream};
use alloc::boxed::Box;
use alloc::sync::Arc;
use ndarray::{ArrayRef, ArrayView2, ArrayView3, ArrayViewMut2, Ix3};

/// A layer that runs whole sequences: [`SimpleRnn`](crate::SimpleRnn), [`Lstm`](crate::Lstm), [`Gru`](crate::Gru),
/// [`Rnn`](crate::Rnn) with your own cell, [`Stacked`], [`Deep`](crate::Deep), [`Bidirectional`](crate::Bidirectional), and
/// references, boxes and [`Arc`]s of them.
///
/// Weights are immutable here: a call takes them by `&self`, takes a state in and gives a state out. The trait is
/// sealed by its hidden methods; write a [`Cell`](crate::Cell) and wrap it in [`Rnn`](crate::Rnn) to have a layer of
/// your own.
///
/// ```
/// use recurrent::{Gru, Recurrent};
/// let gru = Gru::<f32>::builder(2, 3).build()?; // 2 features, 3 units
/// let x = ndarray::Array3::zeros((4, 5, 2));    // 4 samples, 5 timesteps, 2 features
/// assert_eq!(gru.run(&x).last()?.dim(), (4, 3));
/// assert_eq!(gru.run(&x).sequences()?.dim(), (4, 5, 3));
/// # Ok::<(), recurrent::Error>(())
/// ```
pub trait Recurrent: Send + Sync {
    /// `f32` or `f64`.
    type Elem: Element;
    /// What is carried from one timestep to the next.
    type State: State;

    /// The length of the last axis of the input.
    fn features(&self) -> usize;

    /// The length of the last axis of the output.
    fn units(&self) -> usize;

    /// The state before the first step. Like every allocation it panics or aborts if there is no memory for that.
    fn zero_state(&self, samples: usize) -> Self::State;

    /// Starts a call: choose adjectives (`.from(state)`, `.mask(&m)` …), then a verb (`.last()`, `.sequences()` …).
    ///
    /// `x` is (samples, timesteps, features), an owned array or any view of one.
    fn run<'a>(&'a self, x: &'a ArrayRef<Self::Elem, Ix3>) -> Run<'a, Self> {
        Run::new(self, x.view())
    }

    /// Puts `upper` on top: its input is the output of this layer.
    fn then<U: Recurrent<Elem = Self::Elem>>(self, upper: U) -> Stacked<Self, U>
    where
        Self: Sized,
    {
        Stacked::new(self, upper)
    }

    /// What the layer is called in the errors of a `Model`.
    #[doc(hidden)]
    fn name(&self) -> &'static str;

    /// About how many multiply-adds a timestep of one sample takes; `None` if the samples of a batch must stay together.
    #[doc(hidden)]
    fn multiply_adds(&self) -> Option<usize> {
        None
    }

    /// How many parts of it can run side by side, whatever the samples: the directions.
    #[doc(hidden)]
    fn ways(&self) -> usize {
        1
    }

    /// Whether a step of one sample is long enough to be shared out: it reads so many weights.
    #[doc(hidden)]
    fn shares_steps(&self) -> bool {
        false
    }

    /// Whether the parts of a composed layer fit together.
    #[doc(hidden)]
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// How many weights there are.
    #[doc(hidden)]
    fn parameters(&self) -> usize;

    /// Whether an output depends on the inputs up to its timestep only; what is [`Causal`] is, but so is a boxed one.
    #[doc(hidden)]
    fn is_causal(&self) -> bool {
        true
    }

    /// Whether a state has the samples and units of this layer.
    #[doc(hidden)]
    fn check_state(&self, state: &Self::State, samples: usize) -> Result<()>;

    /// Runs a checked call, moves the state to its end, and writes what the sink keeps.
    #[doc(hidden)]
    fn unroll(
        &self,
        pass: Pass<Self::Elem>,
        state: &mut Self::State,
        sink: Sink<Self::Elem>,
    ) -> Result<()>;

    /// Says in a file what it is.
    #[doc(hidden)]
    #[cfg(feature = "safetensors")]
    fn save_to(&self, to: &mut crate::saved::Out) -> Result<()> {
        let _ = to;
        Err(crate::saved::not_ours(self.name()))
    }
}

/// A layer whose output at t depends on inputs up to t only, so that it can be stepped and streamed: all but
/// [`Bidirectional`](crate::Bidirectional), and a [`Stacked`] or [`Deep`](crate::Deep) when its parts are.
///
/// ```
/// use recurrent::{Causal, Lstm}; // `run` needs `Recurrent`
/// let lstm = Lstm::<f32>::builder(1, 2).build()?;
/// let mut live = lstm.stream(1);
/// live.push_slice(&[0.5])?;
/// # Ok::<(), recurrent::Error>(())
/// ```
/// A `Bidirectional` has to see the end before its first output, so this does not compile:
/// ```compile_fail
/// use recurrent::{Bidirectional, Causal, Lstm, Recurrent};
/// let lstm = Lstm::<f32>::builder(1, 2).build()?;
/// let mut live = Bidirectional::new(lstm.clone(), lstm).stream(1);
/// live.push_slice(&[0.5])?;
/// # Ok::<(), recurrent::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stepped or streamed",
    note = "a `Bidirectional` sees the end before its first output: `run` whole sequences, or a part of them at a time"
)]
pub trait Causal: Recurrent {
    /// A stream of this many samples that borrows the weights.
    fn stream(&self, samples: usize) -> Stream<&Self> {
        Stream::new(self, samples)
    }

    /// A stream that owns its weights, or shares them if `self` is an [`Arc`]: `Send + 'static`.
    fn into_stream(self, samples: usize) -> Stream<Self>
    where
        Self: Sized,
    {
        Stream::new(self, samples)
    }

    /// What a step needs room for.
    #[doc(hidden)]
    type Scratch: Send;

    #[doc(hidden)]
    fn scratch(&self, samples: usize) -> Self::Scratch;

    /// Lets so many threads share the step of one sample, if that is long enough.
    #[doc(hidden)]
    fn share(&self, _scratch: &mut Self::Scratch, _threads: usize) {}

    /// How many timesteps are worth to be prepared together; 0 if none.
    #[doc(hidden)]
    fn block(&self, _samples: usize) -> usize {
        0
    }

    /// Does what a few steps to come have in common: `steps` lists them, (sample, timestep) in their order.
    #[doc(hidden)]
    fn prepare(
        &self,
        _x: &ArrayView3<Self::Elem>,
        _steps: impl Iterator<Item = (usize, usize)>,
        _scratch: &mut Self::Scratch,
    ) where
        Self: Sized,
    {
    }

    /// Brings a state that came from outside into the form that steps work on.
    #[doc(hidden)]
    fn settle(&self, state: &mut Self::State);

    /// One timestep of the active rows, `x` (samples, features); the others hold their state.
    #[doc(hidden)]
    fn advance(
        &self,
        x: ArrayView2<Self::Elem>,
        rows: &Rows,
        state: &mut Self::State,
        scratch: &mut Self::Scratch,
    ) -> Result<()>;

    /// Takes several steps of one sample at once, `x` (timesteps, features) in their order, and writes their outputs
    /// (timesteps, units) if they are wanted; or returns false, and nothing was done.
    #[doc(hidden)]
    fn advance_through(
        &self,
        _x: &ArrayView2<Self::Elem>,
        _outputs: Option<&mut ArrayViewMut2<Self::Elem>>,
        _state: &mut Self::State,
        _scratch: &mut Self::Scratch,
    ) -> bool {
        false
    }

    /// What the step that led to this state put out, (samples, units).
    #[doc(hidden)]
    fn output<'s>(&self, state: &'s Self::State) -> ArrayView2<'s, Self::Elem>;
}

/// References and shared owners of a layer are layers.
macro_rules! by_reference {
    ($([$($generics:tt)*] $owner:ty),*) => {$(
        impl<$($generics)*> Recurrent for $owner {
            type Elem = R::Elem;
            type State = R::State;
            fn features(&self) -> usize {
                (**self).features()
            }
            fn units(&self) -> usize {
                (**self).units()
            }
            fn zero_state(&self, samples: usize) -> R::State {
                (**self).zero_state(samples)
            }
            fn name(&self) -> &'static str {
                (**self).name()
            }
            fn multiply_adds(&self) -> Option<usize> {
                (**self).multiply_adds()
            }
            fn ways(&self) -> usize {
                (**self).ways()
            }
            fn shares_steps(&self) -> bool {
                (**self).shares_steps()
            }
            fn check(&self) -> Result<()> {
                (**self).check()
            }
            fn parameters(&self) -> usize {
                (**self).parameters()
            }
            fn is_causal(&self) -> bool {
                (**self).is_causal()
            }
            fn check_state(&self, state: &R::State, samples: usize) -> Result<()> {
                (**self).check_state(state, samples)
            }
            fn unroll(&self, pass: Pass<R::Elem>, state: &mut R::State, sink: Sink<R::Elem>) -> Result<()> {
                (**self).unroll(pass, state, sink)
            }
            #[cfg(feature = "safetensors")]
            fn save_to(&self, to: &mut crate::saved::Out) -> Result<()> {
                (**self).save_to(to)
            }
        }
    )*};
}
by_reference!([R: Recurrent + ?Sized] &R, [R: Recurrent + ?Sized] Box<R>, [R: Recurrent + ?Sized] Arc<R>);

macro_rules! causal_by_reference {
    ($([$($generics:tt)*] $owner:ty),*) => {$(
        impl<$($generics)*> Causal for $owner {
            type Scratch = R::Scratch;
            fn scratch(&self, samples: usize) -> R::Scratch {
                (**self).scratch(samples)
            }
            fn share(&self, scratch: &mut R::Scratch, threads: usize) {
                (**self).share(scratch, threads);
            }
            fn settle(&self, state: &mut R::State) {
                (**self).settle(state);
            }
            fn advance(
                &self,
                x: ArrayView2<R::Elem>,
                rows: &Rows,
                state: &mut R::State,
                scratch: &mut R::Scratch,
            ) -> Result<()> {
                (**self).advance(x, rows, state, scratch)
            }
            fn output<'s>(&self, state: &'s R::State) -> ArrayView2<'s, R::Elem> {
                (**self).output(state)
            }
        }
    )*};
}
causal_by_reference!([R: Causal + ?Sized] &R, [R: Causal + ?Sized] Box<R>, [R: Causal + ?Sized] Arc<R>);

/// Refuses an output of another shape than (samples, units).
pub(crate) fn check_output(
    array: &'static str,
    samples: usize,
    units: usize,
    dim: (usize, usize),
) -> Result<()> {
    check(array, "samples", samples, dim.0)?;
    check(array, "units", units, dim.1)
}
