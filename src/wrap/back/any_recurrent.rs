//! A layer whose kind is known only when a file is read, backwards.

use crate::Element;
use crate::backward::{Backward, OutputGradients, Outputs, Recorder, Tape};
use crate::error::Result;
use crate::gradients::LayerGradients;
use crate::pass::Pass;
use crate::wrap::any_recurrent::{AnyRecurrent, AnyState, another_layer, of_inner, with_state};
use ndarray::{Array3, ArrayD};

impl<A: Element> Backward<A, AnyState<A>> for AnyRecurrent<A> {
    fn record(
        &self,
        pass: Pass<A>,
        how: &mut Recorder,
        state: &mut AnyState<A>,
        tape: &mut Tape,
    ) -> Result<Outputs<A>> {
        with_state!(self, state, (inner, state) => inner.record(pass, how, state, tape))
    }

    fn backward(
        &self,
        pass: Pass<A>,
        zero_last: bool,
        tape: &Tape,
        outputs: OutputGradients<A>,
        state: &mut AnyState<A>,
        weights: LayerGradients<A>,
    ) -> Result<Array3<A>> {
        with_state!(self, state, (inner, state) => {
            inner.backward(pass, zero_last, tape, outputs, state, weights)
        })
    }

    fn drawn(&self, tape: &Tape, path: &str, each: &mut dyn FnMut(&str, ArrayD<f64>)) {
        of_inner!(self, inner => inner.drawn(tape, path, each));
    }

    fn add_initial_state(&self, d: &AnyState<A>, weights: LayerGradients<A>) {
        // The state is one that this layer made: another one has been refused before.
        let _: Result<()> = with_state!(self, d, (inner, d) => {
            inner.add_initial_state(d, weights);
            Ok(())
        });
    }

    fn has_backward(&self) -> bool {
        of_inner!(self, inner => inner.has_backward())
    }
}
