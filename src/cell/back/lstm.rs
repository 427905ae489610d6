//! The LSTM backwards, with its extensions.
//!
//! ```text
//! i = s(zi + Pi * c)     f = s(zf + Pf * c), or 1 - i     g = a(zg)     c' = f * c + i * g
//! o = s(zo + Po * c')    y = o * a(c')                    h' = y, or y @ projection
//!
//! dy = dh', or dh' @ projectionᵀ                          dprojection = Σ yᵀ dh'
//! dzo = dy * a(c') * s'           dc' += dy * o * a'(c') + dzo * Po
//! dzi = dc' * g * s'              (with f = 1 - i: dc' * (g - c) * s')
//! dzf = dc' * c * s'              dzg = dc' * i * a'
//! dc = dc' * f + dzi * Pi + dzf * Pf
//! dh = dz @ Rᵀ    dx = dz @ Kᵀ    dK = Σ xᵀ dz    dR = Σ hᵀ dz    db = Σ dz    dPi = Σ dzi * c …
//! ```
//! A sum that the clip has changed passes no gradient on.

use super::block::{Block, Step};
use super::equations::{Back, Needs};
use super::simple_rnn::{hand_back, resize, rows_from, rows_from_mut, rows_of};
use crate::backward::{Factor, Gated, add_outer, add_vector};
use crate::gradients::LayerGradients;
use crate::kernel::LstmBack;
use crate::mask::Rows;
use crate::unroll::Unroll;
use crate::{Element, Lstm, LstmState};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array1, Array2, ArrayView2, Axis, s};

/// What a backward pass of an [`Lstm`] works with.
pub struct Work<A> {
    kernel: Gated<A>,
    recurrent_kernel: Gated<A>,
    bias: Option<Array1<A>>,
    peepholes: Option<Array2<A>>,
    /// The transposed projection.
    projection: Option<Factor<A>>,
    /// The sums of i, f, g, o with their peepholes, and what the activations make of them; (rows, 4·units).
    z: Array2<A>,
    gates: Array2<A>,
    /// The new cell state, and its activation; (rows, units).
    c: Array2<A>,
    out: Array2<A>,
    dz: Array2<A>,
    /// The gradient of the output, (rows, size), if there is a projection.
    dh: Array2<A>,
}

impl<A: Element> Back for Lstm<A> {
    type Work = Work<A>;

    const GATES: usize = 4;

    fn rates(&self) -> [f64; 2] {
        [self.dropout(), self.recurrent_dropout()]
    }

    fn work(&self, needs: Needs) -> Work<A> {
        let isa = self.isa();
        let nothing = || Array2::zeros((0, 0));
        let (recurrent, projection) = (self.recurrent_kernel(), self.projection());
        Work {
            kernel: Gated::new(
                &self.kernel().view(),
                4,
                needs.input_apart,
                needs.forward,
                isa,
            ),
            recurrent_kernel: Gated::new(
                &recurrent.view(),
                4,
                needs.recurrent_apart,
                needs.forward,
                isa,
            ),
            bias: self.bias(),
            peepholes: self.peepholes(),
            projection: projection.map(|projection| Factor::new(&projection.t(), isa)),
            z: nothing(),
            gates: nothing(),
            c: nothing(),
            out: nothing(),
            dz: nothing(),
            dh: nothing(),
        }
    }

    fn can_go_back(&self) -> bool {
        self.layer_norm().is_none()
    }

    fn of_initial_state(&self, d: &LstmState<A>, mut weights: LayerGradients<A>) {
        add_vector(weights.array("initial_h"), d.h.view());
        add_vector(weights.array("initial_c"), d.c.view());
    }

    fn arrays(state: &LstmState<A>) -> Vec<&Array2<A>> {
        vec![&state.h, &state.c]
    }

    fn arrays_mut(state: &mut LstmState<A>) -> Vec<&mut Array2<A>> {
        vec![&mut state.h, &mut state.c]
    }

    fn kept(&self) -> usize {
        let keeps = self.has_kernel();
        if keeps { 4 * self.output_size() } else { 0 }
    }

    fn advance_keeping(
        &self,
        x: ArrayView2<A>,
        rows: &Rows,
        state: &mut LstmState<A>,
        scratch: &mut Self::Scratch,
        gates: &mut [A],
    ) {
        Lstm::advance_keeping(self, x, rows, state, scratch, gates);
    }

    fn gates(&self, block: &Block<A>, work: &mut Work<A>) {
        let rows = block.x.nrows();
        resize(&mut work.dz, (rows, self.kernel_columns()));
        if block.is_kept() {
            return;
        }
        let units = block.before[1].ncols();
        work.z = rows_of(rows, 4 * units, work.bias.as_ref());
        let (masks, z) = (&block.masks, &mut work.z.view_mut());
        work.kernel.add(&block.x, &masks.input, z);
        work.recurrent_kernel
            .add(&block.before[0], &masks.recurrent, z);
        work.gates = Array2::zeros((rows, 4 * units));
        work.c = Array2::zeros((rows, units));
        work.out = Array2::zeros((rows, units));
        work.dh = Array2::zeros((rows, block.before[0].ncols()));
        for n in 0..rows {
            self.gates_of_row(work, block.before[1].row(n), n);
        }
    }

    fn step_back(
        &self,
        block: &Block<A>,
        step: &Step,
        state: &mut LstmState<A>,
        work: &mut Work<A>,
    ) {
        if self.has_kernel() {
            self.step_back_plain(block, step, state, work);
        } else {
            self.step_back_any(block, step, state, work);
        }
        hand_back(
            &work.recurrent_kernel,
            block,
            step,
            work.dz.view(),
            &mut state.h,
        );
    }

    fn step_on(&self, _: &Block<A>, step: &Step, state: &mut LstmState<A>, work: &Work<A>) {
        let units = work.c.ncols();
        let y = &work.gates.slice(s![.., 3 * units..]) * &work.out;
        let h = self.projection().map_or_else(
            || y.clone(),
            |projection| {
                let mut h = Array2::zeros((y.nrows(), projection.ncols()));
                Factor::new(&projection, self.isa()).add(y.view(), &mut h.view_mut());
                h
            },
        );
        for (n, row) in step.each() {
            state.h.row_mut(row).assign(&h.row(n));
            state.c.row_mut(row).assign(&work.c.row(n));
        }
    }

    fn products(
        &self,
        block: &Block<A>,
        weights: &mut LayerGradients<A>,
        work: &mut Work<A>,
    ) -> Array2<A> {
        let (dz, isa) = (work.dz.view(), self.isa());
        let units = dz.ncols() / 4;
        let masks = &block.masks;
        let Work {
            kernel,
            recurrent_kernel,
            ..
        } = &*work;
        kernel.add_outer(weights.array("kernel"), 0, &block.x, &masks.input, dz);
        let (gradient, before) = (weights.array("recurrent_kernel"), &block.before[0]);
        recurrent_kernel.add_outer(gradient, 0, before, &masks.recurrent, dz);
        add_vector(weights.array("bias"), dz);
        if let Some(gradient) = weights.array("peepholes") {
            for n in 0..dz.nrows() {
                for unit in 0..units {
                    let (before, c) = (block.before[1][[n, unit]], work.c[[n, unit]]);
                    gradient[[0, unit]] += dz[[n, unit]] * before;
                    gradient[[1, unit]] += dz[[n, units + unit]] * before;
                    gradient[[2, unit]] += dz[[n, 3 * units + unit]] * c;
                }
            }
        }
        if work.projection.is_some() {
            let y = &work.gates.slice(s![.., 3 * units..]) * &work.out;
            add_outer(
                weights.array("projection"),
                y.view(),
                work.dh.view(),
                0,
                isa,
            );
        }
        let mut dx = Array2::zeros(block.x.dim());
        kernel.add_back(dz, &masks.input, &mut dx);
        dx
    }
}

impl<A: Element> Lstm<A> {
    /// Whether a kernel goes back over its steps.
    fn has_kernel(&self) -> bool {
        self.is_plain() && self.functions().slopes_from_values()
    }

    /// The gradients of the sums and of the cell state of a step, by a kernel.
    fn step_back_plain(
        &self,
        block: &Block<A>,
        step: &Step,
        state: &mut LstmState<A>,
        work: &mut Work<A>,
    ) {
        let of = self.functions();
        let (gates, c) = if block.is_kept() {
            block.kept_by(step, 1)
        } else {
            (
                rows_from(&work.gates, step),
                rows_from(&block.before[1], step),
            )
        };
        let back = LstmBack {
            rows: step.back_rows(state.c.ncols(), block.is_kept()),
            of,
            gates,
            c,
            dh: state.h.as_slice().unwrap_or_default(),
            dc: state.c.as_slice_mut().unwrap_or_default(),
            dz: rows_from_mut(&mut work.dz, step),
        };
        A::lstm_back(back, of, self.isa());
    }

    /// The gradients of the sums and of the cell state of a step, with any extension.
    fn step_back_any(
        &self,
        block: &Block<A>,
        step: &Step,
        state: &mut LstmState<A>,
        work: &mut Work<A>,
    ) {
        let units = work.c.ncols();
        let of = self.functions();
        let dy = match &work.projection {
            None => None,
            Some(transposed) => {
                let mut dy = Array2::zeros((step.rows.len(), units));
                let dh = state.h.select(Axis(0), step.samples);
                transposed.add(dh.view(), &mut dy.view_mut());
                work.dh.slice_mut(s![step.rows.clone(), ..]).assign(&dh);
                Some(dy)
            }
        };
        for (at, (n, row)) in step.each().enumerate() {
            for unit in 0..units {
                let before = block.before[1][[n, unit]];
                let gate = |q: usize| {
                    (
                        work.z[[n, q * units + unit]],
                        work.gates[[n, q * units + unit]],
                    )
                };
                let [(zi, i), (zf, f), (zg, g), (zo, o)] = [gate(0), gate(1), gate(2), gate(3)];
                let (c, out) = (work.c[[n, unit]], work.out[[n, unit]]);
                let peephole = |q: usize, d: A| {
                    let of_gate = work.peepholes.as_ref().map(|p| p[[q, unit]]);
                    of_gate.map_or(A::zero(), |p| d * p)
                };
                let dy = match &dy {
                    Some(dy) => dy[[at, unit]],
                    None => state.h[[row, unit]],
                };
                let d_o = dy * out * of.slope(of.gate, zo, o);
                let dc = state.c[[row, unit]] + dy * o * of.out.slope(c, out) + peephole(2, d_o);
                let d_g = dc * i * of.slope(of.act, zg, g);
                let (d_i, d_f) = if self.input_forget() {
                    (dc * (g - before) * of.slope(of.gate, zi, i), A::zero())
                } else {
                    let d_i = dc * g * of.slope(of.gate, zi, i);
                    (d_i, dc * before * of.slope(of.gate, zf, f))
                };
                state.c[[row, unit]] = dc * f + peephole(0, d_i) + peephole(1, d_f);
                for (q, d) in [d_i, d_f, d_g, d_o].into_iter().enumerate() {
                    work.dz[[n, q * units + unit]] = d;
                }
            }
        }
    }

    /// Turns the sums of a row into gates, and these into the new cell state.
    fn gates_of_row(&self, work: &mut Work<A>, before: ndarray::ArrayView1<A>, n: usize) {
        let (units, isa) = (before.len(), self.isa());
        let of = self.functions();
        let (mut z, mut gates) = (work.z.row_mut(n), work.gates.row_mut(n));
        let (mut c, mut out) = (work.c.row_mut(n), work.out.row_mut(n));
        let (Some(z), Some(gates)) = (z.as_slice_mut(), gates.as_slice_mut()) else {
            return; // rows of arrays that `gates` made
        };
        let peephole = |q: usize, z: &mut [A], seen: &ndarray::ArrayView1<A>| {
            if let Some(peepholes) = &work.peepholes {
                let pairs = peepholes.row(q).into_iter().zip(seen);
                z.iter_mut()
                    .zip(pairs)
                    .for_each(|(z, (&p, &c))| *z = isa.mul_add(p, c, *z));
            }
        };
        let activate = |q: usize, z: &[A], gates: &mut [A]| {
            let range = q * units..(q + 1) * units;
            let to = &mut gates[range.clone()];
            to.iter_mut()
                .zip(&z[range])
                .for_each(|(to, &z)| *to = of.clip_sum(z));
            A::activate(to, if q == 2 { of.act } else { of.gate }, isa);
        };
        peephole(0, &mut z[..units], &before);
        peephole(1, &mut z[units..2 * units], &before);
        (0..3).for_each(|q| activate(q, z, gates));
        if self.input_forget() {
            (0..units).for_each(|unit| gates[units + unit] = A::one() - gates[unit]);
        }
        for unit in 0..units {
            let (i, f, g) = (gates[unit], gates[units + unit], gates[2 * units + unit]);
            c[unit] = isa.mul_add(f, before[unit], i * g);
        }
        peephole(2, &mut z[3 * units..], &c.view());
        activate(3, z, gates);
        out.assign(&c);
        if let Some(out) = out.as_slice_mut() {
            A::activate(out, of.out, isa);
        }
    }
}
