//! How large tiles are: as many sums as the registers hold, and no more streams of weights than are read fast.

use crate::kernel::vectors::Sizes;

/// The most rows that a tile has.
pub const MOST_ROWS: usize = 8;

/// The most rows that a tile of `vectors` vectors has: its sums, the weights and one input fill the registers.
pub const fn most_rows(of: Sizes, vectors: usize) -> usize {
    let rows = of.registers * 3 / 4 / vectors;
    if rows > MOST_ROWS { MOST_ROWS } else { rows }
}

/// The most panels that a tile of one row has: that many sums keep the multiply-adds busy, and more streams of weights would be
/// read slower.
pub const fn most_panels(of: Sizes, vectors: usize) -> usize {
    let panels = (of.registers - 2) / vectors;
    if panels > of.streams {
        of.streams
    } else {
        panels
    }
}

/// A product with one row: `count` tiles of `panels` panels, the first `wider` of them of one panel more.
#[derive(Clone, Copy, Default)]
pub struct RowTiles {
    pub count: usize,
    pub panels: usize,
    pub wider: usize,
}

impl RowTiles {
    /// For `panels` panels of `rows` rows, each of `vectors` vectors. The sums of one panel alone would wait for each other, so
    /// a tile has several. Weights beyond the first cache come one line at a time anyway; there, few streams of them are read
    /// faster than many.
    pub fn new(of: Sizes, vectors: usize, panels: usize, rows: usize) -> Self {
        const FIRST_CACHE: usize = 64 << 10;
        let row = vectors * of.bytes;
        let most = most_panels(of, vectors);
        let breadth = if panels * rows * row <= FIRST_CACHE {
            most
        } else {
            (512 / row).clamp(1, most)
        };
        let count = panels.div_ceil(breadth).max(1);
        RowTiles {
            count,
            panels: panels / count,
            wider: panels % count,
        }
    }
}
