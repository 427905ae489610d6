//! How a model runs over whole sequences.

use super::any_layer::one_input;
use super::kept::another_model;
use super::{AnyLayer, Call, Kept, Model, Tensor};
use crate::Element;
use crate::error::{Error, Result, wrong_inputs};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

impl<A: Element> Model<A> {
    /// Reads the kept states and makes new ones, so that an error in a late layer leaves the earlier states unchanged.
    pub(crate) fn run_from(
        &self,
        inputs: Vec<Tensor<A>>,
        kept: Option<&Kept>,
    ) -> Result<(Vec<Tensor<A>>, Kept)> {
        self.check_inputs(&inputs, kept)?;
        let mut states = vec![None; self.calls.len()];
        let outputs = self.wire(inputs, |_, call, layer, inputs| {
            // Where states are kept, a shared layer continues where its last call ended, as a stateful one does in Keras.
            let before = states[call.home].as_ref().filter(|_| kept.is_some());
            let slot = before.or_else(|| kept.and_then(|kept| kept.0[call.home].as_ref()));
            let (flows, slot) = if layer.output_count() > call.outputs {
                // `add`, which cannot fail, put it in; the layer reports the error better than a count would.
                (vec![layer.forward(one_input(inputs)?)?], None)
            } else {
                layer.call(inputs, slot)?
            };
            states[call.home] = slot;
            Ok(flows)
        })?;
        Ok((outputs, Kept(states)))
    }

    /// Calls every layer on the values of earlier calls.
    fn wire<V: Clone>(
        &self,
        inputs: Vec<V>,
        mut run: impl FnMut(usize, &Call, &dyn AnyLayer<A>, Vec<V>) -> Result<Vec<V>>,
    ) -> Result<Vec<V>> {
        let mut table = Table::new(self, inputs);
        for (at, call) in self.calls.iter().enumerate() {
            let placed = &self.layers[call.layer];
            let mut run = || {
                let outputs = run(at, call, &*placed.layer, table.take(&call.inputs))?;
                let expected = call.outputs;
                if outputs.len() == expected {
                    return Ok(outputs);
                }
                Err(Error::value("number of outputs", expected, outputs.len()))
            };
            let outputs = run().map_err(|source| Error::Layer {
                index: call.layer,
                name: placed.name.clone(),
                source: Box::new(source),
            })?;
            table.put(call.first, outputs);
        }
        Ok(table.take(&self.outputs))
    }

    pub(crate) fn check_inputs(&self, inputs: &[Tensor<A>], kept: Option<&Kept>) -> Result<()> {
        if inputs.len() != self.inputs.len() {
            let names: Vec<&str> = self.inputs.iter().map(|input| &*input.name).collect();
            let expected = format!("{} ({})", names.len(), names.join(", "));
            return Err(wrong_inputs(expected, inputs.len()));
        }
        let samples = |flow: &Tensor<A>| flow.values.shape().first().copied();
        if inputs
            .windows(2)
            .any(|two| samples(&two[0]) != samples(&two[1]))
        {
            let each = self.inputs.iter().zip(inputs).map(|(input, flow)| {
                let count = samples(flow).unwrap_or_default();
                format!("{count} in {:?}", input.name)
            });
            let found = each.collect::<Vec<_>>().join(", ");
            let expected = "the same in every input";
            return Err(Error::value("number of samples", expected, found));
        }
        inputs.iter().try_for_each(Tensor::check_mask)?;
        kept.map_or(Ok(()), |kept| self.check_kept(kept))
    }

    /// Returns an error if the states come from a model with another number of calls.
    pub(crate) fn check_kept(&self, kept: &Kept) -> Result<()> {
        if kept.0.len() == self.calls.len() {
            return Ok(());
        }
        Err(another_model())
    }

    /// Returns an error if the model has several outputs.
    pub(crate) fn check_one_output(&self) -> Result<()> {
        match self.outputs.len() {
            1 => Ok(()),
            found => Err(Error::value(
                "number of outputs",
                "1: `forward_all` gives all of them",
                found,
            )),
        }
    }
}

/// The only value. (The caller has checked the count.)
pub(crate) fn only<V>(values: Vec<V>) -> Result<V> {
    let found = values.len();
    let last = values.into_iter().next_back();
    last.ok_or_else(|| Error::value("number of values", 1, found))
}

/// All values of a run, each kept until its last use.
struct Table<V> {
    values: Vec<Option<V>>,
    uses: Vec<usize>,
}

impl<V: Clone> Table<V> {
    fn new<A>(model: &Model<A>, inputs: Vec<V>) -> Self {
        let mut uses = vec![0; model.values];
        let used = model.calls.iter().flat_map(|call| &call.inputs);
        used.chain(&model.outputs).for_each(|&at| uses[at] += 1);
        let mut values: Vec<Option<V>> = vec![None; model.values];
        for (input, value) in model.inputs.iter().zip(inputs) {
            values[input.value] = Some(value);
        }
        Table { values, uses }
    }

    /// The values at these places, all of which are present: a call takes only earlier values.
    fn take(&mut self, of: &[usize]) -> Vec<V> {
        let take = |&at: &usize| {
            self.uses[at] -= 1;
            if self.uses[at] == 0 {
                self.values[at].take()
            } else {
                self.values[at].clone()
            }
        };
        of.iter().filter_map(take).collect()
    }

    fn put(&mut self, first: usize, values: Vec<V>) {
        for (at, value) in (first..).zip(values) {
            if self.uses[at] > 0 {
                self.values[at] = Some(value);
            }
        }
    }
}
