//! The way back of cells that go back a step at a time: those of a user's own, and those with layer normalisation. The loop
//! over time knows masks and directions and no equations.
//!
//! It is that of `cell::back` without blocks. Steps come from the last to the first, and each has the samples that are real
//! at its timestep, so a masked input is never handed out.

use super::held::Held;
use super::order::{is_real, prepare, rows_of_pass, times};
use crate::State;
use crate::backward::{OutputGradients, Outputs, Tape};
use crate::error::{Result, check};
use crate::gradients::LayerGradients;
use crate::pass::Pass;
use crate::unroll::Advance;
use alloc::vec::Vec;
use ndarray::{Array2, Array3, ArrayView2, Axis, s};

/// One step of a [`Cell`](crate::Cell) of your own, to be gone back over. Every array has a row for each sample that is real
/// at this timestep.
pub struct StepBack<'a, A, S> {
    /// The input of the step, (samples, features).
    pub x: ArrayView2<'a, A>,
    /// The state before the step.
    pub before: &'a S,
    /// The state after it.
    pub after: &'a S,
    /// The gradient of the output, (samples, units). It is not yet in the gradient of the state.
    pub output: ArrayView2<'a, A>,
    /// The gradient of the state after the step, to be replaced by that of the state before it.
    pub state: &'a mut S,
    /// The gradients of the weights, to be added to.
    pub weights: LayerGradients<'a, A>,
}

/// The state before every step in processing order, and that after the last.
struct Kept<S>(Vec<S>);

impl<S> Default for Kept<S> {
    fn default() -> Self {
        Kept(Vec::new())
    }
}

/// The equations of a cell that goes back a step at a time.
pub trait BackByStep: Advance {
    /// The weights in the order in which the backward pass reads them.
    type Work;

    fn work(&self) -> Self::Work;

    /// Whether this cell, with its options, goes back in this way.
    fn goes_by_step(&self) -> bool;

    /// See [`Cell::step_back`](crate::Cell::step_back).
    fn step_back(
        &self,
        step: StepBack<Self::Elem, Self::State>,
        work: &Self::Work,
    ) -> Result<Array2<Self::Elem>>;
}

/// Runs a pass, and keeps the state before every step and that after the last.
pub fn record<C: BackByStep>(
    cell: &C,
    pass: &Pass<C::Elem>,
    zero_last: bool,
    state: &mut C::State,
    tape: &mut Tape,
) -> Result<Outputs<C::Elem>> {
    let (samples, timesteps, _) = pass.x.dim();
    let units = cell.output_size();
    let Kept(states) = tape.renew();
    states.clear();
    let mut outputs = Outputs {
        sequences: Array3::zeros((samples, timesteps, units)),
        last: Array2::zeros((samples, units)),
    };
    let mut rows = rows_of_pass(pass);
    cell.settle(state);
    let mut scratch = cell.scratch(samples);
    let block = cell.block(samples);
    for i in 0..timesteps {
        states.push(state.clone());
        prepare(cell, pass, i, &(0..timesteps), block, &mut scratch);
        let (t, at) = times(pass, i);
        rows.choose_by(pass.mask.as_ref(), t);
        cell.advance(pass.x.index_axis(Axis(1), t), &rows, state, &mut scratch)?;
        let to = outputs.sequences.index_axis_mut(Axis(1), at);
        rows.append(cell.output(state), pass.zero_output_for_mask, to);
    }
    states.push(state.clone());
    if timesteps > 0 {
        rows.append(cell.output(state), zero_last, outputs.last.view_mut());
    }
    Ok(outputs)
}

/// Goes back over a recorded pass. See [`Backward::backward`](crate::backward::Backward::backward).
pub fn unroll_back<C: BackByStep>(
    cell: &C,
    pass: &Pass<C::Elem>,
    zero_last: bool,
    tape: &Tape,
    up: OutputGradients<C::Elem>,
    state: &mut C::State,
    mut weights: LayerGradients<C::Elem>,
) -> Result<Array3<C::Elem>> {
    let (samples, timesteps, features) = pass.x.dim();
    let Kept::<C::State>(states) = tape.get()?;
    check("tape", "timesteps", timesteps + 1, states.len())?;
    let mut dx = Array3::zeros((samples, timesteps, features));
    let mut held = Held::new(samples, cell.output_size());
    let work = cell.work();
    for i in (0..timesteps).rev() {
        let t = times(pass, i).0;
        held.arrive(pass, zero_last, up, i);
        let real: Vec<usize> = (0..samples).filter(|&row| is_real(pass, row, t)).collect();
        if real.is_empty() {
            continue;
        }
        let mut d = state.select(&real)?;
        let x = pass.x.index_axis(Axis(1), t).select(Axis(0), &real);
        let mut output = Array2::zeros((real.len(), cell.output_size()));
        for (to, &row) in output.rows_mut().into_iter().zip(&real) {
            held.release(row, to);
        }
        let step = StepBack {
            x: x.view(),
            before: &states[i].select(&real)?,
            after: &states[i + 1].select(&real)?,
            output: output.view(),
            state: &mut d,
            weights: weights.reborrow(),
        };
        let of_inputs = cell.step_back(step, &work)?;
        let (rows, found) = of_inputs.dim();
        check("gradient of the input", "samples", real.len(), rows)?;
        check("gradient of the input", "features", features, found)?;
        cell.check_state(&d, real.len())?;
        for (n, &row) in real.iter().enumerate() {
            state.copy_sample(row, &d, n)?;
            dx.slice_mut(s![row, t, ..]).assign(&of_inputs.row(n));
        }
    }
    Ok(dx)
}
