//! Both directions backwards.

use crate::backward::{Backward, OutputGradients, Outputs, Recorder, Tape};
use crate::describe::join;
use crate::error::Result;
use crate::gradients::LayerGradients;
use crate::pass::Pass;
use crate::unroll::Unroll;
use crate::wrap::MergeMode;
use crate::{BiState, Bidirectional, Element};
use ndarray::{Array, Array3, ArrayD, ArrayView, Axis, Dimension, RemoveAxis, concatenate};

/// What both directions keep.
struct BiTape<A> {
    tapes: [Tape; 2],
    outputs: [Outputs<A>; 2],
}

impl<A> Default for BiTape<A> {
    fn default() -> Self {
        BiTape {
            tapes: Default::default(),
            outputs: Default::default(),
        }
    }
}

impl MergeMode {
    fn merge<A: Element, D: Dimension + RemoveAxis>(
        self,
        forward: &Array<A, D>,
        backward: &Array<A, D>,
    ) -> Result<Array<A, D>> {
        if self == MergeMode::Concat {
            let axis = Axis(forward.ndim() - 1);
            return Ok(concatenate(axis, &[forward.view(), backward.view()])?);
        }
        let mut merged = forward.clone();
        let half = A::from_f64(0.5);
        merged.zip_mut_with(backward, |f, &b| match self {
            MergeMode::Mul => *f *= b,
            MergeMode::Ave => *f = (*f + b) * half,
            MergeMode::Sum | MergeMode::Concat => *f += b,
        });
        Ok(merged)
    }

    /// What of the gradient of the merged output reaches each direction.
    fn split<A: Element, D: Dimension>(
        self,
        d: ArrayView<A, D>,
        forward: &Array<A, D>,
        backward: &Array<A, D>,
    ) -> [Array<A, D>; 2] {
        let axis = Axis(d.ndim() - 1);
        if self == MergeMode::Concat {
            let (f, b) = d.split_at(axis, forward.len_of(axis));
            return [f.to_owned(), b.to_owned()];
        }
        let half = A::from_f64(0.5);
        [backward, forward].map(|other| {
            let mut d = d.to_owned();
            d.zip_mut_with(other, |d, &other| match self {
                MergeMode::Mul => *d *= other,
                MergeMode::Ave => *d *= half,
                MergeMode::Sum | MergeMode::Concat => {}
            });
            d
        })
    }
}

impl<F: Unroll, B: Unroll<Elem = F::Elem>> Bidirectional<F, B> {
    /// The passes of both directions. As in Keras, sequences are 0 at masked timesteps, and the last output repeats the
    /// one before.
    fn passes<'a>(&self, pass: &Pass<'a, F::Elem>) -> [Pass<'a, F::Elem>; 2] {
        let ahead = Pass {
            zero_output_for_mask: !self.repeats_masked(),
            ..*pass
        };
        let turned = Pass {
            backwards: !pass.backwards,
            ..ahead
        };
        [ahead, turned]
    }

    /// Records both directions, which are not merged.
    pub(crate) fn record_apart(
        &self,
        pass: &Pass<F::Elem>,
        how: &mut Recorder,
        state: &mut BiState<F::State, B::State>,
        tapes: &mut [Tape; 2],
    ) -> Result<[Outputs<F::Elem>; 2]> {
        let [ahead, turned] = self.passes(pass);
        let [forward, backward] = tapes;
        Ok([
            how.inside("forward", false, |how| {
                self.forward_layer()
                    .record(ahead, how, &mut state.forward, forward)
            })?,
            how.inside("backward", false, |how| {
                self.backward_layer()
                    .record(turned, how, &mut state.backward, backward)
            })?,
        ])
    }

    /// Passes on the masks of both directions.
    pub(crate) fn drawn_apart(
        &self,
        [forward, backward]: &[Tape; 2],
        path: &str,
        each: &mut dyn FnMut(&str, ArrayD<f64>),
    ) {
        self.forward_layer()
            .drawn(forward, &join(path, "forward"), each);
        self.backward_layer()
            .drawn(backward, &join(path, "backward"), each);
    }

    /// Goes back over both directions.
    pub(crate) fn backward_apart(
        &self,
        pass: &Pass<F::Elem>,
        tapes: &[Tape; 2],
        outputs: [OutputGradients<F::Elem>; 2],
        state: &mut BiState<F::State, B::State>,
        mut weights: LayerGradients<F::Elem>,
    ) -> Result<Array3<F::Elem>> {
        let ([ahead, turned], [of_forward, of_backward]) = (self.passes(pass), outputs);
        let (forward, into) = (&mut state.forward, weights.layer("forward"));
        let mut dx = self
            .forward_layer()
            .backward(ahead, false, &tapes[0], of_forward, forward, into)?;
        let (backward, into) = (&mut state.backward, weights.layer("backward"));
        dx += &self.backward_layer().backward(
            turned,
            false,
            &tapes[1],
            of_backward,
            backward,
            into,
        )?;
        Ok(dx)
    }
}

impl<F: Unroll, B: Unroll<Elem = F::Elem>> Backward<F::Elem, BiState<F::State, B::State>>
    for Bidirectional<F, B>
{
    fn record(
        &self,
        pass: Pass<F::Elem>,
        how: &mut Recorder,
        state: &mut BiState<F::State, B::State>,
        tape: &mut Tape,
    ) -> Result<Outputs<F::Elem>> {
        let tape: &mut BiTape<F::Elem> = tape.renew();
        tape.outputs = self.record_apart(&pass, how, state, &mut tape.tapes)?;
        let [f, b] = &tape.outputs;
        let mode = self.mode();
        Ok(Outputs {
            sequences: mode.merge(&f.sequences, &b.sequences)?,
            last: mode.merge(&f.last, &b.last)?,
        })
    }

    fn backward(
        &self,
        pass: Pass<F::Elem>,
        _: bool,
        tape: &Tape,
        outputs: OutputGradients<F::Elem>,
        state: &mut BiState<F::State, B::State>,
        weights: LayerGradients<F::Elem>,
    ) -> Result<Array3<F::Elem>> {
        let tape: &BiTape<F::Elem> = tape.get()?;
        let ([f, b], mode) = (&tape.outputs, self.mode());
        let sequences = outputs
            .sequences
            .map(|d| mode.split(d, &f.sequences, &b.sequences));
        let last = outputs.last.map(|d| mode.split(d, &f.last, &b.last));
        let outputs = [0, 1].map(|direction| OutputGradients {
            sequences: sequences.as_ref().map(|d| d[direction].view()),
            last: last.as_ref().map(|d| d[direction].view()),
        });
        self.backward_apart(&pass, &tape.tapes, outputs, state, weights)
    }

    fn drawn(&self, tape: &Tape, path: &str, each: &mut dyn FnMut(&str, ArrayD<f64>)) {
        if let Ok(tape) = tape.get::<BiTape<F::Elem>>() {
            self.drawn_apart(&tape.tapes, path, each);
        }
    }

    fn add_initial_state(
        &self,
        d: &BiState<F::State, B::State>,
        mut weights: LayerGradients<F::Elem>,
    ) {
        let (forward, backward) = (self.forward_layer(), self.backward_layer());
        forward.add_initial_state(&d.forward, weights.layer("forward"));
        backward.add_initial_state(&d.backward, weights.layer("backward"));
    }

    fn has_backward(&self) -> bool {
        self.forward_layer().has_backward() && self.backward_layer().has_backward()
    }
}
