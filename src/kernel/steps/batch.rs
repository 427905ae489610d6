//! The step of several samples, tile by tile: the sums of inputs and state, and then the new state. The gates are never
//! stored beyond a tile.

use super::cell::{Cell, ends};
use super::shared::parts;
use super::step::{Source, Step};
use crate::kernel::packed::{Grid, Product, Sums, Tile, bias, each_tile_of, load, product};
use crate::kernel::vectors::{Number, Vector, Work};
use num_traits::zero;

/// Runs the tiles of a step of several samples, on several threads if the step may use them.
///
/// # Safety
/// The contract of [`tiles::run`](super::tiles::run) must hold.
#[inline(never)]
pub unsafe fn run<V: Vector, C: Cell<V::Elem>, const W: usize>(step: &Step<V::Elem>, cell: &C) {
    // SAFETY: the contract is the same. The step has these panels, and each of them is in one range only, so one thread
    // alone computes its units.
    unsafe {
        parts(
            step,
            cell,
            step.panels.panels(),
            |step, cell, first, last| {
                some::<V, C, W>(step, cell, first, last);
            },
        );
    }
}

/// Runs the tiles of the panels from `first` to `last`.
///
/// # Safety
/// The contract of [`run`] must hold. The step must have these panels, and nobody else may compute them.
#[inline(always)]
unsafe fn some<V: Vector, C: Cell<V::Elem>, const W: usize>(
    step: &Step<V::Elem>,
    cell: &C,
    first: usize,
    last: usize,
) {
    each_tile_of::<V>(step.count, step.panels, first, last, |at| {
        // SAFETY: the caller guarantees the instruction set, and so that of the half; `each_tile_of` makes the tiles of
        // this step.
        unsafe {
            if at.half {
                tile::<V::Half, C, W>(step, at, cell);
            } else {
                tile::<V, C, W>(step, at, cell);
            }
        }
    });
}

/// Computes one tile.
///
/// # Safety
/// The contract of [`run`] must hold, and `at` must be a tile of the step.
unsafe fn tile<V: Vector, C: Cell<V::Elem>, const W: usize>(
    step: &Step<V::Elem>,
    at: &Tile,
    cell: &C,
) {
    let Source::Projected { z, len } = step.source else {
        unreachable!("the inputs of several samples are projected before")
    };
    let of_inputs = step.panels.width() / C::GATES * C::INPUTS;
    let mut room = Sums::new::<V, W>();
    let width = W * V::LANES;
    let from = Grid {
        first: z.wrapping_add(at.row * len + at.panel * of_inputs),
        row: len,
        panel: of_inputs,
    };
    let sums = Grid {
        first: room.start(),
        row: at.panels * width,
        panel: width,
    };
    // SAFETY: the step has inputs, states and new states for the rows of the tile, and the panels of the tile. `Sums` has
    // room for any tile.
    unsafe {
        let third = C::APART.then(|| {
            let mut from = bias(cell.inner(), at);
            if !from.first.is_null() {
                from.first = from.first.add(2 * V::LANES);
            }
            from
        });
        let work = Product {
            from,
            third,
            x: step.h_rows(at),
            further: &[],
            stride: 1,
            weights: step.panels.panel(at.panel),
            apart: at.apart * step.panels.panel_len(),
            depth: step.panels.rows(),
            to: sums,
        };
        product::<V, W>(at, &work);
        V::enter(Ends::<_, _, W> {
            step,
            at,
            sums: room.start(),
            inputs: from,
            cell,
        });
    }
}

/// The ends of the rows of a tile, in one call. Only [`tile`] makes it.
struct Ends<'a, A, C, const W: usize> {
    step: &'a Step<'a, A>,
    at: &'a Tile,
    sums: *const A,
    inputs: Grid<*const A>,
    cell: &'a C,
}

impl<A: Number, C: Cell<A>, const W: usize> Work<A> for Ends<'_, A, C, W> {
    #[inline(always)]
    unsafe fn run<V: Vector<Elem = A>>(self) {
        let at = self.at;
        let first = at.panel * self.step.panels.panel_units();
        for r in 0..at.rows {
            // SAFETY: the caller guarantees the instruction set; only `tile` makes this value, with sums and inputs for
            // each row.
            unsafe {
                let sums: [V; W] = load(self.sums.add(r * W * V::LANES));
                let input = if C::INPUTS == 3 {
                    let inputs = self.inputs.first.add(r * self.inputs.row);
                    V::load(inputs.add(2 * V::LANES))
                } else {
                    V::splat(zero())
                };
                ends::<V, C, W>(self.step, self.cell, (&sums, input), at.row + r, first);
            }
        }
    }
}
