//! A layer made of a cell of a user's own, backwards.

use super::custom::{Cell, Rnn};
use super::step_back::{BackByStep, StepBack, record, unroll_back};
use crate::backward::{Backward, OutputGradients, Outputs, Recorder, Tape, no_backward};
use crate::error::Result;
use crate::gradients::LayerGradients;
use crate::pass::Pass;
use ndarray::{Array2, Array3};

impl<C: Cell> BackByStep for Rnn<C> {
    type Work = ();

    fn work(&self) {}

    fn goes_by_step(&self) -> bool {
        self.0.has_backward()
    }

    fn step_back(&self, step: StepBack<C::Elem, C::State>, (): &()) -> Result<Array2<C::Elem>> {
        self.0.step_back(step)
    }
}

impl<C: Cell> Backward<C::Elem, C::State> for Rnn<C> {
    fn record(
        &self,
        pass: Pass<C::Elem>,
        how: &mut Recorder,
        state: &mut C::State,
        tape: &mut Tape,
    ) -> Result<Outputs<C::Elem>> {
        if !self.goes_by_step() {
            return Err(no_backward());
        }
        record(self, &pass, how.zero_last, state, tape)
    }

    fn backward(
        &self,
        pass: Pass<C::Elem>,
        zero_last: bool,
        tape: &Tape,
        outputs: OutputGradients<C::Elem>,
        state: &mut C::State,
        weights: LayerGradients<C::Elem>,
    ) -> Result<Array3<C::Elem>> {
        unroll_back(self, &pass, zero_last, tape, outputs, state, weights)
    }

    fn has_backward(&self) -> bool {
        self.goes_by_step()
    }
}
