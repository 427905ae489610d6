//! `Op`: the recurrent operators.

use crate::Activation;
use crate::format::onnx::Node;

/// An LSTM of ONNX Runtime whose weights are whole numbers of 8 bits; it has no `layout`.
pub(super) const QUANTIZED: &str = "DynamicQuantizeLSTM";

/// One of the three recurrent operators.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Lstm,
    Gru,
    Rnn,
}

impl Op {
    /// `None` if the node is another operator.
    pub fn of(node: &Node) -> Option<Self> {
        match (node.domain.as_str(), node.op_type.as_str()) {
            ("" | "ai.onnx", "LSTM") | ("com.microsoft", QUANTIZED) => Some(Op::Lstm),
            ("" | "ai.onnx", "GRU") => Some(Op::Gru),
            ("" | "ai.onnx", "RNN") => Some(Op::Rnn),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Op::Lstm => "LSTM",
            Op::Gru => "GRU",
            Op::Rnn => "RNN",
        }
    }

    pub fn gates(self) -> usize {
        match self {
            Op::Lstm => 4,
            Op::Gru => 3,
            Op::Rnn => 1,
        }
    }

    /// How many inputs it may have.
    pub fn inputs(self) -> usize {
        if self == Op::Lstm { 8 } else { 6 }
    }

    /// What each direction has unless it is said.
    pub fn activations(self) -> &'static [Activation] {
        use Activation::{Sigmoid, Tanh};
        match self {
            Op::Lstm => &[Sigmoid, Tanh, Tanh],
            Op::Gru => &[Sigmoid, Tanh],
            Op::Rnn => &[Tanh],
        }
    }
}
