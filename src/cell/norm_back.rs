//! The cells with layer normalisation backwards, a step at a time.
//!
//! ```text
//! n = (u - mean) / √(variance + epsilon)      norm = gamma n + beta       over all gates of a sample
//! g = gamma d      du = (g - mean(g) - n mean(g n)) / √(variance + epsilon)      dgamma = Σ d n      dbeta = Σ d
//!
//! LSTM   sums = norm₀(x @ K) + norm₁(h @ R) + b        seen = norm(c'), or c'        h' = o * a(seen)
//!        dseen = dh' * o * a'(seen), + dc' if the normalised state is carried      dc' by the normalisation, + dc' if not
//! GRU    a = norm₀(x @ K) + b₀    i = norm₁(h @ R) + b₁    z, r = s(a + i)    g = a(a + r * i)    h' = z * h + (1 - z) * g
//!        dz = dh' * (h - g) * s'  dg = dh' * (1 - z) * a'  dr = dg * i * s'   da = dz, dr, dg     di = dz, dr, dg * r
//!
//! dx = du₀ @ Kᵀ      dh = du₁ @ Rᵀ      dK = Σ xᵀ du₀      dR = Σ hᵀ du₁
//! ```
//! Sums run backwards in time, and over ascending samples within a timestep.

use super::step_back::{BackByStep, StepBack};
use super::{Gru, GruBias, LayerNorm, Lstm, SimpleRnn};
use crate::backward::{Factor, add_outer, add_vector, back_over_normal, no_backward};
use crate::error::Result;
use crate::gradients::LayerGradients;
use crate::kernel::Isa;
use crate::{Element, HiddenState, LstmState};
use ndarray::{Array1, Array2, ArrayD, ArrayView1, ArrayView2, ArrayViewMut1, Axis, s};

/// The kernels, and the transposed kernels.
pub struct Kernels<A> {
    kernel: Factor<A>,
    recurrent_kernel: Factor<A>,
    of_input: Factor<A>,
    of_state: Factor<A>,
    isa: Isa,
}

impl<A: Element> Kernels<A> {
    fn new(kernel: &Array2<A>, recurrent_kernel: &Array2<A>, isa: Isa) -> Self {
        Kernels {
            kernel: Factor::new(kernel, isa),
            recurrent_kernel: Factor::new(recurrent_kernel, isa),
            of_input: Factor::new(&kernel.t(), isa),
            of_state: Factor::new(&recurrent_kernel.t(), isa),
            isa,
        }
    }

    /// The sums of the inputs and of the states, before they are normalised.
    fn sums(&self, x: ArrayView2<A>, h: ArrayView2<A>, columns: usize) -> [Array2<A>; 2] {
        [(&self.kernel, x), (&self.recurrent_kernel, h)].map(|(kernel, of)| {
            let mut sums = Array2::zeros((of.nrows(), columns));
            kernel.add(of, &mut sums.view_mut());
            sums
        })
    }

    /// Adds the gradients of the kernels, and returns those of the inputs and of the states.
    fn back(
        &self,
        x: ArrayView2<A>,
        h: ArrayView2<A>,
        [of_input, of_state]: &[Array2<A>; 2],
        weights: &mut LayerGradients<A>,
    ) -> [Array2<A>; 2] {
        let of_input = of_input.view();
        let of_state = of_state.view();
        add_outer(weights.array("kernel"), x, of_input, 0, self.isa);
        add_outer(weights.array("recurrent_kernel"), h, of_state, 0, self.isa);
        let (mut dx, mut dh) = (Array2::zeros(x.dim()), Array2::zeros(h.dim()));
        self.of_input.add(of_input, &mut dx.view_mut());
        self.of_state.add(of_state, &mut dh.view_mut());
        [dx, dh]
    }
}

/// A row of a gradient, if it is wanted.
fn row<A: Element>(
    gradient: Option<&mut ArrayD<A>>,
    at: Option<usize>,
) -> Option<ArrayViewMut1<'_, A>> {
    let mut rows = gradient?.view_mut();
    if let Some(at) = at {
        rows = rows.index_axis_move(Axis(0), at);
    }
    rows.into_dimensionality().ok()
}

impl<A: Element> LayerNorm<A> {
    /// Goes back over a normalisation of rows `u`, whose arrays have these names, and are rows of them or all of them.
    fn back(
        &self,
        u: &Array2<A>,
        gamma: ArrayView1<A>,
        mut d: Array2<A>,
        ([gamma_name, beta_name], at): ([&str; 2], Option<usize>),
        weights: &mut LayerGradients<A>,
    ) -> Array2<A> {
        let mut normal = u.clone();
        if let Some(mut beta) = row(weights.array(beta_name), at) {
            d.rows().into_iter().for_each(|d| beta += &d);
        }
        for (mut d, mut n) in d.rows_mut().into_iter().zip(normal.rows_mut()) {
            let (mean, inverse) = self.statistics(&n.to_vec());
            n.mapv_inplace(|u| (u - mean) * inverse);
            if let Some(mut to) = row(weights.array(gamma_name), at) {
                let pairs = d.iter().zip(&n);
                to.iter_mut()
                    .zip(pairs)
                    .for_each(|(to, (&d, &n))| *to += d * n);
            }
            d *= &gamma;
            back_over_normal(d, n.view(), inverse);
        }
        d
    }

    /// The gradients of the sums of the inputs and of the states.
    fn back_over_sums(
        &self,
        sums: &[Array2<A>; 2],
        [of_input, of_state]: [Array2<A>; 2],
        weights: &mut LayerGradients<A>,
    ) -> [Array2<A>; 2] {
        const NAMES: [&str; 2] = ["norm_gamma", "norm_beta"];
        let mut back = |at: usize, d| {
            let gamma = self.gamma.row(at);
            self.back(&sums[at], gamma, d, (NAMES, Some(at)), weights)
        };
        [back(0, of_input), back(1, of_state)]
    }

    /// The rows `u` of the inputs (0) or of the states (1), normalised.
    fn normalised(&self, at: usize, u: &Array2<A>) -> Array2<A> {
        let mut sums = u.clone();
        for mut sums in sums.rows_mut() {
            if let Some(sums) = sums.as_slice_mut() {
                self.sums(at, sums);
            }
        }
        sums
    }
}

/// Whether a cell with these rates of dropout goes back here.
fn goes_by_step<A>(norm: Option<&LayerNorm<A>>, rates: [f64; 2]) -> bool {
    norm.is_some() && rates.iter().all(|&rate| rate <= 0.0)
}

/// `SimpleRnn` has no layer normalisation.
impl<A: Element> BackByStep for SimpleRnn<A> {
    type Work = ();

    fn work(&self) {}

    fn goes_by_step(&self) -> bool {
        false
    }

    fn step_back(&self, _: StepBack<A, HiddenState<A>>, (): &()) -> Result<Array2<A>> {
        Err(no_backward())
    }
}

impl<A: Element> BackByStep for Lstm<A> {
    type Work = Kernels<A>;

    fn work(&self) -> Kernels<A> {
        Kernels::new(&self.kernel(), &self.recurrent_kernel(), self.isa())
    }

    fn goes_by_step(&self) -> bool {
        goes_by_step(
            self.layer_norm(),
            [self.dropout(), self.recurrent_dropout()],
        )
    }

    fn step_back(
        &self,
        step: StepBack<A, LstmState<A>>,
        kernels: &Kernels<A>,
    ) -> Result<Array2<A>> {
        let Some(norm) = self.layer_norm() else {
            return Err(no_backward());
        };
        let StepBack {
            x,
            before,
            output,
            state,
            mut weights,
            ..
        } = step;
        let (of, isa) = (self.functions(), self.isa());
        let (rows, units) = before.c.dim();
        let sums = kernels.sums(x, before.h.view(), 4 * units);
        let mut z = norm.normalised(0, &sums[0]) + norm.normalised(1, &sums[1]);
        if let Some(bias) = self.bias() {
            z += &bias;
        }
        let mut y = z.mapv(|z| of.clip_sum(z));
        let mut c = Array2::zeros((rows, units));
        for n in 0..rows {
            for (q, of) in [of.gate, of.gate, of.act, of.gate].into_iter().enumerate() {
                if let Some(y) = y
                    .slice_mut(s![n, q * units..(q + 1) * units])
                    .as_slice_mut()
                {
                    A::activate(y, of, isa);
                }
            }
            for unit in 0..units {
                let i = y[[n, unit]];
                if self.input_forget() {
                    y[[n, units + unit]] = A::one() - i;
                }
                c[[n, unit]] =
                    y[[n, units + unit]] * before.c[[n, unit]] + i * y[[n, 2 * units + unit]];
            }
        }
        let mut seen = c.clone();
        for mut seen in seen.rows_mut() {
            if let Some(seen) = seen.as_slice_mut() {
                norm.cell_state(seen);
            }
        }
        let mut out = seen.clone();
        if let Some(out) = out.as_slice_mut() {
            A::activate(out, of.out, isa);
        }
        let mut dz = Array2::zeros(z.dim());
        let mut of_seen = Array2::zeros(seen.dim());
        for n in 0..rows {
            for unit in 0..units {
                let dh = state.h[[n, unit]] + output[[n, unit]];
                let at = [n, 3 * units + unit];
                let (o, out) = (y[at], out[[n, unit]]);
                dz[at] = dh * out * of.slope(of.gate, z[at], o);
                of_seen[[n, unit]] = dh * o * of.out.slope(seen[[n, unit]], out);
            }
        }
        let carried = norm.carries_normalised();
        if carried {
            of_seen += &state.c;
        }
        let mut dc = match &norm.state_gamma {
            None => of_seen,
            Some(gamma) => {
                let names = ["norm_state_gamma", "norm_state_beta"];
                norm.back(&c, gamma.view(), of_seen, (names, None), &mut weights)
            }
        };
        if !carried {
            dc += &state.c;
        }
        for n in 0..rows {
            for unit in 0..units {
                let [i, f, g] = [0, 1, 2].map(|q| [n, q * units + unit]);
                let (d, c) = (dc[[n, unit]], before.c[[n, unit]]);
                let slope = |of_gate, at| of.slope(of_gate, z[at], y[at]);
                dz[g] = d * y[i] * slope(of.act, g);
                if self.input_forget() {
                    dz[i] = d * (y[g] - c) * slope(of.gate, i);
                } else {
                    dz[i] = d * y[g] * slope(of.gate, i);
                    dz[f] = d * c * slope(of.gate, f);
                }
                state.c[[n, unit]] = d * y[f];
            }
        }
        add_vector(weights.array("bias"), dz.view());
        let of_sums = norm.back_over_sums(&sums, [dz.clone(), dz], &mut weights);
        let [dx, dh] = kernels.back(x, before.h.view(), &of_sums, &mut weights);
        state.h = dh;
        Ok(dx)
    }
}

impl<A: Element> BackByStep for Gru<A> {
    type Work = Kernels<A>;

    fn work(&self) -> Kernels<A> {
        Kernels::new(&self.kernel(), &self.recurrent_kernel(), self.isa())
    }

    fn goes_by_step(&self) -> bool {
        goes_by_step(
            self.layer_norm(),
            [self.dropout(), self.recurrent_dropout()],
        )
    }

    fn step_back(
        &self,
        step: StepBack<A, HiddenState<A>>,
        kernels: &Kernels<A>,
    ) -> Result<Array2<A>> {
        let Some(norm) = self.layer_norm() else {
            return Err(no_backward());
        };
        let StepBack {
            x,
            before,
            output,
            state,
            mut weights,
            ..
        } = step;
        let (of, isa) = (self.functions(), self.isa());
        let (rows, units) = before.h.dim();
        let sums = kernels.sums(x, before.h.view(), 3 * units);
        let mut a = norm.normalised(0, &sums[0]);
        let mut inner = norm.normalised(1, &sums[1]);
        if let GruBias::ResetAfter(bias) = self.bias() {
            a += &bias.row(0);
            inner += &bias.row(1);
        }
        let mut of_input = Array2::zeros(a.dim());
        let mut of_state = Array2::zeros(a.dim());
        let mut of_before = Array2::zeros(before.h.dim());
        for n in 0..rows {
            let sums = Array1::from_shape_fn(2 * units, |at| a[[n, at]] + inner[[n, at]]);
            let mut gates = sums.mapv(|z| of.clip_sum(z));
            if let Some(gates) = gates.as_slice_mut() {
                A::activate(gates, of.gate, isa);
            }
            let last = |unit: usize| [n, 2 * units + unit];
            let sums_of_g = Array1::from_shape_fn(units, |unit| {
                a[last(unit)] + gates[units + unit] * inner[last(unit)]
            });
            let mut g = sums_of_g.mapv(|z| of.clip_sum(z));
            if let Some(g) = g.as_slice_mut() {
                A::activate(g, of.act, isa);
            }
            for unit in 0..units {
                let (z, r, g) = (gates[unit], gates[units + unit], g[unit]);
                let (h, d) = (before.h[[n, unit]], state.h[[n, unit]] + output[[n, unit]]);
                let d_z = d * (h - g) * of.slope(of.gate, sums[unit], z);
                let d_g = d * (A::one() - z) * of.slope(of.act, sums_of_g[unit], g);
                let d_r = d_g * inner[last(unit)] * of.slope(of.gate, sums[units + unit], r);
                for (q, (d, d_inner)) in [(d_z, d_z), (d_r, d_r), (d_g, d_g * r)]
                    .into_iter()
                    .enumerate()
                {
                    of_input[[n, q * units + unit]] = d;
                    of_state[[n, q * units + unit]] = d_inner;
                }
                of_before[[n, unit]] = d * z;
            }
        }
        for (at, d) in [&of_input, &of_state].into_iter().enumerate() {
            if let Some(mut bias) = row(weights.array("bias"), Some(at)) {
                d.rows().into_iter().for_each(|d| bias += &d);
            }
        }
        let of_sums = norm.back_over_sums(&sums, [of_input, of_state], &mut weights);
        let [dx, dh] = kernels.back(x, before.h.view(), &of_sums, &mut weights);
        state.h = dh + of_before;
        Ok(dx)
    }
}
