//! A recurrent layer with its flags as a layer of a model: masks, states from other layers, kept states.

use super::any_layer::Planned;
use super::any_layer::one_input;
use super::held::Held;
use super::tensor::sequence;
use super::value::StepShape;
use super::{AnyLayer, Called, Shape, Slot, Stepwise, Tensor};
use crate::describe::Describe;
use crate::error::{Error, Result, check_kept, wrong_inputs};
use crate::{Layer, Output, Recurrent, Returns, Run, State};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use core::any::Any;
use ndarray::Array2;

impl<R: Recurrent> Layer<R> {
    /// The number of arrays in its state, if known.
    fn state_count(&self) -> Option<usize> {
        let arrays = self.inner().zero_state(1).to_arrays::<R::Elem>();
        arrays.map(|arrays| arrays.len())
    }

    /// The state that other layers pass in, array by array. The run that starts from it checks its shape.
    fn given(&self, arrays: &[Tensor<R::Elem>]) -> Result<Option<R::State>> {
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

    /// Applies the mask and the initial state to a run.
    pub(super) fn begin<'a, V>(
        &self,
        mut run: Run<'a, R, V>,
        input: &'a Tensor<R::Elem>,
        states: &[Tensor<R::Elem>],
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
            let state = &slot.get::<Held<R::State>>()?.state;
            check_kept(state.samples(), run.samples())?;
            run = run.initial_state(state.clone());
        }
        Ok(run)
    }

    /// The states in Keras' order, if the layer returns them.
    pub(super) fn returned(&self, state: &R::State) -> Result<Vec<Tensor<R::Elem>>> {
        if !self.returns().state {
            return Ok(Vec::new());
        }
        let arrays = state.to_arrays().ok_or_else(|| {
            let expected = "false: the state of this layer does not say how it is made of arrays";
            Error::value("return_state", expected, true)
        })?;
        Ok(arrays.into_iter().map(Tensor::bare).collect())
    }

    /// The shapes of the states, if the layer returns them.
    pub(super) fn returned_shapes(&self, samples: Option<usize>) -> Vec<Shape> {
        let states = self.returns().state.then(|| self.inner().zero_state(1));
        let arrays = states.and_then(|state| state.to_arrays::<R::Elem>());
        let shape = |state: Array2<R::Elem>| Shape::from([samples, Some(state.ncols())]);
        arrays.into_iter().flatten().map(shape).collect()
    }

    /// The state to keep, if the layer is stateful.
    pub(super) fn keep(&self, state: R::State) -> Option<Slot> {
        self.is_stateful().then(|| Held::slot(state))
    }

    /// The state to keep before the first call.
    pub(super) fn fresh_slot(&self) -> Slot {
        Held::slot(self.inner().zero_state(1))
    }
}

/// The input of a recurrent layer, and the states from other layers.
pub(super) fn split<A>(mut inputs: Vec<Tensor<A>>) -> Result<(Tensor<A>, Vec<Tensor<A>>)> {
    if inputs.is_empty() {
        return Err(wrong_inputs("at least 1", 0));
    }
    let states = inputs.split_off(1);
    Ok((one_input(inputs)?, states))
}

impl<R> AnyLayer<R::Elem> for Layer<R>
where
    R: Recurrent + 'static,
{
    fn name(&self) -> &str {
        self.inner().class()
    }

    fn forward(&self, input: Tensor<R::Elem>) -> Result<Tensor<R::Elem>> {
        if self.returns().state {
            let expected = "false: a layer that is `add`ed to a Model passes on one output, `Model::graph` wires all of them";
            return Err(Error::value("return_state", expected, true));
        }
        let (flows, _) = self.call(vec![input], None)?;
        one_input(flows)
    }

    fn forward_all(&self, inputs: Vec<Tensor<R::Elem>>) -> Result<Vec<Tensor<R::Elem>>> {
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

    fn stepwise(&self, axes: &[usize]) -> Stepwise {
        if axes.len() > 1 {
            return Stepwise::WholeSequence("its initial state comes from another layer");
        }
        self.whole()
            .map_or(Stepwise::Carries, Stepwise::WholeSequence)
    }

    fn call(&self, inputs: Vec<Tensor<R::Elem>>, kept: Option<&Slot>) -> Result<Called<R::Elem>> {
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
        // The mask passes on unchanged, even with `go_backwards`, as in Keras.
        let mask = input.mask.filter(|_| self.returns().sequences);
        let mut outputs = vec![Tensor { values, mask }];
        outputs.extend(self.returned(&state)?);
        Ok((outputs, self.keep(state)))
    }

    #[cfg(feature = "train")]
    fn record(&self, call: super::RecordCall<R::Elem>) -> Result<Called<R::Elem>> {
        self.record_call(call)
    }

    #[cfg(feature = "train")]
    fn backward(
        &self,
        call: super::BackwardCall<R::Elem>,
    ) -> Result<Vec<Option<ndarray::ArrayD<R::Elem>>>> {
        self.back_over(call)
    }

    #[cfg(feature = "train")]
    fn drawn(
        &self,
        tape: &crate::backward::Tape,
        phase: &super::Phase,
        each: &mut dyn FnMut(&str, ndarray::ArrayD<f64>),
    ) {
        self.masks(tape, phase, each);
    }

    #[cfg(feature = "train")]
    fn has_backward(&self) -> bool {
        self.inner().has_backward()
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<R::Elem>>> {
        self.plan_steps(inputs)
    }

    fn step_features(&self, _: usize) -> Option<Vec<usize>> {
        Some(vec![self.inner().features()])
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

    fn with_all_outputs(&self) -> Option<Box<dyn AnyLayer<R::Elem>>> {
        self.state_count().filter(|_| !self.returns().state)?;
        Some(Box::new(self.duplicate()?.return_state(true)))
    }

    fn without_flags(&self) -> Option<&dyn Any> {
        Some(self.inner())
    }
}
