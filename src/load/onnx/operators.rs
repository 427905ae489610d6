//! What a file without a recurrent node has, and what its user can do.

use crate::format::onnx::{Graph, Value};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// A message names at most this number of operators; more would hide what it says after them.
const SHOWN: usize = 16;

/// The operators of a graph and of those within it, by how often they are there, and the way to a file with a recurrent
/// node.
pub(super) fn others(graph: &Graph) -> String {
    let mut counts = BTreeMap::new();
    count(graph, &mut counts);
    if counts.is_empty() {
        return "0; the file has no operators at all".into();
    }
    let ops: BTreeSet<&str> = counts.keys().map(|&(_, op)| op).collect();
    let mut list: Vec<_> = counts.into_iter().collect();
    list.sort_by_key(|&(_, count)| core::cmp::Reverse(count));
    let rest = list.len().saturating_sub(SHOWN);
    let shown = list.iter().take(SHOWN).map(|((domain, op), count)| {
        let times = if *count == 1 {
            String::new()
        } else {
            format!(" ({count} times)")
        };
        match *domain {
            "" | "ai.onnx" => format!("{op:?}{times}").replace('"', ""),
            domain => format!("{op:?} of {domain:?}{times}").replace('"', ""),
        }
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    let more = match rest {
        0 => String::new(),
        _ => format!(" and {rest} more"),
    };
    format!(
        "0; the operators of the file are {shown}{more}{}",
        way_out(&ops)
    )
}

/// What to do, by the operators that are there.
fn way_out(ops: &BTreeSet<&str>) -> String {
    let has = |names: &[&str]| names.iter().any(|name| ops.contains(name));
    let gates = has(&["Sigmoid", "HardSigmoid", "Tanh"]);
    let products = has(&["MatMul", "Gemm", "Einsum"]);
    let whole = has(&[
        "MatMulInteger",
        "QLinearMatMul",
        "MatMulNBits",
        "DynamicQuantizeMatMul",
        "MatMulIntegerToFloat",
    ]);
    if has(&["Loop", "Scan"]) {
        "; a recurrent layer that a converter wrote as a Loop or a Scan is not taken apart: export the framework's own layer \
         again (nn.LSTM, not nn.LSTMCell in a loop; Keras' LSTM with unroll=False), as an LSTM, GRU or RNN node (opset 14 \
         or later)"
    } else if whole && gates {
        "; quantised products are not taken apart: export the model before its quantisation"
    } else if gates && products {
        "; a recurrent layer that is written out as products and activations is not taken apart: export the framework's own \
         layer again (nn.LSTM, not cells in a loop; Keras' LSTM with unroll=False), as an LSTM, GRU or RNN node (opset 14 or \
         later), or build the layer from the arrays (`File::array`)"
    } else {
        "; layers without a recurrent node are built from the arrays (`File::array`)"
    }
    .to_string()
}

/// How often each operator is there, by its domain and name.
fn count<'m>(graph: &'m Graph, counts: &mut BTreeMap<(&'m str, &'m str), usize>) {
    for node in &graph.nodes {
        let key = (node.domain.as_str(), node.op_type.as_str());
        *counts.entry(key).or_default() += 1;
        for attribute in &node.attributes {
            if let Value::Graph(graph) = &attribute.value {
                count(graph, counts);
            }
        }
    }
}
