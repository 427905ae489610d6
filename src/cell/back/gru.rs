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

use super::simple_rnn::rows_of;
use super::{Back, Block, Step};
use crate::backward::{Factor, add_outer, add_vector};
use crate::cell::GruBias;
use crate::gradients::LayerGradients;
use crate::{Element, Gru, HiddenState};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array1, Array2, ArrayView1, Axis, concatenate, s};

/// What a backward pass of a [`Gru`] works with.
pub struct Work<A> {
    kernel: [Factor<A>; 2],
    /// The columns of z and r, and those of the candidate.
    gate_kernel: [Factor<A>; 2],
    candidate_kernel: [Factor<A>; 2],
    /// The bias of the sums over the inputs, and with `reset_after` that of `m`.
    bias: Option<Array1<A>>,
    inner: Option<Array1<A>>,
    /// The sums of z, r, g, and what the activations make of them; (rows, 3·units).
    z: Array2<A>,
    gates: Array2<A>,
    /// (rows, units)
    m: Array2<A>,
    /// The gradients of the sums of z, r, g, and of `m`.
    dz: Array2<A>,
    dm: Array2<A>,
}

impl<A: Element> Back for Gru<A> {
    type Work = Work<A>;

    fn work(&self) -> Work<A> {
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
            kernel: Factor::both(&self.kernel(), isa),
            gate_kernel: Factor::both(&gates, isa),
            candidate_kernel: Factor::both(&candidate, isa),
            bias,
            inner,
            z: nothing(),
            gates: nothing(),
            m: nothing(),
            dz: nothing(),
            dm: nothing(),
        }
    }

    fn arrays(state: &HiddenState<A>) -> Vec<&Array2<A>> {
        vec![&state.h]
    }

    fn arrays_mut(state: &mut HiddenState<A>) -> Vec<&mut Array2<A>> {
        vec![&mut state.h]
    }

    fn gates(&self, block: &Block<A>, work: &mut Work<A>) {
        let h = &block.before[0];
        let (rows, units) = h.dim();
        work.z = rows_of(rows, 3 * units, work.bias.as_ref());
        work.kernel[0].add(block.x.view(), &mut work.z.view_mut());
        let (mut of_gates, mut of_candidate) = work.z.view_mut().split_at(Axis(1), 2 * units);
        work.gate_kernel[0].add(h.view(), &mut of_gates);
        let of = self.functions();
        let mut gates = of_gates.mapv(|z| of.clip_sum(z));
        if let Some(gates) = gates.as_slice_mut() {
            of.gate.apply(gates);
        }
        let r = gates.slice(s![.., units..]);
        if self.reset_after() {
            work.m = rows_of(rows, units, work.inner.as_ref());
            work.candidate_kernel[0].add(h.view(), &mut work.m.view_mut());
            let pairs = of_candidate.iter_mut().zip(r.iter().zip(&work.m));
            pairs.for_each(|(z, (&r, &m))| *z = r.mul_add(m, *z));
        } else {
            work.m = &r * h;
            work.candidate_kernel[0].add(work.m.view(), &mut of_candidate);
        }
        let mut candidate = of_candidate.mapv(|z| of.clip_sum(z));
        if let Some(candidate) = candidate.as_slice_mut() {
            of.act.apply(candidate);
        }
        work.gates = concatenate![Axis(1), gates, candidate];
        work.dz = Array2::zeros((rows, 3 * units));
        work.dm = Array2::zeros((rows, units));
    }

    fn step_back(
        &self,
        block: &Block<A>,
        step: &Step,
        state: &mut HiddenState<A>,
        work: &mut Work<A>,
    ) {
        let of = self.functions();
        let units = work.m.ncols();
        let gate = |q: usize, n: usize, unit: usize, work: &Work<A>| {
            let at = [n, q * units + unit];
            let y = work.gates[at];
            (
                y,
                of.slope(if q == 2 { of.act } else { of.gate }, work.z[at], y),
            )
        };
        for (n, row) in step.each() {
            for unit in 0..units {
                let (z, z_slope) = gate(0, n, unit, work);
                let (g, g_slope) = gate(2, n, unit, work);
                let h = block.before[0][[n, unit]];
                let dh = &mut state.h[[row, unit]];
                work.dz[[n, unit]] = *dh * (h - g) * z_slope;
                work.dz[[n, 2 * units + unit]] = *dh * (A::one() - z) * g_slope;
                *dh *= z;
            }
        }
        let rows = step.rows.clone();
        if self.reset_after() {
            for (n, _) in step.each() {
                for unit in 0..units {
                    let (r, r_slope) = gate(1, n, unit, work);
                    let dg = work.dz[[n, 2 * units + unit]];
                    work.dz[[n, units + unit]] = dg * work.m[[n, unit]] * r_slope;
                    work.dm[[n, unit]] = dg * r;
                }
            }
            let dm = work.dm.slice(s![rows.clone(), ..]);
            add_back(&work.candidate_kernel[1], step, dm, &mut state.h);
        } else {
            let mut dm = Array2::zeros((rows.len(), units));
            let dg = work.dz.slice(s![rows.clone(), 2 * units..]);
            work.candidate_kernel[1].add(dg, &mut dm.view_mut());
            for ((n, row), dm) in step.each().zip(dm.rows()) {
                for unit in 0..units {
                    let (r, r_slope) = gate(1, n, unit, work);
                    let h = block.before[0][[n, unit]];
                    work.dz[[n, units + unit]] = dm[unit] * h * r_slope;
                    state.h[[row, unit]] += dm[unit] * r;
                }
            }
        }
        let of_gates = work.dz.slice(s![rows, ..2 * units]);
        add_back(&work.gate_kernel[1], step, of_gates, &mut state.h);
    }

    fn products(
        &self,
        block: &Block<A>,
        weights: &mut LayerGradients<A>,
        work: &mut Work<A>,
    ) -> Array2<A> {
        let (dz, isa) = (work.dz.view(), self.isa());
        let units = work.m.ncols();
        let (of_gates, of_candidate) = dz.split_at(Axis(1), 2 * units);
        add_outer(weights.array("kernel"), block.x.view(), dz, 0, isa);
        let h = block.before[0].view();
        add_outer(weights.array("recurrent_kernel"), h, of_gates, 0, isa);
        let (left, right) = if self.reset_after() {
            (h, work.dm.view())
        } else {
            (work.m.view(), of_candidate)
        };
        add_outer(
            weights.array("recurrent_kernel"),
            left,
            right,
            2 * units,
            isa,
        );
        match self.bias() {
            GruBias::None => {}
            GruBias::ResetBefore(_) => add_vector(weights.array("bias"), dz),
            GruBias::ResetAfter(_) => {
                if let Some(gradient) = weights.array("bias") {
                    for n in 0..dz.nrows() {
                        add(gradient.slice_mut(s![0, ..]), dz.row(n));
                        add(gradient.slice_mut(s![1, ..2 * units]), of_gates.row(n));
                        add(gradient.slice_mut(s![1, 2 * units..]), work.dm.row(n));
                    }
                }
            }
        }
        let mut dx = Array2::zeros(block.x.dim());
        work.kernel[1].add(dz, &mut dx.view_mut());
        dx
    }
}

fn add<A: Element>(mut to: ndarray::ArrayViewMut1<A>, row: ArrayView1<A>) {
    to += &row;
}

/// Adds `d @ matrixᵀ` to the gradients of the states of a step.
fn add_back<A: Element>(
    transposed: &Factor<A>,
    step: &Step,
    d: ndarray::ArrayView2<A>,
    dh: &mut Array2<A>,
) {
    let mut sums = dh.select(Axis(0), step.samples);
    transposed.add(d, &mut sums.view_mut());
    for (&row, sum) in step.samples.iter().zip(sums.rows()) {
        dh.row_mut(row).assign(&sum);
    }
}
