//! The arrays of a model by their paths: listing, reading and replacing them.

use super::any_layer::AnyLayer;
use super::of_user::each_layer;
use super::{Model, Placed};
use crate::Element;
#[cfg(feature = "train")]
use crate::describe::join;
use crate::describe::{Describe, Part, PartMut, Role, assign, find, walk};
use crate::error::{Error, Result};
use crate::wrap::AnyRecurrent;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use ndarray::{ArrayD, ArrayRef, Dimension};

/// A weight in the list that [`Model::weights`] returns.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WeightInfo {
    /// The path: the names of the enclosing layers and the array's own, as in `bidirectional/forward/kernel`.
    pub path: String,
    /// The shape, as in Keras.
    pub shape: Vec<usize>,
    /// Whether gradients train it; a moving average is not trained.
    pub trainable: bool,
}

impl<A: Element> Describe<A> for Model<A> {
    fn class(&self) -> &'static str {
        "model"
    }

    fn parts(&self, each: &mut dyn FnMut(Part<A>)) {
        let Model {
            layers,
            inputs,
            calls,
            outputs,
            values: _, // the inputs, and what the calls give
            notes,
        } = self;
        each(Part::Option("inputs", inputs));
        each(Part::Option("calls", calls));
        each(Part::Option("outputs", outputs));
        each(Part::Option("notes", notes));
        let names: Vec<String> = layers.iter().map(|placed| placed.name.clone()).collect();
        each(Part::Option("names", &names));
        for (at, Placed { name, layer }) in layers.iter().enumerate() {
            each_layer(each, &format!("{at}"), Some(name), &**layer);
        }
    }

    fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<A>)) {
        for Placed { name, layer } in &mut self.layers {
            // The box and not what is in it: that is copied, if it is shared, when its parts are asked for.
            each(PartMut::Layer(Some(name), layer));
        }
    }

    fn duplicate(&self) -> Option<Self> {
        let layers = self.layers.iter().map(|Placed { name, layer }| {
            let (name, layer) = (name.clone(), layer.boxed_copy()?);
            Some(Placed { name, layer })
        });
        Some(Model {
            layers: layers.collect::<Option<_>>()?,
            inputs: self.inputs.clone(),
            calls: self.calls.clone(),
            outputs: self.outputs.clone(),
            values: self.values,
            notes: self.notes.clone(),
        })
    }
}

impl<A: Element> Model<A> {
    /// Lists every weight of every layer, in the order of the layers: its path, its shape, and whether gradients train
    /// it.
    ///
    /// A path is the name of the layer followed by Keras' name for the array; names of wrappers and nested models stand
    /// between them. A layer that is called several times is listed once. Those of a
    /// layer of your own are listed if it has [`own_weights`](AnyLayer::own_weights).
    ///
    /// ```
    /// use ndarray::Array2;
    /// use recurrent::{Dense, Layer, Lstm, Model};
    /// let mut model = Model::<f32>::new()
    ///     .add(Layer::new(Lstm::builder(2, 3).build()?))
    ///     .add_as("scores", Dense::from_weights(Array2::eye(3), None)?);
    /// let paths: Vec<String> = model.weights().into_iter().map(|weight| weight.path).collect();
    /// assert_eq!(paths, ["lstm/kernel", "lstm/recurrent_kernel", "lstm/bias", "scores/kernel"]);
    ///
    /// let kernel = model.get("scores/kernel")?;
    /// model.set("scores/kernel", &(kernel * 2.0))?;
    /// assert_eq!(model.get("scores/kernel")?[[1, 1]], 2.0);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn weights(&self) -> Vec<WeightInfo> {
        let mut weights = Vec::new();
        walk(self, "", &mut |path, role, weight| {
            weights.push(WeightInfo {
                path: path.into(),
                shape: weight.shape(),
                trainable: role == Role::Trainable,
            });
        });
        weights
    }

    /// The weight at a path of [`weights`](Self::weights), in its shape. If several have this path, the first.
    pub fn get(&self, path: &str) -> Result<ArrayD<A>> {
        let mut found = None;
        find(self, path, &mut |weight| found = Some(weight.to_array()));
        found.ok_or_else(|| self.no_weight(path))
    }

    /// Replaces the weight at a path of [`weights`](Self::weights) with an array of the same shape.
    ///
    /// A layer that is shared with another model or variable (in an [`Arc`]) is copied first, so that the other keeps
    /// its weights. Returns an error for a layer that the model only borrows.
    pub fn set<D: Dimension>(&mut self, path: &str, array: &ArrayRef<A, D>) -> Result<()> {
        let mut shape = None;
        find(self, path, &mut |weight| shape = Some(weight.shape()));
        let shape = shape.ok_or_else(|| self.no_weight(path))?;
        if shape != array.shape() {
            let expected = format!("{shape:?} of {path:?}");
            return Err(Error::value(
                "shape",
                expected,
                format!("{:?}", array.shape()),
            ));
        }
        if assign(self, path, array.view().into_dyn()) {
            return Ok(());
        }
        let expected =
            "one of a layer that the model owns: it is borrowed, or shared and no copy can be made";
        Err(Error::value("weight", expected, format!("{path:?}")))
    }

    /// Two paths of one layer, which is shared between a model and one inside it. A layer that a model calls twice has one
    /// path.
    #[cfg(feature = "train")]
    pub(crate) fn shared_across(&self) -> Option<[String; 2]> {
        let (mut seen, mut found) = (Vec::new(), None);
        each_inside(self, "", &mut |path, address| {
            let apart = |known: &str| {
                let below =
                    |path: &str, of: &str| path == of || path.starts_with(&format!("{of}/"));
                !below(path, known) && !below(known, path)
            };
            let same = seen
                .iter()
                .find(|(known, at): &&(String, usize)| *at == address && apart(known));
            if let (None, Some((known, _))) = (&found, same) {
                found = Some([known.clone(), path.into()]);
            }
            seen.push((path.into(), address));
        });
        found
    }

    fn no_weight(&self, path: &str) -> Error {
        let paths: Vec<String> = self.weights().into_iter().map(|w| w.path).collect();
        let expected = format!("one of {}", paths.join(", "));
        Error::value("path of a weight", expected, path)
    }

    /// The layer of this name in its concrete type, found through its flags, [`Arc`]s and boxes. `None` if no layer has
    /// both this name and this type. A layer of a nested model is found as `outer/inner`.
    ///
    /// With it, a loaded layer can be streamed, read or exported:
    ///
    /// ```
    /// use recurrent::{Causal, Layer, Lstm, Model};
    /// let model = Model::<f32>::new().add(Layer::new(Lstm::builder(2, 3).build()?));
    /// let lstm: &Lstm<f32> = model.layer_as("lstm").expect("an LSTM");
    /// let mut live = lstm.stream(1);
    /// assert_eq!(live.push_slice(&[0.1, 0.2])?.len(), 3);
    /// assert!(model.layer_as::<Layer<Lstm<f32>>>("lstm").is_some()); // with its flags
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn layer_as<L: 'static>(&self, name: &str) -> Option<&L> {
        if let Some(layer) = self.layer(name) {
            return of_type(layer);
        }
        name.match_indices('/').find_map(|(at, _)| {
            let model: &Model<A> = of_type(self.layer(&name[..at])?)?;
            model.layer_as(&name[at + 1..])
        })
    }
}

/// Calls `each` with the path and the address of every layer inside that has weights.
#[cfg(feature = "train")]
fn each_inside<A: Element>(layer: &dyn Describe<A>, path: &str, each: &mut dyn FnMut(&str, usize)) {
    layer.parts(&mut |part| {
        if let Part::Layer(_, name, inner) = part {
            let path = name.map_or_else(|| path.into(), |name| join(path, name));
            if inner.count_parameters().trainable > 0 {
                let mut address = core::ptr::from_ref(inner).cast::<()>().addr();
                // The description of a layer of a user's own is made anew at every visit.
                inner.parts(&mut |part| {
                    if let Part::Foreign(layer) = part {
                        address = layer.address();
                    }
                });
                each(&path, address);
                each_inside(inner, &path, each);
            }
        }
    });
}

/// The layer, or the one that it contains, if it has this type.
fn of_type<A: Element, L: 'static>(layer: &dyn AnyLayer<A>) -> Option<&L> {
    let any: &dyn Any = layer;
    layer
        .inside()
        .and_then(of_type)
        .or_else(|| any.downcast_ref())
        .or_else(|| owned(kind::<A>(layer.without_flags()?)))
}

/// A recurrent layer without its flags, in its concrete type or behind a pointer.
fn owned<L: 'static>(any: &dyn Any) -> Option<&L> {
    any.downcast_ref()
        .or_else(|| any.downcast_ref::<Arc<L>>().map(|layer| &**layer))
        .or_else(|| any.downcast_ref::<Box<L>>().map(|layer| &**layer))
}

/// The layer of a kind that was known only when its file was read.
fn kind<A: Element>(any: &dyn Any) -> &dyn Any {
    match any.downcast_ref::<AnyRecurrent<A>>() {
        Some(AnyRecurrent::SimpleRnn(layer)) => layer,
        Some(AnyRecurrent::Lstm(layer)) => layer,
        Some(AnyRecurrent::Gru(layer)) => layer,
        Some(AnyRecurrent::Stacked(layer)) => &**layer,
        Some(AnyRecurrent::Bidirectional(layer)) => &**layer,
        Some(AnyRecurrent::Deep(layer)) => layer,
        None => any,
    }
}
