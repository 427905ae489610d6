//! `Node`: one operator of a graph.

use super::attribute::{Attribute, Value};
use super::fields::{Fields, Message};
use super::model::{ATTRIBUTE, Allowance, NODE};
use crate::error::Result;
use alloc::string::String;
use alloc::vec::Vec;

const PART: &str = "ONNX node";

/// One operator of a graph, with the values that it takes and makes.
pub struct Node {
    /// Its name, which may be empty.
    pub name: String,
    /// What it does: `LSTM`, `Gemm` …
    pub op_type: String,
    /// Where the operator is defined; empty for ONNX itself.
    pub domain: String,
    /// The names of what it takes; an empty one stands for nothing.
    pub inputs: Vec<String>,
    /// The names of what it makes; an empty one stands for nothing.
    pub outputs: Vec<String>,
    /// Its options.
    pub attributes: Vec<Attribute>,
}

impl Node {
    pub(super) fn read(message: Message, allowance: &Allowance, depth: usize) -> Result<Self> {
        allowance.entries.take(NODE, PART)?;
        let mut node = Node {
            name: String::new(),
            op_type: String::new(),
            domain: String::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            attributes: Vec::new(),
        };
        for field in Fields::new(message) {
            let field = field?;
            match field.number {
                1 | 2 => {
                    allowance.entries.take(1, PART)?;
                    let names = if field.number == 1 {
                        &mut node.inputs
                    } else {
                        &mut node.outputs
                    };
                    names.push(field.text()?);
                }
                3 => node.name = field.text()?,
                4 => node.op_type = field.text()?,
                5 => {
                    allowance.entries.take(ATTRIBUTE, PART)?;
                    node.attributes
                        .push(Attribute::read(field.message()?, allowance, depth)?);
                }
                7 => node.domain = field.text()?,
                _ => {}
            }
        }
        Ok(node)
    }

    /// The value of an option; `None` if it is not given.
    pub fn attribute(&self, name: &str) -> Option<&Value> {
        let attribute = self
            .attributes
            .iter()
            .find(|attribute| attribute.name == name)?;
        Some(&attribute.value)
    }

    /// The name of input number `index`; `None` if nothing stands there.
    pub fn input(&self, index: usize) -> Option<&str> {
        self.inputs
            .get(index)
            .map(String::as_str)
            .filter(|name| !name.is_empty())
    }

    /// The name of output number `index`; `None` if nobody wants it.
    pub fn output(&self, index: usize) -> Option<&str> {
        self.outputs
            .get(index)
            .map(String::as_str)
            .filter(|name| !name.is_empty())
    }
}
