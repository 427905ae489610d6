//! The fused steps of the cells: a tile starts from the projected inputs, sums up what the state has to do with them,
//! applies the activations in registers, and writes the new state. No gate is ever stored.

use super::activate::Functions;
use super::isa::Op;
use super::panels::Panels;
use super::tile::{Inputs, Sums, Tiles, accumulate, over};
use super::vector::Vector;
use crate::Element;

/// The samples of a step, and what all cells read and write.
///
/// # Safety
/// Whoever makes one promises: `h`, `next` (and every array beside them) are (samples, units), rows one behind the other;
/// `rows` are different samples of them; `z` has a row for each of them; `next` overlaps nothing else.
pub(crate) struct Step<'a, A> {
    /// The recurrent kernel, or the part of it that this step is about.
    pub panels: &'a Panels<A>,
    /// The projected inputs, one row for each entry of `rows`.
    pub z: *const A,
    /// How long such a row is.
    pub z_len: usize,
    pub rows: &'a [usize],
    pub h: *const A,
    pub next: *mut A,
}

impl<A: Element> Step<'_, A> {
    /// Where unit `unit` of the `i`-th row stands in an array (samples, units).
    #[inline(always)]
    fn at(&self, i: usize, unit: usize) -> usize {
        self.rows[i] * self.panels.units() + unit
    }

    #[inline(always)]
    fn h_row(&self, i: usize) -> *const A {
        // SAFETY: row `rows[i]` exists.
        unsafe { self.h.add(self.at(i, 0)) }
    }

    /// # Safety
    /// `at + LANES` numbers of row `i` exist; the machine has the instruction set of `V`.
    #[inline(always)]
    unsafe fn z<V: Vector<Elem = A>>(&self, i: usize, at: usize) -> V {
        // SAFETY: the caller's promise.
        unsafe { V::load(self.z.add(i * self.z_len + at)) }
    }
}

/// `h' = a(z + h R)`.
pub(crate) struct SimpleRnnStep<'a, A, F> {
    pub step: Step<'a, A>,
    pub functions: F,
}

impl<A: Element, F: Functions> Op<A> for SimpleRnnStep<'_, A, F> {
    #[inline(always)]
    unsafe fn eval<V: Vector<Elem = A>>(mut self) {
        let (rows, panels) = (self.step.rows.len(), self.step.panels.panels());
        // SAFETY: `Step`'s contract.
        unsafe {
            match self.step.panels.vectors() {
                1 => over::<V, 1>(&mut self, rows, panels),
                2 => over::<V, 2>(&mut self, rows, panels),
                3 => over::<V, 3>(&mut self, rows, panels),
                _ => over::<V, 4>(&mut self, rows, panels),
            }
        }
    }
}

impl<V: Vector, const W: usize, F: Functions> Tiles<V, W> for SimpleRnnStep<'_, V::Elem, F> {
    #[inline(always)]
    unsafe fn tile<const R: usize, const P: usize>(&mut self, row: usize, panel: usize) {
        let (step, lanes) = (&self.step, V::LANES);
        let units = step.panels.units();
        // SAFETY: `Step`'s contract; what is filled up beyond `units` is read from `z` but never written.
        unsafe {
            let mut sums: Sums<V, R, P, W> = core::array::from_fn(|r| {
                core::array::from_fn(|p| {
                    core::array::from_fn(|w| step.z(row + r, ((panel + p) * W + w) * lanes))
                })
            });
            let h = core::array::from_fn(|r| step.h_row(row + r));
            let weights = core::array::from_fn(|p| step.panels.panel(panel + p));
            accumulate(&mut sums, h, weights, units);
            for p in 0..P {
                for w in 0..W {
                    let unit = ((panel + p) * W + w) * lanes;
                    if unit < units {
                        for r in 0..R {
                            let h = self.functions.act(sums[r][p][w]);
                            h.store_first(step.next.add(step.at(row + r, unit)), units - unit);
                        }
                    }
                }
            }
        }
    }
}

/// `c' = f c + i g`, `h' = o a(c')`; `c` in place.
pub(crate) struct LstmStep<'a, A, F> {
    pub step: Step<'a, A>,
    pub c: *mut A,
    pub functions: F,
}

impl<A: Element, F: Functions> Op<A> for LstmStep<'_, A, F> {
    #[inline(always)]
    unsafe fn eval<V: Vector<Elem = A>>(mut self) {
        let (rows, panels) = (self.step.rows.len(), self.step.panels.panels());
        // SAFETY: `Step`'s contract.
        unsafe { over::<V, 4>(&mut self, rows, panels) }
    }
}

impl<V: Vector, F: Functions> Tiles<V, 4> for LstmStep<'_, V::Elem, F> {
    #[inline(always)]
    unsafe fn tile<const R: usize, const P: usize>(&mut self, row: usize, panel: usize) {
        let (step, lanes, of) = (&self.step, V::LANES, self.functions);
        let units = step.panels.units();
        // SAFETY: `Step`'s contract.
        unsafe {
            let mut sums: Sums<V, R, P, 4> = core::array::from_fn(|r| {
                core::array::from_fn(|p| {
                    core::array::from_fn(|w| step.z(row + r, ((panel + p) * 4 + w) * lanes))
                })
            });
            let h = core::array::from_fn(|r| step.h_row(row + r));
            let weights = core::array::from_fn(|p| step.panels.panel(panel + p));
            accumulate(&mut sums, h, weights, units);
            for p in 0..P {
                let unit = (panel + p) * lanes;
                for r in 0..R {
                    let [i, f, g, o] = sums[r][p];
                    let at = step.at(row + r, unit);
                    let c = V::load_first(self.c.add(at), units - unit);
                    let c = of.gate(f).mul_add(c, of.gate(i).mul(of.act(g)));
                    c.store_first(self.c.add(at), units - unit);
                    of.gate(o)
                        .mul(of.act(c))
                        .store_first(step.next.add(at), units - unit);
                }
            }
        }
    }
}

/// `reset_after`: `g = a(zh + r (h Rh + b1h))`, `h' = z h + (1 - z) g`.
pub(crate) struct GruStep<'a, A, F> {
    pub step: Step<'a, A>,
    /// b1, of which the candidate's part is used.
    pub inner: Option<&'a Panels<A>>,
    pub functions: F,
}

impl<A: Element, F: Functions> Op<A> for GruStep<'_, A, F> {
    #[inline(always)]
    unsafe fn eval<V: Vector<Elem = A>>(mut self) {
        let (rows, panels) = (self.step.rows.len(), self.step.panels.panels());
        // SAFETY: `Step`'s contract.
        unsafe { over::<V, 3>(&mut self, rows, panels) }
    }
}

impl<V: Vector, F: Functions> Tiles<V, 3> for GruStep<'_, V::Elem, F> {
    #[inline(always)]
    unsafe fn tile<const R: usize, const P: usize>(&mut self, row: usize, panel: usize) {
        let (step, lanes, of) = (&self.step, V::LANES, self.functions);
        let units = step.panels.units();
        // SAFETY: `Step`'s contract.
        unsafe {
            let mut sums: Sums<V, R, P, 3> = core::array::from_fn(|r| {
                core::array::from_fn(|p| {
                    let at = (panel + p) * 3 * lanes;
                    let inner = match self.inner {
                        Some(bias) => V::load(bias.panel(panel + p).add(2 * lanes)),
                        None => V::splat(num_traits::zero()),
                    };
                    [step.z(row + r, at), step.z(row + r, at + lanes), inner]
                })
            });
            let h = core::array::from_fn(|r| step.h_row(row + r));
            let weights = core::array::from_fn(|p| step.panels.panel(panel + p));
            accumulate(&mut sums, h, weights, units);
            for p in 0..P {
                let unit = (panel + p) * lanes;
                for r in 0..R {
                    let [z, reset, inner] = sums[r][p];
                    let at = step.at(row + r, unit);
                    let input: V = step.z(row + r, ((panel + p) * 3 + 2) * lanes);
                    let g = of.act(of.gate(reset).mul_add(inner, input));
                    let h = V::load_first(step.h.add(at), units - unit);
                    mix(of.gate(z), h, g).store_first(step.next.add(at), units - unit);
                }
            }
        }
    }
}

/// `z h + (1 - z) g`.
///
/// # Safety
/// The machine has the instruction set of `V`.
#[inline(always)]
unsafe fn mix<V: Vector>(z: V, h: V, g: V) -> V {
    // SAFETY: the caller's promise.
    unsafe { z.mul_add(h, V::splat(num_traits::one()).sub(z).mul(g)) }
}

/// Without `reset_after`, first half: z, and `r h`, which the second half multiplies with the candidate's kernel.
pub(crate) struct GruGates<'a, A, F> {
    /// `next` receives `r h`; one compact row for each entry of `rows`.
    pub step: Step<'a, A>,
    /// Receives z likewise.
    pub update: *mut A,
    pub functions: F,
}

impl<A: Element, F: Functions> Op<A> for GruGates<'_, A, F> {
    #[inline(always)]
    unsafe fn eval<V: Vector<Elem = A>>(mut self) {
        let (rows, panels) = (self.step.rows.len(), self.step.panels.panels());
        // SAFETY: `Step`'s contract.
        unsafe { over::<V, 2>(&mut self, rows, panels) }
    }
}

impl<V: Vector, F: Functions> Tiles<V, 2> for GruGates<'_, V::Elem, F> {
    #[inline(always)]
    unsafe fn tile<const R: usize, const P: usize>(&mut self, row: usize, panel: usize) {
        let (step, lanes, of) = (&self.step, V::LANES, self.functions);
        let units = step.panels.units();
        // SAFETY: `Step`'s contract; z has three gates a block, of which these are the first two.
        unsafe {
            let mut sums: Sums<V, R, P, 2> = core::array::from_fn(|r| {
                core::array::from_fn(|p| {
                    core::array::from_fn(|w| step.z(row + r, ((panel + p) * 3 + w) * lanes))
                })
            });
            let h = core::array::from_fn(|r| step.h_row(row + r));
            let weights = core::array::from_fn(|p| step.panels.panel(panel + p));
            accumulate(&mut sums, h, weights, units);
            for p in 0..P {
                let unit = (panel + p) * lanes;
                for r in 0..R {
                    let [z, reset] = sums[r][p];
                    let to = (row + r) * units + unit;
                    of.gate(z).store_first(self.update.add(to), units - unit);
                    let h = V::load_first(step.h.add(step.at(row + r, unit)), units - unit);
                    of.gate(reset)
                        .mul(h)
                        .store_first(step.next.add(to), units - unit);
                }
            }
        }
    }
}

/// Without `reset_after`, second half: `g = a(zh + (r h) Rh)`, `h' = z h + (1 - z) g`.
pub(crate) struct GruCandidate<'a, A, F> {
    pub step: Step<'a, A>,
    /// r h, from the first half.
    pub reset: Inputs<'a, A>,
    /// z, from the first half.
    pub update: *const A,
    pub functions: F,
}

impl<A: Element, F: Functions> Op<A> for GruCandidate<'_, A, F> {
    #[inline(always)]
    unsafe fn eval<V: Vector<Elem = A>>(mut self) {
        let (rows, panels) = (self.step.rows.len(), self.step.panels.panels());
        // SAFETY: `Step`'s contract.
        unsafe {
            match self.step.panels.vectors() {
                1 => over::<V, 1>(&mut self, rows, panels),
                2 => over::<V, 2>(&mut self, rows, panels),
                3 => over::<V, 3>(&mut self, rows, panels),
                _ => over::<V, 4>(&mut self, rows, panels),
            }
        }
    }
}

impl<V: Vector, const W: usize, F: Functions> Tiles<V, W> for GruCandidate<'_, V::Elem, F> {
    #[inline(always)]
    unsafe fn tile<const R: usize, const P: usize>(&mut self, row: usize, panel: usize) {
        let (step, lanes, of) = (&self.step, V::LANES, self.functions);
        let units = step.panels.units();
        // SAFETY: `Step`'s contract; z has three gates a block, of which this is the third, and no block beyond `units`.
        unsafe {
            let mut sums: Sums<V, R, P, W> = core::array::from_fn(|r| {
                core::array::from_fn(|p| {
                    core::array::from_fn(|w| {
                        let block = (panel + p) * W + w;
                        if block * lanes < units {
                            step.z(row + r, (block * 3 + 2) * lanes)
                        } else {
                            V::splat(num_traits::zero())
                        }
                    })
                })
            });
            let reset = core::array::from_fn(|r| self.reset.row(row + r));
            let weights = core::array::from_fn(|p| step.panels.panel(panel + p));
            accumulate(&mut sums, reset, weights, units);
            for p in 0..P {
                for w in 0..W {
                    let unit = ((panel + p) * W + w) * lanes;
                    if unit >= units {
                        continue;
                    }
                    let count = units - unit;
                    for r in 0..R {
                        let at = step.at(row + r, unit);
                        let h = V::load_first(step.h.add(at), count);
                        let z = V::load_first(self.update.add((row + r) * units + unit), count);
                        let h = mix(z, h, of.act(sums[r][p][w]));
                        h.store_first(step.next.add(at), count);
                    }
                }
            }
        }
    }
}
