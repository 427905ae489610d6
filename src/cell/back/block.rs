//! `Block`: the real steps of some timesteps, gathered. `Step`: those of one timestep.

use super::tape::{CellTape, of_step};
use crate::Element;
use crate::backward::{CellMasks, spread};
use crate::kernel::BackRows;
use crate::pass::Pass;
use alloc::vec::Vec;
use core::ops::Range;
use ndarray::{Array2, ArrayView1, ArrayViewMut1, Axis, s};

/// The real steps of some timesteps, one in each row: the last timestep first, then ascending samples.
pub struct Block<'t, A> {
    tape: &'t CellTape<A>,
    /// (rows, features)
    pub(super) x: Array2<A>,
    /// The states before each step, (rows, units) each.
    pub(super) before: Vec<Array2<A>>,
    /// What is dropped of the inputs and of the states.
    pub(super) masks: CellMasks<A>,
}

impl<A> Block<'_, A> {
    /// Whether the gates were kept, so that nothing is computed again.
    pub(super) fn is_kept(&self) -> bool {
        !self.tape.gates.is_empty()
    }

    /// What a step kept of all samples: their gates, and their states of this index before it.
    pub(super) fn kept_by(&self, step: &Step, state: usize) -> (&[A], &[A]) {
        let of_step = |all| of_step(all, step.index);
        (of_step(&self.tape.gates), of_step(&self.tape.before[state]))
    }
}

/// The rows of a block that are one timestep, and the sample of each.
pub struct Step<'a> {
    /// The place of the step in processing order.
    pub(super) index: usize,
    pub(super) rows: Range<usize>,
    pub(super) samples: &'a [usize],
}

impl Step<'_> {
    /// Each row of the block with its sample.
    pub(super) fn each(&self) -> impl Iterator<Item = (usize, usize)> {
        self.rows.clone().zip(self.samples.iter().copied())
    }

    /// The rows as kernels take them.
    pub(super) fn back_rows(&self, units: usize, kept: bool) -> BackRows<'_> {
        BackRows {
            samples: self.samples,
            kept,
            units,
        }
    }
}

/// The inputs of these steps, given as (sample, step, timestep), and the first `arrays` arrays of the states before them.
/// `state_before` gives the row of an array before a step of a sample.
pub(super) fn gather<'t, 'b, A: Element>(
    pass: &Pass<A>,
    tape: &'t CellTape<A>,
    steps: &[(usize, usize, usize)],
    arrays: usize,
    state_before: impl Fn(usize, usize, usize) -> ArrayView1<'b, A>,
) -> Block<'t, A> {
    let mut x = spread(steps.len(), pass.x.dim().2);
    for (mut to, &(row, _, t)) in x.rows_mut().into_iter().zip(steps) {
        copy(pass.x.slice(s![row, t, ..]), to.view_mut());
    }
    let before = (0..arrays).map(|state| {
        let size = tape.before[state].dim().2;
        let dim = (steps.len(), size);
        // The output is multiplied with the gradients of the sums.
        let mut before = match state {
            0 => spread(dim.0, dim.1),
            _ => Array2::zeros(dim),
        };
        for (mut to, &(row, i, _)) in before.rows_mut().into_iter().zip(steps) {
            copy(state_before(state, i, row), to.view_mut());
        }
        before
    });
    let rows: Vec<usize> = steps.iter().map(|&(row, ..)| row).collect();
    let masks = |masks: &[Array2<A>]| {
        let masks = masks.iter().map(|mask| mask.select(Axis(0), &rows));
        masks.collect()
    };
    Block {
        tape,
        x,
        before: before.collect(),
        masks: CellMasks {
            input: masks(&tape.masks.input),
            recurrent: masks(&tape.masks.recurrent),
        },
    }
}

pub(super) fn copy<A: Element>(from: ArrayView1<A>, mut to: ArrayViewMut1<A>) {
    match (from.to_slice(), to.as_slice_mut()) {
        (Some(from), Some(to)) => to.copy_from_slice(from),
        _ => to.assign(&from),
    }
}
