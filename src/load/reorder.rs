//! Brings gates from the order of a file into that of this crate.

use crate::Element;
use alloc::vec::Vec;
use ndarray::{Array, ArrayView, Axis, Dimension, RemoveAxis};

/// Block `k` becomes what block `order[k]` was.
pub fn reorder<A: Element, D: Dimension + RemoveAxis>(
    rows: ArrayView<A, D>,
    order: &[usize],
) -> Array<A, D> {
    let units = rows.len_of(Axis(0)) / order.len();
    let rows_of = |&gate: &usize| gate * units..(gate + 1) * units;
    let picked: Vec<usize> = order.iter().flat_map(rows_of).collect();
    rows.select(Axis(0), &picked)
}
