//! Makes layers from the arrays in files, by the names of the arrays and the order of their gates.

#[cfg(feature = "amp")]
pub mod amp;
#[cfg(any(feature = "onnx", feature = "torch"))]
mod from_layers;
#[cfg(feature = "keras")]
pub mod keras;
#[cfg(feature = "npz")]
pub mod npz;
#[cfg(feature = "onnx")]
pub mod onnx;
#[cfg(any(feature = "keras", feature = "torch"))]
mod other_cell;
#[cfg(any(feature = "onnx", feature = "torch"))]
mod reorder;
#[cfg(feature = "torch")]
pub mod torch;

#[cfg(any(feature = "onnx", feature = "torch"))]
pub use from_layers::FromLayers;
