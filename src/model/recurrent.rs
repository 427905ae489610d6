//! A recurrent layer with its flags as a layer of a model: masks, states of other layers, kept states.

use super::any_layer::one_input;
use super::{AnyLayer, Called, Flow, Live, OverTime, Shape, Slot, Stepped, wrong_inputs};
use crate::describe::Describe;
use crate::error::{Error, Result, check_kept};
use crate::state::{cast, check_samples};
use crate::{Element, Layer, Output, Recurrent, Returns, Run, State};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use core::any::Any;
use ndarray::{Array2, ArrayView3, Axis};

/// What a model keeps of a recurrent layer.
#[derive(Clone)]
struct Held<S, A> {
    state: S,
    /// The output of the last step, which a masked one repeats. Nothing has gone before in a new call: then it is 0.
    carried: Array2<A>,
}

impl<S: State, A: Element> State for Held<S, A> {
    fn samples(&self) -> usize {
        self.state.samples()
    }
    fn zeros_like(&self, samples: usize) -> Self {
        Held {
            state: self.state.zeros_like(samples),
            carried: Array2::zeros((samples, self.carried.ncols())),
        }
    }
    fn copy_sample(&mut self, row: usize, from: &Self, from_row: usize) -> Result<()> {
        self.state.copy_sample(row, &from.state, from_row)?;
        check_samples(&[row], self.carried.nrows())?;
        check_samples(&[from_row], from.carried.nrows())?;
        self.carried
            .row_mut(row)
            .assign(&from.carried.row(from_row));
        Ok(())
    }
    fn reset_sample(&mut self, row: usize) -> Result<()> {
        self.state.reset_sample(row)?;
        check_samples(&[row], self.carried.nrows())?;
        self.carried.row_mut(row).fill(A::zero());
        Ok(())
    }
    fn to_arrays<B: Element>(&self) -> Option<Vec<Array2<B>>> {
        let mut arrays = self.state.to_arrays()?;
        arrays.push(cast(&self.carried));
        Some(arrays)
    }
    fn with_arrays<B: Element>(&self, arrays: &mut dyn Iterator<Item = Array2<B>>) -> Option<Self> {
        let state = self.state.with_arrays(arrays)?;
        let carried = cast(&arrays.next()?);
        Some(Held { state, carried })
    }
}

impl<R: Recurrent> Layer<R> {
    /// How many arrays its state is, where it tells.
    fn state_count(&self) -> Option<usize> {
        let arrays = self.inner().zero_state(1).to_arrays::<R::Elem>();
        arrays.map(|arrays| arrays.len())
    }

    /// The state that came from other layers, array by array. Whoever starts from it checks its shape.
    fn given(&self, arrays: &[Flow<R::Elem>]) -> Result<Option<R::State>> {
        if arrays.is_empty() {
            return Ok(None);
        }
        let Some(count) = self.state_count() else {
            let expected = "none: the state of this layer does not say how it is made of arrays";
            return Err(Error::value("initial state", expected, "given"));
        };
        if arrays.len() != count {
            let expected = format!("1 (the input) or {} (and the initial state)", 1 + count);
            return Err(wrong_inputs(expected, 1 + arrays.len()));
        }
        let arrays: Vec<Array2<R::Elem>> = arrays
            .iter()
            .map(|flow| {
                let array = flow.axes("initial state", "2 (samples, units)")?;
                Ok(array.to_owned())
            })
            .collect::<Result<_>>()?;
        let zero = self.inner().zero_state(1);
        Ok(zero.with_arrays(&mut arrays.into_iter()))
    }

    /// Puts mask and initial state to a run.
    pub(super) fn begin<'a, V>(
        &self,
        mut run: Run<'a, R, V>,
        input: &'a Flow<R::Elem>,
        states: &[Flow<R::Elem>],
        kept: Option<&Slot>,
    ) -> Result<Run<'a, R, V>> {
        if let Some(mask) = &input.mask
            && (states.is_empty() || self.obeys_mask_with_state())
        {
            run = run.mask(mask);
        }
        if let Some(given) = self.given(states)? {
            run = run.initial_state(given);
        } else if let Some(slot) = kept.filter(|_| self.is_stateful()) {
            let state = &slot.get::<Held<R::State, R::Elem>>()?.state;
            check_kept(state.samples(), run.samples())?;
            run = run.initial_state(state.clone());
        }
        Ok(run)
    }

    /// The states in Keras' order, if they are to be returned.
    pub(super) fn returned(&self, state: &R::State) -> Result<Vec<Flow<R::Elem>>> {
        if !self.returns().state {
            return Ok(Vec::new());
        }
        let arrays = state.to_arrays().ok_or_else(|| {
            let expected = "false: the state of this layer does not say how it is made of arrays";
            Error::value("return_state", expected, true)
        })?;
        Ok(arrays.into_iter().map(Flow::bare).collect())
    }

    /// The shapes of the states, if they are to be returned.
    pub(super) fn returned_shapes(&self, samples: Option<usize>) -> Vec<Shape> {
        let states = self.returns().state.then(|| self.inner().zero_state(1));
        let arrays = states.and_then(|state| state.to_arrays::<R::Elem>());
        let shape = |state: Array2<R::Elem>| Shape::from([samples, Some(state.ncols())]);
        arrays.into_iter().flatten().map(shape).collect()
    }

    /// The state to keep, if it is kept.
    pub(super) fn keep(&self, state: R::State) -> Option<Slot> {
        self.is_stateful().then(|| self.held(state))
    }

    /// The state to keep before the first call.
    pub(super) fn fresh_slot(&self) -> Slot {
        self.held(self.inner().zero_state(1))
    }

    fn held(&self, state: R::State) -> Slot {
        let carried = Array2::<R::Elem>::zeros((state.samples(), self.inner().units()));
        Slot::new(Held { state, carried })
    }
}

/// The input of a recurrent layer, and the states that come from other layers.
pub(super) fn split<A>(mut inputs: Vec<Flow<A>>) -> Result<(Flow<A>, Vec<Flow<A>>)> {
    if inputs.is_empty() {
        return Err(wrong_inputs("at least 1", 0));
    }
    let states = inputs.split_off(1);
    Ok((one_input(inputs)?, states))
}

/// The input as what it must be.
pub(super) fn sequence<A: Element>(input: &Flow<A>) -> Result<ArrayView3<'_, A>> {
    let expected = match input.values.ndim() {
        2 => {
            "3 (samples, timesteps, features): for one sequence alone add an axis of samples; behind another recurrent layer, give that one return_sequences"
        }
        _ => "3 (samples, timesteps, features)",
    };
    input.axes("input", expected)
}

impl<R> AnyLayer<R::Elem> for Layer<R>
where
    R: Recurrent + 'static,
{
    fn name(&self) -> &str {
        self.inner().class()
    }

    fn forward(&self, input: Flow<R::Elem>) -> Result<Flow<R::Elem>> {
        if self.returns().state {
            let expected = "false: a layer that is `add`ed to a Model passes on one output, `Model::graph` wires all of them";
            return Err(Error::value("return_state", expected, true));
        }
        let (flows, _) = self.call(vec![input], None)?;
        one_input(flows)
    }

    fn forward_all(&self, inputs: Vec<Flow<R::Elem>>) -> Result<Vec<Flow<R::Elem>>> {
        self.call(inputs, None).map(|(flows, _)| flows)
    }

    fn output_count(&self) -> usize {
        1 + self.returned_shapes(None).len()
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let input = inputs.first();
        let [samples, timesteps] = [0, 1].map(|axis| input.and_then(|input| input.len_of(axis)));
        let units = Some(self.inner().units());
        let mut shapes = vec![if self.returns().sequences {
            Shape::from([samples, timesteps, units])
        } else {
            Shape::from([samples, units])
        }];
        shapes.extend(self.returned_shapes(samples));
        shapes
    }

    fn uses_mask(&self) -> bool {
        true
    }

    fn over_time(&self, axes: &[usize]) -> OverTime {
        if axes.len() > 1 {
            return OverTime::Whole("its initial state comes from another layer");
        }
        self.whole().map_or(OverTime::Carries, OverTime::Whole)
    }

    fn call(&self, inputs: Vec<Flow<R::Elem>>, kept: Option<&Slot>) -> Result<Called<R::Elem>> {
        let (input, states) = split(inputs)?;
        let x = sequence(&input)?;
        let run = self.begin(self.run(&x), &input, &states, kept)?;
        let returns = Returns {
            state: true,
            ..self.returns()
        };
        let (values, state) = match run.returning(returns)? {
            Output::SequencesAndState(y, state) => (y.into_dyn(), state),
            Output::LastAndState(y, state) => (y.into_dyn(), state),
            Output::Last(_) | Output::Sequences(_) => {
                return Err(Error::value("state", "returned", "missing"));
            }
        };
        // The mask goes on as it came, also behind `go_backwards`: so does Keras.
        let mask = input.mask.filter(|_| self.returns().sequences);
        let mut outputs = vec![Flow { values, mask }];
        outputs.extend(self.returned(&state)?);
        Ok((outputs, self.keep(state)))
    }

    fn step(&self, inputs: Vec<Flow<R::Elem>>, kept: Option<&Slot>) -> Result<Stepped<R::Elem>> {
        let input = one_input(inputs)?;
        let x = sequence(&input)?;
        let held = kept.map(Slot::get::<Held<R::State, R::Elem>>).transpose()?;
        let mut run = self.run(&x);
        if let Some(mask) = &input.mask {
            run = run.mask(mask);
        }
        if let Some(held) = held {
            check_kept(held.samples(), run.samples())?;
            run = run.initial_state(held.state.clone());
        }
        let (mut y, state) = run.last_and_state()?;
        if let (Some(mask), false) = (&input.mask, self.zeroes_masked_output()) {
            for (row, mut y) in y.rows_mut().into_iter().enumerate() {
                match held {
                    _ if mask[[row, 0]] => {}
                    Some(held) if row < held.carried.nrows() => y.assign(&held.carried.row(row)),
                    _ => y.fill(num_traits::zero()),
                }
            }
        }
        let (carried, sequences) = (y.clone(), self.returns().sequences);
        let output = if sequences {
            Flow {
                mask: input.mask,
                ..Flow::bare(y.insert_axis(Axis(1)))
            }
        } else {
            Flow::bare(y)
        };
        let mut outputs = vec![Live {
            flow: output,
            is_timestep: sequences,
        }];
        outputs.extend(self.returned(&state)?.into_iter().map(Live::result));
        Ok((outputs, Some(Slot::new(Held { state, carried }))))
    }

    fn fresh(&self) -> Option<Slot> {
        Some(self.fresh_slot())
    }

    fn described(&self) -> Option<&dyn Describe<R::Elem>> {
        Some(self)
    }

    fn described_mut(&mut self) -> Option<&mut dyn Describe<R::Elem>> {
        Some(self)
    }

    fn copied(&self) -> Option<Self> {
        self.duplicate()
    }

    fn boxed_copy(&self) -> Option<Box<dyn AnyLayer<R::Elem>>> {
        Some(Box::new(self.duplicate()?))
    }

    fn inside(&self) -> Option<&dyn Any> {
        Some(self.inner())
    }
}
