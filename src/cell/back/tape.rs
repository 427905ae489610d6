//! `CellTape`: what a recorded pass of a cell keeps.

use crate::Element;
use crate::backward::CellMasks;
use alloc::vec::Vec;
use ndarray::Array3;

/// What a cell keeps: states before steps in processing order, (timesteps, samples, units) for each array, the gates of these
/// steps, and what was dropped.
pub struct CellTape<A> {
    /// The first step, and the number of steps from one that is kept to the next.
    pub(super) first: usize,
    pub(super) every: usize,
    pub(super) before: Vec<Array3<A>>,
    /// (timesteps, samples, [`kept`](Back::kept)), or nothing.
    pub(super) gates: Array3<A>,
    pub(super) masks: CellMasks<A>,
}

impl<A> Default for CellTape<A> {
    fn default() -> Self {
        CellTape {
            first: 0,
            every: 1,
            before: Vec::new(),
            gates: Array3::from_shape_simple_fn((0, 0, 0), || unreachable!("no numbers")),
            masks: CellMasks {
                input: Vec::new(),
                recurrent: Vec::new(),
            },
        }
    }
}

impl<A: Element> CellTape<A> {
    /// Makes room for this number of steps, for arrays of the state of these sizes (samples, units), and for this number of gates of
    /// each sample.
    pub(super) fn resize(&mut self, steps: usize, state: &[(usize, usize)], gates: usize) {
        let steps = steps.div_ceil(self.every);
        let dims = state.iter().map(|&(samples, size)| (steps, samples, size));
        if self.before.iter().map(Array3::dim).ne(dims.clone()) {
            self.before = dims.map(Array3::zeros).collect();
        }
        let gates = match state {
            [(samples, _), ..] if gates > 0 => (steps, *samples, gates),
            _ => (0, 0, 0),
        };
        if self.gates.dim() != gates {
            self.gates = Array3::zeros(gates);
        }
    }

    /// The place of the state before step `i`, if it is kept.
    pub(super) fn place(&self, i: usize) -> Option<usize> {
        let steps = i - self.first;
        steps.is_multiple_of(self.every).then(|| steps / self.every)
    }
}

/// What an array (timesteps, samples, …) without gaps has of step `i`.
pub(super) fn of_step<A>(all: &Array3<A>, i: usize) -> &[A] {
    let len = all.dim().1 * all.dim().2;
    all.as_slice().map_or(&[], |all| &all[i * len..][..len])
}

/// [`of_step`], to be written.
pub(super) fn of_step_mut<A>(all: &mut Array3<A>, i: usize) -> &mut [A] {
    let len = all.dim().1 * all.dim().2;
    all.as_slice_mut()
        .map_or(&mut [], |all| &mut all[i * len..][..len])
}
