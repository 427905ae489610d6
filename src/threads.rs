//! Runs work in parallel, on the rayon pool of the caller or on the global one. Without the feature `rayon` the work runs
//! in sequence.

use crate::error::Result;

/// The number of available threads.
#[cfg(feature = "rayon")]
pub(crate) fn available() -> usize {
    rayon::current_num_threads()
}

#[cfg(not(feature = "rayon"))]
pub(crate) fn available() -> usize {
    1
}

/// The least number of multiply-adds for each thread: about ten microseconds of work and more.
const LEAST: usize = 4_000_000;

/// The number of available threads that this number of multiply-adds can keep busy.
pub(crate) fn busy(multiply_adds: usize) -> usize {
    // Short work does not ask for the number of threads: the first question starts the pool.
    match multiply_adds / LEAST {
        0 | 1 => 1,
        _ if cfg!(not(feature = "rayon")) => 1,
        worth => worth.min(available()),
    }
}

/// Runs both closures, in parallel if `threads` is more than 1.
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

/// Divides the parts from `first` to `last` into ranges and calls `work` for each range. Up to `threads` ranges run in
/// parallel.
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

/// Runs `work` in the pool, so that the parallel parts inside it need not enter the pool one by one.
pub(crate) fn inside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    #[cfg(feature = "rayon")]
    if rayon::current_thread_index().is_none() {
        return rayon::scope(|_| work());
    }
    work()
}
