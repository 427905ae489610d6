//! A weight matrix, laid out once for the products of every step.

use crate::Element;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array2, ArrayView2};

/// Units that are computed together: a block of the panel.
const LANES: usize = 8;

/// A Keras-shaped matrix (rows, gates·units), stored as `[block][row][gate][lane]`: units in blocks of [`LANES`], the
/// last one filled up with zeros. What a step accumulates has the layout `[block][gate][lane]`, one row of this.
///
/// The weights are stored here and nowhere else; [`unpack`](Self::unpack) gives the matrix back bit for bit.
#[derive(Clone)]
pub(crate) struct Packed<A> {
    data: Vec<A>,
    rows: usize,
    gates: usize,
    units: usize,
}

impl<A: Element> Packed<A> {
    /// `matrix` is (rows, gates · units).
    pub fn pack(matrix: ArrayView2<A>, gates: usize) -> Self {
        let (rows, columns) = matrix.dim();
        let units = columns / gates;
        let mut packed = Packed {
            data: Vec::new(),
            rows,
            gates,
            units,
        };
        packed.data = vec![A::zero(); packed.blocks() * rows * packed.width()];
        for row in 0..rows {
            for gate in 0..gates {
                for unit in 0..units {
                    let at = packed.position(row, gate, unit);
                    packed.data[at] = matrix[[row, gate * units + unit]];
                }
            }
        }
        packed
    }

    /// The matrix that was packed, (rows, gates · units).
    pub fn unpack(&self) -> Array2<A> {
        Array2::from_shape_fn((self.rows, self.gates * self.units), |(row, column)| {
            self.data[self.position(row, column / self.units, column % self.units)]
        })
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn units(&self) -> usize {
        self.units
    }

    /// The length of what is accumulated: all gates of all units, filled up.
    pub fn len(&self) -> usize {
        self.blocks() * self.width()
    }

    /// Where gate `gate` of unit `unit` stands in what is accumulated.
    pub fn at(&self, gate: usize, unit: usize) -> usize {
        (unit / LANES * self.gates + gate) * LANES + unit % LANES
    }

    /// `z += x · matrix`, the rows ascending: each output is one chain, so its bits do not depend on its neighbours.
    pub fn accumulate(&self, x: &[A], z: &mut [A]) {
        debug_assert_eq!((x.len(), z.len()), (self.rows, self.len()));
        let width = self.width();
        for (block, z) in z.chunks_exact_mut(width).enumerate() {
            let panel = &self.data[block * self.rows * width..];
            for (&x, weights) in x.iter().zip(panel.chunks_exact(width)) {
                for (z, &w) in z.iter_mut().zip(weights) {
                    *z += x * w;
                }
            }
        }
    }

    /// Starts a sum at the bias, a matrix of one row, which has the layout of what is accumulated; or at 0.
    pub fn start(bias: Option<&Self>, z: &mut [A]) {
        match bias {
            Some(bias) => z.copy_from_slice(&bias.data),
            None => z.fill(A::zero()),
        }
    }

    fn blocks(&self) -> usize {
        self.units.div_ceil(LANES)
    }

    fn width(&self) -> usize {
        self.gates * LANES
    }

    fn position(&self, row: usize, gate: usize, unit: usize) -> usize {
        let (block, lane) = (unit / LANES, unit % LANES);
        ((block * self.rows + row) * self.gates + gate) * LANES + lane
    }
}
