//! `Active`: which samples of a batch take a step.

use alloc::vec::Vec;

/// Some of the samples from 0 on, or all of them.
#[derive(Debug)]
pub struct Active {
    samples: usize,
    all: bool,
    /// Which they are if not all, ascending. Only `choose` writes here, and only what is below `samples`.
    rows: Vec<usize>,
}

/// With as much room: others can be chosen without allocating, if they could.
impl Clone for Active {
    fn clone(&self) -> Self {
        let mut rows = Vec::with_capacity(self.rows.capacity());
        rows.extend_from_slice(&self.rows);
        Active { rows, ..*self }
    }
}

impl Active {
    /// All of `samples`. It never allocates, unless others are chosen.
    pub(crate) fn all(samples: usize) -> Self {
        Active {
            samples,
            all: true,
            rows: Vec::new(),
        }
    }

    /// All of `samples`; others can be chosen without allocating.
    pub(crate) fn with_choice(samples: usize) -> Self {
        Active {
            rows: Vec::with_capacity(samples),
            ..Active::all(samples)
        }
    }

    /// Chooses those of which `is_active` is true.
    pub(crate) fn choose(&mut self, is_active: impl FnMut(&usize) -> bool) {
        self.rows.clear();
        self.rows.extend((0..self.samples).filter(is_active));
        self.all = self.rows.len() == self.samples;
    }

    pub(crate) fn choose_all(&mut self) {
        self.all = true;
    }

    /// How many samples there are.
    #[inline]
    pub(crate) fn samples(&self) -> usize {
        self.samples
    }

    #[inline]
    pub(crate) fn is_all(&self) -> bool {
        self.all
    }

    /// The samples that take the step, ascending; `None` if they all do.
    #[inline]
    pub(crate) fn rows(&self) -> Option<&[usize]> {
        (!self.all).then_some(&self.rows)
    }

    /// How many samples take the step.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        self.rows().map_or(self.samples, <[usize]>::len)
    }
}
