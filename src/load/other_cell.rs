//! Weights that were taken for those of another cell.

/// Which cell has so many gates, and which one the recurrent kernel of a file is of, if that is another one: it is square gate by
/// gate, and a few sizes would fit the wrong cell, too.
pub(super) fn other_cell(gates: usize, units: usize, columns: usize) -> Option<[&'static str; 2]> {
    let cell = |gates| match gates {
        1 => Some("a simple RNN (1 gate)"),
        3 => Some("a GRU (3 gates)"),
        4 => Some("an LSTM (4 gates)"),
        _ => None,
    };
    let found = columns
        .checked_div(units)
        .filter(|found| found * units == columns)?;
    if found == gates {
        return None;
    }
    Some([cell(gates)?, cell(found)?])
}
