//! `Attribute`: an option of a node.

use super::fields::{Fields, Message};
use super::graph::Graph;
use super::initializer::Initializer;
use super::model::Allowance;
use crate::error::{Error, Result};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// An option of a node.
pub struct Attribute {
    /// Its name: `hidden_size`, `direction` …
    pub name: String,
    /// What it is set to.
    pub value: Value,
}

/// What an option is set to.
pub enum Value {
    /// A number with a fraction.
    Float(f32),
    /// A whole number.
    Int(i64),
    /// A text; ONNX does not promise UTF-8.
    Text(Vec<u8>),
    /// An array.
    Tensor(Initializer),
    /// A graph: a branch, the body of a loop.
    Graph(Box<Graph>),
    /// Numbers with fractions.
    Floats(Vec<f32>),
    /// Whole numbers.
    Ints(Vec<i64>),
    /// Texts.
    Texts(Vec<Vec<u8>>),
    /// Something that no operator of this crate takes: the type by its number.
    Other(i64),
}

impl Attribute {
    pub(super) fn read(message: Message, allowance: &Allowance, depth: usize) -> Result<Self> {
        let (mut name, mut kind) = (String::new(), 0);
        let (mut float, mut int, mut text) = (0.0, 0, Vec::new());
        let (mut tensor, mut graph) = (None, None);
        let (mut floats, mut ints, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        for field in Fields::new(message) {
            let field = field?;
            match field.number {
                1 => name = field.text()?,
                2 => float = field.float()?,
                3 => int = field.int()?,
                4 => text = field.bytes()?,
                5 => tensor = Some(Initializer::read(field.message()?, allowance)?),
                6 => graph = Some(Graph::read(field.message()?, allowance, depth + 1)?),
                7 => field.fixed(|bytes| {
                    floats.extend(
                        bytes
                            .as_chunks()
                            .0
                            .iter()
                            .map(|&chunk| f32::from_le_bytes(chunk)),
                    );
                })?,
                8 => field.ints(&mut ints)?,
                9 => {
                    allowance.entries.take(1, "ONNX attribute")?;
                    texts.push(field.bytes()?);
                }
                20 => kind = field.int()?,
                _ => {}
            }
        }
        let missing = || {
            Error::file(
                format!("ONNX attribute {name:?}"),
                "a value of its type",
                "none",
            )
        };
        let value = match kind {
            1 => Value::Float(float),
            2 => Value::Int(int),
            3 => Value::Text(text),
            4 => Value::Tensor(tensor.ok_or_else(missing)?),
            5 => Value::Graph(Box::new(graph.ok_or_else(missing)?)),
            6 => Value::Floats(floats),
            7 => Value::Ints(ints),
            8 => Value::Texts(texts),
            other => Value::Other(other),
        };
        Ok(Attribute { name, value })
    }
}
