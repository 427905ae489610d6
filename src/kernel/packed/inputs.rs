//! `Inputs`: the rows that a matrix is multiplied with, at any places in memory.

/// Rows of an array: the offset of each row, and the distance of its numbers.
pub struct Inputs<'a, A> {
    pub(super) base: *const A,
    pub(super) offsets: &'a [isize],
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
            stride,
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
