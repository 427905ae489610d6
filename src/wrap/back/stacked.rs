//! A stack of two layers backwards.

use crate::Element;
use crate::Stacked;
use crate::backward::{Backward, OutputGradients, Outputs, Recorder, Tape, drop_by, to_f64};
use crate::describe::join;
use crate::error::Result;
use crate::gradients::LayerGradients;
use crate::pass::Pass;
use crate::unroll::Unroll;
use ndarray::{Array3, ArrayD};

/// What a stack keeps.
struct StackedTape<A> {
    lower: Tape,
    between: Between<A>,
    upper: Tape,
}

/// What one layer hands to the next.
pub(super) struct Between<A> {
    /// The sequences that the upper layer reads.
    pub sequences: Array3<A>,
    /// What dropout has multiplied them with.
    mask: Option<Array3<A>>,
}

impl<A> Default for Between<A> {
    fn default() -> Self {
        Between {
            sequences: Outputs::default().sequences,
            mask: None,
        }
    }
}

impl<A: Element> Between<A> {
    /// Drops some of the sequences, if `how` says so.
    pub(super) fn record(
        mut sequences: Array3<A>,
        how: &Recorder,
        name: &str,
        rate: f64,
    ) -> Result<Self> {
        let mask = how.between(name, rate, sequences.dim())?;
        if let Some(mask) = &mask {
            drop_by(&mut sequences, mask);
        }
        Ok(Between { sequences, mask })
    }

    /// Turns the gradient of what the upper layer reads into that of what the lower one gave.
    pub(super) fn back(&self, d: &mut Array3<A>) {
        if let Some(mask) = &self.mask {
            drop_by(d, mask);
        }
    }

    pub(super) fn drawn(&self, path: &str, each: &mut dyn FnMut(&str, ArrayD<f64>)) {
        if let Some(mask) = &self.mask {
            each(path, to_f64(mask));
        }
    }
}

impl<A> Default for StackedTape<A> {
    fn default() -> Self {
        StackedTape {
            lower: Tape::default(),
            between: Between::default(),
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
        how: &mut Recorder,
        state: &mut (L::State, U::State),
        tape: &mut Tape,
    ) -> Result<Outputs<L::Elem>> {
        let tape: &mut StackedTape<L::Elem> = tape.renew();
        let zero_last = how.zero_last;
        let between = how.inside("lower", zero_last, |how| {
            self.lower()
                .record(lower(&pass), how, &mut state.0, &mut tape.lower)
        })?;
        tape.between = Between::record(between.sequences, how, "between", self.rate())?;
        let pass = pass.over(tape.between.sequences.view());
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
        let upper = pass.over(tape.between.sequences.view());
        let between = self.upper();
        let mut between = between.backward(
            upper,
            zero_last,
            &tape.upper,
            outputs,
            &mut state.1,
            of_upper,
        )?;
        tape.between.back(&mut between);
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

    fn drawn(&self, tape: &Tape, path: &str, each: &mut dyn FnMut(&str, ArrayD<f64>)) {
        if let Ok(tape) = tape.get::<StackedTape<L::Elem>>() {
            self.lower().drawn(&tape.lower, &join(path, "lower"), each);
            tape.between.drawn(&join(path, "between"), each);
            self.upper().drawn(&tape.upper, &join(path, "upper"), each);
        }
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
