//! The micro-kernel: a tile of samples × vectors, kept in registers while the products are summed up.

use super::isa::Op;
use super::panels::Panels;
use super::vector::Vector;
use crate::Element;

/// Rows of some array: where each one starts; its numbers lie one behind the other.
pub(crate) struct Inputs<'a, A> {
    base: *const A,
    offsets: &'a [isize],
}

impl<'a, A: Element> Inputs<'a, A> {
    /// # Safety
    /// At `base` plus each offset there must be as many numbers as the panels have rows that it is used with, for `'a`.
    pub unsafe fn new(base: *const A, offsets: &'a [isize]) -> Self {
        Inputs { base, offsets }
    }

    pub fn len(&self) -> usize {
        self.offsets.len()
    }

    #[inline(always)]
    pub fn row(&self, i: usize) -> *const A {
        // SAFETY: the constructor's contract.
        unsafe { self.base.offset(self.offsets[i]) }
    }
}

/// What is accumulated for `R` rows and `P` panels of `W` vectors.
pub(crate) type Sums<V, const R: usize, const P: usize, const W: usize> = [[[V; W]; P]; R];

/// `sums[r][p] += x[r] · panel[p]`, `rows` of them ascending.
///
/// With one row there are several panels (a panel's four sums alone would wait for each other), else one.
///
/// # Safety
/// `x[r]` has `rows` numbers, each panel `rows · W` vectors; the machine has the instruction set of `V`.
#[inline(always)]
pub(crate) unsafe fn accumulate<V: Vector, const R: usize, const P: usize, const W: usize>(
    sums: &mut Sums<V, R, P, W>,
    x: [*const V::Elem; R],
    panel: [*const V::Elem; P],
    rows: usize,
) {
    for k in 0..rows {
        // SAFETY: the caller's promise.
        unsafe {
            for p in 0..P {
                let weights: [V; W] =
                    core::array::from_fn(|w| V::load(panel[p].add((k * W + w) * V::LANES)));
                for r in 0..R {
                    let x = V::splat(*x[r].add(k));
                    for w in 0..W {
                        sums[r][p][w] = x.mul_add(weights[w], sums[r][p][w]);
                    }
                }
            }
        }
    }
}

/// Work that goes over all rows and panels in tiles.
pub(crate) trait Tiles<V: Vector, const W: usize> {
    /// # Safety
    /// Rows `row..row + R` and panels `panel..panel + P` exist; the machine has the instruction set of `V`.
    unsafe fn tile<const R: usize, const P: usize>(&mut self, row: usize, panel: usize);
}

/// How many rows a tile of `W` vectors has at most: its sums, the weights and one input fill the registers.
const fn height<V: Vector>(vectors: usize) -> usize {
    let height = (V::REGISTERS - 1 - vectors) / vectors;
    if height > 8 { 8 } else { height }
}

/// Calls `tile` for all rows and panels; the rows of a panel one behind the other, since they share its weights.
///
/// # Safety
/// All rows and panels exist; the machine has the instruction set of `V`.
#[inline(always)]
pub(crate) unsafe fn over<V: Vector, const W: usize>(
    work: &mut impl Tiles<V, W>,
    rows: usize,
    panels: usize,
) {
    let most = height::<V>(W);
    let most_panels = if (V::REGISTERS - 2) / W < 4 {
        (V::REGISTERS - 2) / W
    } else {
        4
    };
    // SAFETY: the caller's promise; every tile stays inside `rows` and `panels`.
    unsafe {
        if rows == 1 {
            let mut panel = 0;
            while panel < panels {
                let group = (panels - panel).min(most_panels);
                match group {
                    1 => work.tile::<1, 1>(0, panel),
                    2 => work.tile::<1, 2>(0, panel),
                    3 => work.tile::<1, 3>(0, panel),
                    _ if most_panels >= 4 => work.tile::<1, 4>(0, panel),
                    _ => debug_assert!(false, "no group is larger than `most_panels`"),
                }
                panel += group;
            }
            return;
        }
        // Tiles of nearly equal height: a last one of one or two rows would wait for its weights.
        let tiles = rows.div_ceil(most);
        for panel in 0..panels {
            let mut row = 0;
            for tile in 0..tiles {
                let height = (rows - row).div_ceil(tiles - tile);
                match height {
                    1 => work.tile::<1, 1>(row, panel),
                    2 => work.tile::<2, 1>(row, panel),
                    3 => work.tile::<3, 1>(row, panel),
                    4 if most >= 4 => work.tile::<4, 1>(row, panel),
                    5 if most >= 5 => work.tile::<5, 1>(row, panel),
                    6 if most >= 6 => work.tile::<6, 1>(row, panel),
                    7 if most >= 7 => work.tile::<7, 1>(row, panel),
                    _ if most >= 8 => work.tile::<8, 1>(row, panel),
                    _ => debug_assert!(false, "no tile is higher than `most`"),
                }
                row += height;
            }
        }
    }
}

/// `z = bias + x · matrix` for every input.
pub(crate) struct Project<'a, A> {
    pub panels: &'a Panels<A>,
    pub bias: Option<&'a Panels<A>>,
    pub inputs: &'a Inputs<'a, A>,
    pub z: &'a mut [A],
}

impl<A: Element> Op<A> for Project<'_, A> {
    #[inline(always)]
    unsafe fn eval<V: Vector<Elem = A>>(mut self) {
        let (rows, panels) = (self.inputs.len(), self.panels.panels());
        // SAFETY: `z` has room for all rows (checked by `Panels::project`), the inputs have theirs by contract.
        unsafe {
            match self.panels.vectors() {
                1 => over::<V, 1>(&mut self, rows, panels),
                2 => over::<V, 2>(&mut self, rows, panels),
                3 => over::<V, 3>(&mut self, rows, panels),
                _ => over::<V, 4>(&mut self, rows, panels),
            }
        }
    }
}

impl<V: Vector, const W: usize> Tiles<V, W> for Project<'_, V::Elem> {
    #[inline(always)]
    unsafe fn tile<const R: usize, const P: usize>(&mut self, row: usize, panel: usize) {
        let (len, width) = (self.panels.len(), W * V::LANES);
        // SAFETY: the rows and panels exist; `z` has `len` numbers a row, the panel's part begins at `panel * width`.
        unsafe {
            let mut sums: Sums<V, R, P, W> = [start(self.bias, panel); R];
            let x = core::array::from_fn(|r| self.inputs.row(row + r));
            let weights = core::array::from_fn(|p| self.panels.panel(panel + p));
            accumulate(&mut sums, x, weights, self.panels.rows());
            let z = self.z.as_mut_ptr();
            for r in 0..R {
                for p in 0..P {
                    for w in 0..W {
                        let at = (row + r) * len + (panel + p) * width + w * V::LANES;
                        sums[r][p][w].store(z.add(at));
                    }
                }
            }
        }
    }
}

/// Sums that start from the bias, or from zero.
///
/// # Safety
/// The panels exist; the machine has the instruction set of `V`.
#[inline(always)]
pub(crate) unsafe fn start<V: Vector, const P: usize, const W: usize>(
    bias: Option<&Panels<V::Elem>>,
    panel: usize,
) -> [[V; W]; P] {
    // SAFETY: the caller's promise.
    unsafe {
        core::array::from_fn(|p| match bias {
            Some(bias) => load::<V, W>(bias.panel(panel + p)),
            None => [V::splat(num_traits::zero()); W],
        })
    }
}

/// `W` vectors that lie one behind the other.
///
/// # Safety
/// They are there; the machine has the instruction set of `V`.
#[inline(always)]
pub(crate) unsafe fn load<V: Vector, const W: usize>(from: *const V::Elem) -> [V; W] {
    // SAFETY: the caller's promise.
    core::array::from_fn(|w| unsafe { V::load(from.add(w * V::LANES)) })
}
