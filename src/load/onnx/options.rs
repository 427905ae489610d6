//! `Options`: the attributes of a recurrent node.

use super::activations;
use super::op::Op;
use crate::Activation;
use crate::error::{Error, Result};
use crate::format::onnx::{Attribute, Node, Value};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Forward,
    Reverse,
    Bidirectional,
}

impl Direction {
    pub fn count(self) -> usize {
        if self == Direction::Bidirectional {
            2
        } else {
            1
        }
    }
}

pub(super) struct Options {
    pub op: Op,
    pub direction: Direction,
    pub hidden_size: Option<usize>,
    /// Those of each direction, f, g, h as far as the operator has them.
    pub activations: Vec<Vec<Activation>>,
    pub clip: Option<f64>,
    pub input_forget: bool,
    pub linear_before_reset: bool,
    /// Samples come before timesteps: layout 1.
    pub batch_first: bool,
}

impl Options {
    /// Refuses every attribute that is not known.
    pub fn read(op: Op, node: &Node) -> Result<Self> {
        let mut options = Options {
            op,
            direction: Direction::Forward,
            hidden_size: None,
            activations: Vec::new(),
            clip: None,
            input_forget: false,
            linear_before_reset: false,
            batch_first: false,
        };
        let (mut names, mut alpha, mut beta) = (&[][..], &[][..], &[][..]);
        for (index, attribute) in node.attributes.iter().enumerate() {
            let Attribute { name, value } = attribute;
            if node.attributes[..index].iter().any(|a| a.name == *name) {
                return Err(Error::file(name, "one attribute of a name", "two"));
            }
            match (name.as_str(), value, op) {
                ("direction", Value::Text(text), _) => {
                    options.direction = match &text[..] {
                        b"forward" => Direction::Forward,
                        b"reverse" => Direction::Reverse,
                        b"bidirectional" => Direction::Bidirectional,
                        _ => {
                            let expected = "forward, reverse or bidirectional";
                            return Err(Error::file(name, expected, text.escape_ascii()));
                        }
                    }
                }
                ("hidden_size", Value::Int(size), _) => {
                    let size = usize::try_from(*size).ok().filter(|&size| size > 0);
                    let refuse = || Error::file(name, "at least 1", shown(value));
                    options.hidden_size = Some(size.ok_or_else(refuse)?);
                }
                ("clip", Value::Float(clip), _) if *clip > 0.0 => {
                    options.clip = Some(f64::from(*clip));
                }
                ("activations", Value::Texts(texts), _) => names = texts,
                ("activation_alpha", Value::Floats(floats), _) => alpha = floats,
                ("activation_beta", Value::Floats(floats), _) => beta = floats,
                ("layout", Value::Int(int @ (0 | 1)), _) => options.batch_first = *int == 1,
                ("input_forget", Value::Int(int @ (0 | 1)), Op::Lstm) => {
                    options.input_forget = *int == 1;
                }
                ("linear_before_reset", Value::Int(int @ (0 | 1)), Op::Gru) => {
                    options.linear_before_reset = *int == 1;
                }
                _ => {
                    let expected = format!("an attribute of {} and a value of it", op.name());
                    return Err(Error::file(name, expected, shown(value)));
                }
            }
        }
        let directions = options.direction.count();
        options.activations = activations::read(op, directions, names, alpha, beta)?;
        Ok(options)
    }
}

/// The value of an attribute, for an error.
fn shown(value: &Value) -> String {
    match value {
        Value::Float(x) => format!("{x}"),
        Value::Int(n) => format!("{n}"),
        Value::Text(text) => format!("\"{}\"", text.escape_ascii()),
        Value::Tensor(_) => "an array".into(),
        Value::Graph(_) => "a graph".into(),
        Value::Floats(list) => format!("{} floating-point numbers", list.len()),
        Value::Ints(list) => format!("{} whole numbers", list.len()),
        Value::Texts(list) => format!("{} texts", list.len()),
        Value::Other(kind) => format!("a value of type {kind}"),
    }
}
