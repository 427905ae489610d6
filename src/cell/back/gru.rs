//! The GRU backwards, in both forms.
//!
//! ```text
//! z = s(…)    r = s(…)    h' = z * h + (1 - z) * g
//! reset_after:   m = h @ Rh + b1h      g = a(x @ Kh + b0h + r * m)
//! else:          m = r * h             g = a(x @ Kh + bh + m @ Rh)
//!
//! dz = dh' * (h - g) * s'      dg = dh' * (1 - z) * a'      dh = dh' * z + [dz, dr] @ Rzrᵀ + …
//! reset_after:   dr = dg * m * s'     dm = dg * r           dh += dm @ Rhᵀ
//! else:          dm = dg @ Rhᵀ        dr = dm * h * s'      dh += dm * r
//! ```

use super::block::{Block, Step};
use super::equations::{Back, Needs};
use super::simple_rnn::{add_back, resize, rows_from, rows_from_mut, rows_of};
use crate::backward::{Gated, add_rows, add_vector};
use crate::cell::GruBias;
use crate::gradients::LayerGradients;
use crate::kernel::GruBack;
use crate::mask::Rows;
use crate::unroll::Unroll;
use crate::{Element, Gru, HiddenState};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array1, Array2, ArrayView2, Axis, s};

/// What a backward pass of a [`Gru`] works with.
pub struct Work<A> {
    kernel: Gated<A>,
    /// The columns of z and r, and those of the candidate.
    gate_kernel: Gated<A>,
    candidate_kernel: Gated<A>,
    /// The bias of the sums over the inputs, and with `reset_after` that of `m`.
    bias: Option<Array1<A>>,
    inner: Option<Array1<A>>,
    /// The sums of z, r, g, (rows, 3·units), and what the activations make of them, and `m`, (rows, 4·units).
    z: Array2<A>,
    gates: Array2<A>,
    /// The states before the steps, without gaps.
    h: Array2<A>,
    /// (rows, units)
    m: Array2<A>,
    /// The gradients of the sums of z, r, g, and of `m`.
    dz: Array2<A>,
    dm: Array2<A>,
}

impl<A: Element> Back for Gru<A> {
    type Work = Work<A>;

    const GATES: usize = 3;

    fn rates(&self) -> [f64; 2] {
        [self.dropout(), self.recurrent_dropout()]
    }

    fn work(&self, needs: Needs) -> Work<A> {
        let isa = self.isa();
        let recurrent = self.recurrent_kernel();
        let units = recurrent.nrows();
        let (gates, candidate) = recurrent.view().split_at(Axis(1), 2 * units);
        let nothing = || Array2::zeros((0, 0));
        let (bias, inner) = match self.bias() {
            GruBias::None => (None, None),
            GruBias::ResetBefore(bias) => (Some(bias.clone()), None),
            GruBias::ResetAfter(bias) => {
                let mut start = bias.row(0).to_owned();
                let mut of_gates = start.slice_mut(s![..2 * units]);
                of_gates += &bias.slice(s![1, ..2 * units]);
                (Some(start), Some(bias.slice(s![1, 2 * units..]).to_owned()))
            }
        };
        Work {
            kernel: Gated::new(
                &self.kernel().view(),
                3,
                needs.input_apart,
                needs.forward,
                isa,
            ),
            gate_kernel: Gated::new(&gates, 2, needs.recurrent_apart, needs.forward, isa),
            candidate_kernel: Gated::new(&candidate, 1, false, needs.forward, isa),
            bias,
            inner,
            z: nothing(),
            gates: nothing(),
            h: nothing(),
            m: nothing(),
            dz: nothing(),
            dm: nothing(),
        }
    }

    fn can_go_back(&self) -> bool {
        self.layer_norm().is_none()
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

    fn kept(&self) -> usize {
        if self.has_kernel() {
            4 * self.output_size()
        } else {
            0
        }
    }

    fn advance_keeping(
        &self,
        x: ArrayView2<A>,
        rows: &Rows,
        state: &mut HiddenState<A>,
        scratch: &mut Self::Scratch,
        gates: &mut [A],
    ) {
        Gru::advance_keeping(self, x, rows, state, scratch, gates);
    }

    fn gates(&self, block: &Block<A>, work: &mut Work<A>) {
        let h = &block.before[0];
        let (rows, units) = h.dim();
        resize(&mut work.dz, (rows, 3 * units));
        resize(&mut work.dm, (rows, units));
        if block.is_kept() {
            return;
        }
        work.z = rows_of(rows, 3 * units, work.bias.as_ref());
        work.kernel
            .add(&block.x, &block.masks.input, &mut work.z.view_mut());
        let (masks, of_m) = of_candidate_mask(&block.masks.recurrent);
        let (mut of_gates, mut of_candidate) = work.z.view_mut().split_at(Axis(1), 2 * units);
        work.gate_kernel.add(h, masks, &mut of_gates);
        let (of, isa) = (self.functions(), self.isa());
        let mut gates = of_gates.mapv(|z| of.clip_sum(z));
        if let Some(gates) = gates.as_slice_mut() {
            A::activate(gates, of.gate, isa);
        }
        let r = gates.slice(s![.., units..]);
        if self.reset_after() {
            work.m = rows_of(rows, units, work.inner.as_ref());
            work.candidate_kernel.add(h, of_m, &mut work.m.view_mut());
            let pairs = of_candidate.iter_mut().zip(r.iter().zip(&work.m));
            pairs.for_each(|(z, (&r, &m))| *z = isa.mul_add(r, m, *z));
        } else {
            work.m = of_m.iter().fold(&r * h, |m, mask| m * mask);
            work.candidate_kernel.add(&work.m, &[], &mut of_candidate);
        }
        let mut candidate = of_candidate.mapv(|z| of.clip_sum(z));
        if let Some(candidate) = candidate.as_slice_mut() {
            A::activate(candidate, of.act, isa);
        }
        resize(&mut work.gates, (rows, 4 * units));
        let all = work.gates.view_mut();
        let (mut to_gates, rest) = all.split_at(Axis(1), 2 * units);
        let (mut to_candidate, mut to_m) = rest.split_at(Axis(1), units);
        to_gates.assign(&gates);
        to_candidate.assign(&candidate);
        to_m.assign(&work.m);
        if self.has_kernel() {
            work.h = h.as_standard_layout().into_owned();
        }
    }

    fn step_back(
        &self,
        block: &Block<A>,
        step: &Step,
        state: &mut HiddenState<A>,
        work: &mut Work<A>,
    ) {
        let units = state.h.ncols();
        if self.has_kernel() {
            self.step_back_plain(block, step, state, work);
        } else {
            self.step_back_any(block, step, state, work);
        }
        let rows = step.rows.clone();
        let (masks, of_m) = of_candidate_mask(&block.masks.recurrent);
        if self.reset_after() {
            let sums = state.h.select(Axis(0), step.samples);
            let (kernel, dm) = (&work.candidate_kernel, work.dm.view());
            add_back(kernel, of_m, step, dm, sums, &mut state.h);
        } else {
            let mut dm = Array2::zeros((rows.len(), units));
            let dg = work.dz.slice(s![rows.clone(), 2 * units..]);
            work.candidate_kernel.add_back(dg, &[], &mut dm);
            if let Some(mask) = of_m.first() {
                dm *= &mask.slice(s![rows.clone(), ..]);
            }
            for ((n, row), dm) in step.each().zip(dm.rows()) {
                for unit in 0..units {
                    let (r, r_slope) = self.gate(1, n, unit, work);
                    let h = block.before[0][[n, unit]];
                    work.dz[[n, units + unit]] = dm[unit] * h * r_slope;
                    state.h[[row, unit]] += dm[unit] * r;
                }
            }
        }
        let sums = state.h.select(Axis(0), step.samples);
        let (kernel, dz) = (&work.gate_kernel, work.dz.slice(s![.., ..2 * units]));
        add_back(kernel, masks, step, dz, sums, &mut state.h);
    }

    fn step_on(&self, block: &Block<A>, step: &Step, state: &mut HiddenState<A>, work: &Work<A>) {
        let (units, isa) = (work.m.ncols(), self.isa());
        for (n, row) in step.each() {
            let (h, gates) = (block.before[0].row(n), work.gates.row(n));
            for (unit, to) in state.h.row_mut(row).iter_mut().enumerate() {
                let (z, g) = (gates[unit], gates[2 * units + unit]);
                *to = isa.mul_add(z, h[unit], (A::one() - z) * g);
            }
        }
    }

    fn products(
        &self,
        block: &Block<A>,
        weights: &mut LayerGradients<A>,
        work: &mut Work<A>,
    ) -> Array2<A> {
        let dz = work.dz.view();
        let units = work.dm.ncols();
        let (of_gates, of_candidate) = dz.split_at(Axis(1), 2 * units);
        let (masks, of_m) = of_candidate_mask(&block.masks.recurrent);
        let (x, of_x, h) = (&block.x, &block.masks.input, &block.before[0]);
        work.kernel
            .add_outer(weights.array("kernel"), 0, x, of_x, dz);
        let name = "recurrent_kernel";
        work.gate_kernel
            .add_outer(weights.array(name), 0, h, masks, of_gates);
        let (left, of_left, right) = if self.reset_after() {
            (h, of_m, work.dm.view())
        } else {
            (&work.m, &[][..], of_candidate)
        };
        let candidate = &work.candidate_kernel;
        candidate.add_outer(weights.array(name), 2 * units, left, of_left, right);
        match self.bias() {
            GruBias::None => {}
            GruBias::ResetBefore(_) => add_vector(weights.array("bias"), dz),
            GruBias::ResetAfter(_) => {
                if let Some(gradient) = weights.array("bias") {
                    add_rows(gradient.slice_mut(s![0, ..]), dz);
                    add_rows(gradient.slice_mut(s![1, ..2 * units]), of_gates);
                    add_rows(gradient.slice_mut(s![1, 2 * units..]), work.dm.view());
                }
            }
        }
        let mut dx = Array2::zeros(block.x.dim());
        work.kernel.add_back(dz, of_x, &mut dx);
        dx
    }
}

impl<A: Element> Gru<A> {
    /// Whether a kernel goes back over its steps.
    fn has_kernel(&self) -> bool {
        self.reset_after() && self.layer_norm().is_none() && self.functions().slopes_from_values()
    }

    /// The gradients of the sums of a step and of `m`, and the part of the state's that passes by the gates, by a kernel.
    fn step_back_plain(
        &self,
        block: &Block<A>,
        step: &Step,
        state: &mut HiddenState<A>,
        work: &mut Work<A>,
    ) {
        let of = self.functions();
        let (gates, h) = if block.is_kept() {
            block.kept_by(step, 0)
        } else {
            (rows_from(&work.gates, step), rows_from(&work.h, step))
        };
        let back = GruBack {
            rows: step.back_rows(state.h.ncols(), block.is_kept()),
            of,
            gates,
            h,
            dh: state.h.as_slice_mut().unwrap_or_default(),
            dz: rows_from_mut(&mut work.dz, step),
            dm: rows_from_mut(&mut work.dm, step),
        };
        A::gru_back(back, of, self.isa());
    }

    /// What a gate is in a row, and the slope of its function there.
    fn gate(&self, q: usize, n: usize, unit: usize, work: &Work<A>) -> (A, A) {
        let of = self.functions();
        let at = [n, q * work.m.ncols() + unit];
        let (z, y) = (work.z[at], work.gates[at]);
        (y, of.slope(if q == 2 { of.act } else { of.gate }, z, y))
    }

    /// The gradients that a kernel computes otherwise. Without `reset_after` r is not among them.
    fn step_back_any(
        &self,
        block: &Block<A>,
        step: &Step,
        state: &mut HiddenState<A>,
        work: &mut Work<A>,
    ) {
        let units = work.m.ncols();
        for (n, row) in step.each() {
            for unit in 0..units {
                let (z, z_slope) = self.gate(0, n, unit, work);
                let (g, g_slope) = self.gate(2, n, unit, work);
                let h = block.before[0][[n, unit]];
                let dh = &mut state.h[[row, unit]];
                work.dz[[n, unit]] = *dh * (h - g) * z_slope;
                work.dz[[n, 2 * units + unit]] = *dh * (A::one() - z) * g_slope;
                *dh *= z;
            }
        }
        if self.reset_after() {
            for (n, _) in step.each() {
                for unit in 0..units {
                    let (r, r_slope) = self.gate(1, n, unit, work);
                    let dg = work.dz[[n, 2 * units + unit]];
                    work.dz[[n, units + unit]] = dg * work.m[[n, unit]] * r_slope;
                    work.dm[[n, unit]] = dg * r;
                }
            }
        }
    }
}

/// The masks of z and r, and that of the candidate: one for all, or one for each.
fn of_candidate_mask<A>(masks: &[Array2<A>]) -> (&[Array2<A>], &[Array2<A>]) {
    match masks {
        [of_gates @ .., of_candidate] if !of_gates.is_empty() => {
            (of_gates, core::slice::from_ref(of_candidate))
        }
        all => (all, all),
    }
}
