//! `Product`: the part of a product that belongs to a tile, from memory to memory.

use super::accumulate::accumulate;
use super::sizes::{MOST_ROWS, most_panels, most_rows};
use super::tile::Tile;
use crate::kernel::vectors::{MAX_LANES, Number, Vector, Work};
use core::mem::MaybeUninit;
use num_traits::zero;

/// The largest number of vectors of sums in a tile.
pub const MOST_SUMS: usize = 24;

/// Memory for the sums of a tile, `[row][panel][vector][lane]`.
#[repr(align(64))]
pub struct Sums<A>(MaybeUninit<[A; MOST_SUMS * MAX_LANES]>);

impl<A> Sums<A> {
    /// Makes memory for tiles whose panels have `W` vectors `V`.
    pub fn new<V: Vector<Elem = A>, const W: usize>() -> Self {
        const { assert!(W * most_rows(V::SIZES, W) <= MOST_SUMS) };
        const { assert!(W * most_panels(V::SIZES, W) <= MOST_SUMS) };
        Sums(MaybeUninit::uninit())
    }

    pub fn start(&mut self) -> *mut A {
        self.0.as_mut_ptr().cast()
    }
}

/// The places of vectors for the rows and panels of a tile: the first one, and the distances to the next row and the next
/// panel.
#[derive(Clone, Copy)]
pub struct Grid<P> {
    pub first: P,
    pub row: usize,
    pub panel: usize,
}

/// `to = from + x · weights` for the rows and panels of a tile, with the rows of the weights in ascending order. Each sum
/// is one chain.
pub struct Product<'a, A> {
    /// The start of the sums, or null for zero.
    pub from: Grid<*const A>,
    /// If given, the start of the last vector of three, in place of `from`.
    pub third: Option<Grid<*const A>>,
    /// The rows that are multiplied: each has `depth` numbers at distances of `stride`, and as many from its start plus each
    /// of `further` on.
    pub x: [*const A; MOST_ROWS],
    pub further: &'a [isize],
    pub stride: isize,
    /// The first panel of the tile, and the distance to the next one.
    pub weights: *const A,
    pub apart: usize,
    pub depth: usize,
    pub to: Grid<*mut A>,
}

/// A product whose size is known at compile time: `R` rows and `P` panels of `W` vectors. Only [`product`] makes it.
struct Fixed<'a, A, const W: usize, const R: usize, const P: usize>(&'a Product<'a, A>);

impl<A: Number, const W: usize, const R: usize, const P: usize> Work<A> for Fixed<'_, A, W, R, P> {
    #[inline(always)]
    unsafe fn run<V: Vector<Elem = A>>(self) {
        let Product {
            from,
            third,
            x,
            further,
            stride,
            weights,
            apart,
            depth,
            to,
        } = self.0;
        // SAFETY: only `product` makes this value, and its caller guarantees the instruction set and that the pointers are
        // valid for the rows and panels of the tile.
        unsafe {
            let mut sums = [[[V::splat(zero()); W]; P]; R];
            if !from.first.is_null() {
                for r in 0..R {
                    for p in 0..P {
                        for w in 0..W {
                            let at = r * from.row + p * from.panel + w * V::LANES;
                            sums[r][p][w] = V::load(from.first.add(at));
                        }
                    }
                }
            }
            if W == 3
                && let Some(from) = third
            {
                for r in 0..R {
                    for p in 0..P {
                        sums[r][p][W - 1] = if from.first.is_null() {
                            V::splat(zero())
                        } else {
                            V::load(from.first.add(p * from.panel))
                        };
                    }
                }
            }
            // Loops, since what the compiler makes of `array::from_fn` is much more than the rest of a tile.
            let mut panels = [*weights; P];
            for p in 0..P {
                panels[p] = weights.add(p * apart);
            }
            let (mut run, mut start) = ([x[0]; R], 0);
            let mut further = further.iter();
            loop {
                for r in 0..R {
                    run[r] = x[r].wrapping_offset(start);
                }
                accumulate(&mut sums, &mut [], run, *stride, (panels, []), *depth);
                // Most rows have one run.
                let Some(&next) = further.next() else { break };
                start = next;
                for panel in &mut panels {
                    *panel = panel.wrapping_add(depth * W * V::LANES);
                }
            }
            for r in 0..R {
                for p in 0..P {
                    for w in 0..W {
                        let at = r * to.row + p * to.panel + w * V::LANES;
                        sums[r][p][w].store(to.first.add(at));
                    }
                }
            }
        }
    }
}

const fn rows<V: Vector>(vectors: usize) -> usize {
    most_rows(V::SIZES, vectors)
}

const fn panels<V: Vector>(vectors: usize) -> usize {
    most_panels(V::SIZES, vectors)
}

/// Computes the product of a tile whose panels have `W` vectors.
///
/// # Safety
/// The machine must have the instruction set of `V`. The pointers of `product` must be valid for all rows and panels of the
/// tile: `to` for writes and the others for reads. `from` may be null.
pub unsafe fn product<V: Vector, const W: usize>(tile: &Tile, product: &Product<V::Elem>) {
    // Each size is a constant, so sizes that the condition excludes are not compiled. SAFETY: the caller guarantees the
    // instruction set and the pointers; `R` and `P` are the size of the tile.
    unsafe {
        match (tile.rows, tile.panels) {
            (1, 1) => V::enter(Fixed::<_, W, 1, 1>(product)),
            (1, 2) if const { panels::<V>(W) >= 2 } => V::enter(Fixed::<_, W, 1, 2>(product)),
            (1, 3) if const { panels::<V>(W) >= 3 } => V::enter(Fixed::<_, W, 1, 3>(product)),
            (2, 1) => V::enter(Fixed::<_, W, 2, 1>(product)),
            (3, 1) => V::enter(Fixed::<_, W, 3, 1>(product)),
            (4, 1) if const { rows::<V>(W) >= 4 } => V::enter(Fixed::<_, W, 4, 1>(product)),
            (5, 1) if const { rows::<V>(W) >= 5 } => V::enter(Fixed::<_, W, 5, 1>(product)),
            (6, 1) if const { rows::<V>(W) >= 6 } => V::enter(Fixed::<_, W, 6, 1>(product)),
            (7, 1) if const { rows::<V>(W) >= 7 } => V::enter(Fixed::<_, W, 7, 1>(product)),
            (8, 1) if const { rows::<V>(W) >= 8 } => V::enter(Fixed::<_, W, 8, 1>(product)),
            _ => unreachable!("`each_tile` makes no tile that is larger"),
        }
    }
}
