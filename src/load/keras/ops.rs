//! Operations of `keras.ops` in functional models of Keras 3: what compares token ids for a mask, what `x[:, -1]` and
//! `x + y` become.

use super::config::{Config, items, shown};
use super::made::Made;
use super::names::snake_case;
use super::nodes::{NodeCall, references};
use super::object::{Object, or_by_hand};
use super::plan::Plan;
use crate::error::{Error, Result};
use crate::format::json::{self, Value};
use crate::nn::{Along, Binary, Cut, Op, OpLayer};
use crate::{Concatenate, Element};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use serde_json::json;

/// The operations that have a name of a layer, too, and the others.
const CLASSES: [&str; 21] = [
    "All",
    "NotEqual",
    "LogicalOr",
    "LogicalAnd",
    "Add",
    "Subtract",
    "Multiply",
    "Divide",
    "TrueDivide",
    "Maximum",
    "Minimum",
    "Any",
    "Sum",
    "Mean",
    "Max",
    "ExpandDims",
    "ZerosLike",
    "OnesLike",
    "GetItem",
    "Concatenate",
    "ConvertToTensor",
];

/// Whether it is an operation and no layer. A `.h5` does not say it, but layers have more arguments.
pub fn is_op(object: &Object) -> bool {
    match object.json.get("module").and_then(Value::as_str) {
        Some(module) => module.starts_with("keras.src.ops") || module.starts_with("keras.ops"),
        None => CLASSES.contains(&object.class) && object.arguments().get("trainable").is_none(),
    }
}

/// The plan of an operation, and its call.
pub fn op<A: Element>(object: &Object, nodes: &Value) -> Result<(Plan<Made<A>>, Vec<NodeCall>)> {
    let (config, part) = (object.config()?, object.part());
    if !CLASSES.contains(&object.class) {
        let expected = or_by_hand!("an operation that this crate has");
        let found = format!("the operation {}", object.class);
        return Err(Error::file(part, expected, found));
    }
    let nodes = nodes.as_array().map_or(&[][..], Vec::as_slice);
    let [node] = nodes else {
        return Err(Error::file(part, "one call", nodes.len()));
    };
    let is_given = |value: &&Value| !matches!(value, Value::Null) && **value != json!({});
    if let Some(given) = node.get("kwargs").filter(is_given) {
        return Err(config.refuse("kwargs", "none", shown(given)));
    }
    let Some(args) = node.get("args").and_then(items) else {
        return Err(Error::file(part, "a list of \"args\"", shown(node)));
    };
    let (op, inputs) = read(object.class, &config, args)?;
    config.done()?;
    let mut refs = Vec::new();
    for value in inputs {
        refs.extend(references(value, &part)?);
    }
    let made = Made::of(OpLayer {
        name: snake_case(object.class),
        op,
    });
    let call = NodeCall {
        inputs: refs,
        ..NodeCall::default()
    };
    Ok((Plan::of(made), vec![call]))
}

/// The operation, and those of its arguments that are values of the graph.
fn read<'j>(class: &str, config: &Config, args: &'j [Value]) -> Result<(Op, Vec<&'j Value>)> {
    // Masks are numbers here: 0 and 1.
    config.optional("dtype");
    let one = |op| match args {
        [x] => Ok((op, vec![x])),
        _ => Err(config.refuse("args", "one argument", args.len())),
    };
    let binary = |of| match args {
        [a, b] => {
            let constants = [json::number(a), json::number(b)];
            let both = [(a, constants[0]), (b, constants[1])];
            let inputs = both.iter().filter(|(_, constant)| constant.is_none());
            Ok((
                Op::Binary(of, constants),
                inputs.map(|(value, _)| *value).collect(),
            ))
        }
        _ => Err(config.refuse("args", "two arguments", args.len())),
    };
    // What no call could do is refused now, where the layer has a name.
    let not_samples = |axis| match axis {
        0 => Err(config.refuse("axis", "an axis other than that of the samples", axis)),
        axis => Ok(axis),
    };
    let along = |of| {
        let axis = config.integers("axis", &[])?;
        match axis.as_slice() {
            &[axis] => not_samples(axis)
                .and_then(|axis| one(Op::Along(of, axis, config.flag("keepdims")?))),
            axes => Err(config.refuse("axis", "one axis", axes.len())),
        }
    };
    match class {
        "NotEqual" => binary(Binary::NotEqual),
        "LogicalOr" => binary(Binary::LogicalOr),
        "LogicalAnd" => binary(Binary::LogicalAnd),
        "Add" => binary(Binary::Add),
        "Subtract" => binary(Binary::Subtract),
        "Multiply" => binary(Binary::Multiply),
        "Divide" | "TrueDivide" => binary(Binary::Divide),
        "Maximum" => binary(Binary::Maximum),
        "Minimum" => binary(Binary::Minimum),
        "All" => along(Along::All),
        "Any" => along(Along::Any),
        "Sum" => along(Along::Sum),
        "Mean" => along(Along::Mean),
        "Max" => along(Along::Max),
        "ExpandDims" => one(Op::ExpandDims(not_samples(config.integer_or("axis", -1)?)?)),
        "ZerosLike" => one(Op::Fill(0.0)),
        "OnesLike" => one(Op::Fill(1.0)),
        "ConvertToTensor" => {
            for key in ["sparse", "ragged"] {
                config.flag(key)?;
            }
            one(Op::Same)
        }
        "Concatenate" => one(Op::Concatenate(Concatenate::new(
            config.integer_or("axis", -1)?,
        ))),
        "GetItem" => match args {
            [x, key] => {
                let refuse = |expected| config.refuse("args", expected, shown(key));
                let cuts = cuts(key).ok_or_else(|| refuse("indices and slices of numbers"))?;
                if let [Cut::One(_), ..] = cuts.as_slice() {
                    return Err(refuse("all samples, not one of them"));
                }
                for cut in &cuts {
                    if let Cut::Span([.., Some(step @ ..1)]) = cut {
                        let expected = or_by_hand!("slices with steps of at least 1");
                        return Err(config.refuse("args", expected, format!("a step of {step}")));
                    }
                }
                Ok((Op::GetItem(cuts), vec![x]))
            }
            _ => Err(config.refuse("args", "two arguments", args.len())),
        },
        class => {
            let expected = "an operation that this crate has";
            Err(Error::file(config.part(), expected, class))
        }
    }
}

fn cuts(key: &Value) -> Option<Vec<Cut>> {
    match items(key) {
        Some(list) => list.iter().map(cut).collect(),
        None => Some(vec![cut(key)?]),
    }
}

fn cut(value: &Value) -> Option<Cut> {
    let number = |value: &Value| value.as_i64().and_then(|n| isize::try_from(n).ok());
    match value.get("class_name").and_then(Value::as_str) {
        Some("__ellipsis__") => Some(Cut::Rest),
        Some("__slice__") => {
            let mut span = [None; 3];
            for (to, key) in span.iter_mut().zip(["start", "stop", "step"]) {
                let value = value.get("config")?.get(key)?;
                *to = if value.is_null() {
                    None
                } else {
                    Some(number(value)?)
                };
            }
            Some(Cut::Span(span))
        }
        Some(_) => None,
        None => number(value).map(Cut::One),
    }
}
