//! Files of Keras turned into models: every golden file with every call, files of our own, files that lie, and a real one
//! of 2018.
//!
//! `cargo test --features keras --test keras`. With the environment variable `RECURRENT_GOLDEN` the whole families run from
//! another set of golden data; tests of a certain file keep to ours.

mod adversarial;
mod chars2vec;
#[cfg(feature = "saved")]
mod configured;
#[path = "../common/data.rs"]
mod data;
mod decisions;
mod family;
mod field;
mod files;
mod inside;
#[path = "../common/liars.rs"]
mod liars;
mod mutated;
mod noise;
mod out;
#[cfg(feature = "npz")]
mod own;
mod parts;
mod refused;
#[path = "../common/says.rs"]
mod says;
mod sub_models;
#[path = "../common/tally.rs"]
mod tally;
mod weights;
