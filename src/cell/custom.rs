//! `Cell`: your own equations for one timestep; `Rnn` makes a layer of them.

use crate::describe::{Describe, ParameterCount, Part, PartMut};
use crate::error::{Result, check};
use crate::mask::Rows;
use crate::pass::{Pass, Sink};
use crate::unroll::{Advance, Known, Stepping, Unroll, check_output, unroll_by_steps};
use crate::{Element, State};
use alloc::boxed::Box;
use ndarray::ArrayView2;

/// The mathematics of one timestep, open to you: what Keras' `RNN` takes as `cell`.
///
/// Wrapped in [`Rnn`] it runs whole sequences with masks, directions, states, streams, stacks and flags. Here is a leaky
/// integrator, `h' = 0.9 h + 0.1 x`:
///
/// ```
/// use ndarray::{ArrayView2, array};
/// use recurrent::{Cell, HiddenState, Recurrent, Rnn};
///
/// #[derive(Clone, Debug)]
/// struct Leaky { units: usize }
///
/// impl Cell for Leaky {
///     type Elem = f64;
///     type State = HiddenState<f64>;
///     fn features(&self) -> usize { self.units }
///     fn units(&self) -> usize { self.units }
///     fn zero_state(&self, samples: usize) -> HiddenState<f64> { HiddenState::zeros(samples, self.units) }
///     fn step(&self, x: ArrayView2<f64>, state: &mut HiddenState<f64>) {
///         state.h.zip_mut_with(&x, |h, &x| *h = 0.9 * *h + 0.1 * x);
///     }
///     fn output<'s>(&self, state: &'s HiddenState<f64>) -> ArrayView2<'s, f64> { state.h.view() }
/// }
///
/// let layer = Rnn(Leaky { units: 1 });
/// let x = array![[[1.0], [2.0], [9.0]]];
/// let mask = array![[true, true, false]];
/// let (h, state) = layer.run(&x).mask(&mask).last_and_state()?;
/// assert_eq!(h, array![[0.9 * 0.1 + 0.1 * 2.0]]); // the masked 9 was never seen
/// assert_eq!(h, state.h);
/// # Ok::<(), recurrent::Error>(())
/// ```
///
/// A result is the same for a sample alone or in any batch if `step` treats the rows independently. As it may not, a call
/// is not shared out over threads.
pub trait Cell: Send + Sync {
    /// `f32` or `f64`.
    type Elem: Element;
    /// What is carried from one timestep to the next.
    type State: State;

    /// The length of the last axis of the input.
    fn features(&self) -> usize;

    /// The length of the last axis of the output.
    fn units(&self) -> usize;

    /// The state before the first step.
    fn zero_state(&self, samples: usize) -> Self::State;

    /// One timestep of all samples, `x` (samples, features). The rows of masked samples hold their padding, whatever it is;
    /// their states are put back by the caller.
    fn step(&self, x: ArrayView2<Self::Elem>, state: &mut Self::State);

    /// What the step that led to this state put out, (samples, units): a view of an array in the state. An output that has
    /// to be computed goes into the state, as one more array that `step` fills.
    fn output<'s>(&self, state: &'s Self::State) -> ArrayView2<'s, Self::Elem>;

    /// Whether a state that came from outside fits, so that `step` need not look. Unless you say more, the number of samples
    /// and the shape of the output are looked at; of a state with several arrays, check the others here. The example
    /// `custom_cell` does.
    fn check_state(&self, state: &Self::State, samples: usize) -> Result<()> {
        check("state", "samples", samples, state.samples())
    }

    /// How many numbers it has learned: what the summary of a [`Model`](crate::Model) says.
    fn parameter_count(&self) -> usize {
        0
    }
}

/// A [`Cell`] of your own as a layer, like Keras' `RNN(cell)`.
#[derive(Clone, Copy, Debug)]
pub struct Rnn<C>(pub C);

impl<C: Cell> Describe<C::Elem> for Rnn<C> {
    fn class(&self) -> &'static str {
        "rnn"
    }

    fn parts(&self, each: &mut dyn FnMut(Part<C::Elem>)) {
        each(Part::Foreign("rnn"));
    }

    fn parts_mut(&mut self, _: &mut dyn FnMut(PartMut<C::Elem>)) {}

    fn duplicate(&self) -> Option<Self> {
        None // cells need not be `Clone`
    }

    fn count_parameters(&self) -> ParameterCount {
        ParameterCount::trainable(self.0.parameter_count())
    }
}

impl<C: Cell> Unroll for Rnn<C> {
    type Elem = C::Elem;
    type State = C::State;

    fn input_size(&self) -> usize {
        self.0.features()
    }

    fn output_size(&self) -> usize {
        self.0.units()
    }

    fn zeros(&self, samples: usize) -> C::State {
        self.0.zero_state(samples)
    }

    fn check_state(&self, state: &C::State, samples: usize) -> Result<()> {
        self.0.check_state(state, samples)?;
        check_output(
            "output of the state",
            samples,
            self.output_size(),
            self.0.output(state).dim(),
        )
    }

    fn unroll(&self, pass: Pass<C::Elem>, state: &mut C::State, sink: Sink<C::Elem>) -> Result<()> {
        unroll_by_steps(self, pass, state, sink)
    }

    fn stepping(&self, samples: usize) -> Option<Box<dyn Stepping<Self>>>
    where
        Self: 'static,
    {
        // A step is refused after it if it changed the shape of its state.
        Some(Box::new(Known {
            scratch: Some(self.zeros(samples)),
            may_fail: true,
        }))
    }
}

impl<C: Cell> Advance for Rnn<C> {
    /// The states that masked samples had before the step; made when the first mask comes.
    type Scratch = Option<C::State>;

    fn scratch(&self, _: usize) -> Option<C::State> {
        None
    }

    fn settle(&self, _: &mut C::State) {}

    fn advance(
        &self,
        x: ArrayView2<C::Elem>,
        rows: &Rows,
        state: &mut C::State,
        scratch: &mut Option<C::State>,
    ) -> Result<()> {
        let samples = rows.samples();
        if rows.active().count() == 0 {
            return self.check_state(state, samples);
        }
        let masked = || (0..samples).filter(|&row| !rows.is_active(row));
        let held = scratch.get_or_insert_with(|| state.zeros_like(0));
        if !rows.active().is_all() {
            if held.samples() != samples {
                *held = state.zeros_like(samples);
            }
            masked().try_for_each(|row| held.copy_sample(row, state, row))?;
        }
        self.0.step(x, state);
        // A cell whose step changes the shape of its state is refused here, before anybody reads a row of it.
        self.check_state(state, samples)?;
        masked().try_for_each(|row| state.copy_sample(row, held, row))
    }

    fn output<'s>(&self, state: &'s C::State) -> ArrayView2<'s, C::Elem> {
        self.0.output(state)
    }
}
