//! The micro-kernel: the sums of a tile stay in registers while products are added to them.

use crate::kernel::vectors::Vector;
use core::hint::black_box;

/// Adds `x[r] · panels[p]` to `sums[r][p]`, with the rows of the panels in ascending order. It adds the products of `x[0]`
/// and the panels of half vectors to `halves`.
///
/// # Safety
/// Each `x[r]` must be valid for reads of `depth` numbers at distances of `stride`. Each panel must be valid for reads of
/// `depth · W` vectors, and each half panel for reads of `depth · W` half vectors.
#[inline(always)]
pub unsafe fn accumulate<
    V: Vector,
    const W: usize,
    const R: usize,
    const P: usize,
    const H: usize,
>(
    sums: &mut [[[V; W]; P]; R],
    halves: &mut [[V::Half; W]; H],
    x: [*const V::Elem; R],
    stride: isize,
    (panels, half_panels): ([*const V::Elem; P], [*const V::Elem; H]),
    depth: usize,
) {
    if R * W + W + 2 > V::REGISTERS && R > 1 {
        // SAFETY: the contract is the same.
        return unsafe { accumulate_in_lots(sums, x, stride, panels, depth) };
    }
    let mut at = 0;
    for k in 0..depth {
        // SAFETY: `k` is below `depth`, so the caller guarantees that its row is valid; the sums prove the instruction set.
        unsafe {
            for p in 0..P {
                let weights: [V; W] = load(panels[p].add(k * W * V::LANES));
                for r in 0..R {
                    let x = V::splat(*x[r].offset(at));
                    for w in 0..W {
                        sums[r][p][w] = x.mul_add(weights[w], sums[r][p][w]);
                    }
                }
            }
            for h in 0..H {
                let weights: [V::Half; W] = load(half_panels[h].add(k * W * V::Half::LANES));
                let x = V::splat(*x[0].offset(at)).half();
                for w in 0..W {
                    halves[h][w] = x.mul_add(weights[w], halves[h][w]);
                }
            }
        }
        at += stride;
    }
}

/// Loads `W` vectors that are adjacent in memory.
///
/// # Safety
/// The machine must have the instruction set of `V`, and `from` must be valid for reads of `W` vectors.
#[inline(always)]
pub unsafe fn load<V: Vector, const W: usize>(from: *const V::Elem) -> [V; W] {
    // SAFETY: the caller guarantees that `from` is valid for `W` vectors, and a vector consists of its numbers only.
    // (`array::from_fn` over `V::load` would be wrong here: without link-time optimisation its closure is a function
    // without the instruction set, and each load a call.)
    unsafe { from.cast::<[V; W]>().read_unaligned() }
}

/// [`accumulate`] for tiles whose sums do not leave enough registers for all weights of a row. It takes two vectors of
/// weights at a time.
///
/// # Safety
/// The contract of [`accumulate`] must hold.
#[inline(always)]
unsafe fn accumulate_in_lots<V: Vector, const W: usize, const R: usize, const P: usize>(
    sums: &mut [[[V; W]; P]; R],
    x: [*const V::Elem; R],
    stride: isize,
    panel: [*const V::Elem; P],
    depth: usize,
) {
    // Otherwise the compiler would keep the inputs of the first two vectors for the next ones, and spill them.
    let again = black_box(x);
    let mut at = 0;
    for k in 0..depth {
        for p in 0..P {
            // SAFETY: `k` is below `depth`, so the caller guarantees that its row is valid; the sums prove the instruction
            // set.
            unsafe {
                let row = panel[p].add(k * W * V::LANES);
                for first in (0..W).step_by(2) {
                    let x = if first == 0 { x } else { again };
                    let last = W.min(first + 2) - 1;
                    let weights = [
                        V::load(row.add(first * V::LANES)),
                        V::load(row.add(last * V::LANES)),
                    ];
                    for r in 0..R {
                        let x = V::splat(*x[r].offset(at));
                        for w in first..=last {
                            sums[r][p][w] = x.mul_add(weights[w - first], sums[r][p][w]);
                        }
                    }
                }
            }
        }
        at += stride;
    }
}
