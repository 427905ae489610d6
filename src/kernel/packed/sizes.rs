//! The sizes of tiles: as many sums as fit into the registers, but few enough streams of weights to be read fast.

use crate::kernel::vectors::Sizes;

/// The largest number of rows in a tile.
pub const MOST_ROWS: usize = 8;

/// The largest number of rows in a tile of `vectors` vectors. Its sums, the weights and one input then fill the registers.
pub const fn most_rows(of: Sizes, vectors: usize) -> usize {
    let rows = of.registers * 3 / 4 / vectors;
    if rows > MOST_ROWS { MOST_ROWS } else { rows }
}

/// The largest number of panels in a tile of one row. Their sums keep the multiply-add units busy; more streams of weights
/// would be read more slowly.
pub const fn most_panels(of: Sizes, vectors: usize) -> usize {
    let panels = (of.registers - 2) / vectors;
    if panels > of.streams {
        of.streams
    } else {
        panels
    }
}

/// The tiles of a product with one row: `count` tiles of `panels` panels each. The first `wider` tiles have one panel more.
#[derive(Clone, Copy, Default)]
pub struct RowTiles {
    pub count: usize,
    pub panels: usize,
    pub wider: usize,
}

impl RowTiles {
    /// Divides `panels` panels of `rows` rows, each of `vectors` vectors, into tiles. A tile has several panels, since the
    /// sums of one panel would wait for each other. Weights beyond the first cache come one line at a time, and a few
    /// streams of them are read faster than many.
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
