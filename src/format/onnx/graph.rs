//! `Graph`: nodes in the order of their execution, and what goes in and out.

use super::super::tensor::{Arrays, Tensor};
use super::external::Source;
use super::fields::{Fields, Message};
use super::initializer::Initializer;
use super::model::{ATTRIBUTE, Allowance};
use super::node::Node;
use super::value_info::ValueInfo;
use crate::error::{Error, Result};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

const PART: &str = "ONNX graph";

/// A graph.
pub struct Graph {
    /// Its name.
    pub name: String,
    /// Its nodes, each behind those whose outputs it takes.
    pub nodes: Vec<Node>,
    /// What goes in; initialisers may be among them.
    pub inputs: Vec<ValueInfo>,
    /// What comes out.
    pub outputs: Vec<ValueInfo>,
    /// What is known of the values between.
    pub values: Vec<ValueInfo>,
    initializers: BTreeMap<String, Initializer>,
}

impl Graph {
    pub(super) fn read(message: Message, allowance: &Allowance, depth: usize) -> Result<Self> {
        if depth >= allowance.limits.depth {
            let expected = format!("graphs nested at most {} deep", allowance.limits.depth);
            return Err(Error::file(PART, expected, "deeper ones"));
        }
        let mut graph = Graph {
            name: String::new(),
            nodes: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            values: Vec::new(),
            initializers: BTreeMap::new(),
        };
        for field in Fields::new(message) {
            let field = field?;
            let values = match field.number {
                1 => {
                    graph
                        .nodes
                        .push(Node::read(field.message()?, allowance, depth)?);
                    continue;
                }
                2 => {
                    graph.name = field.text()?;
                    continue;
                }
                5 => {
                    allowance.entries.take(ATTRIBUTE, PART)?;
                    let initializer = Initializer::read(field.message()?, allowance)?;
                    let name = initializer.name().to_string();
                    if let Some(first) = graph.initializers.insert(name, initializer) {
                        let found = format!("two of {:?}", first.name());
                        return Err(Error::file(PART, "one initialiser of a name", found));
                    }
                    continue;
                }
                11 => &mut graph.inputs,
                12 => &mut graph.outputs,
                13 => &mut graph.values,
                _ => continue,
            };
            values.push(ValueInfo::read(field.message()?, allowance)?);
        }
        Ok(graph)
    }

    /// All its initialisers, sorted by their names.
    pub fn initializers(&self) -> impl ExactSizeIterator<Item = &Initializer> {
        self.initializers.values()
    }

    /// The initialiser of that name; `None` if there is none.
    pub fn initializer(&self, name: &str) -> Option<&Initializer> {
        self.initializers.get(name)
    }
}

/// The initialisers of a graph, which are in this file and beside it.
pub struct Initializers<'s> {
    /// The graph.
    pub graph: &'s Graph,
    /// The file.
    pub source: Source<'s>,
}

impl Arrays for Initializers<'_> {
    fn names(&self) -> Result<Vec<String>> {
        Ok(self.graph.initializers.keys().cloned().collect())
    }

    fn tensor(&self, name: &str) -> Result<Tensor<'_>> {
        let missing = || Error::file(PART, format!("an initialiser {name:?}"), "none");
        let initializer = self.graph.initializer(name).ok_or_else(missing)?;
        initializer.tensor(self.source)
    }
}
