//! A stack of any number of layers backwards.

use super::stacked::{Between, lower};
use crate::Deep;
use crate::backward::{Backward, OutputGradients, Outputs, Recorder, Tape};
use crate::describe::join;
use crate::error::Result;
use crate::gradients::LayerGradients;
use crate::pass::Pass;
use crate::unroll::Unroll;
use alloc::format;
use alloc::vec::Vec;
use ndarray::{Array3, ArrayD};

/// What a stack keeps: the tape of each layer, and what it hands up.
struct DeepTape<A>(Vec<(Tape, Between<A>)>);

impl<A> Default for DeepTape<A> {
    fn default() -> Self {
        DeepTape(Vec::new())
    }
}

impl<R: Unroll> Backward<R::Elem, Vec<R::State>> for Deep<R> {
    fn record(
        &self,
        pass: Pass<R::Elem>,
        how: &mut Recorder,
        state: &mut Vec<R::State>,
        tape: &mut Tape,
    ) -> Result<Outputs<R::Elem>> {
        let tape: &mut DeepTape<R::Elem> = tape.renew();
        tape.0.resize_with(self.layers().len(), Default::default);
        let mut outputs = Outputs::default();
        for (at, (layer, state)) in self.layers().iter().zip(state).enumerate() {
            let (lower_layers, rest) = tape.0.split_at_mut(at);
            let x = lower_layers.last();
            let x = x.map_or(pass.x, |(_, between)| between.sequences.view());
            let mut pass = pass.over(x);
            if at + 1 < self.layers().len() {
                pass = lower(&pass);
            }
            outputs = how.inside(&format!("{at}"), how.zero_last, |how| {
                layer.record(pass, how, state, &mut rest[0].0)
            })?;
            if at + 1 < self.layers().len() {
                let sequences = core::mem::take(&mut outputs).sequences;
                let name = format!("between/{at}");
                rest[0].1 = Between::record(sequences, how, &name, self.rate())?;
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
                .map_or(pass.x, |below| tape.0[below].1.sequences.view());
            let pass = pass.over(x);
            let weights = weights.layer(&format!("{at}"));
            let (tape, between) = &tape.0[at];
            above = Some(match above {
                None => layer.backward(pass, zero_last, tape, outputs, state, weights)?,
                Some(mut d) => {
                    between.back(&mut d);
                    let outputs = OutputGradients::of_sequences(d.view());
                    layer.backward(lower(&pass), zero_last, tape, outputs, state, weights)?
                }
            });
        }
        Ok(above.unwrap_or_else(|| Array3::zeros(pass.x.dim())))
    }

    fn drawn(&self, tape: &Tape, path: &str, each: &mut dyn FnMut(&str, ArrayD<f64>)) {
        let Ok(tape) = tape.get::<DeepTape<R::Elem>>() else {
            return;
        };
        for (at, (layer, (tape, between))) in self.layers().iter().zip(&tape.0).enumerate() {
            layer.drawn(tape, &join(path, &format!("{at}")), each);
            between.drawn(&join(path, &format!("between/{at}")), each);
        }
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
