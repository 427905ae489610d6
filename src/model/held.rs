//! Single steps of a recurrent layer of a model, and the state kept between them.

use super::any_layer::{Planned, Stepper};
use super::stepper::{self, lent};
use super::tensor::sequence;
use super::value::{Inputs, StepShape, Value};
use super::{AnyLayer, Slot};
use crate::error::{Error, Result, check, check_kept};
use crate::mask::Rows;
use crate::state::check_samples;
use crate::unroll::Stepping;
use crate::{Element, Layer, Recurrent, State};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::Array2;

/// The state that a model keeps for a recurrent layer.
#[derive(Clone)]
pub(super) struct Held<S> {
    pub state: S,
    /// Which samples have taken a step. `None` means that none has, as after a whole-sequence call.
    rows: Option<Rows>,
}

impl<S: State> Held<S> {
    /// The state before the first step of any sample.
    pub fn slot(state: S) -> Slot {
        Slot::new(Held { state, rows: None })
    }

    fn has_started(&self, row: usize) -> bool {
        let rows = self.rows.as_ref();
        rows.is_some_and(|rows| rows.started().get(row) == Some(&true))
    }

    fn rows(&mut self) -> &mut Rows {
        let samples = self.state.samples();
        self.rows.get_or_insert_with(|| Rows::new(samples, None))
    }
}

impl<S: State> State for Held<S> {
    fn samples(&self) -> usize {
        self.state.samples()
    }
    fn zeros_like(&self, samples: usize) -> Self {
        Held {
            state: self.state.zeros_like(samples),
            rows: None,
        }
    }
    fn copy_sample(&mut self, row: usize, from: &Self, from_row: usize) -> Result<()> {
        self.state.copy_sample(row, &from.state, from_row)?;
        check_samples(&[row], self.state.samples())?;
        self.rows().start(row, from.has_started(from_row));
        Ok(())
    }
    fn reset_sample(&mut self, row: usize) -> Result<()> {
        self.state.reset_sample(row)?;
        check_samples(&[row], self.state.samples())?;
        self.rows().start(row, false);
        Ok(())
    }
    fn to_arrays<B: Element>(&self) -> Option<Vec<Array2<B>>> {
        let mut arrays = self.state.to_arrays()?;
        let started = |(row, _)| {
            if self.has_started(row) {
                B::one()
            } else {
                B::zero()
            }
        };
        arrays.push(Array2::from_shape_fn((self.state.samples(), 1), started));
        Some(arrays)
    }
    fn with_arrays<B: Element>(&self, arrays: &mut dyn Iterator<Item = Array2<B>>) -> Option<Self> {
        let state = self.state.with_arrays(arrays)?;
        let started = arrays.next()?;
        let started: Vec<bool> = started.iter().map(|x| *x != B::zero()).collect();
        let rows = Some(Rows::new(started.len(), Some(&started)));
        Some(Held { state, rows })
    }
}

impl<R: Recurrent + 'static> Layer<R> {
    /// The stepper of this layer.
    pub(super) fn plan_steps(&self, inputs: &[StepShape]) -> Result<Option<Planned<R::Elem>>> {
        let [input] = inputs else {
            return Ok(None);
        };
        if !input.is_timestep {
            return Ok(None);
        }
        // Zeros; only their shape is used.
        let zeros = Value::new(input.clone())?.to_flow()?;
        let x = sequence(&zeros)?;
        self.run(&x).check()?;
        let (samples, units) = (x.dim().0, self.inner().units());
        let Some(of) = self.inner().stepping(samples) else {
            return Ok(None);
        };
        let state = self.inner().zero_state(samples);
        let is_timestep = self.returns().sequences;
        let axes = if is_timestep {
            vec![samples, 1, units]
        } else {
            vec![samples, units]
        };
        let mut outputs = vec![StepShape { axes, is_timestep }];
        outputs.extend(self.returned(&state)?.into_iter().map(|flow| StepShape {
            axes: flow.values.shape().to_vec(),
            is_timestep: false,
        }));
        let stepper = Steps::<R> { of, samples };
        let mut fresh = Held::slot(state);
        stepper.settle(self, fresh.get_mut()?)?;
        Ok(Some(Planned {
            may_fail: stepper.of.may_fail(),
            stepper: Box::new(stepper),
            outputs,
            fresh: Some(fresh),
        }))
    }
}

/// The stepper of a recurrent layer.
struct Steps<R: Recurrent> {
    of: Box<dyn Stepping<R>>,
    samples: usize,
}

impl<R: Recurrent> Steps<R> {
    fn settle(&self, layer: &Layer<R>, held: &mut Held<R::State>) -> Result<()> {
        held.rows();
        self.of.settle(layer.inner(), &mut held.state)
    }
}

impl<R: Recurrent + 'static> Stepper<R::Elem> for Steps<R> {
    fn step(
        &mut self,
        layer: &dyn AnyLayer<R::Elem>,
        slot: &mut Option<Slot>,
        inputs: Inputs<'_, R::Elem>,
        outputs: &mut [Value<R::Elem>],
    ) -> Result<()> {
        let layer: &Layer<R> = lent(layer)?;
        let of = layer.inner();
        let slot = slot.as_mut().ok_or_else(super::kept::another_model)?;
        let Held { state, rows } = slot.get_mut::<Held<R::State>>()?;
        let Some(rows) = rows else {
            return Err(super::kept::another_model());
        };
        let input = inputs.first()?;
        let mask = input.mask();
        match mask {
            Some(mask) => rows.choose(|row| mask[row]),
            None => rows.choose_all(),
        }
        let samples = rows.samples();
        let x = stepper::rows(&input.numbers, samples)?;
        let Some((output, states)) = outputs.split_first_mut() else {
            return Err(Error::value("number of outputs", "at least 1", 0));
        };
        let zeroes = layer.zeroes_masked_output();
        let to = &mut output.numbers;
        self.of.step_into(of, x, rows, state, zeroes, to)?;
        output.set_mask(mask.filter(|_| layer.returns().sequences));
        if !states.is_empty() {
            let arrays = state.to_arrays().unwrap_or_default();
            for (to, array) in states.iter_mut().zip(arrays) {
                to.assign(&array.view().into_dyn());
            }
        }
        Ok(())
    }

    fn admit(&self, layer: &dyn AnyLayer<R::Elem>, slot: &mut Slot) -> Result<()> {
        let layer: &Layer<R> = lent(layer)?;
        let held = slot.get_mut::<Held<R::State>>()?;
        let samples = self.samples;
        check_kept(held.samples(), samples)?;
        layer.inner().check_state(&held.state, samples)?;
        if let Some(rows) = &held.rows {
            check("state", "samples", samples, rows.samples())?;
        }
        self.settle(layer, held)
    }
}
