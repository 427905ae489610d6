//! `File`: a model in ONNX.

use super::constants::Constants;
use super::node::Node;
use super::options::Op;
use crate::error::{Error, Result};
#[cfg(feature = "std")]
use crate::load::disk::{bytes, within};
use crate::load::format::onnx::{self, Graph, Model, Value};
use crate::{Element, Limits};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
#[cfg(feature = "std")]
use std::path::Path;

/// A model in ONNX, whose recurrent nodes can be taken out by their names.
///
/// ```
/// use recurrent::{Lstm, onnx};
/// # let bytes = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/onnx/models/o06_lstm_forward.onnx"));
/// let file = onnx::File::read(bytes)?; // or onnx::File::load("model.onnx")?
/// for name in file.names()? {
///     let lstm: Lstm<f32> = file.node(&name)?.lstm()?;
///     assert!(lstm.input_forget());
/// }
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone)]
pub struct File<'a> {
    /// What errors call it.
    name: Option<String>,
    bytes: Cow<'a, [u8]>,
    limits: Limits,
}

/// A recurrent node, and the graphs around it, the outermost first.
struct Place<'m> {
    op: Op,
    node: &'m onnx::Node<'m>,
    graphs: Vec<&'m Graph<'m>>,
}

impl<'a> File<'a> {
    /// A file whose bytes are borrowed or owned, within the default [`Limits`]. Reads everything but the numbers.
    pub fn read(bytes: impl Into<Cow<'a, [u8]>>) -> Result<Self> {
        Self::read_within(bytes, &Limits::default())
    }

    /// [`read`](Self::read) within other limits.
    pub fn read_within(bytes: impl Into<Cow<'a, [u8]>>, limits: &Limits) -> Result<Self> {
        let file = File {
            name: None,
            bytes: bytes.into(),
            limits: limits.clone(),
        };
        file.model()?;
        Ok(file)
    }

    /// What errors call the file: its path, if it was [loaded](Self::load), nothing, if it was only read.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What its recurrent nodes are called, those in branches and loops too: their names, or their first outputs.
    pub fn names(&self) -> Result<Vec<String>> {
        let model = self.model()?;
        let places = places(&model.graph);
        Ok(places
            .iter()
            .map(|place| place.name().to_string())
            .collect())
    }

    /// The recurrent node of that name, or with an output of that name.
    pub fn node<A: Element>(&self, name: &str) -> Result<Node<A>> {
        self.pick(&format!("node {name:?}"), |places| {
            let named: Vec<_> = places.iter().filter(|p| p.node.name == name).collect();
            if name.is_empty() || named.is_empty() {
                let outputs =
                    |place: &&Place| !name.is_empty() && place.node.outputs.contains(&name);
                return places.iter().filter(outputs).collect();
            }
            named
        })
    }

    /// The recurrent node of a model that has just one.
    pub fn only<A: Element>(&self) -> Result<Node<A>> {
        self.pick("model", |places| places.iter().collect())
    }

    fn pick<A: Element>(
        &self,
        part: &str,
        choose: impl for<'p, 'm> Fn(&'p [Place<'m>]) -> Vec<&'p Place<'m>>,
    ) -> Result<Node<A>> {
        let model = self.model()?;
        let places = places(&model.graph);
        let chosen = choose(&places);
        let node = if let [place] = chosen[..] {
            let constants = Constants::new(&place.graphs, self.bytes.len(), &self.limits);
            let node = Node::read(place.name(), place.node, place.op, &constants);
            node.map_err(|error| error.within(place.name()))
        } else {
            let names: Vec<_> = places.iter().map(Place::name).collect();
            let found = format!("{}; the file has {names:?}", chosen.len());
            Err(Error::file(part, "one LSTM, GRU or RNN", found))
        };
        node.map_err(|error| self.name(error))
    }

    fn model(&self) -> Result<Model<'_>> {
        Model::open(&self.bytes, &self.limits)
    }
}

impl File<'_> {
    fn name(&self, error: Error) -> Error {
        match &self.name {
            Some(name) => error.within(name),
            None => error,
        }
    }
}

impl fmt::Debug for File<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "std")]
impl File<'static> {
    /// The file at a path, within the default [`Limits`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_within(path, &Limits::default())
    }

    /// [`load`](Self::load) within other limits.
    pub fn load_within(path: impl AsRef<Path>, limits: &Limits) -> Result<Self> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let read = || Self::read_within(bytes(path, limits.file_bytes)?, limits);
        Ok(within(path, read)?.named(name))
    }
}

impl<'m> Place<'m> {
    fn name(&self) -> &'m str {
        let outputs = self.node.outputs.iter().copied();
        let mut names = core::iter::once(self.node.name).chain(outputs);
        names.find(|name| !name.is_empty()).unwrap_or("")
    }
}

/// All recurrent nodes of a graph and of those within it, as deep as the reader lets them be.
fn places<'m>(graph: &'m Graph<'m>) -> Vec<Place<'m>> {
    let mut found = Vec::new();
    walk(&mut Vec::new(), graph, &mut found);
    found
}

fn walk<'m>(around: &mut Vec<&'m Graph<'m>>, graph: &'m Graph<'m>, found: &mut Vec<Place<'m>>) {
    around.push(graph);
    for node in &graph.nodes {
        if let Some(op) = Op::of(node) {
            let graphs = around.clone();
            found.push(Place { op, node, graphs });
        }
        for attribute in &node.attributes {
            if let Value::Graph(graph) = &attribute.value {
                walk(around, graph, found);
            }
        }
    }
    around.pop();
}
