//! Nodes of ONNX files: what is refused, what weights pass through, files that lie, and the LSTM of silero-vad. What nodes
//! compute is held in `golden`.

mod adversarial;
mod build;
mod constants;
#[path = "../common/data.rs"]
mod data;
mod external;
#[cfg(feature = "npz")]
mod field;
#[path = "../common/liars.rs"]
mod liars;
mod quantized;
mod refused;
#[path = "../common/says.rs"]
mod says;
#[path = "../common/tally.rs"]
mod tally;

use build::{Attribute, floats, graph, model, node};

/// A file with one RNN of 2 features and 1 unit.
fn rnn(inputs: &[&str], options: &[(&str, Attribute)]) -> Vec<u8> {
    let arrays = [
        floats("W", &[1, 1, 2], &[0.5, -0.25]),
        floats("R", &[1, 1, 1], &[0.75]),
        floats("B", &[1, 2], &[0.125, 0.25]),
        floats("h", &[1, 1, 1], &[1.0]),
    ];
    let node = node("RNN", "rnn", inputs, &["Y", "Y_h"], options);
    model(&graph(&[node], &arrays, &["X", "later"]))
}
