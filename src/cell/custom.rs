//! `Cell`: equations of your own for one timestep. `Rnn`: a layer made of them.

#[cfg(feature = "train")]
use super::step_back::StepBack;
use crate::describe::{Describe, Foreign, ParameterCount, Part, PartMut, Weight};
use crate::error::{Result, check};
use crate::mask::Rows;
use crate::pass::{Pass, Sink};
use crate::unroll::{Advance, Known, Stepping, Unroll, check_output, unroll_by_steps};
use crate::{Element, State};
use alloc::boxed::Box;
#[cfg(feature = "train")]
use ndarray::Array2;
use ndarray::{ArrayView2, ArrayViewD, ArrayViewMutD};

/// The equations of one timestep, for a layer of your own. It corresponds to the `cell` of Keras' `RNN`.
///
/// [`Rnn`] makes a layer of it, with masks, directions, states, streams, stacks and flags. The example is a leaky
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
/// If `step` treats the rows independently, a sample has the same result alone and in any batch. `step` need not do so, so
/// a call is never shared out over threads.
pub trait Cell: Send + Sync {
    /// The type of the numbers, `f32` or `f64`.
    type Elem: Element;
    /// The state that is carried from one timestep to the next.
    type State: State;

    /// The number of features: the length of the last axis of the input.
    fn features(&self) -> usize;

    /// The number of units: the length of the last axis of the output.
    fn units(&self) -> usize;

    /// The state before the first timestep, for `samples` samples.
    fn zero_state(&self, samples: usize) -> Self::State;

    /// Computes one timestep of all samples in place. `x` is (samples, features).
    ///
    /// The rows of masked samples hold their padding, which may be anything. The caller restores the states of these
    /// samples afterwards.
    fn step(&self, x: ArrayView2<Self::Elem>, state: &mut Self::State);

    /// The output of the step that led to this state, (samples, units), as a view of an array in the state. If the output
    /// has to be computed, store it in the state as one more array, which `step` fills.
    fn output<'s>(&self, state: &'s Self::State) -> ArrayView2<'s, Self::Elem>;

    /// Checks whether a state from outside fits, so that `step` need not check it. Returns an error if it does not.
    ///
    /// The default checks the number of samples, and [`Rnn`] checks the shape of the output. If the state has several
    /// arrays, check the others here, as the example `custom_cell` does.
    fn check_state(&self, state: &Self::State, samples: usize) -> Result<()> {
        check("state", "samples", samples, state.samples())
    }

    /// The number of learned parameters, which the summary of a [`Model`](crate::Model) shows. By default, of all numbers in
    /// [`own_weights`](Self::own_weights).
    fn parameter_count(&self) -> usize {
        let mut count = 0;
        self.own_weights(&mut |_, array| count += array.len());
        count
    }

    /// Calls `each` with the name and the numbers of every weight that learns. They are listed, read and replaced by these
    /// names ([`Model::weights`](crate::Model::weights)), and the feature `train` trains them. None by default. Implement
    /// [`own_weights_mut`](Self::own_weights_mut) with it.
    fn own_weights(&self, each: &mut dyn FnMut(&'static str, ArrayViewD<Self::Elem>)) {
        let _ = each;
    }

    /// Calls `each` with the same weights, to be changed.
    fn own_weights_mut(&mut self, each: &mut dyn FnMut(&'static str, ArrayViewMutD<Self::Elem>)) {
        let _ = each;
    }

    /// Whether the cell has a [`step_back`](Self::step_back). No by default: it cannot be trained.
    #[cfg(feature = "train")]
    fn has_backward(&self) -> bool {
        false
    }

    /// Goes back over one step: adds the gradients of the weights, replaces the gradient of the state after the step by that
    /// of the state before it, and returns that of the input, (samples, features). Implement
    /// [`has_backward`](Self::has_backward) with it. [`check_gradient`](crate::train::check_gradient) compares it with
    /// central differences.
    ///
    /// The samples are those that are real at this timestep, in ascending order, so `step` has to treat the rows
    /// independently where there is a mask. Steps come from the last to the first. Masks, directions and the gradients of
    /// held outputs are none of the cell's business.
    ///
    /// Returns an error by default. The example is a leaky integrator that learns how much it keeps, `h' = keep h + x`:
    ///
    /// ```
    /// use ndarray::{Array1, Array2, Array3, ArrayView2, ArrayViewD, ArrayViewMutD, Axis, array};
    /// use recurrent::train::{StepBack, check_gradient};
    /// use recurrent::{Cell, HiddenState, Layer, Model, Result, Rnn, Tensor};
    ///
    /// struct Leaky { keep: Array1<f64> }
    ///
    /// impl Cell for Leaky {
    ///     type Elem = f64;
    ///     type State = HiddenState<f64>;
    ///     fn features(&self) -> usize { self.keep.len() }
    ///     fn units(&self) -> usize { self.keep.len() }
    ///     fn zero_state(&self, samples: usize) -> HiddenState<f64> { HiddenState::zeros(samples, self.units()) }
    ///     fn step(&self, x: ArrayView2<f64>, state: &mut HiddenState<f64>) {
    ///         state.h = &state.h * &self.keep + &x;
    ///     }
    ///     fn output<'s>(&self, state: &'s HiddenState<f64>) -> ArrayView2<'s, f64> { state.h.view() }
    ///     fn own_weights(&self, each: &mut dyn FnMut(&'static str, ArrayViewD<f64>)) {
    ///         each("keep", self.keep.view().into_dyn());
    ///     }
    ///     fn own_weights_mut(&mut self, each: &mut dyn FnMut(&'static str, ArrayViewMutD<f64>)) {
    ///         each("keep", self.keep.view_mut().into_dyn());
    ///     }
    ///     fn has_backward(&self) -> bool { true }
    ///     fn step_back(&self, mut step: StepBack<f64, HiddenState<f64>>) -> Result<Array2<f64>> {
    ///         let d = &step.state.h + &step.output; // what reaches h'
    ///         if let Some(keep) = step.weights.array("keep") {
    ///             *keep += &(&d * &step.before.h).sum_axis(Axis(0));
    ///         }
    ///         step.state.h = &d * &self.keep;
    ///         Ok(d)
    ///     }
    /// }
    ///
    /// let layer = Layer::new(Rnn(Leaky { keep: array![0.9, 0.5] })).return_sequences(true);
    /// let mut model = Model::new().add(layer);
    /// let x = Array3::from_shape_fn((2, 5, 2), |(i, t, k)| (i + 2 * t + 3 * k) as f64 / 10.0 - 0.7);
    /// let found = check_gradient(&mut model, &[Tensor::new(&x).lengths(&[5, 3])?], &[])?;
    /// assert!(found.worst < 1e-7, "{found:?}");
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    #[cfg(feature = "train")]
    fn step_back(&self, step: StepBack<Self::Elem, Self::State>) -> Result<Array2<Self::Elem>> {
        let _ = step;
        Err(crate::backward::no_backward())
    }

    /// What a file keeps of the cell: a name by which `saved::Reader::cell` knows it, its configuration and its weights.
    /// `None` by default: it cannot be saved then.
    #[cfg(feature = "saved")]
    fn own_parts(&self) -> Option<crate::OwnParts<Self::Elem>> {
        None
    }
}

/// A layer made of a [`Cell`] of your own, like Keras' `RNN(cell)`.
#[derive(Clone, Copy, Debug)]
pub struct Rnn<C>(pub C);

impl<C: Cell> Foreign<C::Elem> for Rnn<C> {
    fn name(&self) -> &str {
        "rnn"
    }

    fn weights(&self, each: &mut dyn FnMut(&str, &dyn Weight<C::Elem>)) {
        self.0.own_weights(&mut |name, array| each(name, &array));
    }

    #[cfg(feature = "saved")]
    fn own_parts(&self) -> Option<crate::OwnParts<C::Elem>> {
        self.0.own_parts()
    }
}

impl<C: Cell> Describe<C::Elem> for Rnn<C> {
    fn class(&self) -> &'static str {
        "rnn"
    }

    fn parts(&self, each: &mut dyn FnMut(Part<C::Elem>)) {
        each(Part::Foreign(self));
    }

    fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<C::Elem>)) {
        self.0.own_weights_mut(&mut |name, mut array| {
            each(PartMut::Array(name, &mut |numbers| array.assign(&numbers)));
        });
    }

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
        // A cell may change the shape of its state; the step then returns an error.
        Some(Box::new(Known {
            scratch: Some(self.zeros(samples)),
            may_fail: true,
        }))
    }
}

impl<C: Cell> Advance for Rnn<C> {
    /// The states of masked samples before the step. Made when the first mask comes.
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
        // A cell that changed the shape of its state is refused here, before any row of the state is read.
        self.check_state(state, samples)?;
        masked().try_for_each(|row| state.copy_sample(row, held, row))
    }

    fn output<'s>(&self, state: &'s C::State) -> ArrayView2<'s, C::Elem> {
        self.0.output(state)
    }
}
