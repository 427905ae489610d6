//! `Engine`: takes single steps of a model in preallocated memory.

use super::any_layer::{Planned, Stepper};
use super::stepper::{self, lent};
use super::value::{Inputs, StepShape, Value};
use super::{AnyLayer, Kept, Model, Slot};
use crate::Element;
use crate::error::{Error, Result, check};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

/// A stepper and its state slot for each call of a model, and the values between the calls. Each step borrows the model
/// and its states. All memory is allocated when the engine is made.
pub struct Engine<A> {
    steps: Vec<Step<A>>,
    /// The inputs, then the outputs of the calls, in their order.
    values: Vec<Value<A>>,
    /// The indices of the model's inputs and outputs.
    outputs: Vec<usize>,
    inputs: usize,
    fresh: Kept,
    /// Whether a step can fail after a state has changed.
    may_fail: bool,
    /// Whether any call can refuse its input values.
    refuses: bool,
    /// A copy of the states, taken before a step that can fail.
    before: Kept,
}

struct Step<A> {
    layer: usize,
    stepper: Box<dyn Stepper<A>>,
    inputs: Vec<usize>,
    first: usize,
    outputs: usize,
}

impl<A: Element> Engine<A> {
    /// Plans all steps. Returns an error if the inputs do not fit, or if a layer cannot be stepped.
    pub(crate) fn new(model: &Model<A>, inputs: Vec<StepShape>) -> Result<Self> {
        let mut places = vec![usize::MAX; model.values];
        let mut values = Vec::new();
        for (input, shape) in model.inputs.iter().zip(inputs) {
            places[input.value] = values.len();
            values.push(Value::new(shape)?);
        }
        let inputs = values.len();
        let (mut steps, mut fresh) = (Vec::new(), Vec::new());
        let (mut moves, mut refuses, mut may_fail) = (false, false, false);
        for call in &model.calls {
            let inputs: Vec<usize> = call.inputs.iter().map(|&value| places[value]).collect();
            let shapes: Vec<_> = inputs.iter().map(|&at| values[at].shape.clone()).collect();
            let planned = model.of_layer(call.layer, |layer| {
                let planned = stepper::plan(layer, &shapes)?;
                match planned.outputs.len() {
                    found if found == call.outputs => Ok(planned),
                    found => Err(Error::value("number of outputs", call.outputs, found)),
                }
            })?;
            moves |= planned.fresh.is_some();
            refuses |= planned.may_fail;
            may_fail |= moves && planned.may_fail;
            steps.push(Step {
                layer: call.layer,
                stepper: planned.stepper,
                inputs,
                first: values.len(),
                outputs: call.outputs,
            });
            fresh.push(planned.fresh);
            for (at, shape) in planned.outputs.into_iter().enumerate() {
                places[call.first + at] = values.len();
                let value = model.of_layer(call.layer, |_| Value::new(shape))?;
                values.push(value);
            }
        }
        let fresh = Kept(fresh);
        let nothing = || Kept(vec![None; fresh.0.len()]);
        Ok(Engine {
            outputs: model.outputs.iter().map(|&value| places[value]).collect(),
            before: if may_fail { fresh.clone() } else { nothing() },
            steps,
            values,
            inputs,
            fresh,
            may_fail,
            refuses,
        })
    }

    /// The inputs, to be written before a step.
    #[inline]
    pub(crate) fn inputs(&mut self) -> &mut [Value<A>] {
        &mut self.values[..self.inputs]
    }

    /// Whether the engine was planned for inputs of these shapes, each one timestep long.
    pub(crate) fn takes<'s>(&self, mut shapes: impl ExactSizeIterator<Item = &'s [usize]>) -> bool {
        let inputs = &self.values[..self.inputs];
        shapes.len() == inputs.len()
            && inputs
                .iter()
                .all(|input| Some(&*input.shape.axes) == shapes.next())
    }

    /// The number of outputs.
    pub(crate) fn output_count(&self) -> usize {
        self.outputs.len()
    }

    /// The output of the last step.
    #[inline]
    pub(crate) fn output(&self, at: usize) -> Option<&Value<A>> {
        self.outputs.get(at).map(|&at| &self.values[at])
    }

    /// The states before the first step.
    pub(crate) fn fresh(&self) -> &Kept {
        &self.fresh
    }

    /// Checks the states that a step is to start from, and fills in fresh ones where there are none.
    pub(crate) fn admit(&self, model: &Model<A>, kept: &Kept) -> Result<Kept> {
        check("state", "calls", self.steps.len(), kept.0.len())?;
        let both = kept.0.iter().zip(&self.fresh.0).zip(&self.steps);
        let admit = |((slot, fresh), step): ((&Option<Slot>, &Option<Slot>), &Step<A>)| {
            let (Some(slot), Some(_)) = (slot, fresh) else {
                return Ok(fresh.clone());
            };
            let mut slot = slot.clone();
            model.of_layer(step.layer, |layer| step.stepper.admit(layer, &mut slot))?;
            Ok(Some(slot))
        };
        both.map(admit).collect::<Result<_>>().map(Kept)
    }

    /// Takes one step from admitted states. After an error the states are unchanged.
    #[inline]
    pub(crate) fn step(&mut self, model: &Model<A>, kept: &mut Kept) -> Result<()> {
        if !self.may_fail {
            return self.run(model, kept);
        }
        self.before.assign(kept)?;
        let done = self.run(model, kept);
        if done.is_err() {
            core::mem::swap(kept, &mut self.before);
        }
        done
    }

    #[inline]
    fn run(&mut self, model: &Model<A>, kept: &mut Kept) -> Result<()> {
        for (step, slot) in self.steps.iter_mut().zip(&mut kept.0) {
            let (before, after) = self.values.split_at_mut(step.first);
            let inputs = Inputs::new(before, &step.inputs);
            let outputs = &mut after[..step.outputs];
            model.of_layer(step.layer, |layer| {
                step.stepper.step(layer, slot, inputs, outputs)
            })?;
        }
        Ok(())
    }
}

impl<A: Element> Model<A> {
    /// Calls a function on a layer; an error names the layer.
    #[inline]
    fn of_layer<T>(
        &self,
        index: usize,
        run: impl FnOnce(&dyn AnyLayer<A>) -> Result<T>,
    ) -> Result<T> {
        let Some(placed) = self.layers.get(index) else {
            return Err(super::kept::another_model());
        };
        run(&*placed.layer).map_err(|source| named(index, &placed.name, source))
    }

    /// The stepper of this model as a layer of another one.
    pub(super) fn plan_nested(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let timesteps = inputs.iter().any(|input| input.is_timestep);
        let shared = self
            .calls
            .iter()
            .enumerate()
            .any(|(at, call)| call.home != at);
        // In a whole-sequence call, a shared layer continues from the state of its last call.
        if inputs.len() != self.inputs.len() || !timesteps && shared {
            return Ok(None);
        }
        let engine = Engine::new(self, inputs.to_vec())?;
        let outputs = engine
            .outputs
            .iter()
            .map(|&at| engine.values[at].shape.clone());
        Ok(Some(Planned {
            outputs: outputs.collect(),
            fresh: engine.fresh.clone().into_slot(),
            may_fail: engine.refuses,
            stepper: Box::new(Nested {
                nothing: engine.fresh.clone(),
                engine,
            }),
        }))
    }
}

#[cold]
fn named(index: usize, name: &str, source: Error) -> Error {
    Error::Layer {
        index,
        name: name.into(),
        source: Box::new(source),
    }
}

/// The stepper of a model inside another one.
struct Nested<A> {
    engine: Engine<A>,
    /// Stands in for its states if it has none.
    nothing: Kept,
}

impl<A: Element> Stepper<A> for Nested<A> {
    fn step(
        &mut self,
        layer: &dyn AnyLayer<A>,
        slot: &mut Option<Slot>,
        inputs: Inputs<'_, A>,
        outputs: &mut [Value<A>],
    ) -> Result<()> {
        let Nested { engine, nothing } = self;
        let kept = match slot {
            Some(slot) => slot.get_mut()?,
            None => nothing,
        };
        let to = engine.inputs().iter_mut();
        to.zip(inputs.iter()).for_each(|(to, from)| to.copy(from));
        engine.run(lent(layer)?, kept)?;
        let from = engine.outputs.iter().map(|&at| &engine.values[at]);
        outputs
            .iter_mut()
            .zip(from)
            .for_each(|(to, from)| to.copy(from));
        Ok(())
    }

    fn admit(&self, layer: &dyn AnyLayer<A>, slot: &mut Slot) -> Result<()> {
        let kept = slot.get_mut::<Kept>()?;
        *kept = self.engine.admit(lent(layer)?, kept)?;
        Ok(())
    }
}
