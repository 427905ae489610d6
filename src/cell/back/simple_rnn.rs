//! The simple RNN backwards.
//!
//! ```text
//! z = x @ K + h @ R + b, clipped        h' = a(z)
//! dz = dh' * a'(z)                      dh = dz @ Rᵀ      dx = dz @ Kᵀ
//! dK = Σ xᵀ dz                          dR = Σ hᵀ dz      db = Σ dz
//! ```

use super::{Back, Block, Step};
use crate::backward::{Factor, add_outer, add_vector};
use crate::gradients::LayerGradients;
use crate::kernel::Chosen;
use crate::{Element, HiddenState, SimpleRnn};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array1, Array2, ArrayView2, s};

/// What a backward pass of a [`SimpleRnn`] works with.
pub struct Work<A> {
    kernel: [Factor<A>; 2],
    recurrent_kernel: [Factor<A>; 2],
    bias: Option<Array1<A>>,
    /// The sums, and what the activation makes of them; (rows, units).
    z: Array2<A>,
    y: Array2<A>,
    dz: Array2<A>,
}

impl<A: Element> Back for SimpleRnn<A> {
    type Work = Work<A>;

    fn work(&self) -> Work<A> {
        let isa = self.isa();
        let nothing = || Array2::zeros((0, 0));
        Work {
            kernel: Factor::both(&self.kernel(), isa),
            recurrent_kernel: Factor::both(&self.recurrent_kernel(), isa),
            bias: self.bias(),
            z: nothing(),
            y: nothing(),
            dz: nothing(),
        }
    }

    fn arrays(state: &HiddenState<A>) -> Vec<&Array2<A>> {
        vec![&state.h]
    }

    fn arrays_mut(state: &mut HiddenState<A>) -> Vec<&mut Array2<A>> {
        vec![&mut state.h]
    }

    fn gates(&self, block: &Block<A>, work: &mut Work<A>) {
        let units = self.recurrent_kernel().nrows();
        work.z = rows_of(block.x.nrows(), units, work.bias.as_ref());
        work.kernel[0].add(block.x.view(), &mut work.z.view_mut());
        work.recurrent_kernel[0].add(block.before[0].view(), &mut work.z.view_mut());
        work.y = activated(work.z.view(), self.functions(), |of| of.act);
        work.dz = Array2::zeros(work.z.dim());
    }

    fn step_back(&self, _: &Block<A>, step: &Step, state: &mut HiddenState<A>, work: &mut Work<A>) {
        let of = self.functions();
        for (n, row) in step.each() {
            for (unit, dz) in work.dz.row_mut(n).iter_mut().enumerate() {
                let (z, y) = (work.z[[n, unit]], work.y[[n, unit]]);
                *dz = state.h[[row, unit]] * of.slope(of.act, z, y);
            }
        }
        hand_back(
            &work.recurrent_kernel[1],
            step,
            work.dz.view(),
            &mut state.h,
        );
    }

    fn products(
        &self,
        block: &Block<A>,
        weights: &mut LayerGradients<A>,
        work: &mut Work<A>,
    ) -> Array2<A> {
        let (dz, isa) = (work.dz.view(), self.isa());
        add_outer(weights.array("kernel"), block.x.view(), dz, 0, isa);
        let before = block.before[0].view();
        add_outer(weights.array("recurrent_kernel"), before, dz, 0, isa);
        add_vector(weights.array("bias"), dz);
        let mut dx = Array2::zeros(block.x.dim());
        work.kernel[1].add(dz, &mut dx.view_mut());
        dx
    }
}

/// Rows that all start from this bias, or from zero.
pub(super) fn rows_of<A: Element>(
    rows: usize,
    columns: usize,
    bias: Option<&Array1<A>>,
) -> Array2<A> {
    match bias.and_then(|bias| bias.broadcast((rows, columns))) {
        Some(bias) => bias.to_owned(),
        None => Array2::zeros((rows, columns)),
    }
}

/// What an activation makes of sums, which are clipped first.
pub(super) fn activated<A: Element>(
    sums: ArrayView2<A>,
    of: &Chosen,
    which: impl Fn(&Chosen) -> crate::Activation,
) -> Array2<A> {
    let mut y = sums.mapv(|z| of.clip_sum(z));
    if let Some(numbers) = y.as_slice_mut() {
        which(of).apply(numbers);
    }
    y
}

/// Replaces the gradient of the state after a step by that of the state before: `dh = dz @ Rᵀ`.
pub(super) fn hand_back<A: Element>(
    transposed: &Factor<A>,
    step: &Step,
    dz: ArrayView2<A>,
    dh: &mut Array2<A>,
) {
    let mut before = Array2::zeros((step.rows.len(), dh.ncols()));
    transposed.add(dz.slice(s![step.rows.clone(), ..]), &mut before.view_mut());
    for (&row, before) in step.samples.iter().zip(before.rows()) {
        dh.row_mut(row).assign(&before);
    }
}
