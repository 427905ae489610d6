//! `Active`: which samples of a batch take a step.

use alloc::vec::Vec;

/// All samples of a batch, or some of them.
#[derive(Debug)]
pub struct Active {
    samples: usize,
    all: bool,
    /// The chosen samples in ascending order, if they are not all. Only `choose` writes here, and only indices below
    /// `samples`.
    rows: Vec<usize>,
}

/// The clone has the same capacity: if the original can choose without allocating, so can the clone.
impl Clone for Active {
    fn clone(&self) -> Self {
        let mut rows = Vec::with_capacity(self.rows.capacity());
        rows.extend_from_slice(&self.rows);
        Active { rows, ..*self }
    }
}

impl Active {
    /// All of `samples` samples. It does not allocate, unless other samples are chosen later.
    pub(crate) fn all(samples: usize) -> Self {
        Active {
            samples,
            all: true,
            rows: Vec::new(),
        }
    }

    /// All of `samples` samples. Others can be chosen later without allocating.
    pub(crate) fn with_choice(samples: usize) -> Self {
        Active {
            rows: Vec::with_capacity(samples),
            ..Active::all(samples)
        }
    }

    /// Chooses the samples for which `is_active` returns true.
    pub(crate) fn choose(&mut self, is_active: impl FnMut(&usize) -> bool) {
        self.rows.clear();
        self.rows.extend((0..self.samples).filter(is_active));
        self.all = self.rows.len() == self.samples;
    }

    pub(crate) fn choose_all(&mut self) {
        self.all = true;
    }

    /// The number of samples in the batch.
    #[inline]
    pub(crate) fn samples(&self) -> usize {
        self.samples
    }

    #[inline]
    pub(crate) fn is_all(&self) -> bool {
        self.all
    }

    /// The samples that take the step, in ascending order, or `None` if all do.
    #[inline]
    pub(crate) fn rows(&self) -> Option<&[usize]> {
        (!self.all).then_some(&self.rows)
    }

    /// The number of samples that take the step.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        self.rows().map_or(self.samples, <[usize]>::len)
    }
}
