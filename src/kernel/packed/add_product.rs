//! `AddProduct`: sums in an array that products are added to.

use super::panels::Panels;
use super::product::{Grid, MOST_SUMS, Product, Sums, product};
use super::sizes::MOST_ROWS;
use super::tile::{Tile, each_tile};
use crate::kernel::vectors::{Isa, Lanes, MAX_LANES, Number, Op, Vector};
use core::ptr;
use ndarray::{ArrayView2, ArrayViewMut2};

/// The largest size of a part of a panel that is multiplied with all rows before the next part is. It stays in the first
/// cache, and leaves room there for the rows.
const PART: usize = 16 << 10;

/// `z += x · matrix`, with the rows of the matrix in ascending order: each sum goes on from the number that is there. So a
/// product with many rows of the matrix can be added in parts, with the same bits.
pub struct AddProduct<'a, A> {
    panels: &'a Panels<A>,
    x: ArrayView2<'a, A>,
    /// The columns are adjacent.
    z: ArrayViewMut2<'a, A>,
    /// The distance from a row of `z` to the next.
    z_row: usize,
}

impl<'a, A: Lanes> AddProduct<'a, A> {
    /// Makes a product with a matrix of one gate. The columns of `z` must be adjacent; the rows and columns of `x` may lie
    /// anywhere.
    pub fn new(panels: &'a Panels<A>, x: ArrayView2<'a, A>, z: ArrayViewMut2<'a, A>) -> Self {
        assert!(panels.gates() == 1 && !panels.ends_in_half());
        assert_eq!(x.dim(), (z.nrows(), panels.rows()));
        assert_eq!(z.ncols(), panels.units());
        let is_adjacent = z.is_empty() || z.ncols() == 1 || z.strides()[1] == 1;
        assert!(is_adjacent, "adjacent columns");
        let z_row = if z.nrows() > 1 { z.strides()[0] } else { 0 };
        let z_row = usize::try_from(z_row).expect("rows in ascending order");
        AddProduct {
            panels,
            x,
            z,
            z_row,
        }
    }

    pub fn isa(&self) -> Isa {
        self.panels.isa()
    }
}

impl<A: Number> Op<A> for AddProduct<'_, A> {
    unsafe fn eval<V: Vector<Elem = A>>(&mut self) {
        if self.z.is_empty() {
            return;
        }
        let depth = self.panels.rows();
        let part = (PART / size_of::<A>() / self.panels.width()).max(1);
        for first in (0..depth).step_by(part) {
            let part = part.min(depth - first);
            each_tile::<V>(self.z.nrows(), self.panels, |at| {
                // SAFETY: the caller guarantees the instruction set, `each_tile` makes the tiles of this product, and the
                // part lies in the panels.
                unsafe {
                    match self.panels.vectors() {
                        1 => self.tile::<V, 1>(at, first, part),
                        2 => self.tile::<V, 2>(at, first, part),
                        3 => self.tile::<V, 3>(at, first, part),
                        _ => self.tile::<V, 4>(at, first, part),
                    }
                }
            });
        }
    }
}

impl<A: Number> AddProduct<'_, A> {
    /// Adds `depth` rows of the panels from `first` on to the sums of a tile.
    ///
    /// # Safety
    /// The machine must have the instruction set of `V`. `at` must be a tile that [`each_tile`] makes for this product,
    /// whose panels have `W` vectors, and the panels must have these rows.
    unsafe fn tile<V: Vector<Elem = A>, const W: usize>(
        &mut self,
        at: &Tile,
        first: usize,
        depth: usize,
    ) {
        let (panels, width) = (self.panels, W * V::LANES);
        let [of_row, stride] = [0, 1].map(|axis| self.x.strides()[axis]);
        let mut x = [ptr::null(); MOST_ROWS];
        for (r, x) in (at.row..at.row + at.rows).zip(&mut x) {
            let offset = r.cast_signed() * of_row + first.cast_signed() * stride;
            *x = self.x.as_ptr().wrapping_offset(offset);
        }
        let last = at.panel + (at.panels - 1) * at.apart;
        let z = self.z.as_mut_ptr().wrapping_add(at.row * self.z_row);
        let mut work = Product {
            from: Grid {
                first: ptr::null(),
                row: self.z_row,
                panel: at.apart * width,
            },
            third: None,
            x,
            further: &[],
            stride,
            weights: panels.panel(at.panel).wrapping_add(first * width),
            apart: at.apart * panels.panel_len(),
            depth,
            to: Grid {
                first: z.wrapping_add(at.panel * width),
                row: self.z_row,
                panel: at.apart * width,
            },
        };
        // SAFETY: the caller guarantees the instruction set, the tile and the rows. `new` checked that `x`
        // and `z` have the rows and columns of the product; the sums of a panel that `z` has only in part are in `Sums`.
        unsafe {
            if (last + 1) * width <= self.z.ncols() {
                work.from.first = work.to.first;
                product::<V, W>(at, &work);
                return;
            }
            let mut room = Sums::new::<V, W>();
            let sums = room.start();
            ptr::write_bytes(sums, 0, MOST_SUMS * MAX_LANES);
            for part in self.parts::<V, W>(at) {
                ptr::copy_nonoverlapping(z.add(part.z), sums.add(part.sums), part.len);
            }
            (work.to.first, work.to.row, work.to.panel) = (sums, at.panels * width, width);
            work.from = Grid {
                first: sums.cast_const(),
                row: work.to.row,
                panel: width,
            };
            product::<V, W>(at, &work);
            for part in self.parts::<V, W>(at) {
                ptr::copy_nonoverlapping(sums.add(part.sums), z.add(part.z), part.len);
            }
        }
    }

    /// Where the rows of each panel of a tile are in `z` from its first row on, and in its own sums.
    fn parts<'a, V: Vector, const W: usize>(
        &'a self,
        at: &'a Tile,
    ) -> impl Iterator<Item = Part> + 'a {
        let width = W * V::LANES;
        let rows = (0..at.rows).flat_map(|r| (0..at.panels).map(move |p| (r, p)));
        rows.map(move |(r, p)| {
            let column = (at.panel + p * at.apart) * width;
            Part {
                z: r * self.z_row + column,
                sums: (r * at.panels + p) * width,
                len: width.min(self.z.ncols() - column),
            }
        })
    }
}

/// Adjacent sums in an array, and in the memory of a tile.
struct Part {
    z: usize,
    sums: usize,
    len: usize,
}

#[cfg(test)]
mod tests;
