//! Loads the recurrent nodes of ONNX models: LSTM, GRU and RNN, with every option that ONNX defines for them. Feature
//! `onnx`.
//!
//! A [`File`] finds a node by its name, also in the branches and loops of a graph. It finds the weights of the node,
//! also where they pass through a few operators on the way. A [`Node`] runs with ONNX' own inputs, outputs and shapes,
//! or becomes a layer of this crate, to be streamed, stacked, or added to a [`Model`](crate::Model). The other nodes of
//! a graph are not run.
//!
//! | in ONNX | here |
//! | --- | --- |
//! | `Y`, `Y_h`, `Y_c` | [`Outputs`] of [`Node::run`] |
//! | `direction="forward"` | `let lstm: Lstm<f32> = node.lstm()?` |
//! | `direction="bidirectional"` | `let lstm: Bidirectional<Lstm<f32>, Lstm<f32>> = node.lstm()?` |
//! | `direction="reverse"` | `let lstm: Layer<Lstm<f32>> = node.lstm()?`, whose flags turn it |
//! | `DynamicQuantizeLSTM` | as an `LSTM` |
//! | the GRU of `linear_before_reset=0` or `1` | [`Gru`](crate::Gru), not `reset_after` or `reset_after` |
//! | `P`, `input_forget`, `clip`, `activations` | options of the [builders](crate::LstmBuilder), set from the file |
//!
//! # What loads
//! * LSTM, GRU and RNN nodes, whose weights are initialisers, or what a few operators make of initialisers:
//!   `DequantizeLinear` is one of them, so weights that are stored as whole numbers become what they stand for.
//! * `DynamicQuantizeLSTM` of ONNX Runtime (`quantize_dynamic`), of int8 and uint8 weights with one scale for each direction
//!   or for each of its columns. It becomes the LSTM of the numbers that its weights stand for. ONNX Runtime quantises
//!   the input and the state of each step as well, and gives other numbers: on a small model of the tests the outputs are
//!   0.002 apart, where its own are 0.004 from those of the model before its quantisation; on others up to 0.008.
//! * Arrays in the file, and in files beside it: `model.onnx.data`, which `torch.onnx.export` writes since PyTorch 2.9
//!   (see [`File`]).
//! * All other arrays, by their names: [`File::initializers`], [`File::array`]. The layers around a recurrent node are built
//!   from them by hand.
//!
//! # What does not
//! Other nodes are not run. A recurrent layer that a converter wrote as a `Loop`, a `Scan`, or as products and activations is
//! not put together again, nor are quantised products (`MatMulInteger`, `QLinearMatMul`, `MatMulNBits`). The message
//! names the operators of the file; the way out is to export the framework's own layer, before quantisation.
//!
//! Anything that the file does not determine is an error: unknown attributes and activations, weights that are known
//! only when the graph runs, and activation parameters on which runtimes and the standard disagree.

mod activations;
mod arrays;
mod beside;
mod cells;
mod constants;
mod dequantize;
mod file;
mod initializer;
mod known;
mod node;
mod op;
mod operators;
mod options;
mod quantized;
mod run;
mod weight;

pub use file::File;
pub use initializer::Initializer;
pub use node::Node;
pub use run::{Outputs, Run};
