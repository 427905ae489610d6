//! `ValueInfo`: what is known of a value before the graph runs.

use super::super::error::Result;
use super::super::number::Number;
use super::allowance::{ATTRIBUTE, Allowance};
use super::fields::{Fields, Message};
use super::initializer;
use alloc::string::String;
use alloc::vec::Vec;

/// The name, kind and shape of a value of a graph.
pub struct ValueInfo {
    /// Its name.
    pub name: String,
    /// What kind of numbers it holds; `None` if it is not told, or is no array of numbers.
    pub number: Option<Number>,
    /// The lengths of its axes, each `None` if it is free; `None` if not even their number is told.
    pub shape: Option<Vec<Option<i64>>>,
}

impl ValueInfo {
    pub(super) fn read(message: Message, allowance: &Allowance) -> Result<Self> {
        allowance.entries.take(ATTRIBUTE, "ONNX value")?;
        let mut info = ValueInfo {
            name: String::new(),
            number: None,
            shape: None,
        };
        for field in Fields::new(message) {
            let field = field?;
            match field.number {
                1 => info.name = field.text()?,
                2 => info.read_type(field.message()?, allowance)?,
                _ => {}
            }
        }
        Ok(info)
    }

    fn read_type(&mut self, message: Message, allowance: &Allowance) -> Result<()> {
        for field in Fields::new(message) {
            let field = field?;
            // Sequences, maps and sparse arrays are no arrays.
            if field.number != 1 {
                continue;
            }
            for field in Fields::new(field.message()?) {
                let field = field?;
                match field.number {
                    1 => self.number = initializer::number(field.int()?),
                    2 => self.shape = Some(shape(field.message()?, allowance)?),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

fn shape(message: Message, allowance: &Allowance) -> Result<Vec<Option<i64>>> {
    let mut shape = Vec::new();
    for field in Fields::new(message) {
        let field = field?;
        if field.number != 1 {
            continue;
        }
        allowance.entries.take(1, "ONNX shape")?;
        let mut length = None;
        for field in Fields::new(field.message()?) {
            let field = field?;
            match field.number {
                1 => length = Some(field.int()?),
                2 => length = None,
                _ => {}
            }
        }
        shape.push(length);
    }
    Ok(shape)
}
