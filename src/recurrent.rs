//! What runs a sequence: the traits, and the one unrolled pass behind all of them.

use crate::error::{Result, check};
use crate::mask::{Mask, Rows};
use crate::run::Run;
use crate::{Element, Stacked, State, Stream};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use ndarray::{ArrayRef, ArrayView2, ArrayView3, ArrayViewMut2, ArrayViewMut3, Axis, Ix3, Slice};

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
}

/// A layer whose output at t depends on inputs up to t only, so that it can be stepped and streamed: all but
/// [`Bidirectional`](crate::Bidirectional), and a [`Stacked`] or [`Deep`](crate::Deep) when its parts are.
///
/// ```
/// use recurrent::{Causal, Lstm, Recurrent};
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

    /// What the step that led to this state put out, (samples, units).
    #[doc(hidden)]
    fn output<'s>(&self, state: &'s Self::State) -> ArrayView2<'s, Self::Elem>;
}

/// A checked call: what is read, in which order, and what of it is real.
#[derive(Clone, Copy, Debug)]
pub struct Pass<'a, A> {
    /// (samples, timesteps, features).
    pub(crate) x: ArrayView3<'a, A>,
    pub(crate) mask: Option<Mask<'a>>,
    /// Which samples have had a real step in a part of the call that went before; `None`: none has.
    pub(crate) started: Option<&'a [bool]>,
    /// Reads the last timestep first.
    pub(crate) backwards: bool,
    /// Entry 0 of the sequences belongs to the last timestep. Not the same as `backwards`: both directions of a
    /// `Bidirectional` write in one order.
    pub(crate) reversed: bool,
    pub(crate) zero_output_for_mask: bool,
    /// How many may work on it.
    pub(crate) threads: usize,
}

impl<'a, A> Pass<'a, A> {
    /// The same way through time over another input.
    pub(crate) fn over<'b>(&'b self, x: ArrayView3<'b, A>) -> Pass<'b, A> {
        let Pass {
            started,
            backwards,
            reversed,
            zero_output_for_mask,
            threads,
            ..
        } = *self;
        let mask = self.mask.map(Mask::reborrow);
        Pass {
            x,
            mask,
            started,
            backwards,
            reversed,
            zero_output_for_mask,
            threads,
        }
    }

    /// How many steps of samples are real.
    pub(crate) fn real_steps(&self) -> usize {
        (0..self.x.dim().0).map(|row| self.real_steps_of(row)).sum()
    }

    fn real_steps_of(&self, row: usize) -> usize {
        let timesteps = self.x.dim().1;
        self.mask.map_or(timesteps, |mask| mask.real_steps(row))
    }

    /// How many samples from the first one on have about this part of the real steps; some, and not all.
    pub(crate) fn middle(&self, part: usize, of: usize) -> usize {
        let (samples, goal) = (self.x.dim().0, self.real_steps() * part / of);
        let (mut middle, mut steps) = (0, 0);
        while middle < samples && steps + self.real_steps_of(middle) / 2 < goal {
            steps += self.real_steps_of(middle);
            middle += 1;
        }
        middle.clamp(1, samples - 1)
    }

    /// The samples before `middle`, and the others.
    pub(crate) fn split(&self, middle: usize) -> (Pass<'a, A>, Pass<'a, A>) {
        let (before, after) = self.x.split_at(Axis(0), middle);
        let masks = self.mask.map(|mask| mask.split(middle));
        let started = self.started.map(|started| started.split_at(middle));
        let part = |x, mask, started| Pass {
            x,
            mask,
            started,
            ..*self
        };
        let (first, second) = (masks.map(|m| m.0), masks.map(|m| m.1));
        (
            part(before, first, started.map(|s| s.0)),
            part(after, second, started.map(|s| s.1)),
        )
    }

    /// Goes through time in stretches of so many steps, for a layer that carries all it knows in its state: what lies
    /// between its parts is never longer than that.
    pub(crate) fn in_stretches(
        &self,
        steps: usize,
        mut sink: Sink<A>,
        mut run: impl FnMut(Pass<A>, Sink<A>) -> Result<()>,
    ) -> Result<()> {
        let (samples, timesteps, _) = self.x.dim();
        if timesteps <= steps {
            return run(self.over(self.x), sink);
        }
        let mut started = match self.started {
            Some(started) => started.to_vec(),
            None => alloc::vec![false; samples],
        };
        for done in (0..timesteps).step_by(steps) {
            let count = steps.min(timesteps - done);
            let first = if self.backwards {
                timesteps - done - count
            } else {
                done
            };
            let times = Slice::from(first..first + count);
            let lengths: Vec<usize>;
            let mask = match self.mask {
                Some(Mask::Steps(mask)) => Some(Mask::Steps(mask.slice_axis_move(Axis(1), times))),
                Some(Mask::Lengths(all)) => {
                    let rest = |length: &usize| length.saturating_sub(first).min(count);
                    lengths = all.iter().map(rest).collect();
                    Some(Mask::Lengths(&lengths))
                }
                None => None,
            };
            let pass = Pass {
                x: self.x.slice_axis(Axis(1), times),
                mask,
                started: Some(&started),
                ..*self
            };
            let sink = match &mut sink {
                Sink::Last(last) => Sink::Last(last.view_mut()),
                Sink::Sequences(sequences) => {
                    let at = if self.reversed {
                        timesteps - first - count
                    } else {
                        first
                    };
                    let times = Slice::from(at..at + count);
                    Sink::Sequences(sequences.slice_axis_mut(Axis(1), times))
                }
            };
            run(pass, sink)?;
            for (row, started) in started.iter_mut().enumerate() {
                let mut times = first..first + count;
                let real = times.any(|t| self.mask.is_none_or(|mask| mask.is_real(row, t)));
                *started |= real;
            }
        }
        Ok(())
    }
}

/// Where the outputs go. (A tape for training will be another sink.)
#[derive(Debug)]
pub enum Sink<'a, A> {
    /// Keeps the last appended output, (samples, units).
    Last(ArrayViewMut2<'a, A>),
    /// Keeps all of them, (samples, timesteps, units).
    Sequences(ArrayViewMut3<'a, A>),
}

impl<'a, A> Sink<'a, A> {
    /// What becomes of the samples before `middle`, and of the others.
    pub(crate) fn split(self, middle: usize) -> (Sink<'a, A>, Sink<'a, A>) {
        match self {
            Sink::Last(last) => {
                let (before, after) = last.split_at(Axis(0), middle);
                (Sink::Last(before), Sink::Last(after))
            }
            Sink::Sequences(sequences) => {
                let (before, after) = sequences.split_at(Axis(0), middle);
                (Sink::Sequences(before), Sink::Sequences(after))
            }
        }
    }
}

/// The one unrolled pass, with Keras' rules for masks.
///
/// ```text
/// for t in order:                                 order = T-1..0 if go_backwards else 0..T-1
///     a real sample:    y, state = step(x[t], state)
///     a masked sample:  y = 0 if zero_output_for_mask or if it had no real step yet, else the previous y; state held
///     append y
/// ```
/// Source: Keras 3, `keras.layers.RNN` on the TensorFlow backend.
pub(crate) fn unroll<C: Causal>(
    cell: &C,
    pass: Pass<C::Elem>,
    state: &mut C::State,
    sink: Sink<C::Elem>,
) -> Result<()> {
    let (samples, timesteps, _) = pass.x.dim();
    cell.settle(state);
    let mut scratch = cell.scratch(samples);
    cell.share(&mut scratch, pass.threads);
    let block = cell.block(samples);
    let mut rows = match pass.mask {
        Some(_) => Rows::new(samples, pass.started),
        None => Rows::unmasked(samples),
    };
    let (mut last, mut sequences) = match sink {
        Sink::Last(last) => (Some(last), None),
        Sink::Sequences(sequences) => (None, Some(sequences)),
    };
    let time = |i: usize| if pass.backwards { timesteps - 1 - i } else { i };
    for i in 0..timesteps {
        let t = time(i);
        if block > 0 && i % block == 0 {
            let ahead = (i..timesteps.min(i + block)).map(time);
            let steps = ahead.flat_map(|t| (0..samples).map(move |row| (row, t)));
            let is_real = |&(row, t): &(usize, usize)| pass.mask.is_none_or(|m| m.is_real(row, t));
            cell.prepare(&pass.x, steps.filter(is_real), &mut scratch);
        }
        rows.choose_by(pass.mask.as_ref(), t);
        cell.advance(pass.x.index_axis(Axis(1), t), &rows, state, &mut scratch)?;
        if let Some(sequences) = &mut sequences {
            let at = if pass.reversed { timesteps - 1 - t } else { t };
            let to = sequences.index_axis_mut(Axis(1), at);
            rows.append(cell.output(state), pass.zero_output_for_mask, to);
        }
    }
    if let Some(last) = &mut last {
        if timesteps == 0 {
            last.fill(num_traits::zero());
        } else {
            rows.append(
                cell.output(state),
                pass.zero_output_for_mask,
                last.view_mut(),
            );
        }
    }
    Ok(())
}

/// Makes a causal layer's `Recurrent::unroll` the one unrolled pass.
macro_rules! unroll_by_steps {
    () => {
        fn unroll(
            &self,
            pass: crate::recurrent::Pass<Self::Elem>,
            state: &mut Self::State,
            sink: crate::recurrent::Sink<Self::Elem>,
        ) -> crate::Result<()> {
            crate::recurrent::unroll(self, pass, state, sink)
        }
    };
}
pub(crate) use unroll_by_steps;

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
