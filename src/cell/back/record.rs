//! The pass of a cell that is recorded.

use super::block::{Step, gather};
use super::equations::{Back, Needs};
use super::tape::{CellTape, of_step_mut};
use crate::backward::{Keep, MaskSizes, Outputs, Recorder};
use crate::cell::order::{is_real, prepare, rows_of_pass, times};
use crate::error::{Error, Result};
use crate::mask::Rows;
use crate::pass::Pass;
use crate::threads::busy;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;
use ndarray::{Array2, Array3, Axis};

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
    tape.every = how.keep.every();
    cell.settle(state);
    resize(cell, tape, timesteps, state, how.keep);
    let mut outputs = Outputs {
        sequences: Array3::zeros((samples, timesteps, units)),
        last: Array2::zeros((samples, units)),
    };
    let mut rows = rows_of_pass(&pass);
    take_steps(
        cell,
        &pass,
        0..timesteps,
        tape,
        &mut rows,
        state,
        |i, rows, state| {
            let to = outputs.sequences.index_axis_mut(Axis(1), times(&pass, i).1);
            rows.append(cell.output(state), pass.zero_output_for_mask, to);
        },
    )?;
    if timesteps > 0 {
        rows.append(cell.output(state), how.zero_last, outputs.last.view_mut());
    }
    Ok(outputs)
}

/// Makes room for this number of steps of a cell.
pub(super) fn resize<C: Back>(
    cell: &C,
    tape: &mut CellTape<C::Elem>,
    steps: usize,
    state: &C::State,
    keep: Keep,
) {
    let arrays = C::arrays(state).into_iter().map(Array2::dim);
    let arrays: Vec<_> = arrays.collect();
    let keeps_gates = keep == Keep::Gates && tape.masks.is_empty();
    tape.resize(steps, &arrays, if keeps_gates { cell.kept() } else { 0 });
}

/// Takes some steps of a pass, keeps what the tape has room for, and calls `each` after every step.
pub(super) fn take_steps<C: Back>(
    cell: &C,
    pass: &Pass<C::Elem>,
    span: Range<usize>,
    tape: &mut CellTape<C::Elem>,
    rows: &mut Rows,
    state: &mut C::State,
    mut each: impl FnMut(usize, &mut Rows, &C::State),
) -> Result<()> {
    let mut steps = Steps::new(cell, pass.x.dim().0, tape);
    for i in span.clone() {
        if let Some(place) = tape.place(i) {
            for (before, now) in tape.before.iter_mut().zip(C::arrays(state)) {
                match now.as_slice() {
                    Some(now) => of_step_mut(before, place).copy_from_slice(now),
                    None => before.index_axis_mut(Axis(0), place).assign(now),
                }
            }
        }
        rows.choose_by(pass.mask.as_ref(), times(pass, i).0);
        steps.take(cell, pass, tape, i, span.clone(), rows, state)?;
        each(i, rows, state);
    }
    Ok(())
}

/// What takes the steps of a recorded pass.
enum Steps<C: Back> {
    /// The kernels of inference, which prepare this number of steps together.
    Kernels(Box<C::Scratch>, usize),
    /// With dropout, the equations of the backward pass.
    Gates(C::Work),
}

impl<C: Back> Steps<C> {
    fn new(cell: &C, samples: usize, tape: &CellTape<C::Elem>) -> Self {
        if tape.masks.is_empty() {
            let mut scratch = cell.scratch(samples);
            let of_step = cell.multiply_adds().unwrap_or(0) * samples;
            // Each thread has units of its own.
            scratch.share(if samples > 1 { busy(of_step) } else { 1 });
            Steps::Kernels(Box::new(scratch), cell.block(samples))
        } else {
            Steps::Gates(cell.work(Needs::of(tape)))
        }
    }

    /// Takes step `i` of these steps of the pass.
    #[allow(clippy::too_many_arguments)] // a step needs all of them
    fn take(
        &mut self,
        cell: &C,
        pass: &Pass<C::Elem>,
        tape: &mut CellTape<C::Elem>,
        i: usize,
        span: Range<usize>,
        rows: &Rows,
        state: &mut C::State,
    ) -> Result<()> {
        let samples = pass.x.dim().0;
        let t = times(pass, i).0;
        match self {
            Steps::Kernels(scratch, block) => {
                prepare(cell, pass, i, &span, *block, scratch);
                let x = pass.x.index_axis(Axis(1), t);
                if tape.gates.is_empty() {
                    return cell.advance(x, rows, state, scratch);
                }
                if rows.active().count() > 0 {
                    let gates = of_step_mut(&mut tape.gates, i - tape.first);
                    cell.advance_keeping(x, rows, state, scratch, gates);
                }
                Ok(())
            }
            Steps::Gates(work) => {
                let real = (0..samples).filter(|&row| is_real(pass, row, t));
                let steps: Vec<_> = real.map(|row| (row, i, t)).collect();
                let arrays = C::arrays(state);
                let before = |state: usize, _, row| arrays[state].row(row);
                let block = gather(pass, tape, &steps, arrays.len(), before);
                cell.gates(&block, work);
                let samples: Vec<usize> = steps.iter().map(|&(row, ..)| row).collect();
                let step = Step {
                    index: i,
                    rows: 0..samples.len(),
                    samples: &samples,
                };
                cell.step_on(&block, &step, state, work);
                Ok(())
            }
        }
    }
}
