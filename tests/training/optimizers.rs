//! Optimisers: the family `optimizers` in both types, then what no golden case can say: errors, frozen weights, resuming.
#![allow(clippy::float_cmp)] // bits are what many of them are about

mod cases;
mod engine;
mod hostile;
mod options;
pub mod read;
mod real;
mod state;
