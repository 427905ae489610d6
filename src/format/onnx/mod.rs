//! ONNX: a graph of nodes, and the arrays that it begins with.
//!
//! Names and texts are copied, arrays stay in the file until they are asked for. What is not needed to run a graph (documentation, training, functions,
//! sparse arrays) is skipped; a node that needs it finds nothing under its name. Arrays in files
//! beside the model are read by a [`Beside`].
//!
//! Source: `onnx.proto3` of ONNX 1.23, and the Protocol Buffers encoding.

mod allowance;
mod external;
mod fields;
mod graph;
mod initializer;
mod model;
mod value_info;

pub use external::{Alone, Beside, Source, clean};
pub use graph::{Attribute, Graph, Initializers, Node, Value};
pub use initializer::Initializer;
pub use model::Model;

#[cfg(test)]
mod tests;
