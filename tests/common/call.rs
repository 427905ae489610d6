//! `Call`: one of the successive calls of a layer, and what Keras returned.

use super::Outcome;
use super::compare::Expected;
use super::family::Family;
use super::fields::Fields;
use super::roles::Named;
use ndarray::{Array2, Array3};
use recurrent::Element;
use serde_json::Value;

pub struct Call<A> {
    pub x: Array3<A>,
    pub mask: Option<Array2<bool>>,
    pub initial: Option<Named<A>>,
    pub reset_before: bool,
    pub expected: Vec<Expected>,
}

impl<A: Element> Call<A> {
    /// From an entry of `calls`.
    pub fn new(family: &Family, value: &Value) -> Outcome<Self> {
        let fields = Fields::new(value)?;
        let call = Self::of_case(family, &fields, &Value::Null)?;
        let reset_before = fields.bool("reset_before")?;
        fields.only_describes(family)?;
        Ok(Call {
            reset_before,
            ..call
        })
    }

    /// From the case itself, as `gradients` has it; there the shapes of the outputs stand in the `shapes` of the case.
    pub fn of_case(family: &Family, fields: &Fields, shapes: &Value) -> Outcome<Self> {
        let mask = fields
            .nullable("mask")?
            .map(|name| family.mask(name))
            .transpose()?;
        let initial = fields
            .nullable("initial_state")?
            .map(|list| roles(family, list))
            .transpose()?;
        let outputs = fields.list("outputs")?.iter();
        Ok(Call {
            x: family.array3(fields.get("x")?)?,
            mask,
            initial,
            reset_before: false,
            expected: outputs
                .map(|value| output(family, value, shapes))
                .collect::<Outcome<_>>()?,
        })
    }

    /// A call from the zero state without a mask, whose output is compared elsewhere.
    pub fn plain(x: Array3<A>, initial: Option<Named<A>>) -> Self {
        Call {
            x,
            mask: None,
            initial,
            reset_before: false,
            expected: Vec::new(),
        }
    }
}

/// A list of `{"role", "tensor"}`.
fn roles<A: Element>(family: &Family, list: &Value) -> Outcome<Named<A>> {
    let list = list
        .as_array()
        .ok_or_else(|| format!("not a list: {list}"))?;
    list.iter()
        .map(|value| {
            let fields = Fields::new(value)?;
            let array = family.tensor(fields.get("tensor")?)?.mapv(A::from_f64);
            let role = fields.text("role")?.to_string();
            fields.only_describes(family)?;
            Ok((role, array))
        })
        .collect()
}

pub fn output(family: &Family, value: &Value, shapes: &Value) -> Outcome<Expected> {
    let fields = Fields::new(value)?;
    fields.ignore(&["factor"]); // of the loss, in gradients
    let tensor = fields.get("tensor")?;
    let name = tensor.as_str().unwrap_or_default();
    let shape = fields.optional("shape").unwrap_or(&shapes[name]);
    let expected = Expected {
        role: fields.text("role")?.to_string(),
        shape: serde_json::from_value(shape.clone())?,
        values: family.tensor(tensor)?.clone(),
    };
    fields.only_describes(family)?;
    Ok(expected)
}
