//! `File`: an ONNX model.

use super::beside::Files;
use super::constants::Constants;
use super::initializer::Initializer;
use super::node::Node;
use super::op::Op;
use super::operators::others;
use crate::arrays::with_axes;
#[cfg(feature = "std")]
use crate::error::within;
use crate::error::{Error, Result};
use crate::format::Bytes;
use crate::format::onnx::{self, Graph, Model, Source, Value};
#[cfg(feature = "std")]
use crate::format::pages::Pages;
use crate::{Element, Limits};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use ndarray::{Array, Dimension};
#[cfg(feature = "std")]
use std::path::Path;

/// An ONNX model, whose recurrent nodes can be taken out by name.
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
///
/// # Arrays in other files
/// `torch.onnx.export` writes the arrays of a model into a second file, `model.onnx.data`. A [loaded](Self::load) file
/// reads each array from there when it is needed. The files must lie in the folder of the model or in a folder inside
/// it. A name that leads elsewhere is an error. A link is an error, too, unless the model itself is a link and the
/// files lie in the folder that it leads to. A file that was [read](Self::read) from memory has no folder; pass it the
/// other files:
///
/// ```
/// use recurrent::{Lstm, onnx};
/// # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/field/onnx/");
/// # let [model, data] = ["default.onnx", "default.onnx.data"].map(|name| std::fs::read(format!("{folder}{name}")).unwrap());
/// let file = onnx::File::read(model)?;
/// assert_eq!(file.external_names(), ["default.onnx.data"]);
/// let file = file.external("default.onnx.data", data);
/// let lstm: Lstm<f32> = file.node("node_LSTM_65")?.lstm()?;
/// assert_eq!((lstm.units(), lstm.features()), (32, 8));
/// # use recurrent::Recurrent;
/// # Ok::<(), recurrent::Error>(())
/// ```
///
/// Each array must lie within the other file, and have the number of bytes that its shape requires. Checksums are not
/// verified.
///
/// # Arrays of other nodes
/// Only recurrent nodes become layers. For the layers around them, [`initializers`](Self::initializers) lists the arrays of
/// the file, and [`array`](Self::array) takes one out: the `MatMul` and the `Add` after an LSTM are a
/// [`Dense`](crate::Dense) of their two arrays.
#[derive(Clone)]
pub struct File<'a> {
    /// The name of the file in errors.
    name: Option<String>,
    content: Content<'a>,
    model: Arc<Model>,
    files: Files<'a>,
    limits: Limits,
}

/// The source of the file's bytes.
#[derive(Clone)]
enum Content<'a> {
    Memory(Cow<'a, [u8]>),
    #[cfg(feature = "std")]
    Disk(Arc<Pages>),
}

/// A recurrent node, and the graphs around it, the outermost first.
struct Place<'m> {
    op: Op,
    node: &'m onnx::Node,
    graphs: Vec<&'m Graph>,
}

impl<'a> File<'a> {
    /// Reads a file from bytes, borrowed or owned, within the default [`Limits`]. Reads everything except the numbers.
    pub fn read(bytes: impl Into<Cow<'a, [u8]>>) -> Result<Self> {
        Self::read_within(bytes, &Limits::default())
    }

    /// Reads a file as [`read`](Self::read) does, within these limits.
    pub fn read_within(bytes: impl Into<Cow<'a, [u8]>>, limits: &Limits) -> Result<Self> {
        Self::open(Content::Memory(bytes.into()), limits)
    }

    fn open(content: Content<'a>, limits: &Limits) -> Result<Self> {
        let model = Model::open(content.bytes(), limits)?;
        Ok(File {
            name: None,
            content,
            model: Arc::new(model),
            files: Files::new(limits.file_bytes),
            limits: limits.clone(),
        })
    }

    /// Sets the name of the file in errors. By default it is the path if the file was [loaded](Self::load), and empty if it
    /// was read from bytes.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Passes in the bytes of another file that holds arrays of the model, under the name that the model uses for it.
    /// They take precedence over a file of that name on disk.
    pub fn external(mut self, name: impl Into<String>, bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        self.files.give(name.into(), bytes.into());
        self
    }

    /// The names of the other files that hold arrays of the model, sorted; empty if the model's own file holds them
    /// all.
    pub fn external_names(&self) -> Vec<String> {
        self.model.external.iter().cloned().collect()
    }

    /// The names of all recurrent nodes, also of those in branches and loops. A node without a name is listed under its
    /// first output.
    pub fn names(&self) -> Result<Vec<String>> {
        let places = places(&self.model.graph);
        Ok(places
            .iter()
            .map(|place| place.name().to_string())
            .collect())
    }

    /// The recurrent node of this name, or with an output of this name.
    pub fn node<A: Element>(&self, name: &str) -> Result<Node<A>> {
        self.pick(&format!("node {name:?}"), |places| {
            let named: Vec<_> = places.iter().filter(|p| p.node.name == name).collect();
            if name.is_empty() || named.is_empty() {
                let is_output = |output: &String| !name.is_empty() && output == name;
                let outputs = |place: &&Place| place.node.outputs.iter().any(is_output);
                return places.iter().filter(outputs).collect();
            }
            named
        })
    }

    /// The recurrent node of a model that has exactly one.
    pub fn only<A: Element>(&self) -> Result<Node<A>> {
        self.pick("model", |places| places.iter().collect())
    }

    fn pick<A: Element>(
        &self,
        part: &str,
        choose: impl for<'p, 'm> Fn(&'p [Place<'m>]) -> Vec<&'p Place<'m>>,
    ) -> Result<Node<A>> {
        let places = places(&self.model.graph);
        let chosen = choose(&places);
        let node = if let [place] = chosen[..] {
            let constants = self.constants(&place.graphs);
            let node = Node::read(place.name(), place.node, place.op, &constants);
            node.map_err(|error| error.within(place.name()))
        } else {
            let names: Vec<_> = places.iter().map(Place::name).collect();
            let found = if names.is_empty() {
                others(&self.model.graph)
            } else {
                format!("{}; the file has {names:?}", chosen.len())
            };
            Err(Error::file(part, "one LSTM, GRU or RNN", found))
        };
        node.map_err(|error| self.name(error))
    }

    /// The arrays of the outermost graph, sorted by name; they include the weights of all nodes. Returns an error if
    /// this crate cannot read the numbers of an array (strings, floats of 4 or 8 bits).
    pub fn initializers(&self) -> Result<Vec<Initializer>> {
        let source = self.source();
        let list = self.model.graph.initializers().map(|initializer| {
            let tensor = initializer.tensor(source)?;
            Ok(Initializer {
                name: initializer.name().to_string(),
                shape: tensor.shape().to_vec(),
                dtype: tensor.number().to_string(),
            })
        });
        let list: Result<_> = list.collect();
        list.map_err(|error| self.name(error))
    }

    /// The floating-point numbers of an initialiser, or of a value that is computed from initialisers alone (by
    /// Transpose, Reshape and the like).
    ///
    /// ```
    /// use ndarray::Array3;
    /// # let bytes = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/onnx/models/o06_lstm_forward.onnx"));
    /// let file = recurrent::onnx::File::read(bytes)?;
    /// let list = file.initializers()?;
    /// assert_eq!((list[2].name.as_str(), list[2].dtype.as_str()), ("W", "float32"));
    /// let w: Array3<f32> = file.array("W")?;
    /// assert_eq!(w.shape(), list[2].shape);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn array<A: Element, D: Dimension>(&self, name: &str) -> Result<Array<A, D>> {
        let graphs = [&self.model.graph];
        let array = self.constants(&graphs).array(name);
        let array = array.and_then(|array| with_axes(name, array));
        array.map_err(|error| self.name(error))
    }

    /// The integers of an initialiser, for example of a shape or of quantised weights.
    pub fn integers<D: Dimension>(&self, name: &str) -> Result<Array<i64, D>> {
        let graphs = [&self.model.graph];
        let array = self.constants(&graphs).whole_numbers(name);
        let array = array.and_then(|array| with_axes(name, array));
        array.map_err(|error| self.name(error))
    }

    fn constants<'m>(&'m self, graphs: &[&'m Graph]) -> Constants<'m> {
        let source = self.source();
        let bytes = (source.bytes.len() as u64).saturating_add(self.files.len());
        Constants::new(graphs, source, bytes, &self.limits)
    }

    fn source(&self) -> Source<'_> {
        Source {
            bytes: self.content.bytes(),
            beside: &self.files,
        }
    }

    fn name(&self, error: Error) -> Error {
        match &self.name {
            Some(name) => error.within(name),
            None => error,
        }
    }
}

impl Content<'_> {
    fn bytes(&self) -> Bytes<'_> {
        match self {
            Content::Memory(bytes) => Bytes::Memory(bytes),
            #[cfg(feature = "std")]
            Content::Disk(pages) => (&**pages).into(),
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
    /// Opens the file at a path, within the default [`Limits`]. The arrays of a large file, and of the files beside it,
    /// stay on disk until they are needed. These files must not change while this value is in use.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_within(path, &Limits::default())
    }

    /// Opens a file as [`load`](Self::load) does, within these limits.
    pub fn load_within(path: impl AsRef<Path>, limits: &Limits) -> Result<Self> {
        let path = path.as_ref();
        let read = || {
            let pages = Pages::open(path, limits.file_bytes, &[b""])?;
            let mut file = Self::open(Content::Disk(Arc::new(pages)), limits)?;
            file.files.around(path, &file.model.external);
            Ok(file)
        };
        let name = path.display().to_string();
        Ok(within(path, read)?.named(name))
    }
}

impl<'m> Place<'m> {
    fn name(&self) -> &'m str {
        let mut names = core::iter::once(&self.node.name).chain(&self.node.outputs);
        names
            .find(|name| !name.is_empty())
            .map_or("", String::as_str)
    }
}

/// All recurrent nodes of a graph and of those within it, as deep as the reader lets them be.
fn places(graph: &Graph) -> Vec<Place<'_>> {
    let mut found = Vec::new();
    walk(&mut Vec::new(), graph, &mut found);
    found
}

fn walk<'m>(around: &mut Vec<&'m Graph>, graph: &'m Graph, found: &mut Vec<Place<'m>>) {
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
