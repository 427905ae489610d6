//! How one call is shared out over threads: by samples and directions, which nothing connects, and by the units of a step
//! of one sample where there are very many. Feature `rayon`.
//!
//! The threads are those of the pool that the call is made in, or of rayon's global one. No number depends on its
//! neighbours, so the bits are the same for any number of threads.

use crate::Recurrent;
use crate::error::Result;
use crate::pass::{Pass, Sink};

/// So many multiply-adds at least are worth another thread: some ten microseconds.
const LEAST: usize = 4_000_000;

/// How many threads a call of this layer is worth, of those that there are.
pub(crate) fn worth<R: Recurrent + ?Sized>(of: &R, pass: &Pass<R::Elem>) -> usize {
    let has_parts = || pass.x.dim().0 > 1 || of.ways() > 1 || of.shares_steps();
    // Nobody is asked for a short call: the first question starts the pool.
    match of.multiply_adds() {
        Some(each) if cfg!(feature = "rayon") && has_parts() => {
            match each.saturating_mul(pass.real_steps()) / LEAST {
                0 | 1 => 1,
                worth => worth.min(available()),
            }
        }
        _ => 1,
    }
}

#[cfg(feature = "rayon")]
fn available() -> usize {
    rayon::current_num_threads()
}

#[cfg(not(feature = "rayon"))]
fn available() -> usize {
    1
}

/// Does both, at the same time if there are threads for it.
pub(crate) fn both(
    threads: usize,
    first: impl FnOnce() -> Result<()> + Send,
    second: impl FnOnce() -> Result<()> + Send,
) -> Result<()> {
    if threads > 1 {
        let (first, second) = join(first, second);
        return first.and(second);
    }
    first()?;
    second()
}

#[cfg(feature = "rayon")]
pub(crate) use rayon::join;

#[cfg(not(feature = "rayon"))]
pub(crate) fn join<A, B>(first: impl FnOnce() -> A, second: impl FnOnce() -> B) -> (A, B) {
    (first(), second())
}

/// Does the parts from `first` to `last`, in ranges that `threads` take at the same time.
pub(crate) fn share(
    threads: usize,
    first: usize,
    last: usize,
    work: &(dyn Fn(usize, usize) + Sync),
) {
    let count = last - first;
    if threads < 2 || count < 2 {
        return work(first, last);
    }
    let (before, after) = (threads / 2, threads - threads / 2);
    let middle = first + (count * before / threads).max(1);
    join(
        || share(before, first, middle, work),
        || share(after, middle, last, work),
    );
}

/// Does it in the pool, so that what it shares out need not enter the pool again and again.
fn inside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    #[cfg(feature = "rayon")]
    if rayon::current_thread_index().is_none() {
        return rayon::scope(|_| work());
    }
    work()
}

/// [`Recurrent::unroll`], the samples in as many shares as `pass.threads` asks for beyond the layer's own ways.
pub(crate) fn unroll<R: Recurrent + ?Sized>(
    of: &R,
    pass: Pass<R::Elem>,
    state: &mut R::State,
    sink: Sink<R::Elem>,
) -> Result<()> {
    let shares = pass.threads.div_ceil(of.ways()).min(pass.x.dim().0);
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
        crate::State::copy_sample(state, row, &of_before, row)?;
    }
    for row in middle..samples {
        crate::State::copy_sample(state, row, &of_after, row - middle)?;
    }
    Ok(())
}

/// The states of the samples from `start` to `end`.
fn part<S: crate::State>(state: &S, start: usize, end: usize) -> Result<S> {
    let mut part = state.zeros_like(end - start);
    for row in start..end {
        part.copy_sample(row - start, state, row)?;
    }
    Ok(part)
}

#[cfg(all(test, feature = "rayon"))]
mod tests;
