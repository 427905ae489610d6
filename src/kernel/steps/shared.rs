//! `Shared`: a step that several threads compute together.

use super::step::Step;

/// A step that several threads compute together, each of them the new state of other units.
pub struct Shared<'a, A, C> {
    pub step: &'a Step<'a, A>,
    pub cell: &'a C,
}

// SAFETY: all threads read the same state and weights. Each thread writes the new state of different units: those of its
// own tiles. A step in place has a single tile, so no thread reads what another one writes.
unsafe impl<A: Sync, C> Sync for Shared<'_, A, C> {}

impl<A, C> Shared<'_, A, C> {
    /// Borrows the whole value. A closure that named the fields would capture them one by one, without this `Sync`.
    pub fn get(&self) -> &Self {
        self
    }
}
