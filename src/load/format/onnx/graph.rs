//! `Graph`: nodes in the order of their execution, and what goes in and out.

use super::super::tensor::{Arrays, Tensor};
use super::fields::Fields;
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

/// A graph. Its [`Arrays`] are its initialisers.
pub struct Graph<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its nodes, each behind those whose outputs it takes.
    pub nodes: Vec<Node<'a>>,
    /// What goes in; initialisers may be among them.
    pub inputs: Vec<ValueInfo<'a>>,
    /// What comes out.
    pub outputs: Vec<ValueInfo<'a>>,
    /// What is known of the values between.
    pub values: Vec<ValueInfo<'a>>,
    initializers: BTreeMap<&'a str, Initializer<'a>>,
}

impl<'a> Graph<'a> {
    pub(super) fn read(message: &'a [u8], allowance: &Allowance, depth: usize) -> Result<Self> {
        if depth >= allowance.limits.depth {
            let expected = format!("graphs nested at most {} deep", allowance.limits.depth);
            return Err(Error::file(PART, expected, "deeper ones"));
        }
        let mut graph = Graph {
            name: "",
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
                        .push(Node::read(field.bytes()?, allowance, depth)?);
                    continue;
                }
                2 => {
                    graph.name = field.text()?;
                    continue;
                }
                5 => {
                    allowance.entries.take(ATTRIBUTE, PART)?;
                    let initializer = Initializer::read(field.bytes()?)?;
                    let name = initializer.name();
                    if graph.initializers.insert(name, initializer).is_some() {
                        let found = format!("two of {name:?}");
                        return Err(Error::file(PART, "one initialiser of a name", found));
                    }
                    continue;
                }
                11 => &mut graph.inputs,
                12 => &mut graph.outputs,
                13 => &mut graph.values,
                _ => continue,
            };
            values.push(ValueInfo::read(field.bytes()?, allowance)?);
        }
        Ok(graph)
    }

    /// The initialiser of that name; `None` if there is none.
    pub fn initializer(&self, name: &str) -> Option<&Initializer<'a>> {
        self.initializers.get(name)
    }
}

impl Arrays for Graph<'_> {
    fn names(&self) -> Result<Vec<String>> {
        Ok(self.initializers.keys().map(ToString::to_string).collect())
    }

    fn tensor(&self, name: &str) -> Result<Tensor<'_>> {
        let missing = || Error::file(PART, format!("an initialiser {name:?}"), "none");
        self.initializer(name).ok_or_else(missing)?.tensor()
    }
}
