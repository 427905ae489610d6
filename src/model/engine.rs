//! `Engine`: takes single steps of a model, in memory that is there.

use super::any_layer::{Planned, Stepper};
use super::stepper::{self, lent};
use super::value::{Inputs, StepShape, Value};
use super::{AnyLayer, Kept, Model, Slot};
use crate::Element;
use crate::error::{Error, Result, check};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

/// A stepper and its place for each call of a model, and all values between them. It is lent the model and its states at each
/// step, and allocates when it is made.
pub struct Engine<A> {
    steps: Vec<Step<A>>,
    /// The inputs, and what the calls give, in their order.
    values: Vec<Value<A>>,
    /// Which values go in and come out.
    outputs: Vec<usize>,
    inputs: usize,
    fresh: Kept,
    /// Whether a step can fail when a state has moved.
    may_fail: bool,
    /// Whether any call can be refused for what comes in.
    refuses: bool,
    /// The states before such a step.
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
    /// Plans all steps. Refuses inputs that do not fit, and layers that cannot be stepped.
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

    /// Whether it was planned for inputs of these shapes, one timestep of each.
    pub(crate) fn takes<'s>(&self, mut shapes: impl ExactSizeIterator<Item = &'s [usize]>) -> bool {
        let inputs = &self.values[..self.inputs];
        shapes.len() == inputs.len()
            && inputs
                .iter()
                .all(|input| Some(&*input.shape.axes) == shapes.next())
    }

    /// How many outputs there are.
    pub(crate) fn output_count(&self) -> usize {
        self.outputs.len()
    }

    /// What the last step put out.
    #[inline]
    pub(crate) fn output(&self, at: usize) -> Option<&Value<A>> {
        self.outputs.get(at).map(|&at| &self.values[at])
    }

    /// The states before the first step.
    pub(crate) fn fresh(&self) -> &Kept {
        &self.fresh
    }

    /// The states that a step can start from: these, checked, and fresh ones where there are none.
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

    /// One step, from states that were admitted. If it fails, they are as they were.
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
    /// Does something with a layer; an error says of which.
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

    /// The steps of this model as a layer of another one.
    pub(super) fn plan_nested(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let timesteps = inputs.iter().any(|input| input.is_timestep);
        let shared = self
            .calls
            .iter()
            .enumerate()
            .any(|(at, call)| call.home != at);
        // In a whole call a shared layer goes on from its last call.
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

/// Steps of a model inside of another one.
struct Nested<A> {
    engine: Engine<A>,
    /// In place of its states, if it has none.
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
