//! `Panels`: a matrix of weights, laid out once for the products of every step.

use super::lines::Lines;
use super::matrix::Matrix;
use super::sizes::RowTiles;
use crate::error::Result;
use crate::kernel::vectors::{Isa, Lanes};
use core::mem::MaybeUninit;
use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewD, Axis, s};

/// Copies a vector of weights; whole lines as such, since for 64 bytes a call takes as long as the copy.
#[inline(always)]
fn copy<A: Copy>(from: &[A], to: &mut [MaybeUninit<A>]) {
    const LINE: usize = 16;
    match (
        <&[A; LINE]>::try_from(from),
        <&mut [MaybeUninit<A>; LINE]>::try_from(&mut *to),
    ) {
        (Ok(from), Ok(to)) => *to = from.map(MaybeUninit::new),
        _ => to.iter_mut().zip(from).for_each(|(to, &from)| {
            to.write(from);
        }),
    }
}

/// A Keras-shaped matrix (rows, gates · units), stored as `[panel][row][gate][block][lane]`: units in blocks of one vector,
/// `blocks` of them side by side where there is one gate only, the last ones filled up with zeros. What is accumulated has
/// the layout `[panel][gate][block][lane]`, one row of this. The last panel of several gates has half vectors where these
/// have room for its units.
///
/// The weights are stored here and nowhere else; [`unpack`](Self::unpack) gives the matrix back bit for bit.
#[derive(Clone)]
pub struct Panels<A> {
    /// All of them are written: whoever makes one fills it ([`Unfilled`]).
    lines: Lines<A>,
    rows: usize,
    gates: usize,
    units: usize,
    /// Whether it was packed from one axis: a bias.
    is_vector: bool,
    lanes: usize,
    blocks: usize,
    /// Whether the last panel has half vectors.
    half: bool,
    /// How many panels there are, and how many numbers each of them has.
    count: usize,
    panel: usize,
    /// How a product with one row is cut into tiles.
    tiles: RowTiles,
    isa: Isa,
}

impl<A: Lanes> Panels<A> {
    /// `matrix` is (rows, gates · units).
    pub fn pack(matrix: ArrayView2<A>, gates: usize, isa: Isa) -> Self {
        let mut packed = Unfilled::new(matrix.dim(), gates, isa);
        packed.fill(&matrix);
        packed.filled()
    }

    /// `bias` is (gates · units).
    pub fn pack_vector(bias: ArrayView1<A>, gates: usize, isa: Isa) -> Self {
        let mut packed = Self::pack(bias.insert_axis(Axis(0)), gates, isa);
        packed.is_vector = true;
        packed
    }

    /// Packs other numbers of the same shape, in the order of rows.
    pub fn repack(&mut self, numbers: ArrayViewD<A>) {
        let numbers = numbers.iter().copied().collect();
        let shape = (self.rows, self.gates * self.units);
        if let Ok(matrix) = Array2::from_shape_vec(shape, numbers) {
            let is_vector = self.is_vector;
            *self = Self::pack(matrix.view(), self.gates, self.isa);
            self.is_vector = is_vector;
        }
    }

    /// Packs a matrix that is read once, in parts that stand side by side: each has its number of gates, all of equally many
    /// units.
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
            // Only now: a shape is what a file claims, but these numbers are there.
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
    /// The matrix that was packed, (rows, gates · units).
    pub fn unpack(&self) -> Array2<A>
    where
        A: Copy,
    {
        Array2::from_shape_fn((self.rows, self.gates * self.units), |(row, column)| {
            let at = self.position(row, column / self.units, column % self.units);
            // SAFETY: each of its numbers was written, or it would still be `Unfilled`.
            unsafe { self.lines.numbers()[at].assume_init() }
        })
    }

    /// Whether it was packed from one axis.
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

    /// How many panels there are.
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

    /// Which tile of a product with one row ends in that panel: the last one of its breadth.
    #[inline]
    pub fn half_tile(&self) -> Option<usize> {
        self.half.then(|| (self.count - 1) % self.tiles.count)
    }

    /// How many units a panel has.
    #[inline]
    pub fn panel_units(&self) -> usize {
        self.lanes * self.blocks
    }

    /// How many vectors a row of a panel has.
    #[inline]
    pub fn vectors(&self) -> usize {
        self.gates * self.blocks
    }

    /// How many numbers a row of a panel has.
    #[inline]
    pub fn width(&self) -> usize {
        self.vectors() * self.lanes
    }

    /// The length of what is accumulated: all gates of all units, filled up.
    #[inline]
    pub fn len(&self) -> usize {
        let width = self.width();
        self.panels() * width - if self.half { width / 2 } else { 0 }
    }

    /// How many numbers a panel has.
    #[inline]
    pub fn panel_len(&self) -> usize {
        self.panel
    }

    /// The first number of a panel; its rows follow one another.
    #[inline]
    pub fn panel(&self, panel: usize) -> *const A {
        self.lines.first().wrapping_add(panel * self.panel)
    }

    /// Whether what is accumulated lies as it does with the other panels, whatever their rows.
    #[inline]
    pub fn has_layout_of(&self, other: &Self) -> bool {
        (self.gates, self.units, self.isa) == (other.gates, other.units, other.isa)
    }

    fn position(&self, row: usize, gate: usize, unit: usize) -> usize {
        let panel = unit / self.panel_units();
        let is_half = self.half && panel + 1 == self.count;
        let lanes = if is_half { self.lanes / 2 } else { self.lanes };
        let block = unit / self.lanes % self.blocks;
        let vector = row * self.vectors() + gate * self.blocks + block;
        panel * self.panel + vector * lanes + unit % self.lanes
    }
}

/// Panels of which the first `rows` rows are written, and the zeros that the last ones are filled up with.
struct Unfilled<A> {
    panels: Panels<A>,
    rows: usize,
}

impl<A: Lanes> Unfilled<A> {
    fn new((rows, columns): (usize, usize), gates: usize, isa: Isa) -> Self {
        let units = columns / gates;
        let sizes = isa.sizes::<A>();
        let lanes = sizes.lanes;
        // One gate alone would leave most registers of a tile empty.
        let blocks = if gates == 1 {
            units.div_ceil(lanes).clamp(1, 4)
        } else {
            1
        };
        let rest = units % lanes;
        // Only after whole ones: a layer of fewer units gets narrower vectors (`Isa::for_units`).
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
        let units = panels.units;
        // A few rows at a time: what is read stays in the cache until all panels have their part, and each panel gets enough
        // at once.
        for first_row in (0..rows).step_by(8) {
            for unit in (0..units).step_by(panels.lanes) {
                let end = units.min(unit + panels.lanes);
                for row in first_row..rows.min(first_row + 8) {
                    let from = matrix.row(row);
                    let slice = from.to_slice();
                    for gate in 0..panels.gates {
                        let columns = gate * units + unit..gate * units + end;
                        let at = panels.position(first + row, gate, unit);
                        let to = &mut panels.lines.numbers_mut()[at..][..end - unit];
                        match slice {
                            Some(from) => copy(&from[columns], to),
                            None => to.iter_mut().zip(columns).for_each(|(to, i)| {
                                to.write(from[i]);
                            }),
                        }
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
