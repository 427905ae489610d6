//! ONNX: a graph of nodes, and the arrays that it begins with.
//!
//! Names and texts are borrowed from the file. What is not needed to run a graph (documentation, training, functions,
//! sparse arrays) is skipped; a node that needs it finds nothing under its name. Data outside of the file is refused.
//!
//! Source: `onnx.proto3` of ONNX 1.23, and the Protocol Buffers encoding.

mod attribute;
mod fields;
mod graph;
mod initializer;
mod model;
mod node;
mod value_info;

pub use attribute::{Attribute, Value};
pub use graph::Graph;
pub use initializer::Initializer;
pub use model::Model;
pub use node::Node;
pub use value_info::ValueInfo;
