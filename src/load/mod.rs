//! Weights from files. `format` turns bytes into named arrays and knows no gates; `from` turns names into layers and knows
//! no bytes.

<<<<<<< HEAD
#[cfg(all(
    feature = "std",
    any(feature = "keras", feature = "onnx", feature = "safetensors")
))]
mod bytes;
=======
#[cfg(all(feature = "std", any(feature = "keras", feature = "npz")))]
mod disk;
>>>>>>> 20aa949 (npz: read and write files of NumPy in public)
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

pub use limits::Limits;
