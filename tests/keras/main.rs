//! Files of Keras turned into models: every golden file with every call, files of our own, files that lie, and a real one
//! of 2018.
//!
//! `cargo test --features keras --test keras`. With the environment variable `RECURRENT_GOLDEN` the golden data of another
//! directory are used.
#![cfg(feature = "keras")]

mod adversarial;
mod chars2vec;
mod decisions;
mod family;
mod files;
mod mutated;
mod parts;
mod refused;
#[path = "../common/says.rs"]
mod says;
mod weights;
