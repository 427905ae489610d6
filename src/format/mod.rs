//! Bytes into named arrays, attributes and graphs; no part of the crate's public interface.
//!
//! This could be a crate: it knows nothing of layers or of arrays in memory. Of the crate it takes [`Limits`](crate::Limits)
//! alone, which would go with it.
//!
//! Every reader borrows the bytes of its file (a large file of Keras or ONNX stays on disk). Opening a file reads its directory only; the
//! numbers of an array are read when a [`RawArray`] is asked for them, so that its shape can be checked before anything is
//! allocated.

mod bytes;
#[cfg(any(feature = "keras", feature = "npz", feature = "onnx"))]
mod cursor;
#[cfg(feature = "std")]
pub(crate) mod disk;
mod error;
#[cfg(any(feature = "keras", feature = "npz"))]
mod inflate;
mod meter;
mod number;
#[cfg(feature = "std")]
#[cfg_attr(
    not(any(
        feature = "keras",
        feature = "onnx",
        feature = "torch",
        feature = "saved"
    )),
    allow(dead_code)
)]
pub(crate) mod pages;
mod raw_array;

pub mod kind;

#[cfg(feature = "keras")]
pub mod hdf5;
#[cfg(any(feature = "keras", feature = "torch", feature = "saved"))]
pub mod json;
#[cfg(feature = "npz")]
pub mod npy;
#[cfg(feature = "npz")]
pub mod npz;
#[cfg(feature = "onnx")]
pub mod onnx;
#[cfg(any(feature = "torch", feature = "saved"))]
pub mod safetensors;
#[cfg(any(feature = "keras", feature = "npz"))]
pub mod zip;

pub use bytes::{Bytes, Data, PIECE};
pub use error::{Error, Result};
pub(crate) use meter::Meter;
pub use number::{Float, Number};
pub use raw_array::{Arrays, MOST_AXES, RawArray, Unread};

#[cfg(test)]
pub(crate) mod tests;
