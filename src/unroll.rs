//! What every recurrent layer does under [`Recurrent`](crate::Recurrent): sizes, states, and the pass through time.

use crate::describe::Describe;
use crate::error::{Result, check};
use crate::mask::Rows;
use crate::pass::{Pass, Sink, keep_steps};
use crate::{Element, State};
use alloc::boxed::Box;
use alloc::sync::Arc;
use ndarray::{ArrayView2, ArrayView3, ArrayViewMut2, Axis};

/// A recurrent layer of this crate, as the crate sees it. [`Recurrent`](crate::Recurrent) is what a user calls.
///
/// The module is private, so that the trait is sealed.
pub trait Unroll: Describe<<Self as Unroll>::Elem> + Send + Sync {
    /// `f32` or `f64`.
    type Elem: Element;
    /// What is carried from one timestep to the next.
    type State: State;

    /// The length of the last axis of the input.
    fn input_size(&self) -> usize;

    /// The length of the last axis of the output.
    fn output_size(&self) -> usize;

    /// The state before the first step.
    fn zeros(&self, samples: usize) -> Self::State;

    /// About how many multiply-adds a timestep of one sample takes; `None` if the samples of a batch must stay together.
    fn multiply_adds(&self) -> Option<usize> {
        None
    }

    /// How many parts of it can run side by side, whatever the samples: the directions.
    fn directions(&self) -> usize {
        1
    }

    /// Whether a step of one sample reads enough weights to be shared out over threads.
    fn shares_steps(&self) -> bool {
        false
    }

    /// Whether the parts of a composed layer fit together.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Whether an output depends on the inputs up to its timestep only. A boxed layer says it here, although its type is
    /// not [`Advance`].
    fn is_causal(&self) -> bool {
        true
    }

    /// Whether a state has the samples and units of this layer.
    fn check_state(&self, state: &Self::State, samples: usize) -> Result<()>;

    /// Runs a checked call, moves the state to its end, and writes what the sink keeps.
    fn unroll(
        &self,
        pass: Pass<Self::Elem>,
        state: &mut Self::State,
        sink: Sink<Self::Elem>,
    ) -> Result<()>;

    /// What takes single steps of this layer, of so many samples; `None` if it cannot be stepped.
    fn stepping(&self, samples: usize) -> Option<Box<dyn Stepping<Self>>>
    where
        Self: 'static,
    {
        let _ = samples;
        None
    }
}

/// A layer that can take one timestep after another: what [`Causal`](crate::Causal) stands on.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stepped or streamed",
    note = "a `Bidirectional` reads its input from both ends: `both.run(&x).sequences()?` runs all timesteps of `x`, the whole \
            sequence or a part of it; a live stream takes a layer of one direction: `lstm.stream(samples)`"
)]
pub trait Advance: Unroll {
    /// What a step needs room for.
    type Scratch: Send;

    fn scratch(&self, samples: usize) -> Self::Scratch;

    /// Lets up to `threads` threads share the step of one sample, if it is long enough.
    fn share(&self, _scratch: &mut Self::Scratch, _threads: usize) {}

    /// How many timesteps are worth to be prepared together; 0 if none.
    fn block(&self, _samples: usize) -> usize {
        0
    }

    /// Does what a few steps to come have in common: `steps` lists them, (sample, timestep) in their order.
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
    fn settle(&self, state: &mut Self::State);

    /// One timestep of the active rows, `x` (samples, features); the others hold their state.
    fn advance(
        &self,
        x: ArrayView2<Self::Elem>,
        rows: &Rows,
        state: &mut Self::State,
        scratch: &mut Self::Scratch,
    ) -> Result<()>;

    /// Takes several steps of one sample at once, `x` (timesteps, features) in their order, and writes their outputs
    /// (timesteps, units) if they are wanted; or returns false, and nothing was done.
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
    fn output<'s>(&self, state: &'s Self::State) -> ArrayView2<'s, Self::Elem>;
}

/// Takes single steps of a layer: what [`Advance`] says in types, said of a layer whose kind is known only when the program
/// runs. It has the room that a step needs, and is lent layer and state.
pub trait Stepping<R: Unroll + ?Sized>: Send {
    /// Brings a state that came from outside into the form that steps work on.
    fn settle(&self, of: &R, state: &mut R::State) -> Result<()>;

    /// One timestep of the active rows, as in [`Advance::advance`].
    fn advance(
        &mut self,
        of: &R,
        x: ArrayView2<R::Elem>,
        rows: &Rows,
        state: &mut R::State,
    ) -> Result<()>;

    /// What the step that led to this state put out, (samples, units).
    fn output<'s>(&self, of: &R, state: &'s R::State) -> Result<ArrayView2<'s, R::Elem>>;

    /// Writes what the step appended, row by row.
    fn append(
        &self,
        of: &R,
        state: &R::State,
        rows: &Rows,
        zero_output_for_mask: bool,
        to: &mut [R::Elem],
    ) -> Result<()> {
        rows.append_to(self.output(of, state)?, zero_output_for_mask, to)
    }

    /// Whether a step can fail although layer, state and input fit together.
    fn may_fail(&self) -> bool {
        false
    }
}

/// Steps of a layer whose kind is known.
pub(crate) struct Known<R: Advance> {
    pub scratch: R::Scratch,
    pub may_fail: bool,
}

impl<R: Advance> Stepping<R> for Known<R> {
    fn settle(&self, of: &R, state: &mut R::State) -> Result<()> {
        of.settle(state);
        Ok(())
    }
    #[inline]
    fn advance(
        &mut self,
        of: &R,
        x: ArrayView2<R::Elem>,
        rows: &Rows,
        state: &mut R::State,
    ) -> Result<()> {
        of.advance(x, rows, state, &mut self.scratch)
    }
    #[inline]
    fn output<'s>(&self, of: &R, state: &'s R::State) -> Result<ArrayView2<'s, R::Elem>> {
        Ok(of.output(state))
    }
    #[inline]
    fn append(
        &self,
        of: &R,
        state: &R::State,
        rows: &Rows,
        zero_output_for_mask: bool,
        to: &mut [R::Elem],
    ) -> Result<()> {
        rows.append_to(of.output(state), zero_output_for_mask, to)
    }
    fn may_fail(&self) -> bool {
        self.may_fail
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
pub(crate) fn unroll_by_steps<C: Advance>(
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
    let stretch = if block > 0 { block } else { timesteps.max(1) };
    let mut end = 0;
    while end < timesteps {
        let first = end;
        end = timesteps.min(first.saturating_add(stretch));
        if block > 0 {
            let ahead = (first..end).map(time);
            let steps = ahead.flat_map(|t| (0..samples).map(move |row| (row, t)));
            let is_real = |&(row, t): &(usize, usize)| pass.mask.is_none_or(|m| m.is_real(row, t));
            cell.prepare(&pass.x, steps.filter(is_real), &mut scratch);
        }
        if samples == 1 && pass.mask.is_none() {
            // These steps in their order, of the only sample.
            let mut x = pass.x.index_axis(Axis(0), 0);
            keep_steps(&mut x, first..end, pass.backwards);
            let mut outputs = sequences.as_mut().map(|to| to.index_axis_mut(Axis(0), 0));
            if let Some(outputs) = &mut outputs {
                keep_steps(outputs, first..end, pass.backwards != pass.reversed);
            }
            if cell.advance_through(&x, outputs.as_mut(), state, &mut scratch) {
                rows.choose_all();
                continue;
            }
        }
        for t in (first..end).map(time) {
            rows.choose_by(pass.mask.as_ref(), t);
            cell.advance(pass.x.index_axis(Axis(1), t), &rows, state, &mut scratch)?;
            if let Some(sequences) = &mut sequences {
                let at = if pass.reversed { timesteps - 1 - t } else { t };
                let to = sequences.index_axis_mut(Axis(1), at);
                rows.append(cell.output(state), pass.zero_output_for_mask, to);
            }
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

/// References and shared owners of a layer are layers.
macro_rules! by_reference {
    ($([$($generics:tt)*] $owner:ty),*) => {$(
        impl<$($generics)*> Unroll for $owner {
            type Elem = R::Elem;
            type State = R::State;
            fn input_size(&self) -> usize {
                (**self).input_size()
            }
            fn output_size(&self) -> usize {
                (**self).output_size()
            }
            fn zeros(&self, samples: usize) -> R::State {
                (**self).zeros(samples)
            }
            fn multiply_adds(&self) -> Option<usize> {
                (**self).multiply_adds()
            }
            fn directions(&self) -> usize {
                (**self).directions()
            }
            fn shares_steps(&self) -> bool {
                (**self).shares_steps()
            }
            fn check(&self) -> Result<()> {
                (**self).check()
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
            fn stepping(&self, samples: usize) -> Option<Box<dyn Stepping<Self>>>
            where
                Self: 'static,
            {
                let inner = (**self).stepping(samples)?;
                Some(Box::new(Owned(inner)))
            }        }
    )*};
}
by_reference!([R: Unroll + ?Sized] &R, [R: Unroll] Box<R>, [R: Unroll] Arc<R>);

/// Steps of a layer behind a pointer.
struct Owned<R: ?Sized>(Box<dyn Stepping<R>>);

macro_rules! steps_by_reference {
    ($([$($generics:tt)*] $owner:ty),*) => {$(
        impl<$($generics)*> Stepping<$owner> for Owned<R> {
            fn settle(&self, of: &$owner, state: &mut R::State) -> Result<()> {
                self.0.settle(&**of, state)
            }
            fn advance(
                &mut self,
                of: &$owner,
                x: ArrayView2<R::Elem>,
                rows: &Rows,
                state: &mut R::State,
            ) -> Result<()> {
                self.0.advance(&**of, x, rows, state)
            }
            fn output<'s>(&self, of: &$owner, state: &'s R::State) -> Result<ArrayView2<'s, R::Elem>> {
                self.0.output(&**of, state)
            }
            fn may_fail(&self) -> bool {
                self.0.may_fail()
            }
        }
    )*};
}
steps_by_reference!([R: Unroll + ?Sized] &R, [R: Unroll] Box<R>, [R: Unroll] Arc<R>);

macro_rules! causal_by_reference {
    ($([$($generics:tt)*] $owner:ty),*) => {$(
        impl<$($generics)*> Advance for $owner {
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
causal_by_reference!([R: Advance + ?Sized] &R, [R: Advance] Box<R>, [R: Advance] Arc<R>);

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
