//! A stack of two layers backwards.

use crate::Stacked;
use crate::backward::{Backward, OutputGradients, Outputs, Recorder, Tape};
use crate::error::Result;
use crate::gradients::LayerGradients;
use crate::pass::Pass;
use crate::unroll::Unroll;
use ndarray::Array3;

/// What a stack keeps.
struct StackedTape<A> {
    lower: Tape,
    between: Array3<A>,
    upper: Tape,
}

impl<A> Default for StackedTape<A> {
    fn default() -> Self {
        StackedTape {
            lower: Tape::default(),
            between: Outputs::default().sequences,
            upper: Tape::default(),
        }
    }
}

/// The pass of a lower layer, which writes in time order, so that the upper one can read in the order of the call.
pub(super) fn lower<'a, A>(pass: &Pass<'a, A>) -> Pass<'a, A> {
    Pass {
        reversed: false,
        ..*pass
    }
}

impl<L: Unroll, U: Unroll<Elem = L::Elem>> Backward<L::Elem, (L::State, U::State)>
    for Stacked<L, U>
{
    fn record(
        &self,
        pass: Pass<L::Elem>,
        how: &mut Recorder<L::Elem>,
        state: &mut (L::State, U::State),
        tape: &mut Tape,
    ) -> Result<Outputs<L::Elem>> {
        let tape: &mut StackedTape<L::Elem> = tape.renew();
        let zero_last = how.zero_last;
        let between = how.inside("lower", zero_last, |how| {
            self.lower()
                .record(lower(&pass), how, &mut state.0, &mut tape.lower)
        })?;
        tape.between = between.sequences;
        let pass = pass.over(tape.between.view());
        how.inside("upper", zero_last, |how| {
            self.upper()
                .record(pass, how, &mut state.1, &mut tape.upper)
        })
    }

    fn backward(
        &self,
        pass: Pass<L::Elem>,
        zero_last: bool,
        tape: &Tape,
        outputs: OutputGradients<L::Elem>,
        state: &mut (L::State, U::State),
        mut weights: LayerGradients<L::Elem>,
    ) -> Result<Array3<L::Elem>> {
        let tape: &StackedTape<L::Elem> = tape.get()?;
        let of_upper = weights.layer("upper");
        let upper = pass.over(tape.between.view());
        let between = self.upper();
        let between = between.backward(
            upper,
            zero_last,
            &tape.upper,
            outputs,
            &mut state.1,
            of_upper,
        )?;
        let outputs = OutputGradients::of_sequences(between.view());
        let of_lower = weights.layer("lower");
        let pass = lower(&pass);
        self.lower().backward(
            pass,
            zero_last,
            &tape.lower,
            outputs,
            &mut state.0,
            of_lower,
        )
    }

    fn add_initial_state(
        &self,
        (lower, upper): &(L::State, U::State),
        mut weights: LayerGradients<L::Elem>,
    ) {
        self.lower()
            .add_initial_state(lower, weights.layer("lower"));
        self.upper()
            .add_initial_state(upper, weights.layer("upper"));
    }

    fn has_backward(&self) -> bool {
        self.lower().has_backward() && self.upper().has_backward()
    }
}
