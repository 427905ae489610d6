//! What runs side by side: on the threads of the pool that the caller is in, or of rayon's global one. Without the feature
//! `rayon` one part runs after the other.

use crate::error::Result;

/// How many threads there are.
#[cfg(feature = "rayon")]
pub(crate) fn available() -> usize {
    rayon::current_num_threads()
}

#[cfg(not(feature = "rayon"))]
pub(crate) fn available() -> usize {
    1
}

/// Runs both, at the same time if there are threads for it.
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

/// Calls `work` with ranges that make up the parts from `first` to `last`; `threads` of them run at the same time.
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

/// Runs `work` in the pool, so that the parts it starts need not enter the pool one by one.
pub(crate) fn inside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    #[cfg(feature = "rayon")]
    if rayon::current_thread_index().is_none() {
        return rayon::scope(|_| work());
    }
    work()
}
