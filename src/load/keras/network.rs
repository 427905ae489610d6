//! Models: `Sequential`, and functional ones.

use super::config::{Config, items, shown, whole};
use super::context::{Context, Layout};
use super::layers::check;
use super::made::{Made, ReadAny};
use super::names::{groups, numbered, snake_case};
use super::nodes::{Names, NodeCall, Ref, calls, references};
use super::object::{Object, or_by_hand};
use super::ops::{is_op, op};
use super::own::own;
use super::plan::Plan;
use super::usage::{Usage, usage};
use super::wiring::{Call, Source, Wiring};
use crate::error::{Error, Result};
use crate::format::json::Value;
use crate::{Element, Model, Shape};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// The plan of a model, whose layers `layer` reads: they may be models again.
pub fn network<A: Element>(
    context: &Context,
    object: &Object,
    layer: ReadAny<A>,
) -> Result<Plan<Model<A>>> {
    match object.class {
        "Sequential" => sequential(context, object, layer),
        "Functional" | "Model" => functional(context, object, layer),
        class => {
            let expected = or_by_hand!(
                "Sequential, Functional or Model, as what others compute is not in the file"
            );
            Err(Error::file(object.part(), expected, class))
        }
    }
}

/// The layers of a list.
fn objects<'j>(value: &'j Value, part: &str) -> Result<Vec<Object<'j>>> {
    let Some(list) = value.as_array() else {
        return Err(Error::file(part, "a list of layers", shown(value)));
    };
    let at = |(i, value)| Object::of_anyone(value, &format!("{part}: layer {i}"));
    let objects: Vec<Object> = list.iter().enumerate().map(at).collect::<Result<_>>()?;
    let mut names: Vec<&str> = objects.iter().map(|object| object.name.as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(objects),
        Some(twice) => {
            let found = format!("two layers {:?}", twice[0]);
            Err(Error::file(part, "every name once", found))
        }
    }
}

/// The plans of the layers of a model, each in its group, under its name.
fn in_groups<A: Element>(
    context: &Context,
    objects: &[&Object],
    plans: Vec<Plan<Made<A>>>,
) -> Vec<Plan<Made<A>>> {
    let classes = objects.iter().zip(&plans);
    let classes = classes.map(|(object, plan)| (object.class, plan.wants.is_empty()));
    let classes = classes.map(|(class, bare)| (class.rsplit('>').next().unwrap_or(class), bare));
    let names = groups_of(&context.layout, classes);
    let in_group = |((object, group), plan): ((&&Object, String), Plan<Made<A>>)| {
        let mut plan = plan.under(&group);
        // What has no weights has no group of its own to be sure of: operations are not counted.
        if !plan.wants.is_empty() {
            plan.names.push((group, object.name.clone()));
        }
        plan.wants
            .iter_mut()
            .for_each(|want| want.top.clone_from(&object.name));
        plan
    };
    objects.iter().zip(names).zip(plans).map(in_group).collect()
}

/// The groups of the layers of a model, of which each is a class and whether it has no weights.
pub fn groups_of<'c>(
    layout: &Layout,
    layers: impl Iterator<Item = (&'c str, bool)>,
) -> Vec<String> {
    match layout {
        Layout::Dependencies(filled) => dependencies(layers, filled),
        Layout::Tree | Layout::Lists => {
            let groups = groups(layers.map(|(class, _)| class)).into_iter();
            groups.map(|group| format!("layers/{group}")).collect()
        }
    }
}

/// Keras 2.12 and 2.13 counted every layer with weights twice, Keras 2.14 once.
fn dependencies<'c>(
    layers: impl Iterator<Item = (&'c str, bool)>,
    filled: &[String],
) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let group = |(class, is_empty): (&str, bool)| {
        let name = format!("_layer_checkpoint_dependencies/{}", snake_case(class));
        let count = counts.entry(name.clone()).or_default();
        let group = numbered(&name, *count);
        let second = numbered(&name, 1);
        let once = is_empty || filled.contains(&second);
        *count += if once { 1 } else { 2 };
        group
    };
    layers.map(group).collect()
}

fn sequential<A: Element>(
    context: &Context,
    object: &Object,
    layer: ReadAny<A>,
) -> Result<Plan<Model<A>>> {
    let part = object.part();
    // A bare list in Keras 1, and up to 2.2.2.
    let list = if object.arguments().is_array() {
        object.arguments()
    } else {
        let config = object.config()?;
        context.check_dtype(&config)?;
        let list = config.get("layers")?;
        config.done()?;
        list
    };
    let objects = objects(list, &part)?;
    let (first, layers): (Vec<&Object>, Vec<&Object>) = objects
        .iter()
        .partition(|object| object.class == "InputLayer");
    let (name, shape) = match (first.as_slice(), layers.first()) {
        ([input], _) => (input.name.clone(), input_shape(context, input)?),
        ([], Some(layer)) => {
            let said = ["batch_input_shape", "batch_shape"];
            let said = said.iter().find_map(|key| layer.arguments().get(key));
            let said = said.or_else(|| object.arguments().get("build_input_shape"));
            let shape = said.and_then(shape).unwrap_or_else(Shape::unknown);
            (format!("{}_input", layer.name), shape)
        }
        ([], None) => return Err(Error::file(part, "at least one layer", "none")),
        _ => return Err(Error::file(part, "one input", first.len())),
    };
    let mut plans = Vec::new();
    for object in &layers {
        plans.push(layer(context, object, Usage::default())?);
    }
    let before = |at: usize| match at.checked_sub(1) {
        None => Source::Input(0),
        Some(call) => Source::Output { call, output: 0 },
    };
    let wiring = Wiring {
        inputs: vec![(name, shape)],
        layers: layers
            .iter()
            .map(|object| (object.name.clone(), object.part()))
            .collect(),
        calls: (0..layers.len())
            .map(|at| Call {
                layer: at,
                inputs: vec![before(at)],
                masks: Vec::new(),
            })
            .collect(),
        outputs: vec![before(layers.len())],
    };
    let plans = in_groups(context, &layers, plans);
    Ok(Plan::all(plans).map(move |layers| wiring.model(layers)))
}

/// What the arguments of an input say of its shape.
fn input_shape(context: &Context, input: &Object) -> Result<Shape> {
    let config: Config = input.config()?;
    for key in ["sparse", "ragged"] {
        if config.flag(key)? {
            return Err(config.refuse(key, "false", true));
        }
    }
    // Token ids and masks are numbers here.
    match config.optional("dtype").and_then(Value::as_str) {
        Some("string") => return Err(config.refuse("dtype", "numbers", "string")),
        Some(name) if name.contains("int") || name == "bool" => {}
        _ => context.check_dtype(&config)?,
    }
    let said = ["batch_shape", "batch_input_shape"];
    let said = said
        .iter()
        .find_map(|&key| config.optional(key).map(|value| (key, value)));
    config.done()?;
    let Some((key, value)) = said else {
        return Ok(Shape::unknown());
    };
    let refuse = || config.refuse(key, "a list of lengths and nulls", shown(value));
    shape(value).ok_or_else(refuse)
}

/// A list of lengths; null is any.
fn shape(value: &Value) -> Option<Shape> {
    let axis = |value: &Value| match value {
        Value::Null => Some(None),
        value => whole(value).map(Some),
    };
    let axes: Option<Vec<_>> = items(value)?.iter().map(axis).collect();
    Some(axes?.into())
}

fn functional<A: Element>(
    context: &Context,
    object: &Object,
    layer: ReadAny<A>,
) -> Result<Plan<Model<A>>> {
    let (config, part) = (object.config()?, object.part());
    let objects = objects(config.get("layers")?, &part)?;
    let [inputs, outputs] = ["input_layers", "output_layers"].map(|key| {
        let all = config.get(key).and_then(|value| references(value, &part))?;
        if all.is_empty() {
            return Err(config.refuse(key, "at least one", "none"));
        }
        Ok(all)
    });
    let (inputs, outputs): (Vec<Ref>, Vec<Ref>) = (inputs?, outputs?);
    context.check_dtype(&config)?;
    config.done()?;

    let places: BTreeMap<&str, usize> = inputs
        .iter()
        .enumerate()
        .map(|(i, input)| (input.layer.as_str(), i))
        .collect();
    let mut shapes: Vec<Option<(String, Shape)>> = vec![None; inputs.len()];
    let mut graph = Nodes::new(context, part.clone(), &places);
    let (mut layers, mut plans) = (Vec::new(), Vec::new());
    let mut whole = BTreeSet::new();
    for object in &objects {
        if object.class == "InputLayer" {
            object.check_home()?;
            let Some(&place) = places.get(object.name.as_str()) else {
                let expected = "one of the inputs of the model";
                return Err(Error::file(object.part(), expected, "another"));
            };
            if object
                .arguments()
                .get("dtype")
                .is_some_and(|dtype| dtype.as_str().is_some_and(|dtype| dtype.contains("int")))
            {
                whole.insert(object.name.clone());
            }
            shapes[place] = Some((object.name.clone(), input_shape(context, object)?));
            continue;
        }
        let nodes = object.json.get("inbound_nodes").unwrap_or(&Value::Null);
        let is_own = own(context, object).is_some();
        let (plan, nodes) = if !is_own && is_op(context, object) {
            op(context, object, nodes, &mut whole)?
        } else {
            check::<A>(context, object)?;
            let names = if is_own {
                Names::Any
            } else {
                Names::of(object.class)
            };
            let nodes = calls(nodes, &names, &object.part())?;
            let plan = layer(context, object, usage(&nodes, object)?)?;
            let mut inputs = nodes.iter().flat_map(|node| &node.inputs);
            if plan.wants.is_empty() && inputs.any(|of| whole.contains(&of.layer)) {
                whole.insert(object.name.clone());
            }
            (plan, nodes)
        };
        plans.push(plan);
        graph.add(object, nodes);
        layers.push(object);
    }
    let missing =
        |i: usize| Error::file(&part, "a layer for every input", inputs[i].layer.as_str());
    let named = shapes
        .into_iter()
        .enumerate()
        .map(|(i, shape)| shape.ok_or_else(|| missing(i)));
    let named = named.collect::<Result<Vec<_>>>()?;
    let (calls, outputs) = graph.wired(&outputs)?;
    let wiring = Wiring {
        inputs: named,
        layers: layers
            .iter()
            .map(|object| (object.name.clone(), object.part()))
            .collect(),
        calls,
        outputs,
    };
    let plans = in_groups(context, &layers, plans);
    Ok(Plan::all(plans).map(move |layers| wiring.model(layers)))
}

/// The calls of a functional model, in the order of the file.
struct Nodes<'c> {
    part: String,
    of_keras2: bool,
    inputs: &'c BTreeMap<&'c str, usize>,
    layers: BTreeMap<String, Called>,
    calls: Vec<(usize, NodeCall)>,
}

/// Where the calls of a layer are.
struct Called {
    first: usize,
    count: usize,
    is_functional: bool,
    is_model: bool,
}

impl<'c> Nodes<'c> {
    fn new(context: &Context, part: String, inputs: &'c BTreeMap<&'c str, usize>) -> Self {
        Nodes {
            part,
            of_keras2: context.version.major() < 3,
            inputs,
            layers: BTreeMap::new(),
            calls: Vec::new(),
        }
    }

    fn add(&mut self, object: &Object, nodes: Vec<NodeCall>) {
        let called = Called {
            first: self.calls.len(),
            count: nodes.len(),
            is_functional: object.class != "Sequential" && object.is_model(),
            is_model: object.is_model(),
        };
        let layer = self.layers.len();
        self.layers.insert(object.name.clone(), called);
        self.calls
            .extend(nodes.into_iter().map(|node| (layer, node)));
    }

    /// The value that is meant. A model inside has made a call of itself before the first one of this model, which Keras
    /// counts in some places and not in others.
    fn source(&self, of: &Ref, is_output: bool) -> Result<Source> {
        if let Some(&input) = self.inputs.get(of.layer.as_str()) {
            return Ok(Source::Input(input));
        }
        let refuse = |found: String| {
            let expected = "a call of a layer of this model";
            Error::file(&self.part, expected, found)
        };
        let Some(called) = self.layers.get(&of.layer) else {
            return Err(refuse(format!(
                "the layer {:?}, which is not there",
                of.layer
            )));
        };
        let counts_itself = if self.of_keras2 {
            called.is_model
        } else {
            is_output && called.is_functional
        };
        let call = of
            .call
            .checked_sub(usize::from(counts_itself))
            .unwrap_or(of.call);
        if call >= called.count {
            return Err(refuse(format!("call {} of {:?}", of.call, of.layer)));
        }
        Ok(Source::Output {
            call: called.first + call,
            output: of.output,
        })
    }

    /// The calls in an order in which each takes only what those before it gave, and the outputs.
    fn wired(self, outputs: &[Ref]) -> Result<(Vec<Call>, Vec<Source>)> {
        let mut calls = Vec::new();
        for (at, (layer, node)) in self.calls.iter().enumerate() {
            let inputs = node.inputs.iter().chain(&node.states);
            let inputs: Vec<Source> = inputs
                .map(|of| self.source(of, false))
                .collect::<Result<_>>()?;
            let mask = |of: &Option<Ref>| {
                let of = of.as_ref();
                of.map(|of| self.source(of, false)).transpose()
            };
            let masks = node.masks.iter().map(mask).collect::<Result<_>>()?;
            // Calls of one layer keep their order.
            let before = at
                .checked_sub(1)
                .filter(|&before| self.calls[before].0 == *layer);
            calls.push((
                Call {
                    layer: *layer,
                    inputs,
                    masks,
                },
                before,
            ));
        }
        let outputs = outputs
            .iter()
            .map(|of| self.source(of, true))
            .collect::<Result<Vec<_>>>()?;
        super::wiring::in_order(calls, outputs)
            .ok_or_else(|| Error::file(&self.part, "calls without a circle", "one"))
    }
}
