//! Runs all tiles of a step, of one sample or of several.

use super::batch;
use super::cell::Cell;
use super::row;
use super::step::Step;
use crate::kernel::vectors::Vector;

/// Runs the tiles of a step whose panels have `W` vectors.
///
/// # Safety
/// The machine must have the instruction set of `V`. The panels of `step` must have `W` vectors, and the panels of its
/// inputs must have as many gates as the cell says in [`INPUTS`](Cell::INPUTS).
#[inline(always)]
pub unsafe fn run<V: Vector, C: Cell<V::Elem>, const W: usize>(step: &Step<V::Elem>, cell: &C) {
    // SAFETY: the contract is the same.
    unsafe {
        if step.count == 1 {
            row::run::<V, C, W>(step, cell);
        } else {
            batch::run::<V, C, W>(step, cell);
        }
    }
}

/// Runs the tiles of a step of a cell with one gate, whose panels have one to four vectors of units.
///
/// # Safety
/// The machine must have the instruction set of `V`. The panels of `step` must have one gate, and the panels of its inputs
/// must have as many gates as the cell says in [`INPUTS`](Cell::INPUTS).
pub unsafe fn run_blocks<V: Vector, C: Cell<V::Elem>>(step: &Step<V::Elem>, cell: &C) {
    // SAFETY: the caller guarantees the contract; panels of one gate have one to four vectors, and `W` is their number.
    unsafe {
        match step.panels.vectors() {
            1 => run::<V, C, 1>(step, cell),
            2 => run::<V, C, 2>(step, cell),
            3 => run::<V, C, 3>(step, cell),
            _ => run::<V, C, 4>(step, cell),
        }
    }
}
