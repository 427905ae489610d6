//! The step of one sample: nothing leaves the registers between its input and its new state.
//!
//! Its time goes into reading weights or, where they are few, into waiting for one sum after the other. So its tiles have
//! one row and several panels, and the end of a tile runs while the weights of the next one come in.

use super::cell::{Cell, ends};
use super::step::{Source, Step};
use crate::kernel::packed::{Panels, accumulate, load, most_panels};
use crate::kernel::vectors::{Number, Vector, Work};
use crate::threads::share;
use num_traits::zero;

/// All tiles of a step of one sample.
///
/// # Safety
/// As [`tiles::run`](super::tiles::run), and the step is of one sample.
#[inline(always)]
pub unsafe fn run<V: Vector, C: Cell<V::Elem>, const W: usize>(step: &Step<V::Elem>, cell: &C) {
    let tiles = step.panels.tiles();
    // SAFETY: the tiles are those of the step's panels.
    unsafe {
        if tiles.count > 1 {
            return of_tiles::<V, C, W>(step, cell);
        }
        let tile = Tiles {
            first: 0,
            last: 1,
            step,
            cell,
        };
        if step.panels.ends_in_half() {
            enter_half::<V, C, W>(tiles.panels, tile);
        } else {
            enter::<V, C, W>(tiles.panels, tile);
        }
    }
}

/// Several tiles, perhaps on several threads.
///
/// # Safety
/// As [`run`].
#[inline(never)]
unsafe fn of_tiles<V: Vector, C: Cell<V::Elem>, const W: usize>(step: &Step<V::Elem>, cell: &C) {
    let count = step.panels.tiles().count;
    if !cfg!(feature = "rayon") || step.threads == 1 {
        // SAFETY: the step has these tiles.
        unsafe { some::<V, C, W>(step, cell, 0, count) }
    } else {
        let shared = Shared { step, cell };
        share(step.threads, 0, count, &|first, last| {
            let Shared { step, cell } = *shared.get();
            // SAFETY: the step has these tiles, and each of them is in one range only.
            unsafe { some::<V, C, W>(step, cell, first, last) }
        });
    }
}

/// A step that several threads work on.
struct Shared<'a, A, C> {
    step: &'a Step<'a, A>,
    cell: &'a C,
}

// SAFETY: threads read the same state and weights, and write the new state of different units: those of their tiles. A step
// in place has one tile only.
unsafe impl<A: Sync, C> Sync for Shared<'_, A, C> {}

impl<A, C> Shared<'_, A, C> {
    /// The whole of it: a closure that named the fields would take them one by one.
    fn get(&self) -> &Self {
        self
    }
}

/// The tiles from `first` to `last`.
///
/// # Safety
/// As [`run`]; the step has these tiles, and nobody else computes them.
#[inline(always)]
unsafe fn some<V: Vector, C: Cell<V::Elem>, const W: usize>(
    step: &Step<V::Elem>,
    cell: &C,
    first: usize,
    last: usize,
) {
    let tiles = step.panels.tiles();
    let wider = tiles.wider.clamp(first, last);
    let half = step.panels.half_tile();
    for (panels, first, last) in [
        (tiles.panels + 1, first, wider),
        (tiles.panels, wider, last),
    ] {
        let of = |first, last| Tiles {
            first,
            last,
            step,
            cell,
        };
        let whole = half.filter(|half| (first..last).contains(half));
        let whole = whole.unwrap_or(last);
        // SAFETY: these tiles are among those from `first` to `last`, and have this many panels; the last one ends in a half or
        // not, as it is entered here.
        unsafe {
            if first < whole {
                enter::<V, C, W>(panels, of(first, whole));
            }
            if whole < last {
                enter_half::<V, C, W>(panels, of(whole, last));
            }
        }
    }
}

/// The most panels that a tile of whole panels has. (It is asked in a constant of its own each time: what that excludes is not
/// even compiled.)
const fn most<V: Vector, C: Cell<V::Elem>>(vectors: usize) -> usize {
    // One gate fills fewer than four vectors only where these are all there are, in one panel.
    if C::GATES == 1 && vectors < 4 {
        1
    } else {
        most_panels(V::SIZES, vectors)
    }
}

/// The most panels that a tile has whose last panel has half vectors.
const fn most_half<V: Vector, C: Cell<V::Elem>>(vectors: usize) -> usize {
    if V::HAS_HALF && C::GATES > 1 {
        most_panels(V::SIZES, vectors)
    } else {
        0
    }
}

/// Tiles of `panels` panels.
///
/// # Safety
/// As [`some`]; the tiles have `panels` whole panels.
#[inline(always)]
unsafe fn enter<V: Vector, C: Cell<V::Elem>, const W: usize>(
    panels: usize,
    tiles: Tiles<V::Elem, C>,
) {
    // SAFETY: the caller knows that the machine has the instruction set; `P` is the number of panels.
    unsafe {
        match panels {
            1 => V::enter(Row::<_, _, W, 1, 0>(tiles)),
            2 if const { most::<V, C>(W) >= 2 } => V::enter(Row::<_, _, W, 2, 0>(tiles)),
            3 if const { most::<V, C>(W) >= 3 } => V::enter(Row::<_, _, W, 3, 0>(tiles)),
            _ => debug_assert_eq!(panels, 0, "`RowTiles` has no tile that is larger"),
        }
    }
}

/// A tile of `panels` panels whose last one has half vectors.
///
/// # Safety
/// As [`some`]; the tile has `panels` panels, and the last one is that of half vectors.
#[inline(always)]
unsafe fn enter_half<V: Vector, C: Cell<V::Elem>, const W: usize>(
    panels: usize,
    tiles: Tiles<V::Elem, C>,
) {
    // SAFETY: the caller knows that the machine has the instruction set; `P` and `H` add up to the number of panels.
    unsafe {
        match panels {
            2 if const { most_half::<V, C>(W) >= 2 } => V::enter(Row::<_, _, W, 1, 1>(tiles)),
            3 if const { most_half::<V, C>(W) >= 3 } => V::enter(Row::<_, _, W, 2, 1>(tiles)),
            _ => unreachable!("`Panels` have no half here"),
        }
    }
}

/// Tiles of equally many panels. Each panel of a tile goes on where that of the tile before ended, and is as far from the next
/// panel of its tile as there are tiles: the streams of weights never restart.
struct Tiles<'a, A, C> {
    first: usize,
    last: usize,
    step: &'a Step<'a, A>,
    cell: &'a C,
}

/// Tiles whose numbers of panels are known at compile time: `P`, and `H` of half vectors after them. Only [`enter`] and
/// [`enter_half`] make it.
struct Row<'a, A, C, const W: usize, const P: usize, const H: usize>(Tiles<'a, A, C>);

impl<A: Number, C: Cell<A>, const W: usize, const P: usize, const H: usize> Work<A>
    for Row<'_, A, C, W, P, H>
{
    #[inline(always)]
    unsafe fn run<V: Vector<Elem = A>>(self) {
        let Tiles {
            first,
            last,
            step,
            cell,
        } = self.0;
        let apart = step.panels.tiles().count;
        let of_inputs = W / C::GATES * C::INPUTS * V::LANES;
        let of_units = W / C::GATES * V::LANES;
        // SAFETY: the caller knows that the machine has the instruction set, and so that of the halves. The tiles are those of the
        // step, whose weights and bias have the layout of its panels, and whose input and state have as many numbers as these have
        // rows.
        unsafe {
            let x_of_h = step.h_row(0);
            for panel in first..last {
                let at = |p: usize| panel + p * apart;
                let of = |weights: &Panels<A>| {
                    (
                        core::array::from_fn(|p| weights.panel(at(p))),
                        core::array::from_fn(|h| weights.panel(at(P + h))),
                    )
                };
                let (mut input, mut half_input) =
                    ([V::splat(zero()); P], [V::Half::splat(zero()); H]);
                let mut sums = [[[V::splat(zero()); W]; P]; 1];
                let mut halves = [[V::Half::splat(zero()); W]; H];
                match step.source {
                    Source::Projected { z, .. } => {
                        let z = |p| z.add(at(p) * of_inputs);
                        for p in 0..P {
                            (sums[0][p], input[p]) = projected::<V, C, W>(z(p));
                        }
                        for h in 0..H {
                            (halves[h], half_input[h]) = projected::<V::Half, C, W>(z(P + h));
                        }
                    }
                    Source::Input {
                        weights, x, stride, ..
                    } => {
                        let kernel = weights.kernel;
                        if let Some(bias) = weights.bias {
                            for p in 0..P {
                                sums[0][p] = load(bias.panel(at(p)));
                            }
                            for h in 0..H {
                                halves[h] = load(bias.panel(at(P + h)));
                            }
                        }
                        let rows = kernel.rows();
                        accumulate(&mut sums, &mut halves, [x], stride, of(kernel), rows);
                        if C::INPUTS == 3 {
                            for p in 0..P {
                                input[p] = sums[0][p][2 % W];
                            }
                            for h in 0..H {
                                half_input[h] = halves[h][2 % W];
                            }
                        }
                    }
                }
                if C::APART {
                    for p in 0..P {
                        sums[0][p][2 % W] = third::<V, C>(cell, at(p));
                    }
                    for h in 0..H {
                        halves[h][2 % W] = third::<V::Half, C>(cell, at(P + h));
                    }
                }
                let rows = step.panels.rows();
                accumulate(&mut sums, &mut halves, [x_of_h], 1, of(step.panels), rows);
                // As a loop it would wait for the sums to come back from memory: 15 % of a step of 40 units. (Nor as a
                // closure: one that is called three times is not inlined into the instruction set.)
                let [second, third] = [1 % P, 2 % P];
                let unit = |p| at(p) * of_units;
                ends::<V, C, W>(step, cell, (&sums[0][0], input[0]), 0, unit(0));
                if P > 1 {
                    ends::<V, C, W>(
                        step,
                        cell,
                        (&sums[0][second], input[second]),
                        0,
                        unit(second),
                    );
                }
                if P > 2 {
                    ends::<V, C, W>(step, cell, (&sums[0][third], input[third]), 0, unit(third));
                }
                for h in 0..H {
                    let first = at(P + h) * of_units;
                    ends::<V::Half, C, W>(step, cell, (&halves[h], half_input[h]), 0, first);
                }
            }
        }
    }
}

/// What the sums of a panel start from, and a third gate of the inputs that is not in them, or apart.
///
/// # Safety
/// The machine has the instruction set of `V`; at `z` are the projected inputs of a panel of the cell.
#[inline(always)]
unsafe fn projected<V: Vector, C: Cell<V::Elem>, const W: usize>(z: *const V::Elem) -> ([V; W], V) {
    // SAFETY: of a panel with `W` vectors, or with a third gate after them.
    unsafe {
        let third = if C::INPUTS == 3 {
            V::load(z.add(2 * V::LANES))
        } else {
            V::splat(zero())
        };
        (load(z), third)
    }
}

/// What the state's sum of a third gate that is kept apart starts from.
///
/// # Safety
/// The machine has the instruction set of `V`; the cell has this panel.
#[inline(always)]
unsafe fn third<V: Vector, C: Cell<V::Elem>>(cell: &C, panel: usize) -> V {
    // SAFETY: `inner` has the layout of the cell's panels, of which this is one.
    unsafe {
        match cell.inner() {
            Some(inner) => V::load(inner.panel(panel).add(2 * V::LANES)),
            None => V::splat(zero()),
        }
    }
}
