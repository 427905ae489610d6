//! All tiles of a step, of one sample or of many.

use super::batch;
use super::cell::Cell;
use super::row;
use super::step::Step;
use crate::kernel::vectors::Vector;

/// The tiles of a step whose panels have `W` vectors.
///
/// # Safety
/// The machine has the instruction set of `V`; the panels of `step` have `W` vectors, and those of its inputs as many as the cell
/// says.
#[inline(always)]
pub unsafe fn run<V: Vector, C: Cell<V::Elem>, const W: usize>(step: &Step<V::Elem>, cell: &C) {
    // SAFETY: what is asked for is the same.
    unsafe {
        if step.count == 1 {
            row::run::<V, C, W>(step, cell);
        } else {
            batch::run::<V, C, W>(step, cell);
        }
    }
}

/// The tiles of a step of a cell with one gate, whose panels have one to four vectors of units.
///
/// # Safety
/// The machine has the instruction set of `V`; the panels of `step` have one gate, and those of its inputs as many as the cell
/// says.
pub unsafe fn run_blocks<V: Vector, C: Cell<V::Elem>>(step: &Step<V::Elem>, cell: &C) {
    // SAFETY: panels of one gate have one to four vectors, here as many as `W` says.
    unsafe {
        match step.panels.vectors() {
            1 => run::<V, C, 1>(step, cell),
            2 => run::<V, C, 2>(step, cell),
            3 => run::<V, C, 3>(step, cell),
            _ => run::<V, C, 4>(step, cell),
        }
    }
}
