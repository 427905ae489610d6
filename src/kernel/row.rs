//! The step of one sample: nothing leaves the registers between its input and its new state.
//!
//! Its time goes into reading weights or, where they are few, into waiting for one sum after the other. So its tiles have
//! one row and several panels, and the end of a tile runs while the weights of the next one come in.

use super::panels::Panels;
use super::steps::{End, Source, Step, ends};
use super::tile::{accumulate, load, most_panels};
use super::vector::{Vector, Work};
use crate::Element;
use crate::threads::share;
use num_traits::zero;

/// All tiles of a step of one sample.
///
/// # Safety
/// `Step`'s contract holds; the machine has the instruction set of `V`.
#[inline(always)]
pub(crate) unsafe fn run<V: Vector, E: End<V::Elem>, const W: usize>(
    step: &Step<V::Elem>,
    end: &E,
) {
    let tiles = step.panels.tiles();
    // SAFETY: the caller's promise.
    unsafe {
        if tiles.count > 1 {
            return of_tiles::<V, E, W>(step, end);
        }
        let tile = Tiles {
            first: 0,
            last: 1,
            step,
            end,
        };
        if step.panels.ends_in_half() {
            enter_half::<V, E, W>(tiles.panels, tile);
        } else {
            enter::<V, E, W>(tiles.panels, tile);
        }
    }
}

/// The same where there are several tiles.
///
/// # Safety
/// As [`run`].
#[inline(never)]
unsafe fn of_tiles<V: Vector, E: End<V::Elem>, const W: usize>(step: &Step<V::Elem>, end: &E) {
    let count = step.panels.tiles().count;
    if !cfg!(feature = "rayon") || step.threads == 1 {
        // SAFETY: the caller's promise.
        unsafe { some::<V, E, W>(step, end, 0, count) }
    } else {
        let shared = Shared { step, end };
        share(step.threads, 0, count, &|first, last| {
            let Shared { step, end } = *shared.get();
            // SAFETY: the caller's promise; each tile is in one range.
            unsafe { some::<V, E, W>(step, end, first, last) }
        });
    }
}

/// A step that several threads work on.
struct Shared<'a, A, E> {
    step: &'a Step<'a, A>,
    end: &'a E,
}

// SAFETY: threads read the same state and weights, and write the new state of different units: those of their tiles. A step
// in place has one tile only.
unsafe impl<A: Sync, E> Sync for Shared<'_, A, E> {}

impl<A, E> Shared<'_, A, E> {
    /// The whole of it: a closure that named the fields would take them one by one.
    fn get(&self) -> &Self {
        self
    }
}

/// The tiles from `first` to `last`.
///
/// # Safety
/// As [`run`].
#[inline(always)]
unsafe fn some<V: Vector, E: End<V::Elem>, const W: usize>(
    step: &Step<V::Elem>,
    end: &E,
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
            end,
        };
        let whole = half.filter(|half| (first..last).contains(half));
        let whole = whole.unwrap_or(last);
        // SAFETY: the caller's promise.
        unsafe {
            if first < whole {
                enter::<V, E, W>(panels, of(first, whole));
            }
            if whole < last {
                enter_half::<V, E, W>(panels, of(whole, last));
            }
        }
    }
}

/// # Safety
/// As [`run`].
#[inline(always)]
unsafe fn enter<V: Vector, E: End<V::Elem>, const W: usize>(
    panels: usize,
    tiles: Tiles<V::Elem, E>,
) {
    // One gate fills fewer than four vectors only where these are all there are, in one panel.
    let most = const {
        if E::GATES == 1 && W < 4 {
            1
        } else {
            most_panels::<V>(W)
        }
    };
    // SAFETY: the caller's promise.
    unsafe {
        match panels {
            1 => V::enter(Row::<_, _, W, 1, 0>(tiles)),
            2 if most >= 2 => V::enter(Row::<_, _, W, 2, 0>(tiles)),
            3 if most >= 3 => V::enter(Row::<_, _, W, 3, 0>(tiles)),
            _ => debug_assert_eq!(panels, 0, "`Panels::tiles` makes no tile that is larger"),
        }
    }
}

/// The same for a tile whose last panel is one of half vectors.
///
/// # Safety
/// As [`run`].
#[inline(always)]
unsafe fn enter_half<V: Vector, E: End<V::Elem>, const W: usize>(
    panels: usize,
    tiles: Tiles<V::Elem, E>,
) {
    let most = const {
        if V::HAS_HALF && E::GATES > 1 {
            most_panels::<V>(W)
        } else {
            0
        }
    };
    // SAFETY: the caller's promise.
    unsafe {
        match panels {
            2 if most >= 2 => V::enter(Row::<_, _, W, 1, 1>(tiles)),
            3 if most >= 3 => V::enter(Row::<_, _, W, 2, 1>(tiles)),
            _ => unreachable!("`Panels::pack` makes no half here"),
        }
    }
}

/// Tiles of equally many panels. Each panel goes on where that of the tile before ended, so many further as there are tiles:
/// the streams of weights never restart.
struct Tiles<'a, A, E> {
    first: usize,
    last: usize,
    step: &'a Step<'a, A>,
    end: &'a E,
}

/// The same with numbers of panels that are known when it is compiled: `P`, and `H` of half vectors behind them.
struct Row<'a, A, E, const W: usize, const P: usize, const H: usize>(Tiles<'a, A, E>);

impl<A: Element, E: End<A>, const W: usize, const P: usize, const H: usize> Work<A>
    for Row<'_, A, E, W, P, H>
{
    #[inline(always)]
    unsafe fn run<V: Vector<Elem = A>>(self) {
        let Tiles {
            first,
            last,
            step,
            end,
        } = self.0;
        let apart = step.panels.tiles().count;
        let of_inputs = W / E::GATES * E::INPUTS * V::LANES;
        let of_units = W / E::GATES * V::LANES;
        // SAFETY: the caller's promise; `Step`'s contract.
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
                            (sums[0][p], input[p]) = projected::<V, E, W>(z(p));
                        }
                        for h in 0..H {
                            (halves[h], half_input[h]) = projected::<V::Half, E, W>(z(P + h));
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
                        if E::INPUTS == 3 {
                            for p in 0..P {
                                input[p] = sums[0][p][2 % W];
                            }
                            for h in 0..H {
                                half_input[h] = halves[h][2 % W];
                            }
                        }
                    }
                }
                if E::APART {
                    for p in 0..P {
                        sums[0][p][2 % W] = third::<V, E>(end, at(p));
                    }
                    for h in 0..H {
                        halves[h][2 % W] = third::<V::Half, E>(end, at(P + h));
                    }
                }
                let rows = step.panels.rows();
                accumulate(&mut sums, &mut halves, [x_of_h], 1, of(step.panels), rows);
                // As a loop it would wait for the sums to come back from memory: 15 % of a step of 40 units. (Nor as a
                // closure: one that is called three times is not inlined into the instruction set.)
                let [second, third] = [1 % P, 2 % P];
                let unit = |p| at(p) * of_units;
                ends::<V, E, W>(step, end, &sums[0][0], input[0], 0, unit(0));
                if P > 1 {
                    ends::<V, E, W>(step, end, &sums[0][second], input[second], 0, unit(second));
                }
                if P > 2 {
                    ends::<V, E, W>(step, end, &sums[0][third], input[third], 0, unit(third));
                }
                for h in 0..H {
                    let first = at(P + h) * of_units;
                    ends::<V::Half, E, W>(step, end, &halves[h], half_input[h], 0, first);
                }
            }
        }
    }
}

/// What the sums of a panel start from, and a third gate of the inputs that is not in them, or apart.
///
/// # Safety
/// All of that is there; the machine has the instruction set of `V`.
#[inline(always)]
unsafe fn projected<V: Vector, E: End<V::Elem>, const W: usize>(z: *const V::Elem) -> ([V; W], V) {
    // SAFETY: the caller's promise.
    unsafe {
        let third = if E::INPUTS == 3 {
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
/// As [`projected`].
#[inline(always)]
unsafe fn third<V: Vector, E: End<V::Elem>>(end: &E, panel: usize) -> V {
    // SAFETY: the caller's promise.
    unsafe {
        match end.inner() {
            Some(inner) => V::load(inner.panel(panel).add(2 * V::LANES)),
            None => V::splat(zero()),
        }
    }
}
