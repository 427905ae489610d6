//! A recurrent layer with its flags, recorded and gone back over.

use super::any_layer::Called;
use super::phase::{BackwardCall, Phase, RecordCall};
use super::tensor::sequence;
use super::{LayerApart, Tensor};
use crate::backward::{Backward, OutputGradients, Outputs, Tape};
use crate::error::{Error, Result, wrong_inputs};
use crate::run::Run;
use crate::unroll::Unroll;
use crate::{Bidirectional, Layer, Recurrent, State};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array2, Array3, ArrayD, Ix2, Ix3};

/// What a layer keeps beside what it has in its own tape.
struct Kept<S> {
    tape: Tape,
    /// The final state, whose form the gradient of a state has.
    state: Option<S>,
    /// Whether the call started from the initial state of the layer.
    from_own_state: bool,
}

impl<S> Default for Kept<S> {
    fn default() -> Self {
        Kept {
            tape: Tape::default(),
            state: None,
            from_own_state: false,
        }
    }
}

/// The input of a call, and the states from other layers.
fn parts<A>(inputs: &[Tensor<A>]) -> Result<(&Tensor<A>, &[Tensor<A>])> {
    inputs
        .split_first()
        .ok_or_else(|| wrong_inputs("at least 1", 0))
}

/// The gradient of an output with `D` axes.
fn axes<A: crate::Element, D: ndarray::Dimension>(
    d: Option<&Option<ArrayD<A>>>,
) -> Result<Option<ndarray::Array<A, D>>> {
    let d = d.and_then(Option::as_ref);
    let d = d.map(|d| d.to_owned().into_dimensionality());
    Ok(d.transpose()?)
}

/// The gradient of a state whose arrays have these gradients.
fn of_arrays<A: crate::Element, S: State>(state: &S, arrays: &[Option<ArrayD<A>>]) -> Result<S> {
    let samples = state.samples();
    let zeros = state.zeros_like(samples);
    if arrays.iter().all(Option::is_none) {
        return Ok(zeros);
    }
    let forms = zeros.to_arrays::<A>().unwrap_or_default();
    let mut given = Vec::new();
    for (at, form) in forms.into_iter().enumerate() {
        let d: Option<Array2<A>> = axes::<A, Ix2>(arrays.get(at))?;
        given.push(d.unwrap_or(form));
    }
    let state = zeros.with_arrays(&mut given.into_iter());
    state.ok_or_else(|| Error::value("state", "one that is made of arrays", "another"))
}

impl<R: Recurrent> Layer<R> {
    pub(super) fn record_call(&self, call: RecordCall<R::Elem>) -> Result<Called<R::Elem>> {
        let (input, states) = parts(call.inputs)?;
        let x = sequence(input)?;
        let run: Run<R> = self.begin(self.run(&x), input, states, call.kept)?;
        let pass = run.check()?;
        let kept: &mut Kept<R::State> = call.tape.renew();
        kept.from_own_state = !run.has_state();
        let mut how = call.phase.recorder(pass.zero_output_for_mask);
        let mut outputs = Outputs::default();
        let end = run.drive(pass, |of, pass, state| {
            outputs = of.record(pass, &mut how, state, &mut kept.tape)?;
            Ok(())
        })?;
        let state = end.into_state();
        kept.state = Some(state.clone());
        let values = self.chosen(outputs);
        let mask = input.mask.clone().filter(|_| self.returns().sequences);
        let mut outputs = vec![Tensor { values, mask }];
        outputs.extend(self.returned(&state)?);
        Ok((outputs, self.keep(state)))
    }

    pub(super) fn back_over(
        &self,
        mut call: BackwardCall<R::Elem>,
    ) -> Result<Vec<Option<ArrayD<R::Elem>>>> {
        let (input, states) = parts(call.inputs)?;
        let x = sequence(input)?;
        let run: Run<R> = self.begin(self.run(&x), input, states, None)?;
        let pass = run.check()?;
        let kept: &Kept<R::State> = call.tape.get()?;
        let mut state = gradient_of_state(kept, &call.upstream[1..])?;
        let (sequences, last) = self.upstream_of(call.upstream.first())?;
        let outputs = OutputGradients {
            sequences: sequences.as_ref().map(|d| d.view()),
            last: last.as_ref().map(|d| d.view()),
        };
        let zero_last = pass.zero_output_for_mask;
        let of = self.inner();
        let dx = of.backward(
            pass,
            zero_last,
            &kept.tape,
            outputs,
            &mut state,
            call.weights.reborrow(),
        )?;
        if kept.from_own_state {
            of.add_initial_state(&state, call.weights);
        }
        Ok(self.of_inputs(dx, &state, states.len()))
    }

    /// Passes on the masks of a recorded call.
    pub(super) fn masks(
        &self,
        tape: &Tape,
        phase: &Phase,
        each: &mut dyn FnMut(&str, ArrayD<f64>),
    ) {
        if let Ok(kept) = tape.get::<Kept<R::State>>() {
            self.inner().drawn(&kept.tape, phase.of_call(), each);
        }
    }

    /// The output that the flags choose.
    fn chosen(&self, outputs: Outputs<R::Elem>) -> ArrayD<R::Elem> {
        if !self.returns().sequences {
            return outputs.last.into_dyn();
        }
        let mut sequences = outputs.sequences;
        if self.is_time_major() {
            sequences.swap_axes(0, 1);
        }
        sequences.into_dyn()
    }

    /// The gradient of the output that the flags choose: of the sequences, or of the last one.
    #[allow(clippy::option_option)] // whether the output is there, and whether its gradient is zero
    fn upstream_of(
        &self,
        d: Option<&Option<ArrayD<R::Elem>>>,
    ) -> Result<(Option<Array3<R::Elem>>, Option<Array2<R::Elem>>)> {
        if !self.returns().sequences {
            return Ok((None, axes::<_, Ix2>(d)?));
        }
        let mut sequences = axes::<_, Ix3>(d)?;
        if let Some(sequences) = &mut sequences
            && self.is_time_major()
        {
            sequences.swap_axes(0, 1);
        }
        Ok((sequences, None))
    }

    /// The gradients of the input, and of the states if other layers gave them.
    fn of_inputs(
        &self,
        mut dx: Array3<R::Elem>,
        state: &R::State,
        states: usize,
    ) -> Vec<Option<ArrayD<R::Elem>>> {
        if self.is_time_major() {
            dx.swap_axes(0, 1);
        }
        let mut gradients = vec![Some(dx.into_dyn())];
        if states > 0 {
            let arrays = state.to_arrays::<R::Elem>().unwrap_or_default();
            gradients.extend(arrays.into_iter().map(|array| Some(array.into_dyn())));
        }
        gradients
    }
}

fn gradient_of_state<A: crate::Element, S: State>(
    kept: &Kept<S>,
    upstream: &[Option<ArrayD<A>>],
) -> Result<S> {
    let state = kept.state.as_ref();
    let state = state.ok_or_else(|| Error::value("tape", "that of a recorded call", "empty"))?;
    of_arrays(state, upstream)
}

/// The state of both directions.
type BothStates<F, B> = <Bidirectional<F, B> as Unroll>::State;

/// What a layer with two outputs keeps.
struct KeptApart<S> {
    tapes: [Tape; 2],
    state: Kept<S>,
}

impl<S> Default for KeptApart<S> {
    fn default() -> Self {
        KeptApart {
            tapes: Default::default(),
            state: Kept::default(),
        }
    }
}

impl<F, B> LayerApart<F, B>
where
    F: Recurrent + 'static,
    B: Recurrent<Elem = F::Elem> + 'static,
{
    pub(super) fn record_call(&self, call: RecordCall<F::Elem>) -> Result<Called<F::Elem>> {
        let layer = self.merged();
        let (input, states) = parts(call.inputs)?;
        let x = sequence(input)?;
        let run = layer.begin(layer.run_apart(&x), input, states, call.kept)?;
        let pass = run.check()?;
        let kept: &mut KeptApart<BothStates<F, B>> = call.tape.renew();
        kept.state.from_own_state = !run.has_state();
        let mut how = call.phase.recorder(false);
        let mut both = [Outputs::default(), Outputs::default()];
        let end = run.drive(pass, |of, pass, state| {
            both = of.record_apart(&pass, &mut how, state, &mut kept.tapes)?;
            Ok(())
        })?;
        let state = end.into_state();
        kept.state.state = Some(state.clone());
        let mask = input.mask.clone().filter(|_| layer.returns().sequences);
        let both = both.map(|outputs| Tensor {
            values: layer.chosen(outputs),
            mask: mask.clone(),
        });
        let mut outputs = Vec::from(both);
        outputs.extend(layer.returned(&state)?);
        Ok((outputs, layer.keep(state)))
    }

    pub(super) fn back_over(
        &self,
        mut call: BackwardCall<F::Elem>,
    ) -> Result<Vec<Option<ArrayD<F::Elem>>>> {
        let layer = self.merged();
        let (input, states) = parts(call.inputs)?;
        let x = sequence(input)?;
        let run = layer.begin(layer.run_apart(&x), input, states, None)?;
        let pass = run.check()?;
        let kept: &KeptApart<BothStates<F, B>> = call.tape.get()?;
        let mut state = gradient_of_state(&kept.state, &call.upstream[2..])?;
        let f = layer.upstream_of(call.upstream.first())?;
        let b = layer.upstream_of(call.upstream.get(1))?;
        let outputs = [&f, &b].map(|(sequences, last)| OutputGradients {
            sequences: sequences.as_ref().map(|d| d.view()),
            last: last.as_ref().map(|d| d.view()),
        });
        let of = layer.inner();
        let dx = of.backward_apart(
            &pass,
            &kept.tapes,
            outputs,
            &mut state,
            call.weights.reborrow(),
        )?;
        if kept.state.from_own_state {
            of.add_initial_state(&state, call.weights);
        }
        Ok(layer.of_inputs(dx, &state, states.len()))
    }

    /// Passes on the masks of a recorded call.
    pub(super) fn masks(
        &self,
        tape: &Tape,
        phase: &Phase,
        each: &mut dyn FnMut(&str, ArrayD<f64>),
    ) {
        if let Ok(kept) = tape.get::<KeptApart<BothStates<F, B>>>() {
            let of = self.merged().inner();
            of.drawn_apart(&kept.tapes, phase.of_call(), each);
        }
    }

    pub(super) fn can_go_back(&self) -> bool {
        let both = self.merged().inner();
        both.forward_layer().has_backward() && both.backward_layer().has_backward()
    }
}
