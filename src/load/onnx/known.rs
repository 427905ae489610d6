//! `Known`: what a graph says of a value before it runs.

use crate::error::Error;
use alloc::string::{String, ToString};
use ndarray::ArrayD;

/// What a name stands for.
pub(super) enum Known {
    /// This array.
    Now(ArrayD<f64>),
    /// Zeros, as many as there turn out to be samples: what exporters write where a program gives no initial state.
    Zeros,
    /// Something that is not known before the graph runs.
    Later(String),
}

/// A value that must be known, and is not.
pub(super) fn unknown(part: &str, found: impl ToString) -> Error {
    let expected = "an initialiser or a Constant, or what Cast, Concat, DequantizeLinear, Identity, Reshape, Slice, Squeeze, \
                    Transpose and Unsqueeze make of them";
    Error::file(part, expected, found)
}
