//! `Model::part`: the calls between some values of a model, as a model of their own.

use super::{AnyLayer, Call, Input, Model, Placed};
use crate::Element;
use crate::error::{Error, Result};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

impl<A: Element> Model<A> {
    /// Cuts a part out of the model: the layers that compute the values `to` from the values `from`. Keras writes
    /// `Model(from, to)`.
    ///
    /// A value is an input of the model or an output of a layer, named as in the [`summary`](Self::summary):
    ///
    /// | name | value |
    /// | --- | --- |
    /// | `"tokens"` | the input, or the first output of the layer, of this name |
    /// | `"lstm[1]"` | the second output of the layer; an LSTM has its output, `h` and `c` |
    /// | `"lstm[1][0]"` | the first output of the second call; for a layer that is called several times |
    ///
    /// The inputs and outputs of the part are in the order of the names. A value in `from` is no longer computed: the caller
    /// passes it, with its mask if it has one. `to` can name outputs that the layer does not return in this model: the
    /// states of a recurrent layer without `return_state`, and the scores of an attention layer, `"attention[1]"`.
    ///
    /// A part has copies of its layers, but shares those that are in an [`Arc`](alloc::sync::Arc) with the model. To
    /// cut a nested model, take it with [`layer_as`](Self::layer_as) first.
    ///
    /// Returns an error if a name is not that of a value, if the part needs an input that is not in `from`, or if a
    /// layer of your own cannot be copied; put it into an `Arc` then.
    ///
    /// ```
    /// use ndarray::{Array2, array};
    /// use recurrent::{Dense, Embedding, Gru, Layer, Model};
    /// let model = Model::<f32>::new()
    ///     .input("tokens", [None, None])
    ///     .add(Embedding::from_weights(Array2::eye(4))?)
    ///     .add(Layer::new(Gru::builder(4, 3).build()?))
    ///     .add_as("scores", Dense::from_weights(Array2::eye(3), None)?);
    /// let encoder = model.part(["tokens"], ["gru"])?;
    /// let head = model.part(["gru"], ["scores"])?;
    /// let x = array![[1.0, 3.0]];
    /// assert_eq!(head.forward(&encoder.forward(&x)?)?, model.forward(&x)?);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn part<N: AsRef<str>>(
        &self,
        from: impl IntoIterator<Item = N>,
        to: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self> {
        let mut inputs: Vec<(String, Place)> = Vec::new();
        for name in from {
            let name = name.as_ref();
            let place = self.place_of(name)?;
            if inputs.iter().any(|&(_, known)| known == place) {
                let expected = "values that differ";
                return Err(Error::value("inputs of a part", expected, name));
            }
            inputs.push((name.into(), place));
        }
        self.cut(inputs, to)
    }

    /// The same model with other outputs, and without the layers that these do not need. Keras writes
    /// `Model(model.inputs, outputs)`. The names are those of [`part`](Self::part).
    ///
    /// ```
    /// use ndarray::Array3;
    /// use recurrent::{Activation, Layer, Lstm, Model};
    /// let model = Model::<f32>::new()
    ///     .add(Layer::new(Lstm::builder(2, 3).build()?))
    ///     .add(Activation::Softmax);
    /// let states = model.with_outputs(["lstm[1]", "lstm[2]"])?; // h and c
    /// let x = Array3::zeros((1, 5, 2));
    /// assert_eq!(states.forward_all([recurrent::Tensor::new(&x)])?.len(), 2);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn with_outputs(&self, outputs: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self> {
        let inputs = self.inputs.iter().map(|input| {
            let place = Place::Input(input.value);
            (input.name.clone(), place)
        });
        self.cut(inputs.collect(), outputs)
    }

    fn cut(
        &self,
        given: Vec<(String, Place)>,
        to: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self> {
        let to = to.into_iter();
        let wanted = to.map(|name| self.place_of(name.as_ref()));
        let wanted = wanted.collect::<Result<Vec<_>>>()?;
        if wanted.is_empty() {
            return Err(Error::value("number of outputs", "at least 1", 0));
        }
        let cut = Cut::new(self, given, &wanted)?;
        cut.into_model(&wanted)
    }

    /// The value that a name means.
    fn place_of(&self, name: &str) -> Result<Place> {
        let unknown = || {
            let places = self.inputs.iter().map(|input| &input.name);
            let places = places.chain(self.layers.iter().map(|placed| &placed.name));
            let known: Vec<&str> = places.map(String::as_str).collect();
            let expected = format!("an input or a layer of the model: {}", known.join(", "));
            Error::value("value", expected, name)
        };
        if let Some(place) = self.exact(name, None, 0)? {
            return Ok(place);
        }
        let (name, output) = split(name).unwrap_or((name, 0));
        let (name, call) = match split(name) {
            Some((name, call)) => (name, Some(call)),
            None => (name, None),
        };
        self.exact(name, call, output)?.ok_or_else(unknown)
    }

    /// The value of the layer or input of exactly this name.
    fn exact(&self, name: &str, call: Option<usize>, output: usize) -> Result<Option<Place>> {
        let Some(layer) = self.layers.iter().position(|placed| placed.name == name) else {
            let input = self.inputs.iter().find(|input| input.name == name);
            let input = input.filter(|_| call.is_none() && output == 0);
            return Ok(input.map(|input| Place::Input(input.value)));
        };
        let calls = self.calls.iter().enumerate();
        let calls: Vec<usize> = calls
            .filter(|(_, call)| call.layer == layer)
            .map(|(at, _)| at)
            .collect();
        let at = match call {
            None if calls.len() > 1 => {
                let last = calls.len() - 1;
                let expected = format!(
                    "its call as well, from \"{name}[0][{output}]\" to \"{name}[{last}][{output}]\""
                );
                let found = format!("{name:?}, a layer that is called several times");
                return Err(Error::value("value", expected, found));
            }
            call => call.unwrap_or(0),
        };
        let Some(&call) = calls.get(at) else {
            let expected = format!("below {}, the number of calls of {name:?}", calls.len());
            return Err(Error::value("call", expected, at));
        };
        let used = self.calls[call].outputs;
        let outputs = if output < used {
            used
        } else {
            self.all_outputs(call)
        };
        if output >= outputs {
            let expected = format!("below {outputs}, the number of outputs of {name:?}");
            return Err(Error::value("output", expected, output));
        }
        Ok(Some(Place::Output { call, output }))
    }

    /// The number of outputs of a call, with those that its layer gives if asked.
    fn all_outputs(&self, call: usize) -> usize {
        let Call { layer, outputs, .. } = self.calls[call];
        let further = self.layers[layer].layer.with_all_outputs();
        further.map_or(outputs, |layer| layer.output_count())
    }
}

/// `name[2]` as its name and its number.
fn split(name: &str) -> Option<(&str, usize)> {
    let (name, number) = name.strip_suffix(']')?.rsplit_once('[')?;
    Some((name, number.parse().ok()?))
}

/// A value of a model.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Input(usize),
    /// The output may be one that the layer gives only if asked.
    Output {
        call: usize,
        output: usize,
    },
}

impl Place {
    /// Its index among the values that the model computes already.
    fn value<A: Element>(self, model: &Model<A>) -> Result<usize> {
        match self {
            Place::Input(value) => Ok(value),
            Place::Output { call, output } => {
                let Call { first, outputs, .. } = model.calls[call];
                if output < outputs {
                    return Ok(first + output);
                }
                let expected = format!("below {outputs}, the number of outputs that are used");
                Err(Error::value("output as input of a part", expected, output))
            }
        }
    }
}

/// What becomes of a model of which a part is cut out.
struct Cut<'m, A> {
    model: &'m Model<A>,
    inputs: Vec<(String, usize)>,
    /// For each call, the number of outputs that it has in the part; `None` if the part does not have it.
    calls: Vec<Option<usize>>,
}

impl<'m, A: Element> Cut<'m, A> {
    fn new(model: &'m Model<A>, given: Vec<(String, Place)>, wanted: &[Place]) -> Result<Self> {
        let inputs = given.into_iter();
        let inputs = inputs.map(|(name, place)| Ok((name, place.value(model)?)));
        let mut cut = Cut {
            model,
            inputs: inputs.collect::<Result<_>>()?,
            calls: vec![None; model.calls.len()],
        };
        let mut open = Vec::new();
        for &place in wanted {
            match place.value(model) {
                Ok(value) => open.push(value),
                Err(_) => cut.need(place, &mut open),
            }
        }
        while let Some(value) = open.pop() {
            if cut.is_input(value) {
                continue;
            }
            let gives = |call: &Call| (call.first..call.first + call.outputs).contains(&value);
            let Some(call) = model.calls.iter().position(gives) else {
                let (name, _) = model.source(value);
                let given = cut.inputs.iter().map(|(name, _)| name.as_str());
                let found = given.collect::<Vec<_>>().join(", ");
                let expected = format!("{name:?} among them, which the outputs need");
                return Err(Error::value("inputs of a part", expected, found));
            };
            cut.need(Place::Output { call, output: 0 }, &mut open);
        }
        Ok(cut)
    }

    fn is_input(&self, value: usize) -> bool {
        self.inputs.iter().any(|&(_, input)| input == value)
    }

    /// Takes a call into the part, and opens its inputs.
    fn need(&mut self, place: Place, open: &mut Vec<usize>) {
        let Place::Output { call, output } = place else {
            return;
        };
        let Call {
            outputs, inputs, ..
        } = &self.model.calls[call];
        if self.calls[call].is_none() {
            open.extend(inputs);
        }
        let outputs = self.calls[call].unwrap_or(*outputs);
        self.calls[call] = Some(if output < outputs {
            outputs
        } else {
            self.model.all_outputs(call)
        });
    }

    fn into_model(self, wanted: &[Place]) -> Result<Model<A>> {
        let model = self.model;
        let mut part = Model {
            layers: Vec::new(),
            inputs: Vec::new(),
            calls: Vec::new(),
            outputs: Vec::new(),
            values: 0,
            notes: model.notes.clone(),
        };
        let shapes = model.shapes(None);
        let mut now = vec![0; model.values];
        for (name, value) in &self.inputs {
            now[*value] = part.values;
            part.inputs.push(Input {
                name: name.clone(),
                shape: shapes[*value].clone(),
                value: part.values,
            });
            part.values += 1;
        }
        // Layers keep their order; one that gives more outputs for one of its calls gives them for all.
        let mut layers = vec![None; model.layers.len()];
        for (at, Placed { name, layer }) in model.layers.iter().enumerate() {
            let calls = model.calls.iter().zip(&self.calls);
            let needed = calls.filter(|(call, _)| call.layer == at);
            let Some(outputs) = needed.filter_map(|(_, &outputs)| outputs).max() else {
                continue;
            };
            let copy = if outputs > layer.output_count() {
                layer.with_all_outputs()
            } else {
                copy(&**layer)
            };
            let layer = copy.ok_or_else(|| Error::Layer {
                index: at,
                name: name.clone(),
                source: Box::new(Error::value("layer", "one that can be copied", "another")),
            })?;
            layers[at] = Some(part.layers.len());
            let name = name.clone();
            part.layers.push(Placed { name, layer });
        }
        let mut starts = vec![0; model.calls.len()];
        for (at, call) in model.calls.iter().enumerate() {
            let (Some(_), Some(layer)) = (self.calls[at], layers[call.layer]) else {
                continue;
            };
            let first = part.values;
            starts[at] = first;
            let outputs = part.layers[layer].layer.output_count().max(call.outputs);
            for output in 0..call.outputs {
                if !self.is_input(call.first + output) {
                    now[call.first + output] = first + output;
                }
            }
            let here = part.calls.len();
            let home = part.calls.iter().position(|call| call.layer == layer);
            part.calls.push(Call {
                layer,
                home: home.unwrap_or(here),
                inputs: call.inputs.iter().map(|&value| now[value]).collect(),
                first,
                outputs,
            });
            part.values += outputs;
        }
        let place = |place: &Place| match (*place, place.value(model)) {
            (_, Ok(value)) => now[value],
            (Place::Output { call, output }, Err(_)) => starts[call] + output,
            (Place::Input(value), Err(_)) => value,
        };
        part.outputs = wanted.iter().map(place).collect();
        Ok(part)
    }
}

/// A layer that is shared stays shared; another one is copied.
fn copy<A: Element>(layer: &dyn AnyLayer<A>) -> Option<Box<dyn AnyLayer<A>>> {
    match super::shared(layer) {
        Some(shared) => Some(Box::new(Arc::clone(shared))),
        None => layer.boxed_copy(),
    }
}
