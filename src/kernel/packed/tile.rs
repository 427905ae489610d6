//! `Tile`: a part of a product whose sums fit into the registers.

use super::panels::Panels;
use super::sizes::most_rows;
use crate::kernel::vectors::Vector;

/// The part of a product that is computed at once: `rows` rows from `row` on, and `panels` panels, every `apart`-th from `panel`
/// on; or the last panel alone, of half vectors.
#[derive(Clone, Copy)]
pub struct Tile {
    pub row: usize,
    pub rows: usize,
    pub panel: usize,
    pub panels: usize,
    pub apart: usize,
    pub half: bool,
}

/// Calls `tile` for each tile of a product with `rows` rows; the tiles of a panel one after the other, since they share its
/// weights.
pub fn each_tile<V: Vector>(rows: usize, weights: &Panels<V::Elem>, mut tile: impl FnMut(&Tile)) {
    let all = weights.panels();
    if rows == 1 {
        // Each of a tile's panels goes on where that of the tile before ended: the streams never restart.
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
    for panel in 0..all {
        let half = weights.ends_in_half() && panel + 1 == all;
        let of = if half { V::Half::SIZES } else { V::SIZES };
        let height = most_rows(of, weights.vectors());
        // Tiles of nearly equal height: a last one of one or two rows would wait for its weights.
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
