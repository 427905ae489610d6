//! Divides a call among threads: which calls are long enough, and which samples each thread takes.
//!
//! A sample does not depend on the other samples, so the bits are the same for any number of threads.

use crate::State;
use crate::error::Result;
use crate::pass::{Pass, Sink};
use crate::threads::{both, busy, inside};
use crate::unroll::Unroll;

/// The number of available threads that a call of this layer can keep busy.
pub(crate) fn worth<R: Unroll + ?Sized>(of: &R, pass: &Pass<R::Elem>) -> usize {
    let has_parts = || pass.x.dim().0 > 1 || of.directions() > 1 || of.shares_steps();
    match of.multiply_adds() {
        Some(each) if cfg!(feature = "rayon") && has_parts() => {
            busy(each.saturating_mul(pass.real_steps()))
        }
        _ => 1,
    }
}

/// Runs [`Unroll::unroll`]. If `pass.threads` exceeds the directions of the layer, the samples are divided among threads.
pub(crate) fn unroll<R: Unroll + ?Sized>(
    of: &R,
    pass: Pass<R::Elem>,
    state: &mut R::State,
    sink: Sink<R::Elem>,
) -> Result<()> {
    let shares = pass.threads.div_ceil(of.directions()).min(pass.x.dim().0);
    if shares <= 1 {
        return match pass.threads {
            1 => of.unroll(pass, state, sink),
            _ => inside(|| of.unroll(pass, state, sink)),
        };
    }
    let threads = pass.threads / 2;
    let samples = pass.x.dim().0;
    let middle = pass.middle(shares / 2, shares);
    let (mut before, mut after) = pass.split(middle);
    (before.threads, after.threads) = (threads, pass.threads - threads);
    let (sink_before, sink_after) = sink.split(middle);
    let mut of_before = part(state, 0, middle)?;
    let mut of_after = part(state, middle, samples)?;
    both(
        pass.threads,
        || unroll(of, before, &mut of_before, sink_before),
        || unroll(of, after, &mut of_after, sink_after),
    )?;
    for row in 0..middle {
        State::copy_sample(state, row, &of_before, row)?;
    }
    for row in middle..samples {
        State::copy_sample(state, row, &of_after, row - middle)?;
    }
    Ok(())
}

/// Copies the states of the samples from `start` to `end`.
fn part<S: State>(state: &S, start: usize, end: usize) -> Result<S> {
    let mut part = state.zeros_like(end - start);
    for row in start..end {
        part.copy_sample(row - start, state, row)?;
    }
    Ok(part)
}

#[cfg(all(test, feature = "rayon"))]
mod tests;
