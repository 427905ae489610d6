//! `cargo run --release --features train --example own_gradient`: a cell that you write yourself learns.
//!
//! A mean that forgets, as in `custom_cell`, but how much it forgets is a weight: the cell learns it from the flow of the
//! Nile, with a backward pass of four lines, which `check_gradient` holds against central differences. The flow at Aswan,
//! 1871 to 1970: G. W. Cobb, "The Problem of the Nile" (Biometrika, 1978), as statsmodels 0.15 has it, here in units of
//! 1000 million m³ a year from their mean of 92.

use ndarray::{Array1, Array2, Array3, ArrayView2, ArrayViewD, ArrayViewMutD, Axis};
use recurrent::train::{Adam, Batch, Loss, Optimizer, StepBack, Training, check_gradient};
use recurrent::{Cell, HiddenState, Layer, Model, Result, Rnn, Tensor};

#[rustfmt::skip]
const NILE: [f64; 100] = [
    1120., 1160.,  963., 1210., 1160., 1160.,  813., 1230., 1370., 1140.,  995.,  935., 1110.,  994., 1020.,
     960., 1180.,  799.,  958., 1140., 1100., 1210., 1150., 1250., 1260., 1220., 1030., 1100.,  774.,  840.,
     874.,  694.,  940.,  833.,  701.,  916.,  692., 1020., 1050.,  969.,  831.,  726.,  456.,  824.,  702.,
    1120., 1100.,  832.,  764.,  821.,  768.,  845.,  864.,  862.,  698.,  845.,  744.,  796., 1040.,  759.,
     781.,  865.,  845.,  944.,  984.,  897.,  822., 1010.,  771.,  676.,  649.,  846.,  812.,  742.,  801.,
    1040.,  860.,  874.,  848.,  890.,  744.,  749.,  838., 1050.,  918.,  986.,  797.,  923.,  975.,  815.,
    1020.,  906.,  901., 1170.,  912.,  746.,  919.,  718.,  714.,  740.,
];

/// `h' = keep * h + (1 - keep) * x`.
pub struct Leaky {
    /// Of each unit.
    pub keep: Array1<f64>,
}

impl Cell for Leaky {
    type Elem = f64;
    type State = HiddenState<f64>;

    fn features(&self) -> usize {
        self.keep.len()
    }

    fn units(&self) -> usize {
        self.keep.len()
    }

    fn zero_state(&self, samples: usize) -> Self::State {
        HiddenState::zeros(samples, self.units())
    }

    fn step(&self, x: ArrayView2<f64>, state: &mut Self::State) {
        state.h = &x + &((&state.h - &x) * &self.keep);
    }

    fn output<'s>(&self, state: &'s Self::State) -> ArrayView2<'s, f64> {
        state.h.view()
    }

    fn own_weights(&self, each: &mut dyn FnMut(&'static str, ArrayViewD<f64>)) {
        each("keep", self.keep.view().into_dyn());
    }

    fn own_weights_mut(&mut self, each: &mut dyn FnMut(&'static str, ArrayViewMutD<f64>)) {
        each("keep", self.keep.view_mut().into_dyn());
    }

    fn has_backward(&self) -> bool {
        true
    }

    /// `dkeep = Σ dh' (h - x)`, `dh = dh' keep`, `dx = dh' (1 - keep)`.
    fn step_back(&self, mut step: StepBack<f64, Self::State>) -> Result<Array2<f64>> {
        let d = &step.state.h + &step.output;
        // There is none while the weight is frozen.
        if let Some(keep) = step.weights.array("keep") {
            *keep += &(&d * &(&step.before.h - &step.x)).sum_axis(Axis(0));
        }
        step.state.h = &d * &self.keep;
        Ok(&d - &step.state.h)
    }
}

/// A model with one unit, which foretells the next year.
pub fn model(keep: f64) -> Model<f64> {
    let cell = Leaky {
        keep: Array1::from_elem(1, keep),
    };
    Model::new().add_as("mean", Layer::new(Rnn(cell)).return_sequences(true))
}

/// The years but the last, and the years but the first.
pub fn years() -> [Array3<f64>; 2] {
    let flow = |year: usize| (NILE[year] - 919.35) / 100.0;
    [0, 1].map(|first| {
        let count = NILE.len() - 1;
        Array3::from_shape_fn((1, count, 1), |(_, year, _)| flow(first + year))
    })
}

fn main() -> Result<()> {
    let [x, next] = years();

    // ---- is the backward pass right? ---------------------------------------------------------------------------------
    let found = check_gradient(&mut model(0.5), &[Tensor::new(&x)], &[])?;
    println!(
        "{} gradients, the worst off by {:.0e}, at {}",
        found.count, found.worst, found.at
    );

    // ---- then let it learn -------------------------------------------------------------------------------------------
    let mut training = Training::of(model(0.1))
        .loss(Loss::mean_squared_error())
        .optimizer(Optimizer::of(Adam::keras(0.02)))
        .build()?;
    for step in 0..=200 {
        let loss = training.step(&Batch::new(&x, &next))?.loss;
        if step % 40 == 0 {
            let keep = training.model().get("mean/keep")?[0];
            println!(
                "step {step:3}: wrong by {:5.1} (root mean square), keep {keep:.3}",
                100.0 * loss.sqrt()
            );
        }
    }
    Ok(())
}
