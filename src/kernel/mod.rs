//! The arithmetic under the cells: packed weights and the products with them. Knows no gates, no time, no masks.

mod packed;
#[cfg(test)]
pub(crate) mod reference;

pub(crate) use packed::Packed;
