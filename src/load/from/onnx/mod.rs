//! Recurrent nodes of ONNX models: LSTM, GRU and RNN, with every option that ONNX has for them. Feature `onnx`.
//!
//! A [`File`] finds a node by its name, also in the branches and loops of a graph, and its weights, also where they pass
//! through a few operators on their way. A [`Node`] runs with ONNX' own inputs, outputs and shapes, or becomes a layer of
//! this crate, to be streamed, stacked, or put into a [`Model`](crate::Model). The other nodes of a graph are not run.
//!
//! | in ONNX | here |
//! | --- | --- |
//! | `Y`, `Y_h`, `Y_c` | [`Outputs`] of [`Node::run`] |
//! | `direction="forward"` | `let lstm: Lstm<f32> = node.lstm()?` |
//! | `direction="bidirectional"` | `let lstm: Bidirectional<Lstm<f32>, Lstm<f32>> = node.lstm()?` |
//! | `direction="reverse"` | `let lstm: Layer<Lstm<f32>> = node.lstm()?`, whose flags turn it |
//! | the GRU of `linear_before_reset=0` or `1` | [`Gru`](crate::Gru), not `reset_after` or `reset_after` |
//! | `P`, `input_forget`, `clip`, `activations` | options of the [builders](crate::LstmBuilder), set from the file |
//!
//! Everything that the file does not decide is an error: unknown attributes and activations, weights that are known only when
//! the graph runs, parameters of an activation of which runtimes and the standard think differently.

mod activations;
mod arrays;
mod beside;
mod cells;
mod constants;
mod file;
mod initializer;
mod node;
mod operators;
mod options;
mod quantized;
mod run;
mod weight;

pub use file::File;
pub use initializer::Initializer;
pub use node::Node;
pub use run::{Outputs, Run};
