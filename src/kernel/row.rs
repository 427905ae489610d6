//! The step of one sample: nothing leaves the registers between its input and its new state.
//!
//! Its time goes into reading weights or, where they are few, into waiting for one sum after the other. So its tiles have
//! one row and several panels, and the end of a tile runs while the weights of the next one come in.

use super::panels::Panels;
use super::steps::{End, Source, Step, ends, load};
use super::tile::{accumulate, most_panels};
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
        if tiles.count == 1 {
            enter::<V, E, W>(
                tiles.panels,
                Tiles {
                    first: 0,
                    last: 1,
                    step,
                    end,
                },
            );
        } else {
            of_tiles::<V, E, W>(step, end);
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
    let of = |first, last| Tiles {
        first,
        last,
        step,
        end,
    };
    let wider = tiles.wider.clamp(first, last);
    // SAFETY: the caller's promise.
    unsafe {
        if wider > first {
            enter::<V, E, W>(tiles.panels + 1, of(first, wider));
        }
        enter::<V, E, W>(tiles.panels, of(wider, last));
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
            1 => V::enter(Row::<_, _, W, 1>(tiles)),
            2 if most >= 2 => V::enter(Row::<_, _, W, 2>(tiles)),
            3 if most >= 3 => V::enter(Row::<_, _, W, 3>(tiles)),
            _ => debug_assert_eq!(panels, 0, "`Panels::tiles` makes no tile that is larger"),
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

/// The same with a number of panels that is known when it is compiled.
struct Row<'a, A, E, const W: usize, const P: usize>(Tiles<'a, A, E>);

impl<A: Element, E: End<A>, const W: usize, const P: usize> Work<A> for Row<'_, A, E, W, P> {
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
        // SAFETY: the caller's promise; `Step`'s contract.
        unsafe {
            let h = step.h_row(0);
            for panel in first..last {
                let mut sums = [[[V::splat(zero()); W]; P]; 1];
                let mut input = [V::splat(zero()); P];
                match step.source {
                    Source::Projected { z, .. } => {
                        for p in 0..P {
                            let z = z.add((panel + p * apart) * of_inputs);
                            sums[0][p] = load(z);
                            if E::INPUTS == 3 {
                                input[p] = V::load(z.add(2 * V::LANES));
                            }
                        }
                    }
                    Source::Input {
                        weights, x, stride, ..
                    } => {
                        let kernel = weights.kernel;
                        if let Some(bias) = weights.bias {
                            for p in 0..P {
                                sums[0][p] = load(bias.panel(panel + p * apart));
                            }
                        }
                        let panels = core::array::from_fn(|p| kernel.panel(panel + p * apart));
                        accumulate(&mut sums, [x], stride, panels, kernel.rows());
                        if E::INPUTS == 3 {
                            for p in 0..P {
                                input[p] = sums[0][p][2 % W];
                            }
                        }
                    }
                }
                if E::APART {
                    for p in 0..P {
                        let third =
                            |inner: &Panels<A>| inner.panel(panel + p * apart).add(2 * V::LANES);
                        sums[0][p][2 % W] = match end.inner() {
                            Some(inner) => V::load(third(inner)),
                            None => V::splat(zero()),
                        };
                    }
                }
                let weights = core::array::from_fn(|p| step.panels.panel(panel + p * apart));
                accumulate(&mut sums, [h], 1, weights, step.panels.rows());
                let finish = |p: usize| {
                    ends::<V, E, W>(step, end, &sums[0][p], input[p], 0, panel + p * apart);
                };
                if P == 3 {
                    // As a loop it would wait for the sums to come back from memory: 15 % of a step of 40 units.
                    finish(0);
                    finish(1 % P);
                    finish(2 % P);
                } else {
                    for p in 0..P {
                        finish(p);
                    }
                }
            }
        }
    }
}
