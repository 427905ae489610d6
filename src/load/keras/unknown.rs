//! How a layer that this crate does not have is refused.

use super::config::shown;
use super::object::{Object, or_by_hand};
use crate::error::Error;
use crate::format::json::Value;
use alloc::format;
use alloc::string::{String, ToString};

/// The refusal of a layer that this crate does not have.
pub fn missing(object: &Object) -> Error {
    let found = match (object.class, operation(object)) {
        (_, Some(operation)) => format!("the operation {operation} of TensorFlow"),
        ("Lambda", _) => "a Lambda, which is Python code".to_string(),
        (class, _) if class.ends_with("Cell") => format!("the cell {class} as a layer"),
        (class, _) => class.to_string(),
    };
    Error::file(
        object.part(),
        or_by_hand!("a layer that this crate has"),
        found,
    )
}

/// The function of TensorFlow that `x[:, -1]`, `x + y` and `tf.concat` become in models of Keras 2.
fn operation(object: &Object) -> Option<String> {
    let is_one = matches!(
        object.class,
        "TFOpLambda"
            | "SlicingOpLambda"
            | "TensorFlowOpLayer"
            | "ClassMethod"
            | "InstanceMethod"
            | "InstanceProperty"
    );
    if !is_one {
        return None;
    }
    let arguments = object.arguments();
    let said = [
        "function",
        "symbol",
        "cls_symbol",
        "method_name",
        "attr_name",
    ];
    let said = said.iter().find_map(|key| arguments.get(key));
    match said.or_else(|| arguments.pointer("/node_def/op")) {
        Some(Value::String(name)) => Some(name.clone()),
        Some(other) => Some(shown(other)),
        None => None,
    }
}
