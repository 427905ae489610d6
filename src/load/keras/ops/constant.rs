//! Numbers and arrays that stand in a configuration in place of values of the graph.

use crate::format::json::{self, Value};
use crate::nn::Constant;
use alloc::vec::Vec;

/// A number or an array, plain or as Keras 3 writes it; `None` if it is a value of the graph or something else.
pub fn constant(value: &Value) -> Option<Constant> {
    if let Some(number) = number(value) {
        return Some(Constant::Number(number));
    }
    let class = value.get("class_name").and_then(Value::as_str);
    if let Some("__numpy__" | "__tensor__") = class {
        return constant(value.pointer("/config/value")?);
    }
    let (mut shape, mut numbers) = (Vec::new(), Vec::new());
    let mut first = value;
    while let Value::Array(list) = first {
        shape.push(list.len());
        let Some(item) = list.first() else {
            break;
        };
        first = item;
    }
    collect(value, &shape, &mut numbers)?;
    (!shape.is_empty()).then_some(Constant::Array { shape, numbers })
}

fn number(value: &Value) -> Option<f64> {
    json::number(value).or_else(|| value.as_bool().map(|yes| f64::from(u8::from(yes))))
}

/// Adds the numbers of nested lists of these lengths.
fn collect(value: &Value, shape: &[usize], numbers: &mut Vec<f64>) -> Option<()> {
    let Some((&len, inner)) = shape.split_first() else {
        numbers.push(number(value)?);
        return Some(());
    };
    let list = value.as_array().filter(|list| list.len() == len)?;
    list.iter()
        .try_for_each(|item| collect(item, inner, numbers))
}
