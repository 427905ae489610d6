//! The parts of a step, on one thread or on several.

use super::step::Step;
use crate::threads::share;

/// Calls `some` with ranges of the `count` parts of a step, each in a thread of its own if the step may use several. The parts
/// compute the new state of different units.
///
/// # Safety
/// It must be sound to call `some` on several threads at the same time, with ranges that have no part in common.
#[inline(always)]
pub unsafe fn parts<A: Sync, C>(
    step: &Step<A>,
    cell: &C,
    count: usize,
    some: impl Fn(&Step<A>, &C, usize, usize) + Sync,
) {
    if !cfg!(feature = "rayon") || step.threads == 1 {
        return some(step, cell, 0, count);
    }
    let shared = Shared { step, cell };
    share(step.threads, 0, count, &|first, last| {
        let Shared { step, cell } = *shared.get();
        some(step, cell, first, last);
    });
}

/// A step that several threads compute together.
struct Shared<'a, A, C> {
    step: &'a Step<'a, A>,
    cell: &'a C,
}

// SAFETY: all threads read the same state and weights. Each thread writes the new state of different units: those of its
// own parts. A step in place has a single part, so no thread reads what another one writes. (The caller of `parts` says so.)
unsafe impl<A: Sync, C> Sync for Shared<'_, A, C> {}

impl<A, C> Shared<'_, A, C> {
    /// Borrows the whole value. A closure that named the fields would capture them one by one, without this `Sync`.
    fn get(&self) -> &Self {
        self
    }
}
