//! Weights from files. `format` turns bytes into named arrays and knows no gates; `from` turns names into layers and knows
//! no bytes.

#[doc(hidden)]
pub mod format;
#[cfg(feature = "keras")]
mod from;
mod limits;

#[cfg(feature = "keras")]
pub use from::keras;

pub use limits::Limits;
