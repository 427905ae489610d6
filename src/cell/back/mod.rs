//! The backward pass of the cells: the loop back over time, which knows masks and directions and no equations.
//!
//! The forward pass keeps the state before every step. The backward pass takes a block of steps at a time, from the last to
//! the first. It computes the gates of the whole block again, goes back over its steps, and adds the products of the block
//! to the gradients of the weights. So a block can have any length: every sum runs backwards in time, and over ascending
//! samples within a timestep.
//!
//! ```text
//! for t in reverse order:
//!     u = gradient of the output at t, + what is held
//!     a real sample:    held = 0, dh += u, then dz, dx[t], dh and dc of the step before
//!     a masked sample:  held = u, or 0 with zero_output_for_mask; dx[t] = 0; dh and dc stay
//! ```
//! A masked input is never read. So NaN in padding does not reach any gradient.

mod gru;
mod lstm;
mod simple_rnn;

use super::step_back::{self, BackByStep};
use crate::Element;
use crate::backward::{Backward, CellMasks, MaskSizes, OutputGradients, Outputs, Recorder, Tape};
use crate::error::{Error, Result, check};
use crate::gradients::LayerGradients;
use crate::mask::Rows;
use crate::pass::Pass;
use crate::unroll::Advance;
use alloc::vec::Vec;
use core::ops::Range;
use ndarray::{Array2, Array3, ArrayD, Axis, s};

/// The equations of a cell backwards.
pub trait Back: Advance {
    /// The weights in the order in which the backward pass reads them, and memory for the rows of a block.
    type Work;

    /// The number of gates, each of which can have masks of dropout of its own.
    const GATES: usize;

    /// The rates of dropout: of the inputs, and of the states.
    fn rates(&self) -> [f64; 2];

    /// Packs the weights, for inputs and states that have a mask for each gate or not.
    fn work(&self, apart: Apart) -> Self::Work;

    /// Whether this layer has no option that the equations backwards do not know.
    fn can_go_back(&self) -> bool {
        true
    }

    /// Adds the gradient of the state of every sample to that of the initial state of the layer, if it has one.
    fn of_initial_state(&self, d: &Self::State, weights: LayerGradients<Self::Elem>) {
        let _ = (d, weights);
    }

    /// The arrays of a state, the output first.
    fn arrays(state: &Self::State) -> Vec<&Array2<Self::Elem>>;

    /// The arrays of a state, to be changed.
    fn arrays_mut(state: &mut Self::State) -> Vec<&mut Array2<Self::Elem>>;

    /// Computes the gates of every row of a block.
    fn gates(&self, block: &Block<Self::Elem>, work: &mut Self::Work);

    /// Replaces the states before a step, whose rows of the block these are, by those after it. The gates are computed.
    fn step_on(
        &self,
        block: &Block<Self::Elem>,
        step: &Step,
        state: &mut Self::State,
        work: &Self::Work,
    );

    /// Goes back over one step, whose rows of the block these are. `state` has the gradients of the states after the step,
    /// and gets those of the states before it.
    fn step_back(
        &self,
        block: &Block<Self::Elem>,
        step: &Step,
        state: &mut Self::State,
        work: &mut Self::Work,
    );

    /// Adds the products of a block to the gradients of the weights, and computes those of its inputs.
    fn products(
        &self,
        block: &Block<Self::Elem>,
        weights: &mut LayerGradients<Self::Elem>,
        work: &mut Self::Work,
    ) -> Array2<Self::Elem>;
}

/// The real steps of some timesteps, one in each row: the last timestep first, then ascending samples.
pub struct Block<A> {
    /// (rows, features)
    x: Array2<A>,
    /// The states before each step, (rows, units) each.
    before: Vec<Array2<A>>,
    /// What is dropped of the inputs and of the states.
    masks: CellMasks<A>,
}

/// Whether each gate has a mask of its own for the inputs, and for the states.
#[derive(Clone, Copy)]
pub struct Apart {
    input: bool,
    recurrent: bool,
}

impl Apart {
    fn of<A>(masks: &CellMasks<A>) -> Self {
        Apart {
            input: masks.input.len() > 1,
            recurrent: masks.recurrent.len() > 1,
        }
    }
}

/// The rows of a block that are one timestep, and the sample of each.
pub struct Step<'a> {
    rows: Range<usize>,
    samples: &'a [usize],
}

impl Step<'_> {
    /// Each row of the block with its sample.
    fn each(&self) -> impl Iterator<Item = (usize, usize)> {
        self.rows.clone().zip(self.samples.iter().copied())
    }
}

/// What a cell keeps: the state before every step in processing order, (timesteps, samples, units) for each array, and what
/// was dropped.
pub struct CellTape<A> {
    before: Vec<Array3<A>>,
    masks: CellMasks<A>,
}

impl<A> Default for CellTape<A> {
    fn default() -> Self {
        CellTape {
            before: Vec::new(),
            masks: CellMasks {
                input: Vec::new(),
                recurrent: Vec::new(),
            },
        }
    }
}

/// The approximate number of rows of a block.
const ROWS: usize = 512;

/// The timestep that is read in step `i` of a pass, and the place of its output in the sequences.
fn times<A>(pass: &Pass<A>, i: usize) -> (usize, usize) {
    let timesteps = pass.x.dim().1;
    let t = if pass.backwards { timesteps - 1 - i } else { i };
    (t, if pass.reversed { timesteps - 1 - t } else { t })
}

/// Runs a pass as `unroll` does, and keeps the state before every step.
pub fn record<C: Back>(
    cell: &C,
    pass: Pass<C::Elem>,
    how: &mut Recorder,
    state: &mut C::State,
    tape: &mut CellTape<C::Elem>,
) -> Result<Outputs<C::Elem>> {
    if !cell.can_go_back() {
        let expected = "none, with dropout in a training";
        return Err(Error::value("layer_norm", expected, "one"));
    }
    let (samples, timesteps, features) = pass.x.dim();
    let units = cell.output_size();
    let sizes = MaskSizes {
        samples,
        features,
        units,
        gates: C::GATES,
    };
    tape.masks = how.masks(cell.rates(), sizes)?;
    cell.settle(state);
    let sizes = C::arrays(state).into_iter().map(Array2::ncols);
    let dims: Vec<_> = sizes.map(|size| (timesteps, samples, size)).collect();
    if tape.before.iter().map(Array3::dim).ne(dims.iter().copied()) {
        tape.before = dims.into_iter().map(Array3::zeros).collect();
    }
    let mut outputs = Outputs {
        sequences: Array3::zeros((samples, timesteps, units)),
        last: Array2::zeros((samples, units)),
    };
    let mut rows = match pass.mask {
        Some(_) => Rows::new(samples, pass.started),
        None => Rows::unmasked(samples),
    };
    let mut steps = Steps::new(cell, samples, &tape.masks);
    for i in 0..timesteps {
        for (before, now) in tape.before.iter_mut().zip(C::arrays(state)) {
            before.index_axis_mut(Axis(0), i).assign(now);
        }
        let (t, at) = times(&pass, i);
        rows.choose_by(pass.mask.as_ref(), t);
        steps.take(cell, &pass, tape, i, &rows, state)?;
        let to = outputs.sequences.index_axis_mut(Axis(1), at);
        rows.append(cell.output(state), pass.zero_output_for_mask, to);
    }
    if timesteps > 0 {
        rows.append(cell.output(state), how.zero_last, outputs.last.view_mut());
    }
    Ok(outputs)
}

/// Whether a sample is real at a timestep.
fn is_real<A>(pass: &Pass<A>, row: usize, t: usize) -> bool {
    pass.mask.is_none_or(|mask| mask.is_real(row, t))
}

/// What takes the steps of a recorded pass.
enum Steps<C: Back> {
    /// The kernels of inference, which prepare this number of steps together.
    Kernels(C::Scratch, usize),
    /// With dropout, the equations of the backward pass.
    Gates(C::Work),
}

impl<C: Back> Steps<C> {
    fn new(cell: &C, samples: usize, masks: &CellMasks<C::Elem>) -> Self {
        if masks.is_empty() {
            Steps::Kernels(cell.scratch(samples), cell.block(samples))
        } else {
            Steps::Gates(cell.work(Apart::of(masks)))
        }
    }

    /// Takes step `i` of the pass, before which the state is on the tape.
    fn take(
        &mut self,
        cell: &C,
        pass: &Pass<C::Elem>,
        tape: &CellTape<C::Elem>,
        i: usize,
        rows: &Rows,
        state: &mut C::State,
    ) -> Result<()> {
        let (samples, timesteps, _) = pass.x.dim();
        let t = times(pass, i).0;
        match self {
            Steps::Kernels(scratch, block) => {
                if *block > 0 && i.is_multiple_of(*block) {
                    let ahead = (i..timesteps.min(i + *block)).map(|i| times(pass, i).0);
                    let steps = ahead.flat_map(|t| (0..samples).map(move |row| (row, t)));
                    let steps = steps.filter(|&(row, t)| is_real(pass, row, t));
                    cell.prepare(&pass.x, steps, scratch);
                }
                cell.advance(pass.x.index_axis(Axis(1), t), rows, state, scratch)
            }
            Steps::Gates(work) => {
                let real = (0..samples).filter(|&row| is_real(pass, row, t));
                let steps: Vec<_> = real.map(|row| (row, i, t)).collect();
                let block = gather(pass, tape, &steps);
                cell.gates(&block, work);
                let samples: Vec<usize> = steps.iter().map(|&(row, ..)| row).collect();
                let step = Step {
                    rows: 0..samples.len(),
                    samples: &samples,
                };
                cell.step_on(&block, &step, state, work);
                Ok(())
            }
        }
    }
}

/// Goes back over a recorded pass. See [`Backward::backward`].
pub fn unroll_back<C: Back>(
    cell: &C,
    pass: Pass<C::Elem>,
    zero_last: bool,
    tape: &CellTape<C::Elem>,
    up: OutputGradients<C::Elem>,
    state: &mut C::State,
    mut weights: LayerGradients<C::Elem>,
) -> Result<Array3<C::Elem>> {
    let (samples, timesteps, features) = pass.x.dim();
    for before in &tape.before {
        check("tape", "timesteps", timesteps, before.dim().0)?;
        check("tape", "samples", samples, before.dim().1)?;
    }
    cell.check_state(state, samples)?;
    let mut dx = Array3::zeros((samples, timesteps, features));
    // What has reached the outputs of masked steps, and belongs to the last real output before them.
    let mut held = Array2::<C::Elem>::zeros((samples, cell.output_size()));
    let mut work = cell.work(Apart::of(&tape.masks));
    let stretch = (ROWS / samples.max(1)).max(1);
    let mut end = timesteps;
    while end > 0 {
        let first = end.saturating_sub(stretch);
        let steps = (first..end).rev().flat_map(|i| {
            let t = times(&pass, i).0;
            (0..samples).map(move |row| (row, i, t))
        });
        let steps = steps.filter(|&(row, _, t)| is_real(&pass, row, t));
        let steps: Vec<(usize, usize, usize)> = steps.collect();
        let block = gather(&pass, tape, &steps);
        cell.gates(&block, &mut work);
        let mut rows = 0..0;
        for i in (first..end).rev() {
            let (t, at) = times(&pass, i);
            let mut real = Vec::with_capacity(samples);
            for row in 0..samples {
                let is_real = is_real(&pass, row, t);
                let mut held = held.row_mut(row);
                if let Some(d) = up.sequences
                    && (is_real || !pass.zero_output_for_mask)
                {
                    held += &d.slice(s![row, at, ..]);
                }
                if let Some(d) = up.last
                    && i + 1 == timesteps
                    && (is_real || !zero_last)
                {
                    held += &d.row(row);
                }
                if is_real {
                    let mut arrays = C::arrays_mut(state);
                    let mut output = arrays[0].row_mut(row);
                    output += &held;
                    held.fill(num_traits::zero());
                    real.push(row);
                }
            }
            rows = rows.end..rows.end + real.len();
            let (rows, samples) = (rows.clone(), real.as_slice());
            cell.step_back(&block, &Step { rows, samples }, state, &mut work);
        }
        let of_inputs = cell.products(&block, &mut weights, &mut work);
        for (&(row, _, t), d) in steps.iter().zip(of_inputs.rows()) {
            dx.slice_mut(s![row, t, ..]).assign(&d);
        }
        end = first;
    }
    Ok(dx)
}

/// The inputs and states of these steps, given as (sample, step, timestep).
fn gather<A: Element>(
    pass: &Pass<A>,
    tape: &CellTape<A>,
    steps: &[(usize, usize, usize)],
) -> Block<A> {
    let mut x = Array2::zeros((steps.len(), pass.x.dim().2));
    for (mut to, &(row, _, t)) in x.rows_mut().into_iter().zip(steps) {
        to.assign(&pass.x.slice(s![row, t, ..]));
    }
    let before = tape.before.iter().map(|all| {
        let mut before = Array2::zeros((steps.len(), all.dim().2));
        for (mut to, &(row, i, _)) in before.rows_mut().into_iter().zip(steps) {
            to.assign(&all.slice(s![i, row, ..]));
        }
        before
    });
    let rows: Vec<usize> = steps.iter().map(|&(row, ..)| row).collect();
    let masks = |masks: &[Array2<A>]| {
        let masks = masks.iter().map(|mask| mask.select(Axis(0), &rows));
        masks.collect()
    };
    Block {
        x,
        before: before.collect(),
        masks: CellMasks {
            input: masks(&tape.masks.input),
            recurrent: masks(&tape.masks.recurrent),
        },
    }
}

/// Implements `Backward` for a built-in cell.
macro_rules! backward_of_cell {
    ($($cell:ident, $state:ident);*) => {$(
        impl<A: Element> Backward<A, crate::$state<A>> for crate::$cell<A> {
            fn record(
                &self,
                pass: Pass<A>,
                how: &mut Recorder,
                state: &mut crate::$state<A>,
                tape: &mut Tape,
            ) -> Result<Outputs<A>> {
                if self.goes_by_step() {
                    return step_back::record(self, &pass, how.zero_last, state, tape);
                }
                record(self, pass, how, state, tape.renew())
            }

            fn backward(
                &self,
                pass: Pass<A>,
                zero_last: bool,
                tape: &Tape,
                outputs: OutputGradients<A>,
                state: &mut crate::$state<A>,
                weights: LayerGradients<A>,
            ) -> Result<Array3<A>> {
                if self.goes_by_step() {
                    return step_back::unroll_back(
                        self, &pass, zero_last, tape, outputs, state, weights,
                    );
                }
                unroll_back(self, pass, zero_last, tape.get()?, outputs, state, weights)
            }

            fn drawn(&self, tape: &Tape, path: &str, each: &mut dyn FnMut(&str, ArrayD<f64>)) {
                if let Ok(tape) = tape.get::<CellTape<A>>() {
                    tape.masks.each(path, each);
                }
            }

            fn has_backward(&self) -> bool {
                Back::can_go_back(self) || self.goes_by_step()
            }

            fn add_initial_state(&self, d: &crate::$state<A>, weights: LayerGradients<A>) {
                Back::of_initial_state(self, d, weights);
            }
        }
    )*};
}
backward_of_cell!(SimpleRnn, HiddenState; Lstm, LstmState; Gru, HiddenState);
