//! `Inputs`: the rows that a matrix is multiplied with, at any places in memory.

/// Rows of an array: the offset of each row, and the distance of its numbers. A row can consist of several runs of equal
/// length, as a window of an image does; each run has an offset from the start of the row.
pub struct Inputs<'a, A> {
    pub(super) base: *const A,
    pub(super) offsets: &'a [isize],
    pub(super) runs: &'a [isize],
    pub(super) stride: isize,
}

impl<'a, A> Inputs<'a, A> {
    /// Makes inputs of the rows that start at `base` plus each of the offsets.
    ///
    /// # Safety
    /// Each row must be valid for reads during `'a`: one number at every `stride`, as many as the panels that it is
    /// multiplied with have rows. Nobody may write to these numbers during `'a`.
    pub unsafe fn new(base: *const A, offsets: &'a [isize], stride: isize) -> Self {
        Inputs {
            base,
            offsets,
            runs: &[0],
            stride,
        }
    }

    /// Makes inputs of windows over `x`: the one of start `s` consists of a run of `len` adjacent numbers from `s + r` on for
    /// each `r` of `runs`, of which the first is 0.
    pub fn of_windows(x: &'a [A], starts: &'a [isize], runs: &'a [isize], len: usize) -> Self {
        // A negative place is larger than any.
        let last_run = runs.iter().map(|&run| run.cast_unsigned()).max();
        let last = last_run.and_then(|run| x.len().checked_sub(len)?.checked_sub(run));
        let last = last.expect("a window has runs, which fit into the input");
        assert_eq!(runs.first(), Some(&0), "a window starts with its first run");
        assert!(starts.iter().all(|&start| start.cast_unsigned() <= last));
        // `x` is borrowed for `'a`, and every run lies in it.
        Inputs {
            base: x.as_ptr(),
            offsets: starts,
            runs,
            stride: 1,
        }
    }

    pub fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Splits the inputs into the rows before `middle` and the others.
    pub fn split(self, middle: usize) -> (Self, Self) {
        let (before, after) = self.offsets.split_at(middle);
        let part = |offsets| Inputs { offsets, ..self };
        (part(before), part(after))
    }
}

// SAFETY: the numbers are only read, as through a `&'a [A]`, which is `Send` if `A` is `Sync`.
unsafe impl<A: Sync> Send for Inputs<'_, A> {}
