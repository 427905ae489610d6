//! The micro-kernel: the sums of a tile stay in registers while products are added.

use crate::kernel::vectors::Vector;
use core::hint::black_box;

/// `sums[r][p] += x[r] · panels[p]`, `depth` rows ascending; and the panels of half vectors with the first row of `x`.
///
/// # Safety
/// `x[r]` has `depth` numbers, one every `stride`; each panel has `depth · W` vectors.
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
        // SAFETY: what is asked for is the same.
        return unsafe { accumulate_in_lots(sums, x, stride, panels, depth) };
    }
    let mut at = 0;
    for k in 0..depth {
        // SAFETY: there are `depth` rows, and `k` is one of them; the sums are the proof of the instruction set.
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

/// `W` vectors that follow one another in memory.
///
/// # Safety
/// They are there; the machine has the instruction set of `V`.
#[inline(always)]
pub unsafe fn load<V: Vector, const W: usize>(from: *const V::Elem) -> [V; W] {
    // SAFETY: they are there, and a vector is its numbers. (Not one `V::load` after the other by `array::from_fn`: without
    // link-time optimisation its closure is a function of its own, which has no instruction set, and each load a call.)
    unsafe { from.cast::<[V; W]>().read_unaligned() }
}

/// [`accumulate`] for tiles whose sums leave no registers for all the weights of a row: it takes two of them at a time.
///
/// # Safety
/// As [`accumulate`].
#[inline(always)]
unsafe fn accumulate_in_lots<V: Vector, const W: usize, const R: usize, const P: usize>(
    sums: &mut [[[V; W]; P]; R],
    x: [*const V::Elem; R],
    stride: isize,
    panel: [*const V::Elem; P],
    depth: usize,
) {
    // The compiler would keep the inputs of the first lot for the second, and spill them.
    let again = black_box(x);
    let mut at = 0;
    for k in 0..depth {
        for p in 0..P {
            // SAFETY: there are `depth` rows, and `k` is one of them; the sums are the proof of the instruction set.
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
