//! The readers of files, format by format: every golden file, what h5py and numpy wrote, and files that lie.
//!
//! `cargo test --all-features --test formats`. Formats whose features are off are left out.

#[cfg(any(feature = "keras", feature = "npz"))]
mod listing;
#[path = "../common/says.rs"]
mod says;
mod support;

#[cfg(feature = "keras")]
mod hdf5;
#[cfg(all(feature = "keras", feature = "safetensors"))]
mod keras;
#[cfg(feature = "npz")]
mod npz;
#[cfg(feature = "npz")]
mod npz_file;
#[cfg(feature = "onnx")]
mod onnx;
#[cfg(feature = "safetensors")]
mod safetensors;
#[cfg(all(
    feature = "keras",
    feature = "npz",
    feature = "onnx",
    feature = "safetensors"
))]
mod state_dict_memory;

#[cfg(all(
    feature = "keras",
    feature = "npz",
    feature = "onnx",
    feature = "safetensors"
))]
mod hostile;
#[cfg(all(
    feature = "keras",
    feature = "npz",
    feature = "onnx",
    feature = "safetensors"
))]
mod kinds;
#[cfg(all(
    feature = "keras",
    feature = "npz",
    feature = "onnx",
    feature = "safetensors"
))]
mod memory;
