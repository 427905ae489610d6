//! The steps of an `Lstm`, with and without the extensions that Keras does not have.

use super::active::Active;
use super::array::{in_rows, signed, zeros};
use super::cell::{Cell, With};
use super::functions::Functions;
use super::step::{Step, Units};
use super::tiles::run;
use super::workspace::{Input, Workspace};
use crate::kernel::packed::{Inputs, Panels, Products};
use crate::kernel::vectors::{Number, Vector};
use alloc::vec;
use ndarray::Array2;
use num_traits::one;

/// The step of an LSTM: `c' = f c + i g`, `h' = o a(c')`. `c` is updated in place.
#[derive(Clone, Copy)]
pub struct LstmStep<'a, A> {
    step: &'a Step<'a, A>,
    c: *mut A,
}

impl<'a, A: Number> LstmStep<'a, A> {
    /// Makes the step of an LSTM with the cell state `c`.
    ///
    /// # Safety
    /// The panels of `step` must have four gates. For as long as the value is used, `c` must point to an array (samples,
    /// units) in row-major order without gaps, which nobody else reads or writes.
    unsafe fn new(step: &'a Step<'a, A>, c: *mut A) -> Self {
        LstmStep { step, c }
    }

    /// Computes the new states of some units, and returns their gates i, f, g, o.
    ///
    /// # Safety
    /// The step must have these units, and `sums` must have four vectors.
    #[inline(always)]
    unsafe fn end<V: Vector<Elem = A>>(
        &self,
        of: impl Functions,
        sums: &[V],
        units: Units,
    ) -> [V; 4] {
        let LstmStep { step, c: memory } = *self;
        let (at, count) = (step.at(units), units.count);
        // SAFETY: the cell state and the new state have a number for each unit of the step.
        unsafe {
            let c = V::load_first(memory.add(at), count);
            let (i, f, g) = (of.gate(sums[0]), of.gate(sums[1]), of.act(sums[2]));
            let c = f.mul_add(c, i.mul(g));
            // Where c becomes 0, h follows in the next step. This h uses c as it was before, which keeps its chain of
            // operations short.
            c.normal_or_zero().store_first(memory.add(at), count);
            let o = of.gate(sums[3]);
            let h = o.mul(of.out(c));
            h.store_first(step.next.add(at), count);
            [i, f, g, o]
        }
    }
}

/// The step of an LSTM that also keeps its gates, for the backward pass.
#[cfg(feature = "train")]
pub struct LstmKeeping<'a, A> {
    lstm: LstmStep<'a, A>,
    /// i, f, g, o of all samples: (samples, 4·units).
    gates: *mut A,
}

/// The extensions that only few LSTMs have.
#[derive(Clone, Copy, Default)]
pub struct Variant<'a, A> {
    /// The peephole weights, (3, units), with rows i, f and o.
    pub peepholes: Option<&'a [A]>,
    /// Whether the input and forget gates are coupled, `f = 1 - i`.
    pub input_forget: bool,
}

/// The step of an LSTM with peepholes or coupled gates.
pub struct LstmVariantStep<'a, A> {
    lstm: LstmStep<'a, A>,
    /// If it has `peepholes`, they have three rows of units.
    variant: Variant<'a, A>,
}

impl<'a, A: Number> LstmVariantStep<'a, A> {
    /// The plain step, or `None` if the variant has peepholes or coupled gates.
    pub fn plain(&self) -> Option<LstmStep<'a, A>> {
        let Variant {
            peepholes,
            input_forget,
        } = self.variant;
        (peepholes.is_none() && !input_forget).then_some(self.lstm)
    }

    /// Adds the peephole of a gate, which sees the cell state `c`, to the sum of the gate. It is not a closure: a closure
    /// with three calls would not be inlined into the instruction set.
    ///
    /// # Safety
    /// `gate` must be below three, and the step must have these units.
    #[inline(always)]
    unsafe fn seen<V: Vector<Elem = A>>(&self, gate: usize, sum: V, c: V, units: Units) -> V {
        let Some(peepholes) = self.variant.peepholes else {
            return sum;
        };
        let from = gate * self.lstm.step.panels.units() + units.first;
        // SAFETY: the peepholes have a number for each unit of three gates, and the existence of `c` proves the instruction
        // set.
        unsafe { V::load_first(peepholes.as_ptr().add(from), units.count).mul_add(c, sum) }
    }
}

impl<A: Products> Workspace<A> {
    /// Makes a workspace for an LSTM whose output is projected.
    pub(crate) fn projected(
        samples: usize,
        kernel: &Panels<A>,
        recurrent: &Panels<A>,
        projection: &Panels<A>,
    ) -> Self {
        let mut workspace = Workspace::new(samples, kernel, recurrent);
        workspace.offsets.reserve(samples);
        workspace.input = vec![A::zero(); samples * projection.len()];
        workspace.next = Some(zeros(samples, kernel.units()));
        workspace
    }

    /// Takes a step of an `Lstm`. `run` must call [`Kernels::lstm`](super::Kernels::lstm).
    pub(crate) fn lstm<'a>(
        &mut self,
        input: &'a Input<'_, 'a, A>,
        panels: &'a Panels<A>,
        active: &'a Active,
        (h, c): (&mut Array2<A>, &mut Array2<A>),
        run: impl Fn(LstmStep<A>),
    ) {
        let c = memory(c, active, panels);
        self.advance(input, (panels, 4), active, h, |step| {
            // SAFETY: `memory` checked the gates and the array, which is borrowed for the whole step.
            run(unsafe { LstmStep::new(step, c) });
        });
        self.finish(input, active, h);
    }

    /// Takes a step of an `Lstm`, and writes the gates of the samples that take it to `gates`, (samples, 4·units). `run` must
    /// call [`Kernels::lstm_keeping`](super::Kernels::lstm_keeping).
    #[cfg(feature = "train")]
    pub(crate) fn lstm_keeping<'a>(
        &mut self,
        input: &'a Input<'_, 'a, A>,
        panels: &'a Panels<A>,
        active: &'a Active,
        (h, c): (&mut Array2<A>, &mut Array2<A>),
        gates: &mut [A],
        run: impl Fn(LstmKeeping<A>),
    ) {
        let c = memory(c, active, panels);
        assert!(gates.len() == active.samples() * 4 * panels.units() && input.through.is_none());
        let gates = gates.as_mut_ptr();
        self.advance(input, (panels, 4), active, h, |step| {
            // SAFETY: `memory` checked the gates and the array, which is borrowed for the whole step.
            let lstm = unsafe { LstmStep::new(step, c) };
            run(LstmKeeping { lstm, gates });
        });
        self.finish(input, active, h);
    }

    /// Takes a step of an `Lstm` with peepholes or coupled gates. `run` must call
    /// [`Kernels::lstm_variant`](super::Kernels::lstm_variant).
    pub(crate) fn lstm_variant<'a>(
        &mut self,
        input: &'a Input<'_, 'a, A>,
        (panels, projection): (&'a Panels<A>, Option<&Panels<A>>),
        active: &'a Active,
        (h, c): (&mut Array2<A>, &mut Array2<A>),
        variant: Variant<A>,
        run: impl Fn(LstmVariantStep<A>),
    ) {
        let c = memory(c, active, panels);
        let peepholes = variant.peepholes.map_or(3 * panels.units(), <[A]>::len);
        assert!(peepholes == 3 * panels.units());
        self.advance(input, (panels, 4), active, h, |step| {
            // SAFETY: `memory` checked the gates and the array, which is borrowed for the whole step.
            let lstm = unsafe { LstmStep::new(step, c) };
            run(LstmVariantStep { lstm, variant });
        });
        match projection {
            Some(projection) => self.finish_projected(projection, active, h),
            None => self.finish(input, active, h),
        }
    }

    /// Multiplies the new state with the projection, and stores the product as the state.
    fn finish_projected(&mut self, projection: &Panels<A>, active: &Active, h: &mut Array2<A>) {
        let (len, units) = (projection.len(), projection.rows());
        let next = self.next.as_ref().filter(|next| next.ncols() == units);
        let next = next.expect("`projected` makes room");
        let sample = |i: usize| active.rows().map_or(i, |rows| rows[i]);
        self.offsets.clear();
        self.offsets
            .extend((0..active.count()).map(|i| signed(sample(i) * units)));
        // SAFETY: each offset is the start of a row of `next`, which has `units` adjacent numbers and is borrowed for the
        // product.
        let inputs = unsafe { Inputs::new(next.as_ptr(), &self.offsets, 1) };
        projection.project(None, inputs, &mut self.input, 1);
        for (i, projected) in self.input.chunks(len).take(active.count()).enumerate() {
            let mut h = h.row_mut(sample(i));
            h.iter_mut().zip(projected).for_each(|(h, &p)| *h = p);
        }
        self.drop_taken(active.count());
    }
}

/// Returns a pointer to the cell state of an LSTM with these panels, after checking its shape and layout and the number of
/// gates.
#[inline(always)]
fn memory<A: Number>(c: &mut Array2<A>, active: &Active, panels: &Panels<A>) -> *mut A {
    assert!(panels.gates() == 4);
    assert!(c.dim() == (active.samples(), panels.units()) && in_rows(c));
    c.as_mut_ptr()
}

impl<A: Number, F: Functions> Cell<A> for With<LstmStep<'_, A>, F> {
    const GATES: usize = 4;

    fn step(&self) -> &Step<'_, A> {
        self.cell.step
    }

    unsafe fn run<V: Vector<Elem = A>>(&self) {
        // SAFETY: the caller guarantees the instruction set, and `memory` checked that the panels have four gates.
        unsafe { run::<V, Self, 4>(self.cell.step, self) }
    }

    #[inline(always)]
    unsafe fn end<V: Vector<Elem = A>>(&self, sums: &[V], _: V, units: Units) {
        // SAFETY: the contract is the same.
        unsafe { self.cell.end(self.functions, sums, units) };
    }
}

#[cfg(feature = "train")]
impl<A: Number, F: Functions> Cell<A> for With<LstmKeeping<'_, A>, F> {
    const GATES: usize = 4;

    fn step(&self) -> &Step<'_, A> {
        self.cell.lstm.step
    }

    unsafe fn run<V: Vector<Elem = A>>(&self) {
        // SAFETY: the caller guarantees the instruction set, and `memory` checked that the panels have four gates.
        unsafe { run::<V, Self, 4>(self.cell.lstm.step, self) }
    }

    #[inline(always)]
    unsafe fn end<V: Vector<Elem = A>>(&self, sums: &[V], _: V, units: Units) {
        let LstmKeeping { lstm, gates } = &self.cell;
        let count = lstm.step.panels.units();
        let to = lstm.step.sample(units.row) * 4 * count + units.first;
        // SAFETY: the contract is the same, and `gates` has a number for each unit and gate of each sample.
        unsafe {
            let all = lstm.end(self.functions, sums, units);
            for (gate, y) in all.into_iter().enumerate() {
                y.store_first(gates.add(to + gate * count), units.count);
            }
        }
    }
}

impl<A: Number, F: Functions> Cell<A> for With<LstmVariantStep<'_, A>, F> {
    const GATES: usize = 4;

    fn step(&self) -> &Step<'_, A> {
        self.cell.lstm.step
    }

    unsafe fn run<V: Vector<Elem = A>>(&self) {
        // SAFETY: the caller guarantees the instruction set, and `memory` checked that the panels have four gates.
        unsafe { run::<V, Self, 4>(self.cell.lstm.step, self) }
    }

    #[inline(always)]
    unsafe fn end<V: Vector<Elem = A>>(&self, sums: &[V], _: V, units: Units) {
        let (LstmVariantStep { lstm, variant }, of) = (&self.cell, self.functions);
        let LstmStep { step, c: memory } = *lstm;
        let (at, count) = (step.at(units), units.count);
        // SAFETY: the cell state and the new state have a number for each unit of the step, and three gates see the cell
        // state.
        unsafe {
            let c = V::load_first(memory.add(at), count);
            let i = of.gate(self.cell.seen(0, sums[0], c, units));
            let f = if variant.input_forget {
                i.fill(one()).sub(i)
            } else {
                of.gate(self.cell.seen(1, sums[1], c, units))
            };
            let c = f.mul_add(c, i.mul(of.act(sums[2])));
            c.normal_or_zero().store_first(memory.add(at), count);
            let o = of.gate(self.cell.seen(2, sums[3], c, units));
            o.mul(of.out(c)).store_first(step.next.add(at), count);
        }
    }
}
