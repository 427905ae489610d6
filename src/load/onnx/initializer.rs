//! `Initializer`: what is known of an array of a file.

use alloc::string::String;
use alloc::vec::Vec;

/// An array of a [`File`](super::File) by its name, as [`initializers`](super::File::initializers) lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Initializer {
    /// Its name, which [`array`](super::File::array) and [`integers`](super::File::integers) take.
    pub name: String,
    /// The lengths of its axes.
    pub shape: Vec<usize>,
    /// The kind of its numbers, as NumPy calls it: `float32`, `float16`, `int8`, `int64` …
    pub dtype: String,
}
