//! `Inputs`: rows that are multiplied, wherever they are in memory.

/// Rows of an array: where each one starts, and how far apart its numbers are.
pub struct Inputs<'a, A> {
    pub(super) base: *const A,
    pub(super) offsets: &'a [isize],
    pub(super) stride: isize,
}

impl<'a, A> Inputs<'a, A> {
    /// # Safety
    /// From `base` plus each offset on there is a number every `stride`, as many as the panels that they are multiplied with
    /// have rows. Nobody writes to them for `'a`.
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

    /// The rows before `middle`, and the others.
    pub fn split(self, middle: usize) -> (Self, Self) {
        let (before, after) = self.offsets.split_at(middle);
        let part = |offsets| Inputs { offsets, ..self };
        (part(before), part(after))
    }
}

// SAFETY: the numbers are only read, as if through a `&'a [A]`.
unsafe impl<A: Sync> Send for Inputs<'_, A> {}
