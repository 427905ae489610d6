//! The order of the steps of a pass.

use crate::pass::Pass;

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
