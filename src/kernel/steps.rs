//! A step, tile by tile: sums of inputs and state, then the end that the cell makes of them. No gate outlives its tile.

use super::panels::Panels;
use super::row;
use super::tile::{Grid, Place, Product, Room, Third, bias, load, over, product};
use super::vector::{Vector, Work};
use super::workspace::Weights;
use crate::Element;
use core::marker::PhantomData;
use core::ptr;
use ndarray::ArrayViewMut2;

/// The samples of a step, and what all cells read and write.
///
/// # Safety
/// Whoever makes one promises: `next` (and every array beside it) is (samples, units), `h` is (samples, the rows of
/// `panels`), rows one behind the other;
/// `rows` are `count` different samples of them, or there are `count` samples; `source` has what it says for each of
/// them; `next` overlaps nothing else, but may be `h` itself in a step of one sample in one tile. If steps go through, they
/// are of one sample, and `source` and the outputs have what they say for each.
#[derive(Clone, Copy)]
pub struct Step<'a, A> {
    /// The recurrent kernel, or the part of it that this step is about.
    pub panels: &'a Panels<A>,
    pub source: Source<'a, A>,
    /// The samples that take the step; `None`: all, which are `count`.
    pub rows: Option<&'a [usize]>,
    pub count: usize,
    /// How many may share it, if it is of one sample.
    pub threads: usize,
    pub h: *const A,
    pub next: *mut A,
}

/// Steps of one sample that follow each other, and where their outputs go, if anybody wants them.
#[derive(Clone, Copy)]
pub(crate) struct Through<'o, A> {
    pub steps: usize,
    pub units: usize,
    /// A row for each step: the state that the next one starts from.
    pub outputs: Option<Outputs<A>>,
    of: PhantomData<&'o mut A>,
}

#[derive(Clone, Copy)]
pub(crate) struct Outputs<A> {
    pub first: *mut A,
    pub apart: isize,
}

impl<'o, A> Through<'o, A> {
    /// `outputs` is (timesteps, units); none if its rows are not memory of one piece each.
    pub fn new(
        steps: usize,
        units: usize,
        outputs: Option<&'o mut ArrayViewMut2<A>>,
    ) -> Option<Self> {
        let outputs = match outputs {
            Some(to) => {
                assert!(to.dim() == (steps, units));
                let [apart, stride] = *to.strides() else {
                    unreachable!("two axes have two strides")
                };
                if stride != 1 && units > 1 {
                    return None;
                }
                let first = to.as_mut_ptr();
                Some(Outputs { first, apart })
            }
            None => None,
        };
        Some(Through {
            steps,
            units,
            outputs,
            of: PhantomData,
        })
    }
}

/// Where the inputs' part of the sums comes from: both ways add up in the same order.
#[derive(Clone, Copy)]
pub enum Source<'a, A> {
    /// It was projected ahead, the `i`-th row of `len` numbers for the `i`-th sample that takes the step.
    Projected { z: *const A, len: usize },
    /// The step is of one sample, and projects its input, one number every `stride`, itself; that of the next step is `apart`
    /// from it. (A reference to the weights: two fields that were just written one by one would be copied as one vector,
    /// and that waits until the step before has retired.)
    Input {
        weights: &'a Weights<'a, A>,
        x: *const A,
        stride: isize,
        apart: isize,
    },
}

impl<A: Element> Step<'_, A> {
    /// Runs this step, the first of those that go through.
    #[inline(always)]
    pub(crate) fn run(mut self, through: Option<&Through<A>>, run: impl Fn(&Self)) {
        run(&self);
        let Some(through) = through else { return };
        for _ in 1..through.steps {
            match &mut self.source {
                Source::Projected { z, len } => *z = z.wrapping_add(*len),
                Source::Input { x, apart, .. } => *x = x.wrapping_offset(*apart),
            }
            let (before, now) = (self.h.cast_mut(), self.next);
            self.h = now;
            self.next = match &through.outputs {
                Some(outputs) => now.wrapping_offset(outputs.apart),
                None => before,
            };
            run(&self);
        }
    }

    /// Where unit `unit` of the `i`-th row stands in an array (samples, units).
    #[inline(always)]
    pub fn at(&self, i: usize, unit: usize) -> usize {
        self.rows.map_or(i, |rows| rows[i]) * self.panels.units() + unit
    }

    /// The state that the `i`-th row starts from.
    #[inline(always)]
    pub fn h_row(&self, i: usize) -> *const A {
        let sample = self.rows.map_or(i, |rows| rows[i]);
        self.h.wrapping_add(sample * self.panels.rows())
    }

    #[inline(always)]
    fn h_rows(&self, place: &Place) -> [*const A; 8] {
        let mut h = [ptr::null(); 8];
        for (r, h) in h.iter_mut().enumerate().take(place.rows) {
            *h = self.h_row(place.row + r);
        }
        h
    }
}

/// What becomes of the sums: called for each row and each vector of units.
pub(crate) trait End<A> {
    /// How many vectors of sums a vector of units has: the gates.
    const GATES: usize;
    /// How many the projected inputs have: more, if a gate of them is not summed up here.
    const INPUTS: usize = Self::GATES;
    /// Whether the third of the gates keeps the sum of the inputs and that of the state apart.
    const APART: bool = false;

    /// What the state's sum of the third gate starts from, where it is kept apart; zero if none.
    fn inner(&self) -> Option<&Panels<A>> {
        None
    }

    /// `sums` are the gates, `input` the inputs' part of a third gate that is not in them, or apart; `i` is the row, `unit`
    /// the first unit, of which `count` (or a vector of them) are there.
    ///
    /// # Safety
    /// All of that is there; the machine has the instruction set of `V`. Implementations are `#[inline(always)]`.
    unsafe fn end<V: Vector<Elem = A>>(
        &self,
        sums: &[V],
        input: V,
        i: usize,
        unit: usize,
        count: usize,
    );
}

/// All tiles of a step, of panels with `W` vectors.
///
/// # Safety
/// `Step`'s contract holds; the machine has the instruction set of `V`.
#[inline(always)]
pub(crate) unsafe fn run<V: Vector, E: End<V::Elem>, const W: usize>(
    step: &Step<V::Elem>,
    end: &E,
) {
    // SAFETY: the caller's promise.
    unsafe {
        if step.count == 1 {
            row::run::<V, E, W>(step, end);
        } else {
            of_many::<V, E, W>(step, end);
        }
    }
}

/// The tiles of a step of several samples.
///
/// # Safety
/// As [`run`].
#[inline(never)]
unsafe fn of_many<V: Vector, E: End<V::Elem>, const W: usize>(step: &Step<V::Elem>, end: &E) {
    over::<V>(step.count, step.panels, |place| {
        // SAFETY: the caller's promise.
        unsafe {
            if place.half {
                tile::<V::Half, E, W>(step, place, end);
            } else {
                tile::<V, E, W>(step, place, end);
            }
        }
    });
}

/// # Safety
/// As [`run`]; the place is one of `over`'s.
unsafe fn tile<V: Vector, E: End<V::Elem>, const W: usize>(
    step: &Step<V::Elem>,
    place: &Place,
    end: &E,
) {
    let Source::Projected { z, len } = step.source else {
        unreachable!("the inputs of several samples are projected before")
    };
    let of_inputs = step.panels.width() / E::GATES * E::INPUTS;
    let mut room = Room::new();
    let width = W * V::LANES;
    let from = Grid {
        first: z.wrapping_add(place.row * len + place.panel * of_inputs),
        row: len,
        panel: of_inputs,
    };
    let sums = Grid {
        first: room.start(),
        row: place.panels * width,
        panel: width,
    };
    // SAFETY: `over` stays inside the rows and panels, the rest is the caller's promise.
    unsafe {
        let third = E::APART.then(|| {
            let mut from = bias(end.inner(), place);
            if !from.first.is_null() {
                from.first = from.first.add(2 * V::LANES);
            }
            Third { from }
        });
        let work = Product {
            from,
            third,
            x: step.h_rows(place),
            stride: 1,
            weights: step.panels.panel(place.panel),
            apart: place.apart * step.panels.panel_len(),
            depth: step.panels.rows(),
            to: sums,
        };
        product::<V, W>(place, &work);
        V::enter(Ends::<_, _, W> {
            step,
            place,
            sums: room.start(),
            inputs: from,
            end,
        });
    }
}

/// The ends of a tile, in one call.
struct Ends<'a, A, E, const W: usize> {
    step: &'a Step<'a, A>,
    place: &'a Place,
    sums: *const A,
    inputs: Grid<*const A>,
    end: &'a E,
}

impl<A: Element, E: End<A>, const W: usize> Work<A> for Ends<'_, A, E, W> {
    #[inline(always)]
    unsafe fn run<V: Vector<Elem = A>>(self) {
        let place = self.place;
        let first = place.panel * self.step.panels.panel_units();
        for r in 0..place.rows {
            // SAFETY: the caller's promise: the tile has sums and inputs for each row.
            unsafe {
                let sums: [V; W] = load(self.sums.add(r * W * V::LANES));
                let input = if E::INPUTS == 3 {
                    let inputs = self.inputs.first.add(r * self.inputs.row);
                    V::load(inputs.add(2 * V::LANES))
                } else {
                    V::splat(num_traits::zero())
                };
                let row = place.row + r;
                ends::<V, E, W>(self.step, self.end, &sums, input, row, first);
            }
        }
    }
}

/// The ends of one row and panel, whose first unit is `first`.
///
/// # Safety
/// As [`End::end`].
#[inline(always)]
pub(crate) unsafe fn ends<V: Vector, E: End<V::Elem>, const W: usize>(
    step: &Step<V::Elem>,
    end: &E,
    sums: &[V; W],
    input: V,
    i: usize,
    first: usize,
) {
    let (units, blocks) = (step.panels.units(), W / E::GATES);
    for block in 0..blocks {
        let unit = first + block * V::LANES;
        if block == 0 || unit < units {
            let gates = &sums[block * E::GATES..(block + 1) * E::GATES];
            // SAFETY: the caller's promise.
            unsafe { end.end::<V>(gates, input, i, unit, units - unit) };
        }
    }
}
