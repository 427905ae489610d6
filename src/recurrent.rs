//! `Recurrent` and `Causal`: the methods that a user calls on a recurrent layer.

use crate::unroll::{Advance, Unroll};
use crate::{Run, Stacked, Stream};
use ndarray::{ArrayRef, Ix3};

/// A recurrent layer that runs whole sequences.
///
/// These are [`SimpleRnn`](crate::SimpleRnn), [`Lstm`](crate::Lstm), [`Gru`](crate::Gru), [`Rnn`](crate::Rnn) with a cell
/// of your own, [`Stacked`], [`Deep`](crate::Deep), [`Bidirectional`](crate::Bidirectional), and references, boxes and
/// [`Arc`](alloc::sync::Arc)s of them.
///
/// `Self::Elem` is the type of its numbers, `f32` or `f64`. `Self::State` is the state that it carries from one timestep to
/// the next: a [`LstmState`](crate::LstmState), a [`HiddenState`](crate::HiddenState), a pair or list of states, or the
/// state of your own cell.
///
/// A call borrows the layer by `&self`, takes a state and returns a state; it never changes the weights. The trait is
/// sealed. To make a layer of your own, write a [`Cell`](crate::Cell) and wrap it in [`Rnn`](crate::Rnn). The traits
/// `Unroll` and `Advance` in signatures are the private supertraits of `Recurrent` and [`Causal`].
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
    /// The number of features: the length of the last axis of the input.
    fn features(&self) -> usize {
        self.input_size()
    }

    /// The number of units: the length of the last axis of the output.
    fn units(&self) -> usize {
        self.output_size()
    }

    /// The state before the first timestep, for `samples` samples: zero, unless the layer has an initial state of its own
    /// ([`LstmBuilder::initial_state`](crate::LstmBuilder::initial_state)). Panics or aborts if there is not enough memory,
    /// as every allocation does.
    fn zero_state(&self, samples: usize) -> Self::State {
        self.zeros(samples)
    }

    /// The number of learned parameters.
    fn parameter_count(&self) -> usize {
        self.count_parameters().total()
    }

    /// Starts a call. Add adjectives (`.initial_state(state)`, `.mask(&m)` …) and end it with a verb (`.last()`,
    /// `.sequences()` …).
    ///
    /// `x` is (samples, timesteps, features), as an owned array or any view of one.
    fn run<'a>(&'a self, x: &'a ArrayRef<Self::Elem, Ix3>) -> Run<'a, Self> {
        Run::new(self, x.view())
    }

    /// Puts `upper` on top of this layer: its input is the output of this layer.
    fn then<U: Recurrent<Elem = Self::Elem>>(self, upper: U) -> Stacked<Self, U>
    where
        Self: Sized,
    {
        Stacked::new(self, upper)
    }
}

impl<R: Unroll + ?Sized> Recurrent for R {}

/// A layer whose output at timestep t depends only on inputs up to t, so that it can be stepped and streamed. All recurrent
/// layers are causal except [`Bidirectional`](crate::Bidirectional). A [`Stacked`] or a [`Deep`](crate::Deep) is causal if
/// its parts are.
///
/// ```
/// use recurrent::{Causal, Lstm}; // `run` needs `Recurrent`
/// let lstm = Lstm::<f32>::builder(1, 2).build()?;
/// let mut live = lstm.stream(1);
/// live.push_slice(&[0.5])?;
/// # Ok::<(), recurrent::Error>(())
/// ```
/// A `Bidirectional` must read the last timestep before it gives its first output, so this does not compile:
/// ```compile_fail
/// use recurrent::{Bidirectional, Causal, Lstm, Recurrent};
/// let lstm = Lstm::<f32>::builder(1, 2).build()?;
/// let mut live = Bidirectional::new(lstm.clone(), lstm).stream(1);
/// live.push_slice(&[0.5])?;
/// # Ok::<(), recurrent::Error>(())
/// ```
// `Advance` has the same message: the compiler shows this one for a bound, and that one for a call.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stepped or streamed",
    note = "a `Bidirectional` reads its input from both ends: `both.run(&x).sequences()?` runs all timesteps of `x`, the whole \
            sequence or a part of it; a live stream takes a layer of one direction: `lstm.stream(samples)`"
)]
pub trait Causal: Recurrent + Advance {
    /// Makes a stream of `samples` samples that borrows the weights.
    fn stream(&self, samples: usize) -> Stream<&Self> {
        Stream::new(self, samples)
    }

    /// Makes a stream of `samples` samples that owns its weights, or shares them if `self` is an [`Arc`](alloc::sync::Arc).
    /// Such a stream can be `Send + 'static`.
    fn into_stream(self, samples: usize) -> Stream<Self>
    where
        Self: Sized,
    {
        Stream::new(self, samples)
    }
}

impl<R: Advance + ?Sized> Causal for R {}
