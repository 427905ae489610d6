//! `Chain`: a model that grows layer by layer, with what amplifier models have around their layers: gains, and a way past
//! all layers.

use crate::error::{Error, Result};
use crate::model::{Graph, IntoLayer, Node};
use crate::nn::Gain;
use crate::{Activation, Element, Layer, Merge, Model, Recurrent};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::ToString;
use ndarray::Array1;

/// At most this many layers, since a graph looks at all of them for each new one. Real files have less than a hundred.
const LAYERS: usize = 1000;

/// Layers one after the other; each returns one timestep for each timestep.
pub struct Chain<A: Element> {
    graph: Graph<A>,
    /// What goes past the layers.
    input: Node,
    end: Node,
    inputs: usize,
    width: usize,
    /// How many layers have each name.
    names: BTreeMap<&'static str, usize>,
    layers: usize,
}

impl<A: Element> Chain<A> {
    /// A model of this many inputs in a timestep: the sample, and the knobs after it. The sample is scaled by `gain`.
    pub fn new(inputs: usize, gain: f64) -> Result<Self> {
        let mut graph = Model::graph();
        let input = graph.input_of("input", [None, None, Some(inputs)]);
        let mut chain = Chain {
            graph,
            input,
            end: input,
            inputs,
            width: inputs,
            names: BTreeMap::new(),
            layers: 0,
        };
        if is_used(gain) {
            let mut gains = Array1::ones(inputs);
            gains[0] = A::from_f64(gain);
            chain.push("input_gain", Gain { gains }, inputs)?;
            chain.input = chain.end;
        }
        Ok(chain)
    }

    /// The features of the last layer.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Adds a layer of this many outputs. Its errors are left to the caller, who knows its place in the file.
    pub fn push<By>(
        &mut self,
        name: &'static str,
        layer: impl IntoLayer<A, By>,
        width: usize,
    ) -> Result<()> {
        self.end = self.add(name, layer, &[self.end])?;
        self.width = width;
        Ok(())
    }

    /// Adds a recurrent layer.
    pub fn recurrent<R>(&mut self, name: &'static str, layer: R) -> Result<()>
    where
        R: Recurrent<Elem = A> + 'static,
    {
        let units = layer.units();
        self.push(name, Layer::new(layer).return_sequences(true), units)
    }

    /// Adds x if x ≥ 0, else alpha x, with an alpha for each feature, as max(x, 0) - alpha max(-x, 0).
    pub fn prelu(&mut self, alpha: Array1<A>) -> Result<()> {
        let (x, width) = (self.end, self.width);
        let above = self.add("prelu_above", Activation::Relu, &[x])?;
        self.push("prelu_minus", gains(width, -A::one()), width)?;
        self.push("prelu_below", Activation::Relu, width)?;
        let gains = alpha.mapv(|alpha| -alpha);
        self.push("prelu_alpha", Gain { gains }, width)?;
        self.end = self.add("prelu", Merge::Add, &[above, self.end])?;
        Ok(())
    }

    fn add<By>(
        &mut self,
        name: &'static str,
        layer: impl IntoLayer<A, By>,
        inputs: &[Node],
    ) -> Result<Node> {
        self.layers += 1;
        if self.layers > LAYERS {
            let expected = format!("at most {LAYERS}");
            return Err(Error::file("number of layers", expected, "more"));
        }
        let count = self.names.entry(name).or_default();
        let name = match *count {
            0 => name.to_string(),
            n => format!("{name}_{n}"),
        };
        *count += 1;
        self.graph.add(name, layer, inputs)
    }

    /// The model. The first `skip` inputs are added to the output, which is then scaled by `gain`.
    pub fn finish(mut self, skip: usize, gain: f64) -> Result<Model<A>> {
        let (inputs, width) = (self.inputs, self.width);
        if skip > inputs || (skip > 1 && skip != width) {
            let expected =
                format!("0, 1, or as many as the {width} outputs, of the {inputs} inputs");
            return Err(Error::file("skip", expected, skip));
        }
        if skip > 0 {
            let past = if skip == inputs {
                self.input
            } else {
                self.add("skip", gains(skip, A::one()), &[self.input])?
            };
            self.end = self.add("add", Merge::Add, &[self.end, past])?;
        }
        if is_used(gain) {
            self.push("output_gain", gains(width, A::from_f64(gain)), width)?;
        }
        self.graph.finish([self.end])
    }
}

fn gains<A: Element>(count: usize, gain: A) -> Gain<A> {
    let gains = Array1::from_elem(count, gain);
    Gain { gains }
}

/// Whether a gain changes anything.
fn is_used(gain: f64) -> bool {
    gain.to_bits() != 1.0_f64.to_bits()
}
