//! `Graph`: wires layers into a model, like Keras' functional API.

use super::{Call, Input, IntoLayer, Model, Placed, Shape};
use crate::Element;
use crate::error::{Error, Result};
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

/// Wires layers into a [`Model`] of any shape: several inputs and outputs, shared layers, states passed from one layer
/// to another. This is Keras' functional API.
///
/// [`layer`](Self::layer) adds a layer once. [`call`](Self::call) calls it, any number of times, and returns one value
/// for each output of the layer. [`add`](Self::add) does both for a layer with one output.
///
/// ```
/// use ndarray::{Array2, Array3};
/// use recurrent::{Dense, Tensor, Layer, Lstm, Model};
///
/// // An encoder hands its states to a decoder.
/// let lstm = |features, seed| Lstm::<f32>::builder(features, 4).seed(seed).build();
/// let mut graph = Model::graph();
/// let (x, y) = (graph.input("x"), graph.input("y"));
/// let encoder = graph.layer("encoder", Layer::new(lstm(2, 1)?).return_state(true))?;
/// let [_, h, c] = graph.call(encoder, [x])?;
/// let decoded = graph.add("decoder", Layer::new(lstm(3, 2)?).return_sequences(true), [y, h, c])?;
/// let scores = graph.add("scores", Dense::from_weights(Array2::eye(4), None)?, [decoded])?;
/// let model = graph.finish([scores, h])?;
///
/// let (x, y) = (Array3::zeros((2, 5, 2)), Array3::zeros((2, 3, 3)));
/// let outputs = model.forward_all([Tensor::new(&x), Tensor::new(&y)])?;
/// assert_eq!(outputs[0].values.shape(), [2, 3, 4]);
/// assert_eq!(outputs[1].values.shape(), [2, 4]);
/// # Ok::<(), recurrent::Error>(())
/// ```
///
/// A recurrent layer takes its input, optionally followed by all its initial states in Keras' order: `h, c`. A
/// [`Bidirectional`](crate::Bidirectional) takes the forward states first; a [`Stacked`](crate::Stacked) or
/// [`Deep`](crate::Deep) takes those of the lowest layer first. With `return_state` it returns its output and then its
/// states, in this order.
#[derive(Debug)]
pub struct Graph<A: Element> {
    model: Model<A>,
    names: BTreeSet<String>,
    /// The first call of every layer.
    homes: Vec<Option<usize>>,
}

/// A value in a [`Graph`]: an input, or an output of a call. It belongs to the graph that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Node(usize);

/// A layer in a [`Graph`], ready to be called. It belongs to the graph that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LayerId(usize);

impl<A: Element> Graph<A> {
    pub(super) fn new() -> Self {
        Graph {
            model: Model {
                layers: Vec::new(),
                inputs: Vec::new(),
                calls: Vec::new(),
                outputs: Vec::new(),
                values: 0,
                notes: Vec::new(),
            },
            names: BTreeSet::new(),
            homes: Vec::new(),
        }
    }

    /// Adds an input of unknown shape.
    pub fn input(&mut self, name: impl Into<String>) -> Node {
        self.input_of(name, Shape::unknown())
    }

    /// Adds an input of this shape, as far as it is known. `summary` and `inputs` report the shape; calls do not check
    /// it.
    pub fn input_of(&mut self, name: impl Into<String>, shape: impl Into<Shape>) -> Node {
        let value = self.model.values;
        self.model.values += 1;
        self.model.inputs.push(Input {
            name: name.into(),
            shape: shape.into(),
            value,
        });
        Node(value)
    }

    /// Adds a layer, to be called later. Returns an error if another layer has this name. An [`Arc`](alloc::sync::Arc)
    /// that is already in the graph is the same layer and keeps its first name.
    pub fn layer<By>(
        &mut self,
        name: impl Into<String>,
        layer: impl IntoLayer<A, By>,
    ) -> Result<LayerId> {
        let name = name.into();
        if !self.names.insert(name.clone()) {
            let expected = "one that no other layer has";
            return Err(Error::value("name of a layer", expected, name));
        }
        let at = self.model.place(name, layer.into_layer());
        self.homes.resize(self.model.layers.len(), None);
        Ok(LayerId(at))
    }

    /// Calls a layer on these inputs. Returns an error if the layer does not have `N` outputs.
    pub fn call<const N: usize>(
        &mut self,
        layer: LayerId,
        inputs: impl AsRef<[Node]>,
    ) -> Result<[Node; N]> {
        self.check_outputs(layer, N)?;
        let first = self.wire(layer, inputs.as_ref(), N)?;
        Ok(core::array::from_fn(|i| Node(first + i)))
    }

    /// Calls a layer on these inputs, when the number of its outputs is known only at run time.
    pub fn call_all(&mut self, layer: LayerId, inputs: impl AsRef<[Node]>) -> Result<Vec<Node>> {
        let outputs = self.placed(layer)?.layer.output_count();
        let first = self.wire(layer, inputs.as_ref(), outputs)?;
        Ok((first..first + outputs).map(Node).collect())
    }

    /// Adds a layer with one output, and calls it.
    pub fn add<By>(
        &mut self,
        name: impl Into<String>,
        layer: impl IntoLayer<A, By>,
        inputs: impl AsRef<[Node]>,
    ) -> Result<Node> {
        let layer = self.layer(name, layer)?;
        self.call(layer, inputs).map(|[output]| output)
    }

    /// Finishes the model, which returns these values.
    pub fn finish(mut self, outputs: impl AsRef<[Node]>) -> Result<Model<A>> {
        self.model.outputs = self.values(outputs.as_ref())?;
        if self.model.outputs.is_empty() {
            return Err(Error::value("number of outputs", "at least 1", 0));
        }
        Ok(self.model)
    }

    fn placed(&self, layer: LayerId) -> Result<&Placed<A>> {
        let placed = self.model.layers.get(layer.0);
        placed.ok_or_else(|| Error::value("layer", "one of this graph", "one of another"))
    }

    fn values(&self, nodes: &[Node]) -> Result<Vec<usize>> {
        if nodes.iter().any(|node| node.0 >= self.model.values) {
            return Err(Error::value("node", "one of this graph", "one of another"));
        }
        Ok(nodes.iter().map(|node| node.0).collect())
    }

    fn check_outputs(&self, layer: LayerId, expected: usize) -> Result<()> {
        let placed = self.placed(layer)?;
        let found = placed.layer.output_count();
        if found == expected {
            return Ok(());
        }
        Err(Error::Layer {
            index: layer.0,
            name: placed.name.clone(),
            source: Box::new(Error::value("number of outputs", expected, found)),
        })
    }

    /// The first value that the call returns.
    fn wire(&mut self, layer: LayerId, inputs: &[Node], outputs: usize) -> Result<usize> {
        let inputs = self.values(inputs)?;
        let (first, here) = (self.model.values, self.model.calls.len());
        let home = self.homes[layer.0].get_or_insert(here);
        self.model.calls.push(Call {
            layer: layer.0,
            home: *home,
            inputs,
            first,
            outputs,
        });
        self.model.values += outputs;
        Ok(first)
    }
}
