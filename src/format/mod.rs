//! Bytes into named arrays, attributes and graphs; no part of the crate's public interface.
//!
//! Every reader borrows the bytes of its file (a large file of Keras or ONNX stays on disk). Opening a file reads its directory only; the
//! numbers of an array are read when a [`Tensor`] is asked for them, so that its shape can be checked before anything is
//! allocated.

mod bytes;
#[cfg(any(feature = "keras", feature = "npz", feature = "onnx"))]
mod cursor;
#[cfg(feature = "std")]
pub(crate) mod disk;
#[cfg(any(feature = "keras", feature = "npz"))]
mod inflate;
#[cfg(any(feature = "keras", feature = "npz", feature = "onnx"))]
mod meter;
mod number;
#[cfg(feature = "std")]
#[cfg_attr(
    not(any(feature = "keras", feature = "onnx", feature = "safetensors")),
    allow(dead_code)
)]
pub(crate) mod pages;
mod tensor;
#[cfg(feature = "safetensors")]
mod turned;

pub mod kind;

#[cfg(feature = "keras")]
pub mod hdf5;
#[cfg(any(feature = "keras", feature = "safetensors"))]
pub mod json;
#[cfg(feature = "npz")]
pub mod npy;
#[cfg(feature = "npz")]
pub mod npz;
#[cfg(feature = "onnx")]
pub mod onnx;
#[cfg(feature = "safetensors")]
pub mod safetensors;
#[cfg(any(feature = "keras", feature = "npz"))]
pub mod zip;

pub use bytes::{Bytes, Data};
#[cfg(feature = "onnx")]
pub(crate) use meter::Meter;
pub use number::Number;
#[cfg(feature = "onnx")]
pub(crate) use tensor::MOST_AXES;
#[cfg(any(feature = "keras", feature = "safetensors"))]
pub use tensor::Unread;
#[cfg(any(feature = "onnx", feature = "safetensors"))]
pub(crate) use tensor::with_axes;
pub use tensor::{Arrays, Tensor};

use crate::Limits;
use crate::error::{Error, Result};
use alloc::format;

/// Refuses a file that is larger than the limits allow.
fn check_file(length: usize, limits: &Limits) -> Result<()> {
    if length as u64 <= limits.file_bytes {
        return Ok(());
    }
    let expected = format!("at most {} bytes", limits.file_bytes);
    Err(Error::file("file", expected, format!("{length} bytes")))
}
