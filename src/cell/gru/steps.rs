//! How a `Gru` takes steps.

use super::{Gru, GruBias, RecurrentKernel};
use crate::cell::builder::{block, causal_of_cell, shares};
use crate::cell::layer_norm::{LayerNorm, normal_or_zero};
use crate::error::Result;
use crate::kernel::{Active, Input, Panels, Through, Weights, Workspace, make_contiguous};
use crate::mask::Rows;
use crate::unroll::{Advance, Unroll};
use crate::{Element, HiddenState};
use ndarray::{Array2, ArrayView1, ArrayView2, ArrayView3, ArrayViewMut2, s};

impl<A: Element> Gru<A> {
    /// The state before the first timestep, made of the zero state.
    pub(super) fn begin(&self, mut zeros: HiddenState<A>) -> HiddenState<A> {
        if let Some(first) = &self.initial_state {
            let rows = zeros.h.outer_iter_mut();
            rows.for_each(|mut to| to.assign(&first.h.row(0)));
        }
        zeros
    }

    pub(super) fn state_sizes(&self) -> [usize; 1] {
        [self.kernel.units()]
    }

    /// Packs the bias in the form in which steps read it.
    pub(super) fn pack_bias(&mut self) {
        let (units, isa) = (self.kernel.units(), self.kernel.isa());
        if let RecurrentKernel::Normed { .. } = self.recurrent_kernel {
            return; // it is added to what is normalised
        }
        let pack = |row: ArrayView1<A>| Some(Panels::pack_vector(row, 3, isa));
        match &self.bias {
            GruBias::None => {}
            GruBias::ResetBefore(bias) => self.start = pack(bias.view()),
            GruBias::ResetAfter(bias) => {
                // The gates add both rows. The candidate keeps them separate, since r multiplies the second one.
                let mut start = bias.row(0).to_owned();
                let mut gates = start.slice_mut(s![..2 * units]);
                gates += &bias.slice(s![1, ..2 * units]);
                self.start = pack(start.view());
                if let RecurrentKernel::ResetAfter { inner, .. } = &mut self.recurrent_kernel {
                    *inner = pack(bias.row(1));
                }
            }
        }
    }

    /// The kernel that inputs are multiplied with, and the bias that their sums start from.
    fn input_weights(&self) -> Weights<'_, A> {
        let (kernel, bias) = (&self.kernel, self.start.as_ref());
        Weights { kernel, bias }
    }

    /// Whether a step is a single product whose output is the state that the next step starts from.
    fn is_simple(of: &Self) -> bool {
        matches!(of.recurrent_kernel, RecurrentKernel::ResetAfter { .. })
    }

    #[inline]
    fn step(
        &self,
        input: &Input<A>,
        active: &Active,
        state: &mut HiddenState<A>,
        scratch: &mut Workspace<A>,
    ) {
        let (h, of) = (&mut state.h, &self.functions);
        match &self.recurrent_kernel {
            RecurrentKernel::ResetAfter { all, inner } => {
                scratch.gru(input, (all, inner.as_ref()), active, h, |step| {
                    A::gru(step, of);
                });
            }
            RecurrentKernel::Normed { all, norm } => {
                self.step_normed((all, norm), input, active, h, scratch);
            }
            RecurrentKernel::ResetBefore { gates, candidate } => {
                scratch.gru_in_two_halves(
                    input,
                    (gates, candidate),
                    active,
                    h,
                    |step| A::gru_gates(step, of),
                    |step| A::gru_candidate(step, of),
                );
            }
        }
    }
}

#[cfg(feature = "train")]
impl<A: Element> Gru<A> {
    /// Takes a timestep of a layer with `reset_after`. It writes z, r, g and the sum that r is multiplied with to `gates`,
    /// (samples, 4·units), for the active rows. Any other layer only takes the step.
    pub(in crate::cell) fn advance_keeping(
        &self,
        x: ArrayView2<A>,
        rows: &Rows,
        state: &mut HiddenState<A>,
        scratch: &mut Workspace<A>,
        gates: &mut [A],
    ) {
        let input = Input::of_step(&x, self.input_weights());
        let RecurrentKernel::ResetAfter { all, inner } = &self.recurrent_kernel else {
            return self.step(&input, rows.active(), state, scratch);
        };
        let (kernels, of) = ((all, inner.as_ref()), &self.functions);
        scratch.gru_keeping(
            &input,
            kernels,
            rows.active(),
            &mut state.h,
            gates,
            |step| {
                A::gru_keeping(step, of);
            },
        );
    }
}

impl<A: Element> Gru<A> {
    /// A step with layer normalisation.
    #[inline(never)]
    fn step_normed(
        &self,
        (all, norm): (&Panels<A>, &LayerNorm<A>),
        input: &Input<A>,
        active: &Active,
        h: &mut Array2<A>,
        scratch: &mut Workspace<A>,
    ) {
        let (of, units, isa) = (&self.functions, all.units(), all.isa());
        scratch.sums_apart(input, all, active, h, |_, h, of_input, of_state| {
            norm.sums(0, of_input);
            norm.sums(1, of_state);
            if let GruBias::ResetAfter(bias) = &self.bias {
                for (sums, bias) in [&mut *of_input, &mut *of_state]
                    .into_iter()
                    .zip(bias.outer_iter())
                {
                    sums.iter_mut().zip(bias).for_each(|(z, &b)| *z += b);
                }
            }
            let (gates, g) = of_input.split_at_mut(2 * units);
            let (of_gates, inner) = of_state.split_at(2 * units);
            gates.iter_mut().zip(of_gates).for_each(|(z, &h)| *z += h);
            of.clip(gates);
            A::activate(gates, of.gate, isa);
            let (update, reset) = gates.split_at(units);
            for ((g, &r), &inner) in g.iter_mut().zip(reset).zip(inner) {
                *g += r * inner;
            }
            of.clip(g);
            A::activate(g, of.act, isa);
            for ((h, &z), &g) in h.iter_mut().zip(update).zip(&*g) {
                *h = normal_or_zero(z * *h + (A::one() - z) * g);
            }
        });
    }
}

impl<A: Element> Advance for Gru<A> {
    fn scratch(&self, samples: usize) -> Workspace<A> {
        match &self.recurrent_kernel {
            RecurrentKernel::ResetAfter { all, .. } => Workspace::new(samples, &self.kernel, all),
            RecurrentKernel::Normed { all, .. } => Workspace::apart(samples, &self.kernel, all),
            RecurrentKernel::ResetBefore { candidate, .. } => {
                Workspace::in_two_halves(samples, &self.kernel, candidate)
            }
        }
    }

    fn settle(&self, state: &mut HiddenState<A>) {
        make_contiguous(&mut state.h);
    }

    causal_of_cell!();
}
