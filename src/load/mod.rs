//! Weights from files. `format` turns bytes into named arrays and knows no gates; `from` turns names into layers and knows
//! no bytes.

#[cfg(all(feature = "std", feature = "files"))]
pub(crate) mod disk;
#[doc(hidden)]
// What formats share is more than any one of them needs.
#[cfg_attr(
    not(all(
        feature = "keras",
        feature = "npz",
        feature = "onnx",
        feature = "safetensors"
    )),
    allow(dead_code, unused_imports)
)]
pub mod format;
#[cfg(any(feature = "keras", feature = "onnx", feature = "safetensors"))]
pub mod from;
mod limits;
#[cfg(feature = "npz")]
pub mod npz;
#[cfg(feature = "std")]
#[cfg_attr(
    not(any(feature = "keras", feature = "onnx", feature = "safetensors")),
    allow(dead_code)
)]
pub(crate) mod pages;

pub use limits::Limits;
