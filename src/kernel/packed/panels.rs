//! `Panels`: a matrix of weights, packed once for the products of every step.

use super::lines::Lines;
use super::matrix::Matrix;
use super::sizes::RowTiles;
use crate::error::Result;
use crate::kernel::vectors::{Isa, Lanes};
use core::mem::MaybeUninit;
use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewD, Axis, s};

/// Copies adjacent weights. Some numbers at a time are copied without a call, which would take as long as the copy.
#[inline(always)]
fn copy<A: Copy>(from: &[A], to: &mut [MaybeUninit<A>]) {
    let (some, rest) = from.as_chunks::<4>();
    let (some_to, rest_to) = to.as_chunks_mut::<4>();
    for (to, from) in some_to.iter_mut().zip(some) {
        *to = from.map(MaybeUninit::new);
    }
    rest_to.iter_mut().zip(rest).for_each(|(to, &from)| {
        to.write(from);
    });
}

/// A matrix (rows, gates · units) in Keras' order, packed as `[panel][row][gate][block][lane]`.
///
/// A block holds the units of one vector. A panel of several gates has one block; a panel of a single gate has `blocks` of
/// them, side by side. The last panel is padded with zeros. The sums of a product have the layout of one row,
/// `[panel][gate][block][lane]`. With several gates the last panel has half vectors, if its units fit into them.
///
/// The weights are stored only here; [`unpack`](Self::unpack) restores the matrix bit for bit.
#[derive(Clone)]
pub struct Panels<A> {
    /// The numbers, all of which are written: [`Unfilled`] becomes `Panels` only when it is full.
    lines: Lines<A>,
    rows: usize,
    gates: usize,
    units: usize,
    /// Whether it was packed from an array with one axis, which is a bias.
    is_vector: bool,
    lanes: usize,
    blocks: usize,
    /// Whether the last panel has half vectors.
    half: bool,
    /// The number of panels, and the number of numbers in each of them.
    count: usize,
    panel: usize,
    /// The tiles of a product with one row.
    tiles: RowTiles,
    isa: Isa,
}

impl<A: Lanes> Panels<A> {
    /// Packs a matrix (rows, gates · units).
    pub fn pack(matrix: ArrayView2<A>, gates: usize, isa: Isa) -> Self {
        let mut packed = Unfilled::new(matrix.dim(), gates, isa);
        packed.fill(&matrix);
        packed.filled()
    }

    /// Packs a matrix (rows, columns) for products with many rows.
    #[cfg(feature = "train")]
    pub fn pack_for_many(matrix: ArrayView2<A>, isa: Isa) -> Self {
        // Six rows and two vectors are more products for each number that is read than three rows and four vectors.
        let most = (isa.sizes::<A>().registers / 8).clamp(1, 4);
        let mut packed = Unfilled::with_blocks(matrix.dim(), 1, isa, most);
        packed.fill(&matrix);
        packed.filled()
    }

    /// Packs a bias (gates · units).
    pub fn pack_vector(bias: ArrayView1<A>, gates: usize, isa: Isa) -> Self {
        let mut packed = Self::pack(bias.insert_axis(Axis(0)), gates, isa);
        packed.is_vector = true;
        packed
    }

    /// Packs other numbers of the same shape, in row-major order.
    pub fn repack(&mut self, numbers: ArrayViewD<A>) {
        let numbers = numbers.iter().copied().collect();
        let shape = (self.rows, self.gates * self.units);
        if let Ok(matrix) = Array2::from_shape_vec(shape, numbers) {
            let is_vector = self.is_vector;
            *self = Self::pack(matrix.view(), self.gates, self.isa);
            self.is_vector = is_vector;
        }
    }

    /// Packs a matrix that is read once, in `N` parts that stand side by side. Each part has its own number of gates; all
    /// gates have the same number of units.
    pub fn read<const N: usize>(
        matrix: &dyn Matrix<A>,
        gates: [usize; N],
        isa: Isa,
    ) -> Result<[Self; N]> {
        let (height, columns) = matrix.dim();
        let units = columns / gates.iter().sum::<usize>();
        let unfilled = || gates.map(|gates| Unfilled::new((height, gates * units), gates, isa));
        let mut packed = None;
        matrix.rows(&mut |rows| {
            // Memory is allocated only now: a file can claim any shape, but these rows have been read.
            let mut start = 0;
            for part in packed.get_or_insert_with(unfilled) {
                let end = start + part.panels.gates * units;
                part.fill(&rows.slice(s![.., start..end]));
                start = end;
            }
        })?;
        Ok(packed.unwrap_or_else(unfilled).map(Unfilled::filled))
    }
}

impl<A> Panels<A> {
    /// Restores the matrix that was packed, (rows, gates · units).
    pub fn unpack(&self) -> Array2<A>
    where
        A: Lanes,
    {
        let columns = self.gates * self.units;
        let mut matrix = Array2::zeros((self.rows, columns));
        let numbers = self.lines.numbers();
        let to = matrix.as_slice_mut().expect("a new array");
        for piece in self.pieces() {
            for row in 0..self.rows {
                let from = &numbers[piece.start + row * piece.apart..][..piece.count];
                let to = &mut to[row * columns + piece.column..][..piece.count];
                for (to, from) in to.iter_mut().zip(from) {
                    // SAFETY: `Unfilled` wrote every number of the matrix before it became `Panels`.
                    *to = unsafe { from.assume_init() };
                }
            }
        }
        matrix
    }

    /// The columns of the matrix by the vectors that they lie in, in the order of the panels.
    fn pieces(&self) -> impl Iterator<Item = Piece> + use<A> {
        let (lanes, blocks, gates, units) = (self.lanes, self.blocks, self.gates, self.units);
        let (panel, vectors, last) = (self.panel, self.vectors(), self.count.wrapping_sub(1));
        let half = self.half;
        let of_panel = (0..self.count).flat_map(move |at| (0..gates).map(move |gate| (at, gate)));
        let all = of_panel.flat_map(move |at| (0..blocks).map(move |block| (at, block)));
        let pieces = all.map(move |((at, gate), block)| {
            let unit = (at * blocks + block) * lanes;
            let lanes = if half && at == last { lanes / 2 } else { lanes };
            Piece {
                column: gate * units + unit,
                count: lanes.min(units.saturating_sub(unit)),
                start: at * panel + (gate * blocks + block) * lanes,
                apart: vectors * lanes,
            }
        });
        pieces.filter(|piece| piece.count > 0)
    }

    /// Whether it was packed from an array with one axis.
    pub fn is_vector(&self) -> bool {
        self.is_vector
    }

    #[inline]
    pub fn rows(&self) -> usize {
        self.rows
    }

    #[inline]
    pub fn units(&self) -> usize {
        self.units
    }

    #[inline]
    pub fn gates(&self) -> usize {
        self.gates
    }

    #[inline]
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// The number of panels.
    #[inline]
    pub fn panels(&self) -> usize {
        self.count
    }

    /// The tiles of a product with one row.
    #[inline]
    pub fn tiles(&self) -> RowTiles {
        self.tiles
    }

    /// Whether the last panel has half vectors.
    #[inline]
    pub fn ends_in_half(&self) -> bool {
        self.half
    }

    /// The index of the tile, in a product with one row, that contains the panel of half vectors.
    #[inline]
    pub fn half_tile(&self) -> Option<usize> {
        self.half.then(|| (self.count - 1) % self.tiles.count)
    }

    /// The number of units in a panel.
    #[inline]
    pub fn panel_units(&self) -> usize {
        self.lanes * self.blocks
    }

    /// The number of vectors in a row of a panel.
    #[inline]
    pub fn vectors(&self) -> usize {
        self.gates * self.blocks
    }

    /// The number of numbers in a row of a panel.
    #[inline]
    pub fn width(&self) -> usize {
        self.vectors() * self.lanes
    }

    /// The length of the sums of a product: all gates of all units, with the padding.
    #[inline]
    pub fn len(&self) -> usize {
        let width = self.width();
        self.panels() * width - if self.half { width / 2 } else { 0 }
    }

    /// The number of numbers in a panel.
    #[inline]
    pub fn panel_len(&self) -> usize {
        self.panel
    }

    /// A pointer to the first number of a panel. Its rows are adjacent.
    #[inline]
    pub fn panel(&self, panel: usize) -> *const A {
        self.lines.first().wrapping_add(panel * self.panel)
    }

    /// Whether the sums of products have the same layout as with the other panels. The numbers of rows may differ.
    #[inline]
    pub fn has_layout_of(&self, other: &Self) -> bool {
        (self.gates, self.units, self.isa) == (other.gates, other.units, other.isa)
    }

    /// Copies the sums of a product, of which `sums` starts with one row, in the order of the columns.
    pub fn unpack_sums(&self, sums: &[A], to: &mut [A])
    where
        A: Copy,
    {
        let columns = to.chunks_exact_mut(self.units.max(1)).take(self.gates);
        for (gate, to) in columns.enumerate() {
            for (unit, to) in to.iter_mut().enumerate() {
                let panel = unit / self.panel_units();
                let is_half = self.half && panel + 1 == self.count;
                let lanes = if is_half { self.lanes / 2 } else { self.lanes };
                let vector = gate * self.blocks + unit / self.lanes % self.blocks;
                *to = sums[panel * self.width() + vector * lanes + unit % self.lanes];
            }
        }
    }
}

/// Adjacent columns of a matrix that lie in one vector.
struct Piece {
    column: usize,
    count: usize,
    /// Where they are in the first row, and the distance to the next row.
    start: usize,
    apart: usize,
}

/// Panels whose first `rows` rows and whose padding are written.
struct Unfilled<A> {
    panels: Panels<A>,
    rows: usize,
}

impl<A: Lanes> Unfilled<A> {
    fn new(dim: (usize, usize), gates: usize, isa: Isa) -> Self {
        Self::with_blocks(dim, gates, isa, 4)
    }

    /// Panels of one gate have at most `most` blocks.
    fn with_blocks((rows, columns): (usize, usize), gates: usize, isa: Isa, most: usize) -> Self {
        let units = columns / gates;
        let sizes = isa.sizes::<A>();
        let lanes = sizes.lanes;
        // With one gate only, a single block would leave most registers of a tile empty.
        let blocks = if gates == 1 {
            units.div_ceil(lanes).clamp(1, most)
        } else {
            1
        };
        let rest = units % lanes;
        // Half vectors come only after whole ones: a layer with fewer units has narrower vectors (`Isa::for_units`).
        let half = gates > 1 && units > lanes && rest > 0 && rest <= sizes.half_lanes;
        let half = half && sizes.half_lanes < lanes;
        let mut panels = Panels {
            lines: Lines::new(0),
            rows,
            gates,
            units,
            is_vector: false,
            lanes,
            blocks,
            half,
            count: units.div_ceil(lanes * blocks),
            panel: rows * gates * blocks * lanes,
            tiles: RowTiles::default(),
            isa,
        };
        panels.tiles = RowTiles::new(sizes, panels.vectors(), panels.count, rows);
        panels.lines = Lines::new(rows.saturating_mul(panels.len()));
        if !units.is_multiple_of(panels.panel_units()) {
            let last = (panels.count - 1) * panels.panel;
            panels.lines.numbers_mut()[last..].fill(MaybeUninit::new(A::zero()));
        }
        Unfilled { panels, rows: 0 }
    }

    /// Packs the next rows of the matrix.
    fn fill(&mut self, matrix: &ArrayView2<A>) {
        let (first, rows) = (self.rows, matrix.nrows());
        let panels = &mut self.panels;
        assert!(matrix.ncols() == panels.gates * panels.units && first + rows <= panels.rows);
        let is_transposed = rows > 1 && matrix.strides()[0] == 1 && matrix.strides()[1] != 1;
        // Eight rows at a time: their numbers stay in the cache until every panel has its part, and each panel gets enough
        // numbers at once.
        for first_row in (0..rows).step_by(8) {
            let some = first_row..rows.min(first_row + 8);
            for piece in panels.pieces() {
                let columns = piece.column..piece.column + piece.count;
                let start = |row| piece.start + (first + row) * piece.apart;
                let numbers = panels.lines.numbers_mut();
                if is_transposed {
                    for (lane, column) in columns.enumerate() {
                        let from = matrix.column(column);
                        let from = from.to_slice().expect("adjacent numbers");
                        for row in some.clone() {
                            numbers[start(row) + lane].write(from[row]);
                        }
                    }
                    continue;
                }
                for row in some.clone() {
                    let to = &mut numbers[start(row)..][..piece.count];
                    let from = matrix.row(row);
                    match from.to_slice() {
                        Some(from) => copy(&from[columns.clone()], to),
                        None => to.iter_mut().zip(columns.clone()).for_each(|(to, i)| {
                            to.write(from[i]);
                        }),
                    }
                }
            }
        }
        self.rows += rows;
    }

    fn filled(self) -> Panels<A> {
        let Unfilled { panels, rows } = self;
        assert!(rows == panels.rows || panels.len() == 0);
        panels
    }
}
