//! `Model`: layers in a sequence or in a graph. Masks pass between them as in Keras.

mod any_layer;
mod apart;
#[cfg(feature = "train")]
mod backward;
mod check;
mod engine;
mod graph;
mod held;
mod into_layer;
mod kept;
mod nested;
mod of_user;
#[cfg(any(feature = "keras", feature = "saved"))]
mod own;
mod pad_sequences;
mod padded;
mod part;
#[cfg(feature = "train")]
mod phase;
mod recurrent;
#[cfg(feature = "train")]
mod recurrent_backward;
mod run;
mod shape;
mod stepper;
mod stream;
mod summary;
mod tensor;
mod value;
mod weights;
#[cfg(feature = "saved")]
mod wiring;

pub use any_layer::{AnyLayer, Stepwise};
pub(crate) use any_layer::{Called, Planned, Stepper, described, goes_back};
#[cfg(feature = "train")]
pub(crate) use any_layer::{Moves, Scores};
pub use apart::LayerApart;
#[cfg(feature = "train")]
pub(crate) use backward::ModelTape;
pub(crate) use engine::Engine;
pub use graph::{Graph, LayerId, Node};
pub use into_layer::IntoLayer;
pub(crate) use kept::another_model;
pub use kept::{Kept, ModelState, Slot};
pub(crate) use of_user::{each_layer, each_layer_mut};
#[cfg(any(feature = "keras", feature = "saved"))]
pub(crate) use own::{cell_maker, make, make_cell, maker};
pub use pad_sequences::PadSequences;
pub use padded::{Padded, Side};
#[cfg(feature = "train")]
pub use phase::{BackwardCall, Phase, RecordCall};
pub(crate) use run::only;
pub use shape::Shape;
pub(crate) use stepper::{each, each_or_err, in_place, lent, only_output, plan};
pub use stream::ModelStream;
pub use summary::{Summary, SummaryRow};
pub use tensor::Tensor;
pub(crate) use value::{Inputs, StepShape, Value, copy};
pub use weights::WeightInfo;

use crate::Element;
use crate::describe::Describe;
pub use crate::describe::ParameterCount;
use crate::error::Result;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt;
use ndarray::{ArrayD, ArrayRef, Dimension, Ix2};

/// A model whose layers are chosen at run time: Keras' `Sequential` and functional models.
///
/// [`new`](Self::new) and [`add`](Self::add) put layers in a sequence. [`graph`](Self::graph) wires them in any other
/// way, with several inputs and outputs.
///
/// Masks pass between layers as in Keras. [`Embedding`](crate::Embedding) and [`Masking`](crate::Masking) make masks.
/// Recurrent layers obey them, and pass them on if they return sequences. Layers that work timestep by timestep pass
/// them on, and layers that change the timesteps drop them. The page of each layer says what it does. Token ids are
/// passed as numbers of the model's type.
///
/// To know whether a model takes an input of some shape before there is one, see [`check`](Self::check).
///
/// To feed a model one timestep at a time, see [`stream`](Self::stream). A push does not allocate.
///
/// A model is immutable during calls, and `Send` and `Sync`: load it once and call it from any number of threads, by
/// reference or in an `Arc`. A [`Session`](crate::Session) holds the state between calls; make one for each thread or
/// client.
///
/// Model files load into this type (features `keras`, `saved`). The summary prints `?` for an unknown shape;
/// [`input`](Self::input) declares the shape of the input.
///
/// If the layers are known at compile time, [`Recurrent::then`](crate::Recurrent::then) stacks them in the type.
///
/// ```
/// use ndarray::{Array2, array};
/// use recurrent::{Activation, Dense, Embedding, Layer, Lstm, Model};
/// let model = Model::<f32>::new()
///     .add(Embedding::from_weights(Array2::eye(10))?.mask_zero(true))
///     .add(Layer::new(Lstm::builder(10, 4).build()?))
///     .add(Dense::from_weights(Array2::eye(4), None)?.with_activation(Activation::Softmax)?);
/// let short = model.forward(&array![[3.0, 7.0]])?;
/// let padded = model.forward(&array![[3.0, 7.0, 0.0, 0.0]])?;
/// assert_eq!(short, padded);
/// assert_eq!(
///     model.forward(&array![[3.0, 11.0]]).unwrap_err().to_string(),
///     "layer 0 (embedding): token id is 11, expected a whole number from 0 to below 10"
/// );
/// # Ok::<(), recurrent::Error>(())
/// ```
pub struct Model<A> {
    layers: Vec<Placed<A>>,
    inputs: Vec<Input>,
    /// The calls, in an order in which each one uses only earlier values.
    calls: Vec<Call>,
    /// The values that the model returns.
    outputs: Vec<usize>,
    /// The number of values: the inputs and the outputs of all calls.
    values: usize,
    /// The origin of the model, and the decisions made when it was read.
    notes: Vec<String>,
}

/// A layer and its name in this model.
struct Placed<A> {
    name: String,
    layer: Box<dyn AnyLayer<A>>,
}

/// An input of the model.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
struct Input {
    name: String,
    shape: Shape,
    value: usize,
}

/// One call of a layer; a shared layer has several.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
struct Call {
    layer: usize,
    /// The first call of the same layer, where its state is kept.
    home: usize,
    inputs: Vec<usize>,
    /// The index of its first output; the other outputs follow it.
    first: usize,
    outputs: usize,
}

impl<A: Element> Model<A> {
    /// A model without layers, which returns its input.
    pub fn new() -> Self {
        let input = Input {
            name: "input".into(),
            shape: Shape::unknown(),
            value: 0,
        };
        Model {
            layers: Vec::new(),
            inputs: vec![input],
            calls: Vec::new(),
            outputs: vec![0],
            values: 1,
            notes: Vec::new(),
        }
    }

    /// Starts a model that is not a plain sequence: see [`Graph`].
    pub fn graph() -> Graph<A> {
        Graph::new()
    }

    /// Names the input and declares its shape, as far as it is known. `summary` and `inputs` report both.
    pub fn input(mut self, name: impl Into<String>, shape: impl Into<Shape>) -> Self {
        if let Some(input) = self.inputs.first_mut() {
            (input.name, input.shape) = (name.into(), shape.into());
        }
        self
    }

    /// Adds a layer at the end, or a `Box` or an `Arc` of one. Shapes are checked when the model runs. An `Arc` that is
    /// already in the model is called once more: it stays one layer with one name and one set of weights.
    #[allow(clippy::should_implement_trait)] // Keras' word; nobody would look for an operator
    pub fn add<By>(self, layer: impl IntoLayer<A, By>) -> Self {
        let layer = layer.into_layer();
        let name = self.free_name(layer.name());
        self.add_named(name, layer)
    }

    /// Adds a layer at the end under this name. See [`add`](Self::add).
    pub fn add_as<By>(self, name: impl Into<String>, layer: impl IntoLayer<A, By>) -> Self {
        self.add_named(name.into(), layer.into_layer())
    }

    /// `lstm`, `lstm_1`, `lstm_2` …, as Keras counts.
    fn free_name(&self, name: &str) -> String {
        let mut free = String::from(name);
        for n in 1..=self.layers.len() {
            if self.layer(&free).is_none() {
                break;
            }
            free = format!("{name}_{n}");
        }
        free
    }

    fn add_named(mut self, name: String, layer: Box<dyn AnyLayer<A>>) -> Self {
        let (value, here) = (self.values, self.calls.len());
        let layer = self.place(name, layer);
        let first = self.calls.iter().position(|call| call.layer == layer);
        self.calls.push(Call {
            layer,
            home: first.unwrap_or(here),
            inputs: core::mem::replace(&mut self.outputs, vec![value]),
            first: value,
            outputs: 1,
        });
        self.values += 1;
        self
    }

    /// Adds a layer and returns its index. An `Arc` that is already in the model keeps its index.
    fn place(&mut self, name: String, layer: Box<dyn AnyLayer<A>>) -> usize {
        let new = shared(&*layer);
        let known = |placed: &Placed<A>| {
            let both = shared(&*placed.layer).zip(new);
            both.is_some_and(|(old, new)| core::ptr::addr_eq(Arc::as_ptr(old), Arc::as_ptr(new)))
        };
        let at = self.layers.iter().position(known);
        at.unwrap_or_else(|| {
            self.layers.push(Placed { name, layer });
            self.layers.len() - 1
        })
    }

    /// All layers in order, each once.
    pub fn layers(&self) -> impl ExactSizeIterator<Item = &dyn AnyLayer<A>> {
        self.layers.iter().map(|placed| &*placed.layer)
    }

    /// The layer of this name; if several layers have it, the first.
    pub fn layer(&self, name: &str) -> Option<&dyn AnyLayer<A>> {
        let placed = self.layers.iter().find(|placed| placed.name == name);
        placed.map(|placed| &*placed.layer)
    }

    /// The name and the shape of every input.
    ///
    /// ```
    /// use recurrent::Model;
    /// let model = Model::<f32>::new().input("x", [None, None, Some(3)]); // samples, timesteps, features
    /// for (name, shape) in model.inputs() {
    ///     assert_eq!(format!("{name} {shape}"), "x (None, None, 3)");
    ///     assert_eq!(shape.axes(), Some(&[None, None, Some(3)][..]));
    /// }
    /// ```
    /// The shape is the declared one, or the one in the file. As in Keras' `predict`, an input with another number of
    /// timesteps is accepted if all layers accept it.
    pub fn inputs(&self) -> impl ExactSizeIterator<Item = (&str, Shape)> {
        self.inputs
            .iter()
            .map(|input| (input.name.as_str(), input.shape.clone()))
    }

    /// For every output, the name of the layer that returns it, and its shape as far as it is known.
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = (&str, Shape)> {
        let shapes = self.shapes(None);
        self.outputs
            .iter()
            .map(move |&value| (self.source(value).0, shapes[value].clone()))
    }

    /// Runs all layers and returns the output of the last one. Recurrent layers start from their initial state.
    /// An input without timesteps is not an error: its last output is zero. Returns an error, which names the layer, if an input
    /// does not fit.
    pub fn forward<D: Dimension>(&self, x: &ArrayRef<A, D>) -> Result<ArrayD<A>> {
        Ok(self.forward_tensor(Tensor::new(x))?.values)
    }

    /// Runs all layers on an input with a mask, (samples, timesteps).
    pub fn forward_masked<D: Dimension>(
        &self,
        x: &ArrayRef<A, D>,
        mask: &ArrayRef<bool, Ix2>,
    ) -> Result<ArrayD<A>> {
        Ok(self.forward_tensor(Tensor::new(x).masked(mask))?.values)
    }

    /// Runs all layers on an input with or without a mask, and returns the output with its mask.
    pub fn forward_tensor(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        self.check_one_output()?;
        only(self.forward_all([input])?)
    }

    /// Runs a model with several inputs or outputs, in the order of [`inputs`](Self::inputs).
    ///
    /// Without masks: `let out = model.forward_all([Tensor::new(&x), Tensor::new(&y)])?`. Then `out[0].values` is an
    /// array, and `out[0].mask` is its mask, if it has one.
    pub fn forward_all(
        &self,
        inputs: impl IntoIterator<Item = Tensor<A>>,
    ) -> Result<Vec<Tensor<A>>> {
        let inputs = inputs.into_iter().collect();
        self.run_from(inputs, None).map(|(flows, _)| flows)
    }

    /// Adds lines about the model's origin to its summary. Readers of files record their decisions here.
    pub fn with_notes(mut self, notes: impl IntoIterator<Item = String>) -> Self {
        self.notes.extend(notes);
        self
    }

    /// The number of learned parameters; a shared layer counts once.
    pub fn parameter_count(&self) -> ParameterCount {
        self.count_parameters()
    }

    /// The state of one sample before the first call, at every place that keeps one.
    pub(crate) fn fresh_states(&self) -> Kept {
        let fresh = |call: &Call| self.layers[call.layer].layer.fresh();
        Kept(self.calls.iter().map(fresh).collect())
    }

    /// The name of the layer or input that gives a value, and the index of the output.
    fn source(&self, value: usize) -> (&str, usize) {
        let gives = |call: &&Call| (call.first..call.first + call.outputs).contains(&value);
        if let Some(call) = self.calls.iter().find(gives) {
            return (&self.layers[call.layer].name, value - call.first);
        }
        let input = self.inputs.iter().find(|input| input.value == value);
        (input.map_or("", |input| &input.name), 0)
    }

    /// The shape of every value, from the shapes of the inputs.
    fn shapes(&self, inputs: Option<&[Shape]>) -> Vec<Shape> {
        let mut shapes = vec![Shape::unknown(); self.values];
        for (i, input) in self.inputs.iter().enumerate() {
            let given = inputs.and_then(|inputs| inputs.get(i));
            shapes[input.value] = given.unwrap_or(&input.shape).clone();
        }
        for call in &self.calls {
            let inputs: Vec<Shape> = call.inputs.iter().map(|&v| shapes[v].clone()).collect();
            let outputs = self.layers[call.layer].layer.output_shapes(&inputs);
            for (shape, output) in shapes[call.first..][..call.outputs].iter_mut().zip(outputs) {
                *shape = output;
            }
        }
        shapes
    }
}

/// The `Arc` that a layer is in, if it is in one.
fn shared<A: Element>(layer: &dyn AnyLayer<A>) -> Option<&Arc<dyn AnyLayer<A>>> {
    let any: &dyn Any = layer;
    any.downcast_ref()
}

impl<A: Element> Default for Model<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Element> fmt::Debug for Model<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.layers.iter().map(|placed| &placed.name))
            .finish()
    }
}
