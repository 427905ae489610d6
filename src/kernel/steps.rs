//! The steps of the cells, tile by tile: sums of inputs and state, activations, the new state. No gate outlives its tile.

use super::activate::Functions;
use super::isa::Op;
use super::panels::Panels;
use super::tile::{Before, Grid, Place, Product, Room, Third, bias, over, product};
use super::vector::{Vector, Work};
use crate::Element;
use core::ptr;

/// The samples of a step, and what all cells read and write.
///
/// # Safety
/// Whoever makes one promises: `h`, `next` (and every array beside them) are (samples, units), rows one behind the other;
/// `rows` are `count` different samples of them, or there are `count` samples; `source` has what it says for each of
/// them; `next` overlaps nothing else.
#[derive(Clone, Copy)]
pub struct Step<'a, A> {
    /// The recurrent kernel, or the part of it that this step is about.
    pub panels: &'a Panels<A>,
    pub source: Source<'a, A>,
    /// The samples that take the step; `None`: all, which are `count`.
    pub rows: Option<&'a [usize]>,
    pub count: usize,
    pub h: *const A,
    pub next: *mut A,
}

/// Where the inputs' part of the sums comes from: both ways add up in the same order.
#[derive(Clone, Copy)]
pub enum Source<'a, A> {
    /// It was projected ahead, the `i`-th row of `len` numbers for the `i`-th sample that takes the step.
    Projected { z: *const A, len: usize },
    /// The step is of one sample, and projects its input, `kernel.rows()` numbers one every `stride`, itself.
    Input {
        kernel: &'a Panels<A>,
        bias: Option<&'a Panels<A>>,
        x: *const A,
        stride: isize,
    },
}

impl<A: Element> Step<'_, A> {
    /// Where unit `unit` of the `i`-th row stands in an array (samples, units).
    #[inline(always)]
    fn at(&self, i: usize, unit: usize) -> usize {
        self.rows.map_or(i, |rows| rows[i]) * self.panels.units() + unit
    }

    /// The rows of the state.
    #[inline(always)]
    fn h_rows(&self, place: &Place) -> [*const A; 8] {
        let mut h = [ptr::null(); 8];
        for (r, h) in h.iter_mut().enumerate().take(place.rows) {
            *h = self.h.wrapping_add(self.at(place.row + r, 0));
        }
        h
    }

    /// The sums of a tile, into `room`. Of three gates the third may be the state's part alone, which starts from `inner`;
    /// the inputs' part of it is where the result says.
    ///
    /// # Safety
    /// The place exists; the machine has the instruction set of `V`.
    #[inline(always)]
    unsafe fn sums<V: Vector<Elem = A>>(
        &self,
        place: &Place,
        inner: Inner<A>,
        [inputs, room]: [&mut Room<A>; 2],
    ) -> Grid<*const A> {
        let width = self.panels.width();
        let in_room = |first| Grid {
            first,
            row: place.panels * width,
            panel: width,
        };
        // SAFETY: the caller's promise, and `Step`'s.
        unsafe {
            let third = |aside| match inner {
                Inner::None => None,
                Inner::Apart(inner) => {
                    let mut from = bias(inner, place);
                    if !from.first.is_null() {
                        from.first = from.first.add(2 * V::LANES);
                    }
                    Some(Third { aside, from })
                }
            };
            match self.source {
                Source::Projected { z, len } => {
                    let from = Grid {
                        first: z.add(place.row * len + place.panel * width),
                        row: len,
                        panel: place.apart * width,
                    };
                    let third = third(ptr::null_mut());
                    self.add_state::<V>(place, from, None, third, in_room(room.start()));
                    from
                }
                Source::Input {
                    kernel,
                    bias: start,
                    x,
                    stride,
                } => {
                    let before = Before {
                        x,
                        stride,
                        weights: kernel.panel(place.panel),
                        apart: place.apart * kernel.panel_len(),
                        depth: kernel.rows(),
                    };
                    let from = bias(start, place);
                    let third = third(inputs.start().add(2 * V::LANES));
                    let to = in_room(room.start());
                    self.add_state::<V>(place, from, Some(&before), third, to);
                    Grid {
                        first: inputs.start().cast_const(),
                        row: to.row,
                        panel: to.panel,
                    }
                }
            }
        }
    }

    /// `to = from + h · panels`.
    ///
    /// # Safety
    /// As `sums`; `from` and `to` are there for the place.
    #[inline(always)]
    unsafe fn add_state<V: Vector<Elem = A>>(
        &self,
        place: &Place,
        from: Grid<*const A>,
        before: Option<&Before<A>>,
        third: Option<Third<A>>,
        to: Grid<*mut A>,
    ) {
        let panels = self.panels;
        let work = Product {
            from,
            before,
            third,
            x: self.h_rows(place),
            stride: 1,
            weights: panels.panel(place.panel),
            apart: place.apart * panels.panel_len(),
            depth: panels.rows(),
            to,
        };
        // SAFETY: the caller's promise, and `Step`'s.
        unsafe { product::<V>(panels.vectors(), place, &work) };
    }
}

/// Whether the sums of inputs and state are kept apart in the third of three gates.
#[derive(Clone, Copy)]
enum Inner<'a, A> {
    None,
    /// They are; the state's sum starts from the third gate of this bias, or from zero.
    Apart(Option<&'a Panels<A>>),
}

/// What becomes of the sums of a tile: called for each of its rows and vectors of units.
trait End<A> {
    /// `sums` are the vectors of one row and panel, `inputs` those of the inputs alone; `i` is the row, `unit` the first
    /// unit, of which `count` (or a vector of them) are there.
    ///
    /// # Safety
    /// All of that is there; the machine has the instruction set of `V`. Implementations are `#[inline(always)]`.
    unsafe fn end<V: Vector<Elem = A>>(
        &self,
        sums: *const A,
        inputs: *const A,
        i: usize,
        unit: usize,
        count: usize,
    );
}

/// The ends of a tile, in one call.
struct Ends<'a, A, E> {
    step: &'a Step<'a, A>,
    place: &'a Place,
    /// How many vectors of units a panel has.
    blocks: usize,
    sums: *const A,
    inputs: Grid<*const A>,
    end: &'a E,
}

impl<A: Element, E: End<A>> Work<A> for Ends<'_, A, E> {
    #[inline(always)]
    unsafe fn run<V: Vector<Elem = A>>(self) {
        let (place, panels) = (self.place, self.step.panels);
        let (units, width) = (panels.units(), panels.width());
        for r in 0..place.rows {
            for p in 0..place.panels {
                for block in 0..self.blocks {
                    let unit = (place.panel(p) * self.blocks + block) * V::LANES;
                    if unit < units {
                        let sums = (r * place.panels + p) * width + block * V::LANES;
                        let inputs = r * self.inputs.row + p * self.inputs.panel;
                        // SAFETY: the caller's promise.
                        unsafe {
                            let sums = self.sums.add(sums);
                            let inputs = self.inputs.first.wrapping_add(inputs);
                            self.end
                                .end::<V>(sums, inputs, place.row + r, unit, units - unit);
                        }
                    }
                }
            }
        }
    }
}

/// All tiles of a step.
///
/// # Safety
/// `Step`'s contract holds; the machine has the instruction set of `V`.
unsafe fn run<V: Vector>(
    step: &Step<V::Elem>,
    blocks: usize,
    inner: Inner<V::Elem>,
    end: &impl End<V::Elem>,
) {
    over::<V>(step.count, step.panels, |place| {
        let (mut inputs, mut room) = (Room::new(), Room::new());
        // SAFETY: `over` stays inside the rows and panels, the rest is the caller's promise.
        unsafe {
            let inputs = step.sums::<V>(place, inner, [&mut inputs, &mut room]);
            V::enter(Ends {
                step,
                place,
                blocks,
                sums: room.start(),
                inputs,
                end,
            });
        }
    });
}

/// `h' = a(z + h R)`.
pub(crate) struct SimpleRnnStep<'a, A, F> {
    pub step: &'a Step<'a, A>,
    pub functions: F,
}

impl<A: Element, F: Functions> Op<A> for SimpleRnnStep<'_, A, F> {
    unsafe fn eval<V: Vector<Elem = A>>(&mut self) {
        // SAFETY: `Step`'s contract.
        unsafe { run::<V>(self.step, self.step.panels.vectors(), Inner::None, self) }
    }
}

impl<A: Element, F: Functions> End<A> for SimpleRnnStep<'_, A, F> {
    #[inline(always)]
    unsafe fn end<V: Vector<Elem = A>>(
        &self,
        sums: *const A,
        _: *const A,
        i: usize,
        unit: usize,
        count: usize,
    ) {
        // SAFETY: `Step`'s contract.
        unsafe {
            let h = self.functions.act(V::load(sums));
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
        unsafe { run::<V>(self.step, 1, Inner::None, self) }
    }
}

impl<A: Element, F: Functions> End<A> for LstmStep<'_, A, F> {
    #[inline(always)]
    unsafe fn end<V: Vector<Elem = A>>(
        &self,
        sums: *const A,
        _: *const A,
        i: usize,
        unit: usize,
        count: usize,
    ) {
        let of = self.functions;
        let at = self.step.at(i, unit);
        // SAFETY: `Step`'s contract; `c` is an array as `h`.
        unsafe {
            let [i, f, g, o] = load::<V, 4>(sums);
            let c = V::load_first(self.c.add(at), count);
            let c = of.gate(f).mul_add(c, of.gate(i).mul(of.act(g)));
            c.store_first(self.c.add(at), count);
            let h = of.gate(o).mul(of.act(c));
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
        unsafe { run::<V>(self.step, 1, Inner::Apart(self.inner), self) }
    }
}

impl<A: Element, F: Functions> End<A> for GruStep<'_, A, F> {
    #[inline(always)]
    unsafe fn end<V: Vector<Elem = A>>(
        &self,
        sums: *const A,
        inputs: *const A,
        i: usize,
        unit: usize,
        count: usize,
    ) {
        let of = self.functions;
        let at = self.step.at(i, unit);
        // SAFETY: `Step`'s contract.
        unsafe {
            let [z, reset, inner] = load::<V, 3>(sums);
            let input = V::load(inputs.add(2 * V::LANES));
            let g = of.act(of.gate(reset).mul_add(inner, input));
            let h = V::load_first(self.step.h.add(at), count);
            mix(of.gate(z), h, g).store_first(self.step.next.add(at), count);
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

/// `W` vectors that lie one behind the other.
///
/// # Safety
/// They are there; the machine has the instruction set of `V`.
#[inline(always)]
unsafe fn load<V: Vector, const W: usize>(from: *const V::Elem) -> [V; W] {
    // SAFETY: the caller's promise.
    core::array::from_fn(|w| unsafe { V::load(from.add(w * V::LANES)) })
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
        let step = self.step;
        let Source::Projected { z, len } = step.source else {
            unreachable!("the first half of a step comes after the projection")
        };
        over::<V>(step.count, step.panels, |place| {
            let mut room = Room::new();
            let (of_two, of_three) = (2 * V::LANES, 3 * V::LANES);
            // SAFETY: `over` stays inside the rows and panels; a row of `z` has three vectors for every two of `panels`.
            unsafe {
                let from = Grid {
                    first: z.add(place.row * len + place.panel * of_three),
                    row: len,
                    panel: place.apart * of_three,
                };
                let to = Grid {
                    first: room.start(),
                    row: place.panels * of_two,
                    panel: of_two,
                };
                step.add_state::<V>(place, from, None, None, to);
                V::enter(Ends {
                    step,
                    place,
                    blocks: 1,
                    sums: to.first,
                    inputs: from,
                    end: &*self,
                });
            }
        });
    }
}

impl<A: Element, F: Functions> End<A> for GruGates<'_, A, F> {
    #[inline(always)]
    unsafe fn end<V: Vector<Elem = A>>(
        &self,
        sums: *const A,
        inputs: *const A,
        i: usize,
        unit: usize,
        count: usize,
    ) {
        let (of, halves) = (self.functions, self.halves);
        let to = i * self.step.panels.units() + unit;
        // SAFETY: `Step`'s contract; `halves` has rows for all samples that take the step.
        unsafe {
            let [z, reset] = load::<V, 2>(sums);
            of.gate(z).store_first(halves.update.add(to), count);
            let h = V::load_first(self.step.h.add(self.step.at(i, unit)), count);
            of.gate(reset)
                .mul(h)
                .store_first(halves.reset.add(to), count);
            let input = V::load(inputs.add(2 * V::LANES));
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
        unsafe { run::<V>(step, step.panels.vectors(), Inner::None, &*self) }
    }
}

impl<A: Element, F: Functions> End<A> for GruCandidate<'_, A, F> {
    #[inline(always)]
    unsafe fn end<V: Vector<Elem = A>>(
        &self,
        sums: *const A,
        _: *const A,
        i: usize,
        unit: usize,
        count: usize,
    ) {
        let (at, units) = (self.step.at(i, unit), self.step.panels.units());
        // SAFETY: `Step`'s contract; `halves` has rows for all samples that take the step.
        unsafe {
            let g = self.functions.act(V::load(sums));
            let h = V::load_first(self.step.h.add(at), count);
            let z = V::load_first(self.halves.update.add(i * units + unit), count);
            mix(z, h, g).store_first(self.step.next.add(at), count);
        }
    }
}
