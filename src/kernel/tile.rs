//! The micro-kernel: a tile of samples × vectors, kept in registers while the products are summed up.

use super::isa::Op;
use super::panels::Panels;
use super::vector::{Vector, Work};
use crate::Element;
use core::hint::black_box;
use core::mem::MaybeUninit;
use core::ptr;

/// How many rows a tile has at most.
const MOST_ROWS: usize = 8;
/// How many vectors of sums a tile has at most.
const MOST_SUMS: usize = 24;

/// Rows of some array: where each one starts, and how far its numbers lie apart.
pub struct Inputs<'a, A> {
    base: *const A,
    offsets: &'a [isize],
    stride: isize,
}

impl<'a, A: Element> Inputs<'a, A> {
    /// # Safety
    /// From `base` plus each offset on there must be a number every `stride`, as many as the panels have rows that it is
    /// used with, for `'a`.
    pub unsafe fn new(base: *const A, offsets: &'a [isize], stride: isize) -> Self {
        Inputs {
            base,
            offsets,
            stride,
        }
    }

    pub fn len(&self) -> usize {
        self.offsets.len()
    }

    /// The rows before `middle`, and the others.
    pub fn split(self, middle: usize) -> (Self, Self) {
        let (before, after) = self.offsets.split_at(middle);
        let part = |offsets| Inputs { offsets, ..self };
        (part(before), part(after))
    }
}

// SAFETY: the numbers are only read, for as long as `'a`, as if through a `&'a [A]`.
unsafe impl<A: Sync> Send for Inputs<'_, A> {}

/// Where a tile is: `rows` rows from the first one on, and `panels` panels, each `apart` behind the one before; or the last
/// panel alone, of half vectors.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub row: usize,
    pub rows: usize,
    pub panel: usize,
    pub panels: usize,
    pub apart: usize,
    pub half: bool,
}

/// Room for the sums of a tile, `[row][panel][vector][lane]`.
#[repr(align(64))]
pub(crate) struct Room<A>(MaybeUninit<[A; MOST_SUMS * 16]>);

impl<A> Room<A> {
    pub fn new() -> Self {
        Room(MaybeUninit::uninit())
    }

    pub fn start(&mut self) -> *mut A {
        self.0.as_mut_ptr().cast()
    }
}

/// Vectors that belong to rows and panels: how far the next row and the next panel are.
#[derive(Clone, Copy)]
pub(crate) struct Grid<P> {
    pub first: P,
    pub row: usize,
    pub panel: usize,
}

/// `to = from + x · weights` for the rows and panels of a tile, the weights' rows ascending: each sum is one chain.
pub(crate) struct Product<A> {
    /// What the sums start from; zero if null.
    pub from: Grid<*const A>,
    /// If there, the third of three vectors does not start from there, but from this.
    pub third: Option<Third<A>>,
    /// The rows that are multiplied: as many numbers as `depth`, one every `stride`.
    pub x: [*const A; MOST_ROWS],
    pub stride: isize,
    /// The tile's first panel, and how far the next is.
    pub weights: *const A,
    pub apart: usize,
    pub depth: usize,
    pub to: Grid<*mut A>,
}

/// What the third of three vectors starts from.
#[derive(Clone, Copy)]
pub(crate) struct Third<A> {
    pub from: Grid<*const A>,
}

/// A product of a size known when it is compiled: `R` rows, `P` panels of `W` vectors.
struct Sized<'a, A, const W: usize, const R: usize, const P: usize>(&'a Product<A>);

impl<A: Element, const W: usize, const R: usize, const P: usize> Work<A> for Sized<'_, A, W, R, P> {
    #[inline(always)]
    unsafe fn run<V: Vector<Elem = A>>(self) {
        let Product {
            from,
            third,
            x,
            stride,
            weights,
            apart,
            depth,
            to,
        } = self.0;
        // SAFETY: the contract of `product`.
        unsafe {
            let mut sums = [[[V::splat(num_traits::zero()); W]; P]; R];
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
                && let Some(Third { from }) = third
            {
                for r in 0..R {
                    for p in 0..P {
                        sums[r][p][W - 1] = if from.first.is_null() {
                            V::splat(num_traits::zero())
                        } else {
                            V::load(from.first.add(p * from.panel))
                        };
                    }
                }
            }
            let panels = core::array::from_fn(|p| weights.add(p * apart));
            let x = core::array::from_fn(|r| x[r]);
            accumulate(&mut sums, &mut [], x, *stride, (panels, []), *depth);
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

/// `sums[r][p] += x[r] · panels[p]`, `depth` rows of it ascending; and a panel of half vectors with the first row of `x`, if
/// there is one.
///
/// # Safety
/// `x[r]` has `depth` numbers, one every `stride`, each panel `depth · W` vectors; the machine has the instruction set of
/// `V`.
#[inline(always)]
pub(crate) unsafe fn accumulate<
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
        // SAFETY: the caller's promise.
        return unsafe { accumulate_in_lots(sums, x, stride, panels, depth) };
    }
    let mut at = 0;
    for k in 0..depth {
        // SAFETY: the caller's promise.
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

/// `W` vectors that lie one behind the other.
///
/// # Safety
/// They are there; the machine has the instruction set of `V`.
#[inline(always)]
pub(crate) unsafe fn load<V: Vector, const W: usize>(from: *const V::Elem) -> [V; W] {
    // SAFETY: the caller's promise; a vector is its numbers. (Not one `V::load` after the other by `array::from_fn`: without
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
            // SAFETY: the caller's promise.
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

/// Computes a product of `place`'s size, of panels of `W` vectors.
///
/// # Safety
/// What `Product` points at is there for all rows and panels of the place; the machine has the instruction set of `V`.
pub(crate) unsafe fn product<V: Vector, const W: usize>(place: &Place, product: &Product<V::Elem>) {
    let (height, breadth) = const { (height::<V>(W), most_panels::<V>(W)) };
    // SAFETY: the caller's promise.
    unsafe {
        match (place.rows, place.panels) {
            (1, 1) => V::enter(Sized::<_, W, 1, 1>(product)),
            (1, 2) if breadth >= 2 => V::enter(Sized::<_, W, 1, 2>(product)),
            (1, 3) if breadth >= 3 => V::enter(Sized::<_, W, 1, 3>(product)),
            (2, 1) => V::enter(Sized::<_, W, 2, 1>(product)),
            (3, 1) => V::enter(Sized::<_, W, 3, 1>(product)),
            (4, 1) if height >= 4 => V::enter(Sized::<_, W, 4, 1>(product)),
            (5, 1) if height >= 5 => V::enter(Sized::<_, W, 5, 1>(product)),
            (6, 1) if height >= 6 => V::enter(Sized::<_, W, 6, 1>(product)),
            (7, 1) if height >= 7 => V::enter(Sized::<_, W, 7, 1>(product)),
            (8, 1) if height >= 8 => V::enter(Sized::<_, W, 8, 1>(product)),
            _ => unreachable!("`over` makes no tile that is larger"),
        }
    }
}

/// How many rows a tile of `vectors` has at most: its sums, the weights and one input fill the registers.
const fn height<V: Vector>(vectors: usize) -> usize {
    let height = V::REGISTERS * 3 / 4 / vectors;
    if height > MOST_ROWS {
        MOST_ROWS
    } else {
        height
    }
}

/// How many panels a tile of one row has at most: so many sums keep the multiply-adds busy, and more streams of weights
/// would be read slower.
pub(crate) const fn most_panels<V: Vector>(vectors: usize) -> usize {
    let panels = (V::REGISTERS - 2) / vectors;
    if panels > V::STREAMS {
        V::STREAMS
    } else {
        panels
    }
}

/// How many panels a tile of one row has: the sums of one panel alone would wait for each other. Weights beyond the first
/// cache come one line at a time anyway; there, few streams of them are read faster than many.
pub(crate) fn breadth<V: Vector>(vectors: usize, panels: usize, rows: usize) -> usize {
    const FIRST_CACHE: usize = 64 << 10;
    let row = vectors * V::LANES * size_of::<V::Elem>();
    let most = most_panels::<V>(vectors);
    if panels * rows * row <= FIRST_CACHE {
        most
    } else {
        (512 / row).clamp(1, most)
    }
}

/// Calls `tile` for all rows and all panels; the rows of a panel one behind the other, since they share its weights.
pub(crate) fn over<V: Vector>(
    rows: usize,
    weights: &Panels<V::Elem>,
    mut tile: impl FnMut(&Place),
) {
    let all = weights.panels();
    if rows == 1 {
        // Each of a tile's panels goes on where that of the tile before ended: the streams never restart.
        let tiles = weights.tiles();
        for panel in 0..tiles.count {
            let mut place = Place {
                row: 0,
                rows,
                panel,
                panels: tiles.panels + usize::from(panel < tiles.wider),
                apart: tiles.count,
                half: false,
            };
            if weights.half_tile() == Some(panel) {
                place.panels -= 1;
                if place.panels > 0 {
                    tile(&place);
                }
                place = Place {
                    panel: all - 1,
                    panels: 1,
                    half: true,
                    ..place
                };
            }
            tile(&place);
        }
        return;
    }
    for panel in 0..all {
        let half = weights.ends_in_half() && panel + 1 == all;
        let height = if half {
            height::<V::Half>(weights.vectors())
        } else {
            height::<V>(weights.vectors())
        };
        // Tiles of nearly equal height: a last one of one or two rows would wait for its weights.
        let tiles = rows.div_ceil(height);
        let mut row = 0;
        for done in 0..tiles {
            let rows = (rows - row).div_ceil(tiles - done);
            tile(&Place {
                row,
                rows,
                panel,
                panels: 1,
                apart: 0,
                half,
            });
            row += rows;
        }
    }
}

/// `z = bias + x · matrix` for every input.
pub struct Project<'a, A> {
    pub panels: &'a Panels<A>,
    pub bias: Option<&'a Panels<A>>,
    pub inputs: &'a Inputs<'a, A>,
    /// `panels.len()` numbers for each input.
    pub z: &'a mut [A],
}

impl<A: Element> Op<A> for Project<'_, A> {
    unsafe fn eval<V: Vector<Elem = A>>(&mut self) {
        let z = self.z.as_mut_ptr();
        over::<V>(self.inputs.len(), self.panels, |place| {
            // SAFETY: the caller's promise.
            unsafe {
                if place.half {
                    self.tile::<V::Half>(place, z);
                } else {
                    self.tile::<V>(place, z);
                }
            }
        });
    }
}

impl<A: Element> Project<'_, A> {
    /// # Safety
    /// The place is one of `over`'s, `z` the start of all of it; the machine has the instruction set of `V`.
    unsafe fn tile<V: Vector<Elem = A>>(&self, place: &Place, z: *mut A) {
        let (panels, inputs, len) = (self.panels, self.inputs, self.panels.len());
        let mut x = [ptr::null(); MOST_ROWS];
        for (r, x) in x.iter_mut().enumerate().take(place.rows) {
            *x = inputs.base.wrapping_offset(inputs.offsets[place.row + r]);
        }
        // SAFETY: `z` has room for all rows (checked by `Panels::project`), the inputs have theirs by contract, the bias
        // has the panels of the kernel.
        unsafe {
            let work = Product {
                from: bias(self.bias, place),
                third: None,
                x,
                stride: inputs.stride,
                weights: panels.panel(place.panel),
                apart: place.apart * panels.panel_len(),
                depth: panels.rows(),
                to: Grid {
                    first: z.add(place.row * len + place.panel * panels.width()),
                    row: len,
                    panel: place.apart * panels.width(),
                },
            };
            match panels.vectors() {
                1 => product::<V, 1>(place, &work),
                2 => product::<V, 2>(place, &work),
                3 => product::<V, 3>(place, &work),
                _ => product::<V, 4>(place, &work),
            }
        }
    }
}

/// Sums that start from the bias, the same for all rows, or from zero.
#[inline(always)]
pub(crate) fn bias<A: Element>(bias: Option<&Panels<A>>, place: &Place) -> Grid<*const A> {
    Grid {
        first: bias.map_or(ptr::null(), |bias| bias.panel(place.panel)),
        row: 0,
        panel: bias.map_or(0, |bias| place.apart * bias.panel_len()),
    }
}
