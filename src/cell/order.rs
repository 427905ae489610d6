//! The order of the steps of a pass.

use crate::mask::Rows;
use crate::pass::Pass;
use crate::unroll::Advance;
use core::ops::Range;

/// The timestep that is read in step `i` of a pass, and the place of its output in the sequences.
pub fn times<A>(pass: &Pass<A>, i: usize) -> (usize, usize) {
    let timesteps = pass.x.dim().1;
    let t = if pass.backwards { timesteps - 1 - i } else { i };
    (t, if pass.reversed { timesteps - 1 - t } else { t })
}

/// Whether a sample is real at a timestep.
pub fn is_real<A>(pass: &Pass<A>, row: usize, t: usize) -> bool {
    pass.mask.is_none_or(|mask| mask.is_real(row, t))
}

/// Which samples take the steps of a pass.
pub fn rows_of_pass<A>(pass: &Pass<A>) -> Rows {
    let samples = pass.x.dim().0;
    match pass.mask {
        Some(_) => Rows::new(samples, pass.started),
        None => Rows::unmasked(samples),
    }
}

/// Computes what step `i` of these steps has in common with those after it, if `block` steps are prepared together and the
/// last ones have been taken.
pub fn prepare<C: Advance>(
    cell: &C,
    pass: &Pass<C::Elem>,
    i: usize,
    span: &Range<usize>,
    block: usize,
    scratch: &mut C::Scratch,
) {
    if block == 0 || !(i - span.start).is_multiple_of(block) {
        return;
    }
    let samples = pass.x.dim().0;
    let ahead = (i..span.end.min(i + block)).map(|i| times(pass, i).0);
    let steps = ahead.flat_map(|t| (0..samples).map(move |row| (row, t)));
    let steps = steps.filter(|&(row, t)| is_real(pass, row, t));
    cell.prepare(&pass.x, steps, scratch);
}
