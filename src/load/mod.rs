//! Weights from files. `format` turns bytes into named arrays and knows no gates; `from` turns names into layers and knows
//! no bytes.

#[cfg(all(
    feature = "std",
    any(feature = "keras", feature = "onnx", feature = "safetensors")
))]
mod bytes;
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

pub use limits::Limits;
