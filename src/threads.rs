//! What runs side by side: two or more pieces of work on the threads of a pool. Without the feature `rayon` they run one
//! after the other.
//!
//! The threads are those of the pool that the call is made in, or of rayon's global one.

use crate::error::Result;

#[cfg(feature = "rayon")]
pub(crate) fn available() -> usize {
    rayon::current_num_threads()
}

#[cfg(not(feature = "rayon"))]
pub(crate) fn available() -> usize {
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

/// Runs `work` in the pool, so that what it shares out need not enter the pool again and again.
pub(crate) fn inside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    #[cfg(feature = "rayon")]
    if rayon::current_thread_index().is_none() {
        return rayon::scope(|_| work());
    }
    work()
}
