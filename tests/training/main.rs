//! Training against what Keras and PyTorch computed in f64: gradients, losses, optimisers.
//!
//! `cargo test --features train --test training`. With the environment variable `RECURRENT_GOLDEN` the families run from
//! another set of golden data.

#[path = "../common/data.rs"]
mod data;
#[allow(dead_code)] // each family takes a part
#[path = "../common/family.rs"]
mod family;
#[allow(dead_code)]
#[path = "../common/fields.rs"]
mod fields;
mod loss_errors;
mod loss_fuzz;
mod loss_gradients;
mod losses;
#[path = "../common/tally.rs"]
mod tally;

/// What a step of a case returns; the message tells what did not fit.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;
