//! A stack of any number of layers backwards.

use super::stacked::lower;
use crate::Deep;
use crate::backward::{Backward, OutputGradients, Outputs, Recorder, Tape};
use crate::error::Result;
use crate::gradients::LayerGradients;
use crate::pass::Pass;
use crate::unroll::Unroll;
use alloc::format;
use alloc::vec::Vec;
use ndarray::Array3;

/// What a stack keeps: the tape of each layer, and its sequences.
struct DeepTape<A>(Vec<(Tape, Array3<A>)>);

impl<A> Default for DeepTape<A> {
    fn default() -> Self {
        DeepTape(Vec::new())
    }
}

impl<R: Unroll> Backward<R::Elem, Vec<R::State>> for Deep<R> {
    fn record(
        &self,
        pass: Pass<R::Elem>,
        how: &mut Recorder<R::Elem>,
        state: &mut Vec<R::State>,
        tape: &mut Tape,
    ) -> Result<Outputs<R::Elem>> {
        let tape: &mut DeepTape<R::Elem> = tape.renew();
        let empty = || (Tape::default(), Outputs::default().sequences);
        tape.0.resize_with(self.layers().len(), empty);
        let mut outputs = Outputs::default();
        for (at, (layer, state)) in self.layers().iter().zip(state).enumerate() {
            let (below, rest) = tape.0.split_at_mut(at);
            let x = below.last().map_or(pass.x, |(_, below)| below.view());
            let mut pass = pass.over(x);
            if at + 1 < self.layers().len() {
                pass = lower(&pass);
            }
            outputs = how.inside(&format!("{at}"), how.zero_last, |how| {
                layer.record(pass, how, state, &mut rest[0].0)
            })?;
            if at + 1 < self.layers().len() {
                rest[0].1 = core::mem::take(&mut outputs).sequences;
            }
        }
        Ok(outputs)
    }

    fn backward(
        &self,
        pass: Pass<R::Elem>,
        zero_last: bool,
        tape: &Tape,
        outputs: OutputGradients<R::Elem>,
        state: &mut Vec<R::State>,
        mut weights: LayerGradients<R::Elem>,
    ) -> Result<Array3<R::Elem>> {
        let tape: &DeepTape<R::Elem> = tape.get()?;
        let mut above: Option<Array3<R::Elem>> = None;
        let layers = self.layers().iter().zip(state).enumerate().rev();
        for (at, (layer, state)) in layers {
            let x = at
                .checked_sub(1)
                .map_or(pass.x, |below| tape.0[below].1.view());
            let pass = pass.over(x);
            let weights = weights.layer(&format!("{at}"));
            let tape = &tape.0[at].0;
            above = Some(match &above {
                None => layer.backward(pass, zero_last, tape, outputs, state, weights)?,
                Some(d) => {
                    let outputs = OutputGradients::of_sequences(d.view());
                    layer.backward(lower(&pass), zero_last, tape, outputs, state, weights)?
                }
            });
        }
        Ok(above.unwrap_or_else(|| Array3::zeros(pass.x.dim())))
    }

    fn add_initial_state(&self, d: &Vec<R::State>, mut weights: LayerGradients<R::Elem>) {
        for (at, (layer, d)) in self.layers().iter().zip(d).enumerate() {
            layer.add_initial_state(d, weights.layer(&format!("{at}")));
        }
    }

    fn has_backward(&self) -> bool {
        self.layers().iter().all(R::has_backward)
    }
}
