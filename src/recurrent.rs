//! `Recurrent` and `Causal`: what a user calls on a recurrent layer.

use crate::unroll::{Advance, Unroll};
use crate::{Run, Stacked, Stream};
use ndarray::{ArrayRef, Ix3};

/// A layer that runs whole sequences: [`SimpleRnn`](crate::SimpleRnn), [`Lstm`](crate::Lstm), [`Gru`](crate::Gru),
/// [`Rnn`](crate::Rnn) with your own cell, [`Stacked`], [`Deep`](crate::Deep), [`Bidirectional`](crate::Bidirectional), and
/// references, boxes and [`Arc`](alloc::sync::Arc)s of them.
///
/// `Self::Elem` is the type of its numbers, `f32` or `f64`. `Self::State` is what it carries from one timestep to the next:
/// [`LstmState`](crate::LstmState), [`HiddenState`](crate::HiddenState), a pair, a list, or the state of your own cell.
///
/// Weights are immutable here: a call takes them by `&self`, takes a state in and gives a state out. The trait is sealed:
/// write a [`Cell`](crate::Cell) and wrap it in [`Rnn`](crate::Rnn) to have a layer of your own. Where a signature says
/// `Unroll` or `Advance`, read `Recurrent` or [`Causal`]: they are the private traits below these.
///
/// ```
/// use recurrent::{Gru, Recurrent};
/// let gru = Gru::<f32>::builder(2, 3).build()?; // 2 features, 3 units
/// let x = ndarray::Array3::zeros((4, 5, 2));    // 4 samples, 5 timesteps, 2 features
/// assert_eq!(gru.run(&x).last()?.dim(), (4, 3));
/// assert_eq!(gru.run(&x).sequences()?.dim(), (4, 5, 3));
/// # Ok::<(), recurrent::Error>(())
/// ```
pub trait Recurrent: Unroll {
    /// The length of the last axis of the input.
    fn features(&self) -> usize {
        self.input_size()
    }

    /// The length of the last axis of the output.
    fn units(&self) -> usize {
        self.output_size()
    }

    /// The state before the first step. Like every allocation it panics or aborts if there is no memory for that.
    fn zero_state(&self, samples: usize) -> Self::State {
        self.zeros(samples)
    }

    /// The number of weights.
    fn parameter_count(&self) -> usize {
        self.count_parameters().total()
    }

    /// Starts a call: choose adjectives (`.initial_state(state)`, `.mask(&m)` …), then a verb (`.last()`, `.sequences()` …).
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
}

impl<R: Unroll + ?Sized> Recurrent for R {}

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
// As at `Advance`: the compiler shows this one for a bound, that one for a call.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stepped or streamed",
    note = "a `Bidirectional` reads its input from both ends: `both.run(&x).sequences()?` runs all timesteps of `x`, the whole \
            sequence or a part of it; a live stream takes a layer of one direction: `lstm.stream(samples)`"
)]
pub trait Causal: Recurrent + Advance {
    /// A stream of this many samples that borrows the weights.
    fn stream(&self, samples: usize) -> Stream<&Self> {
        Stream::new(self, samples)
    }

    /// A stream that owns its weights, or shares them if `self` is an [`Arc`](alloc::sync::Arc): `Send + 'static`.
    fn into_stream(self, samples: usize) -> Stream<Self>
    where
        Self: Sized,
    {
        Stream::new(self, samples)
    }
}

impl<R: Advance + ?Sized> Causal for R {}
