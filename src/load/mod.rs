//! Weights from files. `format` turns bytes into named arrays and knows no gates.

#[doc(hidden)]
pub mod format;
mod limits;

pub use limits::Limits;
