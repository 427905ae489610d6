//! `Unroll` and `Advance`: what every recurrent layer does below [`Recurrent`](crate::Recurrent): sizes, states, and the
//! pass through time.

#[cfg(feature = "train")]
use crate::backward::{Backward, OutputGradients, Outputs, Recorder, Tape};
use crate::describe::Describe;
use crate::error::{Result, check};
#[cfg(feature = "train")]
use crate::gradients::LayerGradients;
use crate::mask::Rows;
use crate::pass::{Pass, Sink, keep_steps};
use crate::{Element, State};
use alloc::boxed::Box;
use alloc::sync::Arc;
#[cfg(feature = "train")]
use ndarray::{Array3, ArrayD};
use ndarray::{ArrayView2, ArrayView3, ArrayViewMut2, Axis};

/// The backward half of a layer, which is empty without the feature `train`.
#[cfg(not(feature = "train"))]
pub trait Backward<A, S> {}

#[cfg(not(feature = "train"))]
impl<A, S, R: ?Sized> Backward<A, S> for R {}

/// A recurrent layer as the crate sees it. Users call the methods of [`Recurrent`](crate::Recurrent).
///
/// The module is private, so the trait is sealed.
pub trait Unroll:
    Describe<<Self as Unroll>::Elem>
    + Backward<<Self as Unroll>::Elem, <Self as Unroll>::State>
    + Send
    + Sync
{
    /// The type of the numbers, `f32` or `f64`.
    type Elem: Element;
    /// The state that is carried from one timestep to the next.
    type State: State;

    /// The number of features: the length of the last axis of the input.
    fn input_size(&self) -> usize;

    /// The number of units: the length of the last axis of the output.
    fn output_size(&self) -> usize;

    /// The state before the first timestep, for `samples` samples.
    fn zeros(&self, samples: usize) -> Self::State;

    /// The approximate number of multiply-adds in a timestep of one sample. `None` if the samples of a batch must stay
    /// together.
    fn multiply_adds(&self) -> Option<usize> {
        None
    }

    /// The number of directions, which can run in parallel for any number of samples.
    fn directions(&self) -> usize {
        1
    }

    /// Whether a step of one sample reads enough weights to be divided among threads.
    fn shares_steps(&self) -> bool {
        false
    }

    /// Returns an error if the parts of a composed layer do not fit together.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Whether an output depends only on the inputs up to its timestep. A boxed layer answers here, since its type does not
    /// implement [`Advance`].
    fn is_causal(&self) -> bool {
        true
    }

    /// Returns an error if a state has other samples or units than this layer.
    fn check_state(&self, state: &Self::State, samples: usize) -> Result<()>;

    /// Runs a checked call, advances the state to its end, and writes the outputs to the sink.
    fn unroll(
        &self,
        pass: Pass<Self::Elem>,
        state: &mut Self::State,
        sink: Sink<Self::Elem>,
    ) -> Result<()>;

    /// Makes an engine that takes single timesteps of this layer, for `samples` samples. `None` if the layer cannot be
    /// stepped.
    fn stepping(&self, samples: usize) -> Option<Box<dyn Stepping<Self>>>
    where
        Self: 'static,
    {
        let _ = samples;
        None
    }
}

/// A layer that can take one timestep after another. It is the supertrait of [`Causal`](crate::Causal).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stepped or streamed",
    note = "a `Bidirectional` reads its input from both ends: `both.run(&x).sequences()?` runs all timesteps of `x`, the whole \
            sequence or a part of it; a live stream takes a layer of one direction: `lstm.stream(samples)`"
)]
pub trait Advance: Unroll {
    /// The memory that a step works in.
    type Scratch: Send;

    fn scratch(&self, samples: usize) -> Self::Scratch;

    /// Lets up to `threads` threads share the step of one sample, if the step is long enough.
    fn share(&self, _scratch: &mut Self::Scratch, _threads: usize) {}

    /// How many timesteps are prepared together, or 0 if steps need no preparation.
    fn block(&self, _samples: usize) -> usize {
        0
    }

    /// Computes what the coming steps have in common. `steps` lists them as (sample, timestep), in processing order.
    fn prepare(
        &self,
        _x: &ArrayView3<Self::Elem>,
        _steps: impl Iterator<Item = (usize, usize)>,
        _scratch: &mut Self::Scratch,
    ) where
        Self: Sized,
    {
    }

    /// Brings a state from outside into the memory layout that steps require.
    fn settle(&self, state: &mut Self::State);

    /// Takes one timestep of the active rows. `x` is (samples, features). The other samples keep their state.
    fn advance(
        &self,
        x: ArrayView2<Self::Elem>,
        rows: &Rows,
        state: &mut Self::State,
        scratch: &mut Self::Scratch,
    ) -> Result<()>;

    /// Takes several timesteps of one sample at once, and writes their outputs (timesteps, units) if they are wanted. `x`
    /// is (timesteps, features), in processing order. Returns false if the layer cannot do so; nothing has changed then.
    fn advance_through(
        &self,
        _x: &ArrayView2<Self::Elem>,
        _outputs: Option<&mut ArrayViewMut2<Self::Elem>>,
        _state: &mut Self::State,
        _scratch: &mut Self::Scratch,
    ) -> bool {
        false
    }

    /// The output of the step that led to this state, (samples, units).
    fn output<'s>(&self, state: &'s Self::State) -> ArrayView2<'s, Self::Elem>;
}

/// Takes single timesteps of a layer. It does what [`Advance`] does, but for a layer whose type is known only when the
/// program runs. It owns the scratch memory, and borrows the layer and the state for each step.
pub trait Stepping<R: Unroll + ?Sized>: Send {
    /// Brings a state from outside into the memory layout that steps require.
    fn settle(&self, of: &R, state: &mut R::State) -> Result<()>;

    /// Takes one timestep of the active rows, as [`Advance::advance`] does.
    fn advance(
        &mut self,
        of: &R,
        x: ArrayView2<R::Elem>,
        rows: &Rows,
        state: &mut R::State,
    ) -> Result<()>;

    /// The output of the step that led to this state, (samples, units).
    fn output<'s>(&self, of: &R, state: &'s R::State) -> Result<ArrayView2<'s, R::Elem>>;

    /// Takes one timestep as [`advance`](Self::advance) does, and writes its outputs to `to`, one row after another.
    #[inline]
    fn step_into(
        &mut self,
        of: &R,
        x: ArrayView2<R::Elem>,
        rows: &Rows,
        state: &mut R::State,
        zero_output_for_mask: bool,
        to: &mut [R::Elem],
    ) -> Result<()> {
        self.advance(of, x, rows, state)?;
        rows.append_to(self.output(of, state)?, zero_output_for_mask, to)
    }

    /// Whether a step can fail even if the layer, the state and the input fit together.
    fn may_fail(&self) -> bool {
        false
    }
}

/// The steps of a layer whose type is known at compile time.
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
    fn may_fail(&self) -> bool {
        self.may_fail
    }
}

/// Runs a pass one timestep after another, with Keras' rules for masks.
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
    let (samples, mut timesteps, _) = pass.x.dim();
    if samples == 0 {
        // Nothing is computed, however many steps there are. A cell may still refuse the first.
        timesteps = timesteps.min(1);
    }
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
            // The timesteps of this block in processing order, of the only sample.
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

/// Implements the traits for references and shared owners of a layer.
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
            }
        }

        #[cfg(feature = "train")]
        impl<$($generics)*> Backward<R::Elem, R::State> for $owner {
            fn record(
                &self,
                pass: Pass<R::Elem>,
                how: &mut Recorder,
                state: &mut R::State,
                tape: &mut Tape,
            ) -> Result<Outputs<R::Elem>> {
                (**self).record(pass, how, state, tape)
            }
            fn backward(
                &self,
                pass: Pass<R::Elem>,
                zero_last: bool,
                tape: &Tape,
                outputs: OutputGradients<R::Elem>,
                state: &mut R::State,
                weights: LayerGradients<R::Elem>,
            ) -> Result<Array3<R::Elem>> {
                (**self).backward(pass, zero_last, tape, outputs, state, weights)
            }
            fn drawn(&self, tape: &Tape, path: &str, each: &mut dyn FnMut(&str, ArrayD<f64>)) {
                (**self).drawn(tape, path, each);
            }
            fn add_initial_state(&self, d: &R::State, weights: LayerGradients<R::Elem>) {
                (**self).add_initial_state(d, weights);
            }
            fn has_backward(&self) -> bool {
                (**self).has_backward()
            }
        }
    )*};
}
by_reference!([R: Unroll + ?Sized] &R, [R: Unroll] Box<R>, [R: Unroll] Arc<R>);

/// The steps of a layer that is behind a pointer.
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

/// Refuses an output whose shape is not (samples, units).
pub(crate) fn check_output(
    array: &'static str,
    samples: usize,
    units: usize,
    dim: (usize, usize),
) -> Result<()> {
    check(array, "samples", samples, dim.0)?;
    check(array, "units", units, dim.1)
}
