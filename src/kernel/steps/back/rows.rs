//! `BackRows`: which rows of the arrays a step goes back over. `Backwards`: a step with its functions.

/// The rows of a step backwards. What the step wrote is in the `i`-th of some rows for the `i`-th sample that took it, or,
/// if it was kept while the step was taken, in the row of the sample.
#[derive(Clone, Copy)]
pub struct BackRows<'a> {
    /// The samples that took the step.
    pub samples: &'a [usize],
    /// Whether gates and states are in the row of the sample.
    pub kept: bool,
    pub units: usize,
}

impl BackRows<'_> {
    /// For each sample: the index of its row of `dz`, of its gates, and of its state.
    #[inline(always)]
    pub fn each(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let samples = self.samples.iter().enumerate();
        samples.map(|(i, &sample)| (i, if self.kept { sample } else { i }, sample))
    }
}

/// A step backwards with the functions of its cell.
pub struct Backwards<S, F> {
    pub step: S,
    pub functions: F,
}
