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

/// Runs both closures, in parallel if the pool has a free thread.
pub(crate) fn join<A: Send, B: Send>(
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    let (mut first, mut second) = (Once::new(first), Once::new(second));
    join_work(&mut || first.run(), &mut || second.run());
    (first.result(), second.result())
}

/// Work of a caller, without its type: what the pool makes of it is compiled once with this crate, not again for every
/// layer in every program.
type Work<'a> = &'a mut (dyn FnMut() + Send);

#[inline(never)]
fn join_work(first: Work, second: Work) {
    #[cfg(feature = "rayon")]
    rayon::join(first, second);
    #[cfg(not(feature = "rayon"))]
    {
        first();
        second();
    }
}

/// Runs `work` in the pool if this thread is not of the pool.
#[inline(never)]
fn work_inside(work: Work) {
    #[cfg(feature = "rayon")]
    if rayon::current_thread_index().is_none() {
        return rayon::scope(|_| work());
    }
    work();
}

/// A closure that runs once, and what it returned.
struct Once<F, T> {
    work: Option<F>,
    result: Option<T>,
}

impl<T, F: FnOnce() -> T> Once<F, T> {
    fn new(work: F) -> Self {
        Once {
            work: Some(work),
            result: None,
        }
    }

    fn run(&mut self) {
        self.result = self.work.take().map(|work| work());
    }

    fn result(self) -> T {
        self.result.expect("the work was run")
    }
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
    let mut work = Once::new(work);
    work_inside(&mut || work.run());
    work.result()
}
