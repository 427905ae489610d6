//! `NodeCall`: one call of a layer in a functional model, as Keras 3 and its predecessors write it.

use super::config::{items, shown};
use crate::error::{Error, Result};
use crate::format::json::Value;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use serde_json::Map;

/// A value of a functional model: an output of one call of a layer.
#[derive(Clone, Debug)]
pub struct Ref {
    pub layer: String,
    pub call: usize,
    pub output: usize,
}

/// One call of a layer.
#[derive(Clone, Debug, Default)]
pub struct NodeCall {
    pub inputs: Vec<Ref>,
    pub states: Vec<Ref>,
    /// Masks that are arguments, one for each input, where there is one.
    pub masks: Vec<Option<Ref>>,
    /// What `MultiHeadAttention` takes beside the query: the value, the key and the attention mask.
    pub others: [Option<Ref>; 3],
    pub causal: bool,
    pub scores: bool,
}

/// What the arguments of a layer's call mean.
pub enum Names {
    /// Those that come first have these names.
    Ordered(&'static [&'static str]),
    /// All values of the graph are inputs, in the order of the arguments, then of the names. It is a layer of the caller's
    /// own.
    Any,
}

impl Names {
    /// Those of a class. Recurrent layers have several, all others take an input and name the rest.
    pub fn of(class: &str) -> Self {
        Names::Ordered(match class {
            "SimpleRNN" | "LSTM" | "GRU" | "RNN" | "Bidirectional" => {
                &["sequences", "initial_state", "mask", "training"]
            }
            "MultiHeadAttention" | "GroupQueryAttention" | "GroupedQueryAttention" => &[
                "query",
                "value",
                "key",
                "query_mask",
                "value_mask",
                "key_mask",
                "attention_mask",
                "return_attention_scores",
                "training",
                "use_causal_mask",
            ],
            "Attention" | "AdditiveAttention" => &[
                "inputs",
                "mask",
                "training",
                "return_attention_scores",
                "use_causal_mask",
            ],
            // All other layers take an input and name the rest.
            _ => &["inputs"],
        })
    }
}

/// The calls of a layer.
pub fn calls(nodes: &Value, names: &Names, part: &str) -> Result<Vec<NodeCall>> {
    let Some(nodes) = nodes.as_array() else {
        let expected = "a list of \"inbound_nodes\"";
        return Err(Error::file(part, expected, shown(nodes)));
    };
    let call = |node: &Value| match node.get("args") {
        Some(args) => call(node, args, names, part),
        None => call_of_keras2(node, names, part),
    };
    nodes.iter().map(call).collect()
}

/// `{"args": […], "kwargs": {…}}`, Keras 3.
fn call(node: &Value, args: &Value, names: &Names, part: &str) -> Result<NodeCall> {
    let Some(args) = items(args) else {
        return Err(Error::file(part, "a list of \"args\"", shown(args)));
    };
    let mut call = NodeCall::default();
    for (i, value) in args.iter().enumerate() {
        let name = match names {
            Names::Ordered(names) => names.get(i).copied(),
            Names::Any => None,
        };
        call.set(name.unwrap_or("another argument"), value, names, part)?;
    }
    call.set_all(node.get("kwargs"), names, part)?;
    Ok(call.together())
}

/// A list of `["layer", call, output, {arguments}]`.
fn call_of_keras2<'j>(node: &'j Value, names: &Names, part: &str) -> Result<NodeCall> {
    let mut call = NodeCall::default();
    let mut arguments = None;
    let mut push = |leaf: &'j [Value]| {
        call.inputs.push(reference(leaf, part)?);
        // Every input repeats the arguments of the call.
        arguments = arguments.or(leaf
            .get(3)
            .filter(|given| **given != Value::Object(Map::new())));
        Ok(())
    };
    leaves(node, &mut push, part)?;
    call.set_all(arguments, names, part)?;
    Ok(call.together())
}

impl NodeCall {
    /// All arguments that have a name.
    fn set_all(&mut self, given: Option<&Value>, names: &Names, part: &str) -> Result<()> {
        match given {
            None | Some(Value::Null) => Ok(()),
            Some(Value::Object(given)) => {
                let mut given = given.iter();
                given.try_for_each(|(name, value)| self.set(name, value, names, part))
            }
            Some(other) => {
                let expected = "the arguments of a call by name";
                Err(Error::file(part, expected, shown(other)))
            }
        }
    }

    /// All inputs in one list.
    fn together(mut self) -> Self {
        self.inputs.extend(self.others.iter().flatten().cloned());
        self
    }

    /// An argument by name.
    fn set(&mut self, name: &str, value: &Value, names: &Names, part: &str) -> Result<()> {
        let refuse = |expected: &str| {
            let part = format!("{part}: argument {name} of a call");
            Err(Error::file(part, expected, shown(value)))
        };
        match name {
            "training" | "mask" if value.is_null() => {}
            "mask" => self.masks = masks(value, part)?,
            "training" if *value == Value::Bool(false) => {}
            _ if matches!(names, Names::Any) => self.inputs.extend(references(value, part)?),
            "inputs" | "sequences" | "query" => self.inputs = references(value, part)?,
            "initial_state" => self.states = references(value, part)?,
            "value" | "key" | "attention_mask" => {
                let mut given = references(value, part)?.into_iter();
                let at = match name {
                    "value" => 0,
                    "key" => 1,
                    _ => 2,
                };
                self.others[at] = given.next();
                if given.next().is_some() {
                    return refuse("one value of the graph");
                }
            }
            "use_causal_mask" | "return_attention_scores" => {
                let said = match value {
                    Value::Null => false,
                    Value::Bool(yes) => *yes,
                    _ => return refuse("true or false"),
                };
                if name == "use_causal_mask" {
                    self.causal = said;
                } else {
                    self.scores = said;
                }
            }
            "training" => {
                if !matches!(value, Value::Null | Value::Bool(false)) {
                    return refuse("false or none");
                }
            }
            _ if value.is_null() => {}
            _ => return refuse("none: it may change the numbers"),
        }
        Ok(())
    }
}

/// All values of a graph in a list, a tuple, an object of them, or by themselves; none in null.
pub fn references(value: &Value, part: &str) -> Result<Vec<Ref>> {
    let mut all = Vec::new();
    if !value.is_null() {
        let mut push = |leaf: &[Value]| {
            all.push(reference(leaf, part)?);
            Ok(())
        };
        leaves(value, &mut push, part)?;
    }
    Ok(all)
}

/// One mask, or a list of masks and nulls.
fn masks(value: &Value, part: &str) -> Result<Vec<Option<Ref>>> {
    let one = |value: &Value| Ok(references(value, part)?.into_iter().next());
    match items(value) {
        Some([Value::String(_), ..]) | None => Ok(Vec::from([one(value)?])),
        Some(list) => list.iter().map(one).collect(),
    }
}

/// Calls `visit` with every `["layer", call, output]`, in the order that Keras flattens them.
fn leaves<'j>(
    value: &'j Value,
    visit: &mut impl FnMut(&'j [Value]) -> Result<()>,
    part: &str,
) -> Result<()> {
    if let Some(list) = items(value) {
        return match list {
            [Value::String(_), Value::Number(_), ..] => visit(list),
            _ => list.iter().try_for_each(|value| leaves(value, visit, part)),
        };
    }
    let expected = "values of the graph, no constants";
    let refuse = || Err(Error::file(part, expected, shown(value)));
    let Some(object) = value.as_object() else {
        return refuse();
    };
    match object.get("class_name").and_then(Value::as_str) {
        Some("__keras_tensor__") => match value.pointer("/config/keras_history") {
            Some(Value::Array(leaf)) => visit(leaf),
            _ => refuse(),
        },
        Some(_) => refuse(),
        None => object
            .values()
            .try_for_each(|value| leaves(value, visit, part)),
    }
}

fn reference(leaf: &[Value], part: &str) -> Result<Ref> {
    let index = |at: usize| leaf.get(at).and_then(super::config::whole);
    if let (Some(Value::String(layer)), Some(call), Some(output)) =
        (leaf.first(), index(1), index(2))
    {
        return Ok(Ref {
            layer: layer.to_owned(),
            call,
            output,
        });
    }
    let found: Vec<String> = leaf.iter().map(shown).collect();
    let found = format!("[{}]", found.join(", "));
    Err(Error::file(part, "[layer, call, output]", found))
}
