//! Operations in functional models: what `x[:, -1]`, `x + y` and `keras.ops.mean` become in files of Keras 3, and what
//! `tf.concat` becomes in those of Keras 2.

mod constant;
mod operation;
mod tensorflow;

use super::context::Context;
use super::made::Made;
use super::nodes::{NodeCall, references};
use super::object::{Object, or_by_hand};
use super::plan::Plan;
use crate::Element;
use crate::error::{Error, Result};
use crate::format::json::Value;
use crate::load::keras::config::{Config, items, shown};
use crate::load::keras::names::snake_case;
use crate::nn::OpLayer;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use operation::{Operation, reader};
use serde_json::json;

/// Whether a part of a model is an operation and no layer.
pub fn is_op(context: &Context, object: &Object) -> bool {
    if object.check_home().is_err() {
        return false;
    }
    if context.version.major() < 3 {
        return matches!(object.class, "TFOpLambda" | "SlicingOpLambda");
    }
    match object.json.get("module").and_then(Value::as_str) {
        Some(module) => {
            let inside = ["keras.src.ops", "keras.ops", "keras.src.activations"];
            inside.iter().any(|start| module.starts_with(start))
        }
        // A `.h5` does not say it, but layers have more arguments.
        None => reader(object.class).is_some() && object.arguments().get("trainable").is_none(),
    }
}

/// The plan of an operation, and its call. `whole` are the layers of the model that give whole numbers, so far as that
/// matters.
pub fn op<A: Element>(
    context: &Context,
    object: &Object,
    nodes: &Value,
    whole: &mut BTreeSet<String>,
) -> Result<(Plan<Made<A>>, Vec<NodeCall>)> {
    let part = object.part();
    if context.version.major() < 3 {
        let class = tensorflow::class(object)?;
        let (config, args) = class.in_keras3(only(nodes, &part)?, &part)?;
        let is_whole = |value: &Value| {
            let refs = references(value, &part);
            refs.is_ok_and(|refs| refs.iter().any(|of| whole.contains(&of.layer)))
        };
        if class.name == "Mean" && args.first().is_some_and(is_whole) {
            let expected =
                "numbers with fractions: TensorFlow rounds the mean of whole numbers down";
            return Err(Error::file(part, expected, "whole numbers"));
        }
        if class.gives_whole(&config, &args, is_whole) {
            whole.insert(object.name.clone());
        }
        let object = json!({"class_name": class.name, "config": config});
        let inner = Object::read(&object, &part)?;
        return read(context, &inner, &part, &args);
    }
    if reader(object.class).is_none() {
        let expected = or_by_hand!("an operation that this crate has");
        let found = format!("the operation {}", object.class);
        return Err(Error::file(part, expected, found));
    }
    let node = only(nodes, &part)?;
    // An argument that is null says nothing.
    let is_given = |value: &&Value| match value {
        Value::Null => false,
        Value::Object(all) => all.values().any(|value| !value.is_null()),
        _ => true,
    };
    if let Some(given) = node.get("kwargs").filter(is_given) {
        return Err(object.config()?.refuse("kwargs", "none", shown(given)));
    }
    let Some(args) = node.get("args").and_then(items) else {
        return Err(Error::file(part, "a list of \"args\"", shown(node)));
    };
    read(context, object, &part, args)
}

/// The only call of an operation.
fn only<'j>(nodes: &'j Value, part: &str) -> Result<&'j Value> {
    match nodes.as_array().map_or(&[][..], Vec::as_slice) {
        [node] => Ok(node),
        nodes => Err(Error::file(part, "one call", nodes.len())),
    }
}

/// The plan of an operation as Keras 3 writes it.
fn read<A: Element>(
    context: &Context,
    object: &Object,
    part: &str,
    args: &[Value],
) -> Result<(Plan<Made<A>>, Vec<NodeCall>)> {
    let operation = Operation {
        context,
        class: object.class,
        config: Config::new(part.into(), object.arguments())?,
        args,
    };
    let unknown = || Error::file(part, "an operation that this crate has", object.class);
    let (op, inputs) = reader(object.class).ok_or_else(unknown)?(&operation)?;
    operation.config.done()?;
    let mut refs = Vec::new();
    for value in inputs {
        refs.extend(references(value, part)?);
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
