//! The steps of a `Gru`: one step with `reset_after`, and two halves without it.

use super::active::Active;
use super::array::zeros;
use super::cell::{Cell, With};
use super::functions::Functions;
use super::step::{Parts, Source, Step, Units};
use super::tiles::{run, run_blocks};
use super::workspace::{Input, Workspace};
use crate::kernel::packed::{Panels, Products};
use crate::kernel::vectors::{Number, Vector};
use alloc::vec;
use ndarray::Array2;
use num_traits::one;

/// The step with `reset_after`: `g = a(zh + r (h Rh + b1h))`, `h' = z h + (1 - z) g`. Only [`Workspace::gru`] makes it,
/// from panels with three gates.
pub struct GruStep<'a, A> {
    step: &'a Step<'a, A>,
    /// The second row of the bias, packed like the panels of the step. Only the candidate's part is read.
    inner: Option<&'a Panels<A>>,
}

impl<A: Number> GruStep<'_, A> {
    /// Computes the new state of some units, and returns z, r, g, and the sum that r is multiplied with.
    ///
    /// # Safety
    /// The step must have these units, and `sums` must have three vectors.
    #[inline(always)]
    unsafe fn end<V: Vector<Elem = A>>(
        &self,
        of: impl Functions,
        sums: &[V],
        input: V,
        units: Units,
    ) -> [V; 4] {
        let step = self.step;
        let (z, reset, inner) = (sums[0], sums[1], sums[2]);
        let r = of.gate(reset);
        let g = of.act(r.mul_add(inner, input));
        let z = of.gate(z);
        // SAFETY: the step has a state and a new state for each of its units.
        unsafe {
            let at = step.at(units);
            let h = V::load_first(step.h.add(at), units.count);
            mix(z, h, g).store_first(step.next.add(at), units.count);
        }
        [z, r, g, inner]
    }
}

/// The step with `reset_after` that also keeps its gates, for the backward pass. Only [`Workspace::gru_keeping`] makes it,
/// from panels with three gates.
#[cfg(feature = "train")]
pub struct GruKeeping<'a, A> {
    gru: GruStep<'a, A>,
    /// z, r, g, and the sum that r is multiplied with, of all samples: (samples, 4·units).
    gates: *mut A,
}

/// The first half without `reset_after`: z, and `r h`, which the second half multiplies with the candidate's kernel. The
/// inputs are projected for three gates. Only [`Workspace::gru_in_two_halves`] makes it, from panels with two gates.
pub struct GruGates<'a, A> {
    step: &'a Step<'a, A>,
    halves: Halves<A>,
}

/// The second half without `reset_after`: `g = a(zh + (r h) Rh)`, `h' = z h + (1 - z) g`. The panels hold the candidate's
/// part of the recurrent kernel, which is one gate. Only [`Workspace::gru_in_two_halves`] makes it.
pub struct GruCandidate<'a, A> {
    step: &'a Step<'a, A>,
    halves: Halves<A>,
}

/// The results of the first half that the second half needs, one row for each sample that takes the step.
#[derive(Clone, Copy)]
struct Halves<A> {
    /// z and r * h, with `units` numbers in each row.
    update: *mut A,
    reset: *mut A,
    /// The inputs' sum of the candidate, in the layout of the candidate's sums.
    input: *mut A,
    /// The length of a row of `input`.
    input_len: usize,
}

impl<A: Products> Workspace<A> {
    /// Makes a workspace for a GRU without `reset_after`. Its inputs are always projected before the step.
    pub(crate) fn in_two_halves(samples: usize, kernel: &Panels<A>, candidate: &Panels<A>) -> Self {
        let units = samples * kernel.units();
        let mut workspace = Workspace::new(0, kernel, candidate);
        workspace.z = vec![A::zero(); samples * kernel.len()];
        workspace.offsets.reserve(samples);
        workspace.update = vec![A::zero(); units];
        workspace.reset = vec![A::zero(); units];
        workspace.input = vec![A::zero(); samples * candidate.len()];
        workspace.next = Some(zeros(samples, kernel.units()));
        workspace
    }

    /// Takes a step of a `Gru` with `reset_after`. `run` must call [`Kernels::gru`](super::Kernels::gru).
    pub(crate) fn gru<'a>(
        &mut self,
        input: &'a Input<'_, 'a, A>,
        (panels, inner): (&'a Panels<A>, Option<&'a Panels<A>>),
        active: &'a Active,
        h: &mut Array2<A>,
        run: impl Fn(GruStep<A>),
    ) {
        assert!(panels.gates() == 3);
        assert!(inner.is_none_or(|inner| inner.has_layout_of(panels)));
        self.advance(input, (panels, 3), active, h, |step| {
            run(GruStep { step, inner });
        });
        self.finish(input, active, h);
    }

    /// Takes a step of a `Gru` with `reset_after`. For the samples that take it, writes z, r, g and the sum that r is multiplied
    /// with to `gates`, (samples, 4·units). `run` must call [`Kernels::gru_keeping`](super::Kernels::gru_keeping).
    #[cfg(feature = "train")]
    pub(crate) fn gru_keeping<'a>(
        &mut self,
        input: &'a Input<'_, 'a, A>,
        (panels, inner): (&'a Panels<A>, Option<&'a Panels<A>>),
        active: &'a Active,
        h: &mut Array2<A>,
        gates: &mut [A],
        run: impl Fn(GruKeeping<A>),
    ) {
        assert!(panels.gates() == 3);
        assert!(inner.is_none_or(|inner| inner.has_layout_of(panels)));
        assert!(gates.len() == active.samples() * 4 * panels.units() && input.through.is_none());
        let gates = gates.as_mut_ptr();
        self.advance(input, (panels, 3), active, h, |step| {
            let gru = GruStep { step, inner };
            run(GruKeeping { gru, gates });
        });
        self.finish(input, active, h);
    }

    /// Takes a step of a `Gru` without `reset_after`: the gates of all units first, and then the candidates, which need all
    /// of r * h. The closures must call [`Kernels::gru_gates`](super::Kernels::gru_gates) and
    /// [`Kernels::gru_candidate`](super::Kernels::gru_candidate).
    pub(crate) fn gru_in_two_halves<'a>(
        &mut self,
        input: &'a Input<'_, 'a, A>,
        (gates, candidate): (&'a Panels<A>, &'a Panels<A>),
        active: &'a Active,
        h: &mut Array2<A>,
        run_gates: impl Fn(GruGates<A>),
        run_candidate: impl Fn(GruCandidate<A>),
    ) {
        let (units, count) = (gates.units(), active.count());
        assert!((gates.gates(), candidate.gates()) == (2, 1));
        assert!((candidate.units(), candidate.isa()) == (units, gates.isa()));
        assert!(self.update.len() >= count * units && self.reset.len() >= count * units);
        assert!(self.input.len() >= count * candidate.len() && input.through.is_none());
        if self.ahead == 0 {
            self.project_now(input, active);
        }
        let halves = Halves {
            update: self.update.as_mut_ptr(),
            reset: self.reset.as_mut_ptr(),
            input: self.input.as_mut_ptr(),
            input_len: candidate.len(),
        };
        self.advance(input, (gates, 3), active, h, |step| {
            run_gates(GruGates { step, halves });
        });
        self.advance(input, (candidate, 3), active, h, |step| {
            run_candidate(GruCandidate { step, halves });
        });
        self.finish(input, active, h);
    }
}

/// Computes the new state `z h + (1 - z) g`.
#[inline(always)]
fn mix<V: Vector>(z: V, h: V, g: V) -> V {
    z.mul_add(h, z.fill(one()).sub(z).mul(g)).normal_or_zero()
}

impl<A: Number, F: Functions> Cell<A> for With<GruStep<'_, A>, F> {
    const GATES: usize = 3;
    const APART: bool = true;

    fn step(&self) -> &Step<'_, A> {
        self.cell.step
    }

    fn inner(&self) -> Option<&Panels<A>> {
        self.cell.inner
    }

    unsafe fn run<V: Vector<Elem = A>>(&self) {
        // SAFETY: the caller guarantees the instruction set, and `Workspace::gru` checked that the panels have three gates.
        unsafe { run::<V, Self, 3>(self.cell.step, self) }
    }

    #[inline(always)]
    unsafe fn end<V: Vector<Elem = A>>(&self, sums: &[V], input: V, units: Units) {
        // SAFETY: the contract is the same.
        unsafe { self.cell.end(self.functions, sums, input, units) };
    }
}

#[cfg(feature = "train")]
impl<A: Number, F: Functions> Cell<A> for With<GruKeeping<'_, A>, F> {
    const GATES: usize = 3;
    const APART: bool = true;

    fn step(&self) -> &Step<'_, A> {
        self.cell.gru.step
    }

    fn inner(&self) -> Option<&Panels<A>> {
        self.cell.gru.inner
    }

    unsafe fn run<V: Vector<Elem = A>>(&self) {
        // SAFETY: the caller guarantees the instruction set, and `Workspace::gru_keeping` checked that the panels have three
        // gates.
        unsafe { run::<V, Self, 3>(self.cell.gru.step, self) }
    }

    #[inline(always)]
    unsafe fn end<V: Vector<Elem = A>>(&self, sums: &[V], input: V, units: Units) {
        let GruKeeping { gru, gates } = &self.cell;
        let count = gru.step.panels.units();
        let to = gru.step.sample(units.row) * 4 * count + units.first;
        // SAFETY: the contract is the same, and `gates` has four numbers for each unit of each sample.
        unsafe {
            let all = gru.end(self.functions, sums, input, units);
            for (gate, y) in all.into_iter().enumerate() {
                y.store_first(gates.add(to + gate * count), units.count);
            }
        }
    }
}

impl<A: Number, F: Functions> Cell<A> for With<GruGates<'_, A>, F> {
    const GATES: usize = 2;
    const INPUTS: usize = 3;

    fn step(&self) -> &Step<'_, A> {
        self.cell.step
    }

    unsafe fn run<V: Vector<Elem = A>>(&self) {
        // SAFETY: the caller guarantees the instruction set; the panels have two gates, and those of the inputs have three.
        unsafe { run::<V, Self, 2>(self.cell.step, self) }
    }

    #[inline(always)]
    unsafe fn end<V: Vector<Elem = A>>(&self, sums: &[V], input: V, units: Units) {
        let (GruGates { step, halves }, of) = (&self.cell, self.functions);
        let (z, reset) = (sums[0], sums[1]);
        let to = units.row * step.panels.units() + units.first;
        // SAFETY: the step has a state for each of its units, and the halves have a row for each row of the step.
        unsafe {
            of.gate(z).store_first(halves.update.add(to), units.count);
            let h = V::load_first(step.h.add(step.at(units)), units.count);
            let held = of.gate(reset).mul(h);
            held.store_first(halves.reset.add(to), units.count);
            input.store(halves.input.add(units.row * halves.input_len + units.first));
        }
    }
}

impl<A: Number, F: Functions> Cell<A> for With<GruCandidate<'_, A>, F> {
    const GATES: usize = 1;

    fn step(&self) -> &Step<'_, A> {
        self.cell.step
    }

    unsafe fn run<V: Vector<Elem = A>>(&self) {
        let GruCandidate { step, halves } = &self.cell;
        // SAFETY: the first half has written r * h and the candidate's inputs, one row for each sample that takes the step.
        // This half only reads them.
        let step = &unsafe {
            Step::new(Parts {
                source: Source::Projected {
                    z: halves.input,
                    len: halves.input_len,
                },
                rows: None,
                h: halves.reset,
                ..***step
            })
        };
        // SAFETY: the caller guarantees the instruction set, and the panels have one gate.
        unsafe { run_blocks::<V, Self>(step, self) }
    }

    #[inline(always)]
    unsafe fn end<V: Vector<Elem = A>>(&self, sums: &[V], _: V, units: Units) {
        let GruCandidate { step, halves } = &self.cell;
        let g = self.functions.act(sums[0]);
        let (at, from) = (
            step.at(units),
            units.row * step.panels.units() + units.first,
        );
        // SAFETY: the step has a state and a new state for each of its units, and the halves have a row for each row of the
        // step.
        unsafe {
            let h = V::load_first(step.h.add(at), units.count);
            let z = V::load_first(halves.update.add(from), units.count);
            mix(z, h, g).store_first(step.next.add(at), units.count);
        }
    }
}
