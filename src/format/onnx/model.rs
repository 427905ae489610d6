//! `Model`: a graph, and the versions of the operators in it.

use super::super::bytes::Bytes;
use super::super::error::{Error, Result};
use super::super::kind::{self, Kind};
use super::super::meter::check_file;
use super::allowance::Allowance;
use super::fields::{Fields, Message};
use super::graph::Graph;
use crate::Limits;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

/// A model in ONNX.
pub struct Model {
    /// The version of the format.
    pub ir_version: i64,
    /// The domains of its operators and their versions; the domain of ONNX itself is empty.
    pub opsets: Vec<(String, i64)>,
    /// What it computes.
    pub graph: Graph,
    /// The files that some of its arrays are in, as it names them.
    pub external: BTreeSet<String>,
}

impl Model {
    /// Reads everything but the numbers of the arrays.
    pub fn open(bytes: Bytes, limits: &Limits) -> Result<Self> {
        check_file(bytes.len(), limits)?;
        let head = bytes.head()?;
        Self::parse(bytes, limits)
            .map_err(|error| kind::explain(error, &[Kind::Onnx], "a model in ONNX", head))
    }

    fn parse(bytes: Bytes, limits: &Limits) -> Result<Self> {
        let allowance = Allowance::new(limits);
        let (mut ir_version, mut graph) = (0, None);
        let mut opsets = Vec::new();
        let message = Message::whole(bytes).with_texts_of(limits.text_bytes);
        for field in Fields::new(message) {
            let field = field?;
            match field.number {
                1 => ir_version = field.int()?,
                7 => graph = Some(Graph::read(field.message()?, &allowance, 0)?),
                8 => {
                    allowance.entries.take(1, "ONNX model")?;
                    opsets.push(opset(field.message()?)?);
                }
                _ => {}
            }
        }
        Ok(Model {
            ir_version,
            opsets,
            external: allowance.external.into_inner(),
            graph: graph.ok_or_else(|| Error::new("ONNX model", "a graph", "none"))?,
        })
    }
}

fn opset(message: Message) -> Result<(String, i64)> {
    let mut opset = (String::new(), 0);
    for field in Fields::new(message) {
        let field = field?;
        match field.number {
            1 => opset.0 = field.text()?,
            2 => opset.1 = field.int()?,
            _ => {}
        }
    }
    Ok(opset)
}
