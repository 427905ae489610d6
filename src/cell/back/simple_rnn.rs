//! The simple RNN backwards.
//!
//! ```text
//! z = x @ K + h @ R + b, clipped        h' = a(z)
//! dz = dh' * a'(z)                      dh = dz @ Rᵀ      dx = dz @ Kᵀ
//! dK = Σ xᵀ dz                          dR = Σ hᵀ dz      db = Σ dz
//! ```

use super::block::{Block, Step};
use super::equations::{Back, Needs};
use crate::backward::{Gated, add_vector};
use crate::gradients::LayerGradients;
use crate::kernel::SimpleRnnBack;
use crate::{Element, HiddenState, SimpleRnn};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array1, Array2, ArrayView2, s};

/// What a backward pass of a [`SimpleRnn`] works with.
pub struct Work<A> {
    kernel: Gated<A>,
    recurrent_kernel: Gated<A>,
    bias: Option<Array1<A>>,
    /// The sums, and what the activation makes of them; (rows, units).
    z: Array2<A>,
    y: Array2<A>,
    dz: Array2<A>,
}

impl<A: Element> Back for SimpleRnn<A> {
    type Work = Work<A>;

    const GATES: usize = 1;

    fn rates(&self) -> [f64; 2] {
        [self.dropout(), self.recurrent_dropout()]
    }

    fn work(&self, needs: Needs) -> Work<A> {
        let isa = self.isa();
        let nothing = || Array2::zeros((0, 0));
        Work {
            kernel: Gated::new(&self.kernel().view(), 1, false, needs.forward, isa),
            recurrent_kernel: Gated::new(
                &self.recurrent_kernel().view(),
                1,
                false,
                needs.forward,
                isa,
            ),
            bias: self.bias(),
            z: nothing(),
            y: nothing(),
            dz: nothing(),
        }
    }

    fn of_initial_state(&self, d: &HiddenState<A>, mut weights: LayerGradients<A>) {
        add_vector(weights.array("initial_h"), d.h.view());
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
        let (masks, z) = (&block.masks, &mut work.z.view_mut());
        work.kernel.add(&block.x, &masks.input, z);
        work.recurrent_kernel
            .add(&block.before[0], &masks.recurrent, z);
        let of = self.functions();
        work.y = work.z.mapv(|z| of.clip_sum(z));
        if let Some(y) = work.y.as_slice_mut() {
            A::activate(y, of.act, self.isa());
        }
        resize(&mut work.dz, work.z.dim());
    }

    fn step_back(
        &self,
        block: &Block<A>,
        step: &Step,
        state: &mut HiddenState<A>,
        work: &mut Work<A>,
    ) {
        let of = self.functions();
        if of.slopes_from_values() {
            let units = work.y.ncols();
            let back = SimpleRnnBack {
                rows: step.back_rows(units, false),
                of,
                y: rows_from(&work.y, step),
                dh: state.h.as_slice().unwrap_or_default(),
                dz: rows_from_mut(&mut work.dz, step),
            };
            A::simple_rnn_back(back, of, self.isa());
        } else {
            self.step_back_any(step, state, work);
        }
        hand_back(
            &work.recurrent_kernel,
            block,
            step,
            work.dz.view(),
            &mut state.h,
        );
    }

    fn step_on(&self, _: &Block<A>, step: &Step, state: &mut HiddenState<A>, work: &Work<A>) {
        for (n, row) in step.each() {
            state.h.row_mut(row).assign(&work.y.row(n));
        }
    }

    fn products(
        &self,
        block: &Block<A>,
        weights: &mut LayerGradients<A>,
        work: &mut Work<A>,
    ) -> Array2<A> {
        let (dz, masks) = (work.dz.view(), &block.masks);
        let Work {
            kernel,
            recurrent_kernel,
            ..
        } = &*work;
        kernel.add_outer(weights.array("kernel"), 0, &block.x, &masks.input, dz);
        let (gradient, before) = (weights.array("recurrent_kernel"), &block.before[0]);
        recurrent_kernel.add_outer(gradient, 0, before, &masks.recurrent, dz);
        add_vector(weights.array("bias"), dz);
        let mut dx = Array2::zeros(block.x.dim());
        kernel.add_back(dz, &masks.input, &mut dx);
        dx
    }
}

impl<A: Element> SimpleRnn<A> {
    /// The gradients of the sums of a step, with any function.
    fn step_back_any(&self, step: &Step, state: &HiddenState<A>, work: &mut Work<A>) {
        let of = self.functions();
        for (n, row) in step.each() {
            for (unit, dz) in work.dz.row_mut(n).iter_mut().enumerate() {
                let (z, y) = (work.z[[n, unit]], work.y[[n, unit]]);
                *dz = state.h[[row, unit]] * of.slope(of.act, z, y);
            }
        }
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

/// The rows of a step of an array without gaps.
pub(super) fn rows_from<'a, A>(all: &'a Array2<A>, step: &Step) -> &'a [A] {
    let len = all.ncols();
    let numbers = all.as_slice().unwrap_or_default();
    &numbers[step.rows.start * len..step.rows.end * len]
}

/// [`rows_from`], to be written.
pub(super) fn rows_from_mut<'a, A>(all: &'a mut Array2<A>, step: &Step) -> &'a mut [A] {
    let len = all.ncols();
    let numbers = all.as_slice_mut().unwrap_or_default();
    &mut numbers[step.rows.start * len..step.rows.end * len]
}

/// Makes an array of this size, unless it is one. Its numbers are of no use.
pub(super) fn resize<A: Element>(array: &mut Array2<A>, dim: (usize, usize)) {
    if array.dim() != dim {
        *array = Array2::zeros(dim);
    }
}

/// Replaces the gradient of the state after a step by that of the state before: `dh = dz @ Rᵀ`.
pub(super) fn hand_back<A: Element>(
    kernel: &Gated<A>,
    block: &Block<A>,
    step: &Step,
    dz: ArrayView2<A>,
    dh: &mut Array2<A>,
) {
    let masks = &block.masks.recurrent;
    if masks.is_empty() && step.samples.len() == dh.nrows() {
        dh.fill(A::zero());
        kernel.add_back(dz.slice(s![step.rows.clone(), ..]), &[], dh);
        return;
    }
    let before = Array2::zeros((step.rows.len(), dh.ncols()));
    add_back(kernel, masks, step, dz, before, dh);
}

/// Sets the gradients of the states before a step to `sums + (dz @ Rᵀ) * mask`.
pub(super) fn add_back<A: Element>(
    kernel: &Gated<A>,
    masks: &[Array2<A>],
    step: &Step,
    dz: ArrayView2<A>,
    mut sums: Array2<A>,
    dh: &mut Array2<A>,
) {
    let masks = masks
        .iter()
        .map(|mask| mask.slice(s![step.rows.clone(), ..]).to_owned());
    let masks: alloc::vec::Vec<_> = masks.collect();
    kernel.add_back(dz.slice(s![step.rows.clone(), ..]), &masks, &mut sums);
    for (&row, sum) in step.samples.iter().zip(sums.rows()) {
        dh.row_mut(row).assign(&sum);
    }
}
