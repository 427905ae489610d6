//! `Node`: one operator of a graph.

use super::attribute::{Attribute, Value};
use super::fields::Fields;
use super::model::{ATTRIBUTE, Allowance, NODE};
use crate::error::Result;
use alloc::vec::Vec;

const PART: &str = "ONNX node";

/// One operator of a graph, with the values that it takes and makes.
pub struct Node<'a> {
    /// Its name, which may be empty.
    pub name: &'a str,
    /// What it does: `LSTM`, `Gemm` …
    pub op_type: &'a str,
    /// Where the operator is defined; empty for ONNX itself.
    pub domain: &'a str,
    /// The names of what it takes; an empty one stands for nothing.
    pub inputs: Vec<&'a str>,
    /// The names of what it makes; an empty one stands for nothing.
    pub outputs: Vec<&'a str>,
    /// Its options.
    pub attributes: Vec<Attribute<'a>>,
}

impl<'a> Node<'a> {
    pub(super) fn read(message: &'a [u8], allowance: &Allowance, depth: usize) -> Result<Self> {
        allowance.entries.take(NODE, PART)?;
        let mut node = Node {
            name: "",
            op_type: "",
            domain: "",
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
                        .push(Attribute::read(field.bytes()?, allowance, depth)?);
                }
                7 => node.domain = field.text()?,
                _ => {}
            }
        }
        Ok(node)
    }

    /// The value of an option; `None` if it is not given.
    pub fn attribute(&self, name: &str) -> Option<&Value<'a>> {
        let attribute = self
            .attributes
            .iter()
            .find(|attribute| attribute.name == name)?;
        Some(&attribute.value)
    }

    /// The name of input number `index`; `None` if nothing stands there.
    pub fn input(&self, index: usize) -> Option<&'a str> {
        self.inputs
            .get(index)
            .copied()
            .filter(|name| !name.is_empty())
    }

    /// The name of output number `index`; `None` if nobody wants it.
    pub fn output(&self, index: usize) -> Option<&'a str> {
        self.outputs
            .get(index)
            .copied()
            .filter(|name| !name.is_empty())
    }
}
