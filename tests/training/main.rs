//! Training against what Keras and PyTorch computed in f64: gradients, losses, optimisers.
//!
//! `cargo test --features train --test training`. With the environment variable `RECURRENT_GOLDEN` the families run from
//! another set of golden data.

mod attention_differences;
mod cell_dropout;
#[allow(dead_code, unused_imports)] // it serves `golden` as well
#[path = "../common/mod.rs"]
mod common;
mod differences;
mod dropout;
mod fit;
mod gradients;
mod image_differences;
mod keras_gradients;
#[cfg(feature = "keras")]
mod keras_models;
mod layer_differences;
mod loss_errors;
mod loss_fuzz;
mod loss_gradients;
mod losses;
mod memory;
mod norm_differences;
mod optimizers;
mod own;
mod padding;
mod pipelines;
mod runs;
mod steps;
mod sums;
mod torch;
mod torch_runs;
#[cfg(feature = "keras")]
mod trained;

use common::{Outcome, data, family, fields, tally};
