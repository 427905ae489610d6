//! How an `Lstm` takes steps.

use super::{Lstm, Normed};
use crate::cell::builder::{block, causal_of_cell, shares};
use crate::cell::layer_norm::normal_or_zero;
use crate::error::Result;
use crate::kernel::{Active, Input, Through, Variant, Weights, Workspace, make_contiguous};
use crate::mask::Rows;
use crate::unroll::{Advance, Unroll};
use crate::{Element, LstmState};
use ndarray::{Array2, ArrayView2, ArrayView3, ArrayViewMut2};

impl<A: Element> Lstm<A> {
    /// The state before the first timestep, made of the zero state.
    pub(super) fn begin(&self, mut zeros: LstmState<A>) -> LstmState<A> {
        if let Some(first) = &self.initial_state {
            zeros
                .h
                .outer_iter_mut()
                .for_each(|mut to| to.assign(&first.h.row(0)));
            zeros
                .c
                .outer_iter_mut()
                .for_each(|mut to| to.assign(&first.c.row(0)));
        }
        zeros
    }

    pub(super) fn state_sizes(&self) -> [usize; 2] {
        [self.recurrent_kernel.rows(), self.kernel.units()]
    }

    /// The kernel that inputs are multiplied with, and the bias that their sums start from.
    fn input_weights(&self) -> Weights<'_, A> {
        let (kernel, bias) = (&self.kernel, self.bias.as_ref());
        Weights { kernel, bias }
    }

    /// Whether a step is a single product whose output is the state that the next step starts from.
    fn is_simple(of: &Self) -> bool {
        let extras = of.extras.as_ref();
        extras.is_none_or(|x| x.projection.is_none() && x.norm.is_none())
    }

    #[inline]
    fn step(
        &self,
        input: &Input<A>,
        active: &Active,
        state: &mut LstmState<A>,
        scratch: &mut Workspace<A>,
    ) {
        let LstmState { h, c } = state;
        let (kernel, of) = (&self.recurrent_kernel, &self.functions);
        let Some(extras) = &self.extras else {
            return scratch.lstm(input, kernel, active, (h, c), |step| A::lstm(step, of));
        };
        if let Some(normed) = &extras.norm {
            return self.step_normed(normed, input, active, (h, c), scratch);
        }
        let variant = Variant {
            peepholes: extras.peepholes.as_ref().and_then(|p| p.as_slice()),
            input_forget: extras.input_forget,
        };
        let kernels = (kernel, extras.projection.as_ref());
        scratch.lstm_variant(input, kernels, active, (h, c), variant, |step| {
            A::lstm_variant(step, of);
        });
    }
}

#[cfg(feature = "train")]
impl<A: Element> Lstm<A> {
    /// Whether there is no extension that Keras does not have.
    pub(in crate::cell) fn is_plain(&self) -> bool {
        self.extras.is_none()
    }

    /// The number of columns of the kernel, 4·units.
    pub(in crate::cell) fn kernel_columns(&self) -> usize {
        4 * self.memory_units()
    }

    /// Takes a timestep of a plain layer, and writes the gates of the active rows to `gates`, (samples, 4·units).
    pub(in crate::cell) fn advance_keeping(
        &self,
        x: ArrayView2<A>,
        rows: &Rows,
        state: &mut LstmState<A>,
        scratch: &mut Workspace<A>,
        gates: &mut [A],
    ) {
        let input = Input::of_step(&x, self.input_weights());
        let (kernel, of) = (&self.recurrent_kernel, &self.functions);
        let state = (&mut state.h, &mut state.c);
        scratch.lstm_keeping(&input, kernel, rows.active(), state, gates, |step| {
            A::lstm_keeping(step, of);
        });
    }
}

impl<A: Element> Lstm<A> {
    /// A step with layer normalisation.
    #[inline(never)]
    fn step_normed(
        &self,
        Normed { norm, bias }: &Normed<A>,
        input: &Input<A>,
        active: &Active,
        (h, c): (&mut Array2<A>, &mut Array2<A>),
        scratch: &mut Workspace<A>,
    ) {
        let (of, units) = (&self.functions, self.memory_units());
        let (isa, is_coupled) = (self.kernel.isa(), self.input_forget());
        let panels = &self.recurrent_kernel;
        scratch.sums_apart(input, panels, active, h, |sample, h, sums, of_state| {
            norm.sums(0, sums);
            norm.sums(1, of_state);
            sums.iter_mut().zip(&*of_state).for_each(|(z, &h)| *z += h);
            if let Some(bias) = bias {
                sums.iter_mut().zip(bias).for_each(|(z, &b)| *z += b);
            }
            of.clip(sums);
            let (gates, rest) = sums.split_at_mut(2 * units);
            let (g, o) = rest.split_at_mut(units);
            A::activate(gates, of.gate, isa);
            A::activate(g, of.act, isa);
            A::activate(o, of.gate, isa);
            let (i, f) = gates.split_at(units);
            // What the state gives is no longer needed.
            let seen = &mut of_state[..units];
            for (unit, c) in c.row_mut(sample).iter_mut().enumerate() {
                let f = if is_coupled {
                    A::one() - i[unit]
                } else {
                    f[unit]
                };
                *c = normal_or_zero(f * *c + i[unit] * g[unit]);
                seen[unit] = *c;
            }
            norm.cell_state(seen);
            if norm.carries_normalised() {
                let mut c = c.row_mut(sample);
                c.iter_mut()
                    .zip(&*seen)
                    .for_each(|(c, &s)| *c = normal_or_zero(s));
            }
            A::activate(seen, of.out, isa);
            for ((h, &o), &seen) in h.iter_mut().zip(&*o).zip(&*seen) {
                *h = o * seen;
            }
        });
    }
}

impl<A: Element> Advance for Lstm<A> {
    fn scratch(&self, samples: usize) -> Workspace<A> {
        let (kernel, recurrent) = (&self.kernel, &self.recurrent_kernel);
        if self.normed().is_some() {
            return Workspace::apart(samples, kernel, recurrent);
        }
        match self.extras.as_ref().and_then(|x| x.projection.as_ref()) {
            Some(projection) => Workspace::projected(samples, kernel, recurrent, projection),
            None => Workspace::new(samples, kernel, recurrent),
        }
    }

    fn settle(&self, state: &mut LstmState<A>) {
        make_contiguous(&mut state.h);
        make_contiguous(&mut state.c);
    }

    causal_of_cell!();
}
