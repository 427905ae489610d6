//! From names and the order of gates to layers: knows no bytes.

#[cfg(any(feature = "keras", feature = "safetensors"))]
mod any_recurrent;
#[cfg(any(feature = "onnx", feature = "safetensors"))]
mod from_layers;
#[cfg(feature = "keras")]
pub mod keras;
#[cfg(feature = "onnx")]
pub mod onnx;
#[cfg(any(feature = "keras", feature = "safetensors"))]
mod other_cell;
#[cfg(feature = "safetensors")]
pub mod torch;

#[cfg(any(feature = "keras", feature = "safetensors"))]
pub use any_recurrent::AnyRecurrent;
#[cfg(any(feature = "onnx", feature = "safetensors"))]
pub use from_layers::FromLayers;
