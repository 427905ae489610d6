//! The sums of a step of which the inputs' and the state's part are needed apart, as layer normalisation does.

use super::active::Active;
use super::array::{in_rows, signed};
use super::workspace::{Input, Workspace};
use crate::kernel::packed::{Inputs, Panels, Products};
use alloc::vec;
use ndarray::Array2;

impl<A: Products> Workspace<A> {
    /// Makes a workspace for steps whose sums are kept apart. Inputs are always projected before the step.
    pub(crate) fn apart(samples: usize, kernel: &Panels<A>, recurrent: &Panels<A>) -> Self {
        let columns = kernel.gates() * kernel.units();
        let mut workspace = Workspace::new(0, kernel, recurrent);
        workspace.z = vec![A::zero(); samples * kernel.len()];
        workspace.offsets.reserve(samples);
        workspace.input = vec![A::zero(); samples * recurrent.len()];
        workspace.update = vec![A::zero(); columns];
        workspace.reset = vec![A::zero(); columns];
        workspace
    }

    /// Calls `end` for every sample that takes the step, with the number of the sample, its state, and the sums of its
    /// inputs and of its state, each in the order of the columns of the kernels. `end` makes the new state.
    pub(crate) fn sums_apart(
        &mut self,
        input: &Input<A>,
        panels: &Panels<A>,
        active: &Active,
        h: &mut Array2<A>,
        mut end: impl FnMut(usize, &mut [A], &mut [A], &mut [A]),
    ) {
        let (kernel, count) = (input.weights.kernel, active.count());
        assert!(h.dim() == (active.samples(), panels.rows()) && in_rows(h));
        assert!(input.through.is_none() && kernel.has_layout_of(panels));
        assert!(self.input.len() >= count * panels.len());
        if self.ahead == 0 {
            self.project_now(input, active);
        }
        let (units, len) = (panels.rows(), panels.len());
        let sample = |i: usize| active.rows().map_or(i, |rows| rows[i]);
        self.offsets.clear();
        self.offsets
            .extend((0..count).map(|i| signed(sample(i) * units)));
        // SAFETY: each offset is the start of a row of `h`, which has `units` adjacent numbers and is borrowed for the
        // product.
        let inputs = unsafe { Inputs::new(h.as_ptr(), &self.offsets, 1) };
        panels.project(None, inputs, &mut self.input, 1);
        let first = self.taken();
        let (update, reset) = (&mut self.update, &mut self.reset);
        for (i, of_state) in self.input.chunks_exact(len.max(1)).take(count).enumerate() {
            kernel.unpack_sums(&self.z[(first + i) * len..], update);
            panels.unpack_sums(of_state, reset);
            if let Some(h) = h.row_mut(sample(i)).as_slice_mut() {
                end(sample(i), h, update, reset);
            }
        }
        self.drop_taken(count);
    }
}
