//! Optimisers: the family `optimizers` in both types, then what no golden case can say: errors, frozen weights, resuming.

mod cases;
mod engine;
mod hostile;
mod options;
mod read;
mod real;
