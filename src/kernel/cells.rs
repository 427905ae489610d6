//! The cells: from the sums of inputs and state to the new state, a vector of units at a time.
//!
//! What of a state falls below the normal numbers becomes 0. Else a state that decays, of a stream that fell silent, would
//! stay at the smallest number there is, with which many processors compute a hundred times slower.

use super::activate::{Chosen, Functions};
use super::isa::Op;
use super::panels::Panels;
use super::steps::{End, Source, Step, run};
use super::vector::Vector;
use crate::Element;

/// `h' = a(z + h R)`.
pub(crate) struct SimpleRnnStep<'a, A, F> {
    pub step: &'a Step<'a, A>,
    pub functions: F,
}

impl<A: Element, F: Functions> Op<A> for SimpleRnnStep<'_, A, F> {
    unsafe fn eval<V: Vector<Elem = A>>(&mut self) {
        // SAFETY: `Step`'s contract.
        unsafe { run_blocks::<V, Self>(self.step, self) }
    }
}

impl<A: Element, F: Functions> End<A> for SimpleRnnStep<'_, A, F> {
    const GATES: usize = 1;

    #[inline(always)]
    unsafe fn end<V: Vector<Elem = A>>(
        &self,
        sums: &[V],
        _: V,
        i: usize,
        unit: usize,
        count: usize,
    ) {
        // SAFETY: `Step`'s contract.
        unsafe {
            let h = self.functions.act(sums[0]).normal_or_zero();
            h.store_first(self.step.next.add(self.step.at(i, unit)), count);
        }
    }
}

/// `c' = f c + i g`, `h' = o a(c')`; `c` in place.
pub(crate) struct LstmStep<'a, A, F> {
    pub step: &'a Step<'a, A>,
    pub c: *mut A,
    pub functions: F,
}

impl<A: Element, F: Functions> Op<A> for LstmStep<'_, A, F> {
    unsafe fn eval<V: Vector<Elem = A>>(&mut self) {
        // SAFETY: `Step`'s contract.
        unsafe { run::<V, Self, 4>(self.step, self) }
    }
}

impl<A: Element, F: Functions> End<A> for LstmStep<'_, A, F> {
    const GATES: usize = 4;

    #[inline(always)]
    unsafe fn end<V: Vector<Elem = A>>(
        &self,
        sums: &[V],
        _: V,
        i: usize,
        unit: usize,
        count: usize,
    ) {
        let of = self.functions;
        let at = self.step.at(i, unit);
        // SAFETY: `Step`'s contract; `c` is an array as `next`.
        unsafe {
            let (i, f, g, o) = (sums[0], sums[1], sums[2], sums[3]);
            let c = V::load_first(self.c.add(at), count);
            let c = of.gate(f).mul_add(c, of.gate(i).mul(of.act(g)));
            // Where c becomes 0, h follows in the next step: the way to this h stays as short as it is.
            c.normal_or_zero().store_first(self.c.add(at), count);
            let h = of.gate(o).mul(of.out(c));
            h.store_first(self.step.next.add(at), count);
        }
    }
}

/// What only few LSTMs have.
#[derive(Clone, Copy, Default)]
pub struct Variant<'a, A> {
    /// What the gates see of the memory: (3, units), for i, f and o.
    pub peepholes: Option<&'a [A]>,
    /// The forget gate is what the input gate leaves: `f = 1 - i`.
    pub input_forget: bool,
}

/// An LSTM with peepholes or coupled gates; the functions are always looked up, so that it is compiled once.
pub(crate) struct LstmVariantStep<'a, A> {
    pub step: &'a Step<'a, A>,
    pub c: *mut A,
    /// `peepholes` has three rows of units, if any.
    pub variant: Variant<'a, A>,
    pub functions: &'a Chosen,
}

impl<A: Element> Op<A> for LstmVariantStep<'_, A> {
    unsafe fn eval<V: Vector<Elem = A>>(&mut self) {
        // SAFETY: `Step`'s contract.
        unsafe { run::<V, Self, 4>(self.step, self) }
    }
}

impl<A: Element> LstmVariantStep<'_, A> {
    /// The sum of a gate that sees the memory `c` of `count` units from `unit` on. (Not a closure: one that is called three
    /// times is not inlined into the instruction set.)
    ///
    /// # Safety
    /// The peepholes have a row of units for each gate; the machine has the instruction set of `V`.
    #[inline(always)]
    unsafe fn seen<V: Vector<Elem = A>>(
        &self,
        gate: usize,
        sum: V,
        c: V,
        unit: usize,
        count: usize,
    ) -> V {
        let Some(peepholes) = self.variant.peepholes else {
            return sum;
        };
        let from = gate * self.step.panels.units() + unit;
        // SAFETY: the caller's promise.
        unsafe { V::load_first(peepholes.as_ptr().add(from), count).mul_add(c, sum) }
    }
}

impl<A: Element> End<A> for LstmVariantStep<'_, A> {
    const GATES: usize = 4;

    #[inline(always)]
    unsafe fn end<V: Vector<Elem = A>>(
        &self,
        sums: &[V],
        _: V,
        i: usize,
        unit: usize,
        count: usize,
    ) {
        let of = self.functions;
        let at = self.step.at(i, unit);
        // SAFETY: `Step`'s contract; `c` is an array as `next`; the peepholes have a row of units for each gate.
        unsafe {
            let c = V::load_first(self.c.add(at), count);
            let i = of.gate(self.seen(0, sums[0], c, unit, count));
            let f = if self.variant.input_forget {
                V::splat(num_traits::one()).sub(i)
            } else {
                of.gate(self.seen(1, sums[1], c, unit, count))
            };
            let c = f.mul_add(c, i.mul(of.act(sums[2])));
            c.normal_or_zero().store_first(self.c.add(at), count);
            let h = of
                .gate(self.seen(2, sums[3], c, unit, count))
                .mul(of.out(c));
            h.store_first(self.step.next.add(at), count);
        }
    }
}

/// `reset_after`: `g = a(zh + r (h Rh + b1h))`, `h' = z h + (1 - z) g`.
pub(crate) struct GruStep<'a, A, F> {
    pub step: &'a Step<'a, A>,
    /// b1, of which the candidate's part is used.
    pub inner: Option<&'a Panels<A>>,
    pub functions: F,
}

impl<A: Element, F: Functions> Op<A> for GruStep<'_, A, F> {
    unsafe fn eval<V: Vector<Elem = A>>(&mut self) {
        // SAFETY: `Step`'s contract.
        unsafe { run::<V, Self, 3>(self.step, self) }
    }
}

impl<A: Element, F: Functions> End<A> for GruStep<'_, A, F> {
    const GATES: usize = 3;
    const APART: bool = true;

    fn inner(&self) -> Option<&Panels<A>> {
        self.inner
    }

    #[inline(always)]
    unsafe fn end<V: Vector<Elem = A>>(
        &self,
        sums: &[V],
        input: V,
        i: usize,
        unit: usize,
        count: usize,
    ) {
        let of = self.functions;
        let at = self.step.at(i, unit);
        // SAFETY: `Step`'s contract.
        unsafe {
            let (z, reset, inner) = (sums[0], sums[1], sums[2]);
            let g = of.act(of.gate(reset).mul_add(inner, input));
            let h = V::load_first(self.step.h.add(at), count);
            mix(of.gate(z), h, g).store_first(self.step.next.add(at), count);
        }
    }
}

/// `z h + (1 - z) g`, the new state.
///
/// # Safety
/// The machine has the instruction set of `V`.
#[inline(always)]
unsafe fn mix<V: Vector>(z: V, h: V, g: V) -> V {
    // SAFETY: the caller's promise.
    unsafe {
        z.mul_add(h, V::splat(num_traits::one()).sub(z).mul(g))
            .normal_or_zero()
    }
}

/// A step of a cell with one gate, whose panels have one to four vectors of units.
///
/// # Safety
/// As [`run`].
unsafe fn run_blocks<V: Vector, E: End<V::Elem>>(step: &Step<V::Elem>, end: &E) {
    // SAFETY: the caller's promise.
    unsafe {
        match step.panels.vectors() {
            1 => run::<V, E, 1>(step, end),
            2 => run::<V, E, 2>(step, end),
            3 => run::<V, E, 3>(step, end),
            _ => run::<V, E, 4>(step, end),
        }
    }
}

/// What the second half of a step without `reset_after` needs of the first, one row for each sample that takes the step.
#[derive(Clone, Copy)]
pub struct Halves<A> {
    /// z, and r * h: `units` numbers.
    pub update: *mut A,
    pub reset: *mut A,
    /// The inputs' part of the candidate, in the layout of the candidate's sums.
    pub input: *mut A,
    /// How long a row of that is.
    pub input_len: usize,
}

/// Without `reset_after`, first half: z, and `r h`, which the second half multiplies with the candidate's kernel.
pub(crate) struct GruGates<'a, A, F> {
    /// The inputs are projected, three gates a panel.
    pub step: &'a Step<'a, A>,
    pub halves: Halves<A>,
    pub functions: F,
}

impl<A: Element, F: Functions> Op<A> for GruGates<'_, A, F> {
    unsafe fn eval<V: Vector<Elem = A>>(&mut self) {
        // SAFETY: `Step`'s contract.
        unsafe { run::<V, Self, 2>(self.step, self) }
    }
}

impl<A: Element, F: Functions> End<A> for GruGates<'_, A, F> {
    const GATES: usize = 2;
    const INPUTS: usize = 3;

    #[inline(always)]
    unsafe fn end<V: Vector<Elem = A>>(
        &self,
        sums: &[V],
        input: V,
        i: usize,
        unit: usize,
        count: usize,
    ) {
        let (of, halves) = (self.functions, self.halves);
        let to = i * self.step.panels.units() + unit;
        // SAFETY: `Step`'s contract; `halves` has rows for all samples that take the step.
        unsafe {
            let (z, reset) = (sums[0], sums[1]);
            of.gate(z).store_first(halves.update.add(to), count);
            let h = V::load_first(self.step.h.add(self.step.at(i, unit)), count);
            of.gate(reset)
                .mul(h)
                .store_first(halves.reset.add(to), count);
            input.store(halves.input.add(i * halves.input_len + unit));
        }
    }
}

/// Without `reset_after`, second half: `g = a(zh + (r h) Rh)`, `h' = z h + (1 - z) g`.
pub(crate) struct GruCandidate<'a, A, F> {
    /// `panels` is the candidate's part of the recurrent kernel.
    pub step: &'a Step<'a, A>,
    pub halves: Halves<A>,
    pub functions: F,
}

impl<A: Element, F: Functions> Op<A> for GruCandidate<'_, A, F> {
    unsafe fn eval<V: Vector<Elem = A>>(&mut self) {
        let halves = self.halves;
        // The same step, but of r h, whose rows are those of the samples that take it.
        let step = &Step {
            source: Source::Projected {
                z: halves.input,
                len: halves.input_len,
            },
            rows: None,
            h: halves.reset,
            ..*self.step
        };
        // SAFETY: `Step`'s contract; `halves` has rows for all samples that take the step.
        unsafe { run_blocks::<V, Self>(step, self) }
    }
}

impl<A: Element, F: Functions> End<A> for GruCandidate<'_, A, F> {
    const GATES: usize = 1;

    #[inline(always)]
    unsafe fn end<V: Vector<Elem = A>>(
        &self,
        sums: &[V],
        _: V,
        i: usize,
        unit: usize,
        count: usize,
    ) {
        let (at, units) = (self.step.at(i, unit), self.step.panels.units());
        // SAFETY: `Step`'s contract; `halves` has rows for all samples that take the step.
        unsafe {
            let g = self.functions.act(sums[0]);
            let h = V::load_first(self.step.h.add(at), count);
            let z = V::load_first(self.halves.update.add(i * units + unit), count);
            mix(z, h, g).store_first(self.step.next.add(at), count);
        }
    }
}
