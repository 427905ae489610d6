//! `Graph`: nodes in the order of their execution, and what goes in and out.
//!
//! A graph has nodes, a node has attributes, and an attribute may be a graph: these three read each other.

use super::super::error::{Error, Result};
use super::super::raw_array::{Arrays, RawArray};
use super::allowance::{ATTRIBUTE, Allowance, NODE};
use super::external::Source;
use super::fields::{Fields, Message};
use super::initializer::Initializer;
use super::value_info::ValueInfo;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

const PART: &str = "ONNX graph";
const NODE_PART: &str = "ONNX node";

/// A graph.
pub struct Graph {
    /// Its name.
    pub name: String,
    /// Its nodes, each after those whose outputs it takes.
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
            return Err(Error::new(PART, expected, "deeper ones"));
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
                        return Err(Error::new(PART, "one initialiser of a name", found));
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
        allowance.entries.take(NODE, NODE_PART)?;
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
                    allowance.entries.take(1, NODE_PART)?;
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
                    allowance.entries.take(ATTRIBUTE, NODE_PART)?;
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
}

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
            Error::new(
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

    fn tensor(&self, name: &str) -> Result<RawArray<'_>> {
        let missing = || Error::new(PART, format!("an initialiser {name:?}"), "none");
        let initializer = self.graph.initializer(name).ok_or_else(missing)?;
        initializer.tensor(self.source)
    }
}
