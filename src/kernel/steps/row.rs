//! The step of one sample: nothing leaves the registers between its input and its new state.
//!
//! Such a step spends its time on reading weights or, if they are few, on waiting for one sum after another. So its tiles
//! have one row and several panels, and the end of a tile runs while the weights of the next tile are loaded.

use super::cell::{Cell, ends};
use super::shared::parts;
use super::step::{Source, Step};
use crate::kernel::packed::{Panels, accumulate, load, most_panels};
use crate::kernel::vectors::{Number, Vector, Work};
use core::ptr::null;
use num_traits::zero;

/// Runs all tiles of a step of one sample.
///
/// # Safety
/// The contract of [`tiles::run`](super::tiles::run) must hold, and the step must be of one sample.
#[inline(always)]
pub unsafe fn run<V: Vector, C: Cell<V::Elem>, const W: usize>(step: &Step<V::Elem>, cell: &C) {
    let tiles = step.panels.tiles();
    // SAFETY: the caller guarantees the contract; the tiles are those of the step's panels.
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

/// Runs several tiles, on several threads if the step may use them.
///
/// # Safety
/// The contract of [`run`] must hold.
#[inline(never)]
unsafe fn of_tiles<V: Vector, C: Cell<V::Elem>, const W: usize>(step: &Step<V::Elem>, cell: &C) {
    let count = step.panels.tiles().count;
    // SAFETY: the step has these tiles, and each of them is in one range only, so one thread alone computes its units.
    unsafe {
        parts(step, cell, count, |step, cell, first, last| {
            some::<V, C, W>(step, cell, first, last);
        });
    }
}

/// Runs the tiles from `first` to `last`.
///
/// # Safety
/// The contract of [`run`] must hold. The step must have these tiles, and nobody else may compute them.
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
        // SAFETY: these tiles are between `first` and `last`, and each of them has this many panels. `enter` has the tiles
        // without half vectors, and `enter_half` the one that ends in them.
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

/// The largest number of panels in a tile of whole panels. Each use is a constant of its own, so that excluded sizes are
/// not compiled.
const fn most<V: Vector, C: Cell<V::Elem>>(vectors: usize) -> usize {
    // A single gate has fewer than four vectors in a panel only if there is just one panel.
    if C::GATES == 1 && vectors < 4 {
        1
    } else {
        most_panels(V::SIZES, vectors)
    }
}

/// The largest number of panels in a tile whose last panel has half vectors.
const fn most_half<V: Vector, C: Cell<V::Elem>>(vectors: usize) -> usize {
    if V::HAS_HALF && C::GATES > 1 {
        most_panels(V::SIZES, vectors)
    } else {
        0
    }
}

/// Runs tiles of `panels` whole panels.
///
/// # Safety
/// The contract of [`some`] must hold, and each tile must have `panels` whole panels.
#[inline(always)]
unsafe fn enter<V: Vector, C: Cell<V::Elem>, const W: usize>(
    panels: usize,
    tiles: Tiles<V::Elem, C>,
) {
    // SAFETY: the caller guarantees the instruction set and the tiles; `P` is the number of panels.
    unsafe {
        match panels {
            1 => V::enter(Row::<_, _, W, 1, 0>(tiles)),
            2 if const { most::<V, C>(W) >= 2 } => V::enter(Row::<_, _, W, 2, 0>(tiles)),
            3 if const { most::<V, C>(W) >= 3 } => V::enter(Row::<_, _, W, 3, 0>(tiles)),
            _ => debug_assert_eq!(panels, 0, "`RowTiles` has no tile that is larger"),
        }
    }
}

/// Runs a tile of `panels` panels whose last one has half vectors.
///
/// # Safety
/// The contract of [`some`] must hold. The tile must have `panels` panels, the last of which must be the panel of half
/// vectors.
#[inline(always)]
unsafe fn enter_half<V: Vector, C: Cell<V::Elem>, const W: usize>(
    panels: usize,
    tiles: Tiles<V::Elem, C>,
) {
    // SAFETY: the caller guarantees the instruction set and the tile; `P` and `H` add up to the number of panels.
    unsafe {
        match panels {
            2 if const { most_half::<V, C>(W) >= 2 } => V::enter(Row::<_, _, W, 1, 1>(tiles)),
            3 if const { most_half::<V, C>(W) >= 3 } => V::enter(Row::<_, _, W, 2, 1>(tiles)),
            _ => unreachable!("`Panels` have no half here"),
        }
    }
}

/// Tiles with the same number of panels. The distance between two panels of a tile is the number of tiles. So each panel
/// continues where the same panel of the previous tile ended, and the streams of weights never restart.
struct Tiles<'a, A, C> {
    first: usize,
    last: usize,
    step: &'a Step<'a, A>,
    cell: &'a C,
}

/// Tiles whose numbers of panels are known at compile time: `P` whole ones, and then `H` with half vectors. Only [`enter`]
/// and [`enter_half`] make it.
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
        // SAFETY: the caller guarantees the instruction set, and so that of the half. The tiles belong to the step. Its
        // weights and bias have the layout of its panels, and its input and state have as many numbers as these have rows.
        unsafe {
            let x_of_h = step.h_row(0);
            for panel in first..last {
                let at = |p: usize| panel + p * apart;
                let of = |weights: &Panels<A>| {
                    let (mut whole, mut half) = ([null(); P], [null(); H]);
                    for p in 0..P {
                        whole[p] = weights.panel(at(p));
                    }
                    for h in 0..H {
                        half[h] = weights.panel(at(P + h));
                    }
                    (whole, half)
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
                // This is not a loop: that would wait for the sums to come back from memory, which takes 15 % of a step of
                // 40 units. It is not a closure either: one with three calls would not be inlined into the instruction set.
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

/// Loads the projected inputs of a panel: the start of its sums, and the third gate of the inputs, if that is not in the
/// sums or is kept separate.
///
/// # Safety
/// The machine must have the instruction set of `V`, and `z` must point to the projected inputs of a panel of the cell.
#[inline(always)]
unsafe fn projected<V: Vector, C: Cell<V::Elem>, const W: usize>(z: *const V::Elem) -> ([V; W], V) {
    // SAFETY: the inputs of a panel have `W` vectors, or two vectors for the sums and a third one after them.
    unsafe {
        let third = if C::INPUTS == 3 {
            V::load(z.add(2 * V::LANES))
        } else {
            V::splat(zero())
        };
        (load(z), third)
    }
}

/// Loads the start of the state's sum of a third gate that is kept separate.
///
/// # Safety
/// The machine must have the instruction set of `V`, and the cell must have this panel.
#[inline(always)]
unsafe fn third<V: Vector, C: Cell<V::Elem>>(cell: &C, panel: usize) -> V {
    // SAFETY: `inner` has the layout of the cell's panels, and `panel` is one of them.
    unsafe {
        match cell.inner() {
            Some(inner) => V::load(inner.panel(panel).add(2 * V::LANES)),
            None => V::splat(zero()),
        }
    }
}
