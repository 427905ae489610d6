//! `Model`: a graph, and the versions of the operators in it.

use super::super::bytes::Bytes;
use super::super::check_file;
use super::super::kind::{self, Kind};
use super::super::meter::Meter;
use super::fields::{Fields, Message};
use super::graph::Graph;
use crate::Limits;
use crate::error::{Error, Result};
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

/// A file holds at most so many inputs and outputs of nodes for each of [`Limits::entries`]; other things count more.
const NAMES_PER_ENTRY: u64 = 16;
/// What a node, and what an attribute or an array, counts: as many names as take its memory.
pub(super) const NODE: u64 = NAMES_PER_ENTRY;
pub(super) const ATTRIBUTE: u64 = NAMES_PER_ENTRY / 4;

/// A model in ONNX.
pub struct Model {
    /// The version of the format.
    pub ir_version: i64,
    /// Who wrote it.
    pub producer: String,
    /// The domains of its operators and their versions; the domain of ONNX itself is empty.
    pub opsets: Vec<(String, i64)>,
    /// What it computes.
    pub graph: Graph,
    /// The files that some of its arrays are in, as it names them.
    pub external: BTreeSet<String>,
}

/// What reading may use up.
pub(super) struct Allowance<'l> {
    pub entries: Meter,
    /// The files that arrays are in.
    pub external: RefCell<BTreeSet<String>>,
    pub limits: &'l Limits,
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
        let entries = NAMES_PER_ENTRY.saturating_mul(limits.entries as u64);
        let allowance = Allowance {
            entries: Meter::new("names (a node counts 16, an attribute 4)", entries),
            external: RefCell::default(),
            limits,
        };
        let (mut ir_version, mut producer, mut graph) = (0, String::new(), None);
        let mut opsets = Vec::new();
        let message = Message::whole(bytes).with_texts_of(limits.text_bytes);
        for field in Fields::new(message) {
            let field = field?;
            match field.number {
                1 => ir_version = field.int()?,
                2 => producer = field.text()?,
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
            producer,
            opsets,
            external: allowance.external.into_inner(),
            graph: graph.ok_or_else(|| Error::file("ONNX model", "a graph", "none"))?,
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
