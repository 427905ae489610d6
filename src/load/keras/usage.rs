//! `Usage`: what the calls of a layer say of it.

use super::nodes::NodeCall;
use super::object::Object;
use crate::error::{Error, Result};

/// What the calls of a layer say of it.
#[allow(clippy::struct_excessive_bools)] // each is an argument of a call
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The mask is an argument.
    pub mask: bool,
    /// Initial states come from other layers.
    pub states: bool,
    /// Attention looks back only.
    pub causal: bool,
    /// The weights of attention are an output, too.
    pub scores: bool,
    /// Which values a `MultiHeadAttention` takes beside the query: the value, the key and the attention mask.
    pub others: [bool; 3],
}

/// What the calls of a layer say of it; they must agree.
pub fn usage(nodes: &[NodeCall], object: &Object) -> Result<Usage> {
    let of = |node: &NodeCall| Usage {
        mask: node.masks.first().is_some_and(Option::is_some),
        states: !node.states.is_empty() || node.inputs.len() > 1,
        causal: node.causal,
        scores: node.scores,
        others: [0, 1, 2].map(|at| node.others[at].is_some()),
    };
    let Some(first) = nodes.first() else {
        return Err(Error::file(
            object.part(),
            "a layer that is called",
            "no call",
        ));
    };
    let usage = of(first);
    // Only together with states does an argument for the mask matter to the layer itself.
    let differs = |node: &NodeCall| {
        let other = of(node);
        let same = (other.causal, other.scores, other.others);
        same != (usage.causal, usage.scores, usage.others)
            || other.mask != usage.mask && (other.states || usage.states)
    };
    if nodes.iter().any(differs) {
        let expected = "the same arguments in all its calls";
        return Err(Error::file(object.part(), expected, "others"));
    }
    let states = nodes.iter().any(|node| of(node).states);
    Ok(Usage { states, ..usage })
}
