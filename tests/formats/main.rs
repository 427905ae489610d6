//! The readers of files from outside: what they say of each other's files, NumPy's files, and what large files take. The
//! formats are checked beside their code, in `src/format`.
//!
//! `cargo test --all-features --test formats`. Formats whose features are off are left out.

#[allow(dead_code)] // which of them are used depends on the features
#[path = "../../src/format/tests/memory.rs"]
mod memory;
#[allow(dead_code)] // as above
#[path = "../common/says.rs"]
mod says;
mod support;

#[cfg(feature = "npz")]
mod npz_file;
#[cfg(all(feature = "std", feature = "onnx"))]
mod onnx;
#[cfg(all(feature = "torch", feature = "saved"))]
mod state_dict_memory;
#[cfg(all(feature = "torch", feature = "saved"))]
#[path = "../common/written.rs"]
mod written;

#[cfg(all(
    feature = "keras",
    feature = "npz",
    feature = "onnx",
    feature = "torch",
    feature = "saved"
))]
mod kinds;
