//! How a model is recorded and gone back over: call by call, from the last to the first.

use super::any_layer::{Called, Moves};
use super::phase::{BackwardCall, Phase, RecordCall};
use super::{Call, Kept, Model, Tensor};
use crate::backward::Tape;
use crate::error::{Error, Result};
use crate::gradients::LayerGradients;
use crate::{Activation, Element};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::ArrayD;

/// What a model keeps: the tape of every call, and every value.
pub(crate) struct ModelTape<A> {
    tapes: Vec<Tape>,
    values: Vec<Option<Tensor<A>>>,
}

impl<A> Default for ModelTape<A> {
    fn default() -> Self {
        ModelTape {
            tapes: Vec::new(),
            values: Vec::new(),
        }
    }
}

impl<A: Element> Model<A> {
    /// Runs all layers, and keeps what the backward pass needs.
    pub(crate) fn record_from(
        &self,
        inputs: &[Tensor<A>],
        phase: &Phase,
        kept: Option<&Kept>,
        tape: &mut ModelTape<A>,
    ) -> Result<(Vec<Tensor<A>>, Kept)> {
        self.check_inputs(inputs, kept)?;
        tape.tapes.resize_with(self.calls.len(), Tape::default);
        tape.values.clear();
        tape.values.resize(self.values, None);
        for (input, value) in self.inputs.iter().zip(inputs) {
            tape.values[input.value] = Some(value.clone());
        }
        let mut states = vec![None; self.calls.len()];
        for (at, call) in self.calls.iter().enumerate() {
            let placed = &self.layers[call.layer];
            let before = states[call.home].as_ref().filter(|_| kept.is_some());
            let kept = before.or_else(|| kept.and_then(|kept| kept.0[call.home].as_ref()));
            let inputs = values(&tape.values, &call.inputs);
            let recorded = placed.layer.record(RecordCall {
                inputs: &inputs,
                phase: &self.phase_of(at, phase),
                tape: &mut tape.tapes[at],
                kept,
            });
            let (outputs, slot) = self.in_layer(call, recorded)?;
            if outputs.len() != call.outputs {
                let found = outputs.len();
                let error = Error::value("number of outputs", call.outputs, found);
                return self.in_layer(call, Err(error));
            }
            states[call.home] = slot;
            for (value, output) in tape.values[call.first..].iter_mut().zip(outputs) {
                *value = Some(output);
            }
        }
        Ok((values(&tape.values, &self.outputs), Kept(states)))
    }

    /// Goes back over a recorded run. Returns the gradients of the inputs. The gradient of an output may be that of the sums
    /// of the dense layer that gives it: see [`sums_of_output`](Self::sums_of_output).
    pub(crate) fn back_over(
        &self,
        tape: &ModelTape<A>,
        phase: &Phase,
        upstream: &[Option<ArrayD<A>>],
        of_sums: &[bool],
        mut weights: LayerGradients<A>,
    ) -> Result<Vec<Option<ArrayD<A>>>> {
        let mut gradients: Vec<Option<ArrayD<A>>> = vec![None; self.values];
        for (&value, d) in self.outputs.iter().zip(upstream) {
            add(&mut gradients[value], d.clone());
        }
        for (at, call) in self.calls.iter().enumerate().rev() {
            let outputs = call.first..call.first + call.outputs;
            let upstream: Vec<_> = gradients[outputs.clone()]
                .iter_mut()
                .map(Option::take)
                .collect();
            if upstream.iter().all(Option::is_none) {
                continue;
            }
            let placed = &self.layers[call.layer];
            let mut are_sums = self.outputs.iter().zip(of_sums);
            let of_sums = are_sums.any(|(&value, &sums)| sums && value == call.first);
            let of_inputs = placed.layer.backward(BackwardCall {
                inputs: &values(&tape.values, &call.inputs),
                outputs: &values(&tape.values, &outputs.collect::<Vec<_>>()),
                tape: &tape.tapes[at],
                upstream: &upstream,
                weights: weights.layer(&placed.name),
                phase: &self.phase_of(at, phase),
                of_sums,
            });
            let of_inputs = self.in_layer(call, of_inputs)?;
            for (&input, d) in call.inputs.iter().zip(of_inputs) {
                add(&mut gradients[input], d);
            }
        }
        let inputs = self.inputs.iter();
        Ok(inputs.map(|input| gradients[input.value].take()).collect())
    }

    /// The name of the first layer without a backward pass.
    pub(crate) fn without_backward(&self) -> Option<&str> {
        let mut placed = self.layers.iter();
        let placed = placed.find(|placed| !placed.layer.has_backward());
        placed.map(|placed| &*placed.name)
    }

    /// The activation in which the layer that gives an output ends, if nothing else reads what it gives.
    pub(crate) fn last_activation(&self, output: usize) -> Option<Activation> {
        let call = self.last_call(output)?;
        let (activation, _) = self.layers[self.calls[call].layer].layer.scores()?;
        Some(activation)
    }

    /// The scores of that layer in a recorded run, before its activation.
    pub(crate) fn sums_of_output(
        &self,
        tape: &ModelTape<A>,
        output: usize,
    ) -> Result<Option<ArrayD<A>>> {
        let Some(at) = self.last_call(output) else {
            return Ok(None);
        };
        let call = &self.calls[at];
        let Some((_, sums)) = self.layers[call.layer].layer.scores() else {
            return Ok(None);
        };
        let inputs = values(&tape.values, &call.inputs);
        let sums = inputs.first().map(|input| sums.of(&input.values));
        self.in_layer(call, sums.transpose())
    }

    /// The call whose first output is this output of the model, and is read by nothing else.
    fn last_call(&self, output: usize) -> Option<usize> {
        let value = *self.outputs.get(output)?;
        let reads = self.calls.iter().flat_map(|call| &call.inputs);
        let uses = reads.chain(&self.outputs).filter(|&&used| used == value);
        (uses.count() == 1).then_some(())?;
        self.calls.iter().position(|call| call.first == value)
    }

    /// Every array that the recorded run moves without a gradient, such as a moving average, with its new numbers. If
    /// several calls move it, each goes on from where the one before it led.
    pub(crate) fn moved_arrays(
        &self,
        tape: &ModelTape<A>,
        phase: &Phase,
    ) -> Vec<(String, ArrayD<A>)> {
        let mut moved: Vec<(String, ArrayD<A>)> = Vec::new();
        self.moved_by(tape, phase, &mut |path, moves| {
            if let Some((_, array)) = moved.iter_mut().find(|(at, _)| at == path) {
                moves(array);
            } else if let Ok(mut array) = self.get(path) {
                moves(&mut array);
                moved.push((path.into(), array));
            }
        });
        moved
    }

    /// Calls `each` with the path of every such array, and how it moves.
    pub(crate) fn moved_by(&self, tape: &ModelTape<A>, phase: &Phase, each: &mut Moves<A>) {
        for (at, (call, tape)) in self.calls.iter().zip(&tape.tapes).enumerate() {
            let placed = &self.layers[call.layer];
            placed.layer.moved(tape, &self.phase_of(at, phase), each);
        }
    }

    /// Calls `each` with the path and the numbers of every mask that the recorded run drew.
    pub(crate) fn drawn_by(
        &self,
        tape: &ModelTape<A>,
        phase: &Phase,
        each: &mut dyn FnMut(&str, ArrayD<f64>),
    ) {
        for (at, (call, tape)) in self.calls.iter().zip(&tape.tapes).enumerate() {
            let placed = &self.layers[call.layer];
            placed.layer.drawn(tape, &self.phase_of(at, phase), each);
        }
    }

    /// The phase of a call.
    fn phase_of<'p>(&self, at: usize, phase: &Phase<'p>) -> Phase<'p> {
        let layer = self.calls[at].layer;
        let earlier = self.calls[..at].iter();
        let earlier = earlier.filter(|call| call.layer == layer).count();
        phase.inside(&self.layers[layer].name).called(earlier)
    }

    fn in_layer<T>(&self, call: &Call, result: Result<T>) -> Result<T> {
        result.map_err(|source| Error::Layer {
            index: call.layer,
            name: self.layers[call.layer].name.clone(),
            source: Box::new(source),
        })
    }
}

/// Copies of the values at these places.
fn values<A: Element>(all: &[Option<Tensor<A>>], at: &[usize]) -> Vec<Tensor<A>> {
    at.iter().filter_map(|&at| all[at].clone()).collect()
}

/// Adds a gradient to a sum, which begins with the first of them.
fn add<A: Element>(sum: &mut Option<ArrayD<A>>, d: Option<ArrayD<A>>) {
    match (sum.as_mut(), d) {
        (Some(sum), Some(d)) => *sum += &d,
        (None, d) => *sum = d,
        (Some(_), None) => {}
    }
}

/// A model inside another one.
pub(super) fn record_nested<A: Element>(
    model: &Model<A>,
    call: RecordCall<A>,
) -> Result<Called<A>> {
    let kept = call.kept.map(super::Slot::get::<Kept>).transpose()?;
    let tape = call.tape.renew();
    let (outputs, states) = model.record_from(call.inputs, call.phase, kept, tape)?;
    Ok((outputs, states.into_slot()))
}

pub(super) fn back_over_nested<A: Element>(
    model: &Model<A>,
    call: BackwardCall<A>,
) -> Result<Vec<Option<ArrayD<A>>>> {
    model.back_over(
        call.tape.get()?,
        call.phase,
        call.upstream,
        &[],
        call.weights,
    )
}
