//! Detects weights that belong to another cell.

/// The requested cell and the cell that the recurrent kernel of a file belongs to, if they differ. The kernel is square
/// gate by gate. Without this check, a few sizes would fit the wrong cell.
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
