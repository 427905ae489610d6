//! `Tile`: a part of a product whose sums fit into the registers.

use super::panels::Panels;
use super::sizes::most_rows;
use crate::kernel::vectors::Vector;

/// A part of a product that is computed at once. It has `rows` rows from `row` on, and `panels` panels: `panel` and every
/// `apart`-th one after it. With `half` it has only the last panel, whose vectors are half vectors.
#[derive(Clone, Copy)]
pub struct Tile {
    pub row: usize,
    pub rows: usize,
    pub panel: usize,
    pub panels: usize,
    pub apart: usize,
    pub half: bool,
}

/// Calls `tile` for each tile of a product with `rows` rows. The tiles of one panel come one after the other, since they
/// share its weights.
pub fn each_tile<V: Vector>(rows: usize, weights: &Panels<V::Elem>, mut tile: impl FnMut(&Tile)) {
    let all = weights.panels();
    if rows == 1 {
        // Each panel of a tile continues where the same panel of the previous tile ended, so the streams of weights never
        // restart.
        let tiles = weights.tiles();
        for panel in 0..tiles.count {
            let mut at = Tile {
                row: 0,
                rows,
                panel,
                panels: tiles.panels + usize::from(panel < tiles.wider),
                apart: tiles.count,
                half: false,
            };
            if weights.half_tile() == Some(panel) {
                at.panels -= 1;
                if at.panels > 0 {
                    tile(&at);
                }
                at = Tile {
                    panel: all - 1,
                    panels: 1,
                    half: true,
                    ..at
                };
            }
            tile(&at);
        }
        return;
    }
    each_tile_of::<V>(rows, weights, 0, all, tile);
}

/// Calls `tile` for each tile of a product with several rows that belongs to the panels from `first` to `last`.
#[inline(always)]
pub fn each_tile_of<V: Vector>(
    rows: usize,
    weights: &Panels<V::Elem>,
    first: usize,
    last: usize,
    mut tile: impl FnMut(&Tile),
) {
    let all = weights.panels();
    for panel in first..last {
        let half = weights.ends_in_half() && panel + 1 == all;
        let of = if half { V::Half::SIZES } else { V::SIZES };
        let height = most_rows(of, weights.vectors());
        // The tiles have nearly equal heights: a last tile of one or two rows would wait for its weights.
        let tiles = rows.div_ceil(height);
        let mut row = 0;
        for done in 0..tiles {
            let rows = (rows - row).div_ceil(tiles - done);
            tile(&Tile {
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
