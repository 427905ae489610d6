//! `Wiring`: which layer takes what from which, and the model that is made of it.

use super::made::Made;
use crate::error::{Error, Result};
use crate::nn::{AskMask, NoMask};
use crate::{Element, Model, MultiHeadAttention, Node, Shape};
use alloc::collections::BinaryHeap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::any::Any;
use core::cmp::Reverse;

/// A value of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Input(usize),
    Output { call: usize, output: usize },
}

/// One call of a layer.
#[derive(Clone, Debug)]
pub struct Call {
    pub layer: usize,
    pub inputs: Vec<Source>,
    /// Masks that are arguments, one for each input, where there is one.
    pub masks: Vec<Option<Source>>,
}

/// Which layer takes what from which.
pub struct Wiring {
    pub inputs: Vec<(String, Shape)>,
    /// Their names, and what errors call them.
    pub layers: Vec<(String, String)>,
    /// In an order in which each takes only what those before it gave.
    pub calls: Vec<Call>,
    pub outputs: Vec<Source>,
}

/// Puts calls in an order in which each comes after those that it takes something from, and after the one it names;
/// apart from that in the order in which they are given. `None` if they go in a circle.
pub fn in_order(
    calls: Vec<(Call, Option<usize>)>,
    mut outputs: Vec<Source>,
) -> Option<(Vec<Call>, Vec<Source>)> {
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); calls.len()];
    let mut waits = vec![0_usize; calls.len()];
    for (at, (call, before)) in calls.iter().enumerate() {
        let sources = call.inputs.iter().chain(call.masks.iter().flatten());
        let needed = sources.filter_map(|source| match *source {
            Source::Output { call, .. } => Some(call),
            Source::Input(_) => None,
        });
        for needed in needed.chain(*before) {
            after.get_mut(needed)?.push(at);
            waits[at] += 1;
        }
    }
    let ready = (0..calls.len()).filter(|&at| waits[at] == 0);
    let mut ready: BinaryHeap<Reverse<usize>> = ready.map(Reverse).collect();
    let (mut order, mut places) = (Vec::new(), vec![0; calls.len()]);
    while let Some(Reverse(at)) = ready.pop() {
        places[at] = order.len();
        order.push(at);
        for &next in &after[at] {
            waits[next] -= 1;
            if waits[next] == 0 {
                ready.push(Reverse(next));
            }
        }
    }
    if order.len() < calls.len() {
        return None;
    }
    let moved = |source: &mut Source| {
        if let Source::Output { call, .. } = source {
            *call = places[*call];
        }
    };
    let mut calls: Vec<Option<Call>> = calls.into_iter().map(|(call, _)| Some(call)).collect();
    let mut sorted: Vec<Call> = order.iter().filter_map(|&at| calls[at].take()).collect();
    for call in &mut sorted {
        let masks = call.masks.iter_mut().flatten();
        call.inputs.iter_mut().chain(masks).for_each(moved);
    }
    outputs.iter_mut().for_each(moved);
    Some((sorted, outputs))
}

impl Wiring {
    /// The calls that take a value without its mask, and those values: a `MultiHeadAttention` of Keras 3 deletes the masks
    /// of what it is called with, so that whoever reads it later finds none.
    fn bare<A: Element>(&self, layers: &[Made<A>]) -> Vec<(usize, Source)> {
        let takes_masks = |made: &Made<A>| {
            let layer = (&*made.layer as &dyn Any).downcast_ref::<MultiHeadAttention<A>>();
            layer.is_some_and(MultiHeadAttention::takes_masks)
        };
        let takes_masks: Vec<bool> = layers.iter().map(takes_masks).collect();
        if !takes_masks.contains(&true) {
            return Vec::new();
        }
        // Keras calls what is farthest from the outputs first. All calls of a layer are as far as the farthest so far.
        let mut depths = vec![0; self.calls.len()];
        let mut of_layers = vec![0; layers.len()];
        for (at, call) in self.calls.iter().enumerate().rev() {
            let depth = depths[at].max(of_layers[call.layer]);
            (depths[at], of_layers[call.layer]) = (depth, depth);
            for source in call.inputs.iter().chain(call.masks.iter().flatten()) {
                if let Source::Output { call, .. } = *source {
                    depths[call] = depths[call].max(depth + 1);
                }
            }
        }
        let mut order: Vec<usize> = (0..self.calls.len()).collect();
        order.sort_by_key(|&at| Reverse(depths[at]));
        let (mut taken, mut bare) = (Vec::new(), Vec::new());
        for at in order {
            let call = &self.calls[at];
            let inputs = || call.inputs.iter().copied();
            let without = inputs().filter(|source| taken.contains(source));
            bare.extend(without.map(|source| (at, source)));
            if takes_masks[call.layer] {
                taken.extend(inputs());
            }
        }
        bare
    }

    /// The model of these layers.
    pub fn model<A: Element>(self, layers: Vec<Made<A>>) -> Result<Model<A>> {
        let mut graph = Model::graph();
        let bare = self.bare(&layers);
        let mut inputs = Vec::new();
        for (name, shape) in self.inputs {
            inputs.push((graph.input_of(name, shape.clone()), shape));
        }
        let mut given: Vec<Vec<(Node, Shape)>> = Vec::new();
        let mut ids = vec![None; layers.len()];
        let mut masks = 0;
        for (at, call) in self.calls.iter().enumerate() {
            let (name, part) = &self.layers[call.layer];
            let made = &layers[call.layer];
            let take = |source: &Source| match *source {
                Source::Input(at) => inputs.get(at).cloned(),
                Source::Output { call, output } => given.get(call)?.get(output).cloned(),
            };
            let missing = || Error::file(part, "inputs that their layers give", "one they do not");
            let taken = call.inputs.iter().map(take).collect::<Option<Vec<_>>>();
            let mut taken = taken.ok_or_else(missing)?;
            check_features(part, made.features, &taken)?;
            for (source, (input, _)) in call.inputs.iter().zip(&mut taken) {
                if bare.contains(&(at, *source)) {
                    masks += 1;
                    *input = graph.add(format!("{name}: no mask {masks}"), NoMask, [*input])?;
                }
            }
            for (at, mask) in call.masks.iter().enumerate() {
                let Some(mask) = mask else {
                    continue;
                };
                let (mask, _) = take(mask).ok_or_else(missing)?;
                let (input, _) = taken.get_mut(at).ok_or_else(missing)?;
                masks += 1;
                *input = graph.add(format!("{name}: mask {masks}"), AskMask, [*input, mask])?;
            }
            let id = match ids[call.layer] {
                Some(id) => id,
                None => graph.layer(name.clone(), Arc::clone(&made.layer))?,
            };
            ids[call.layer] = Some(id);
            let (nodes, shapes): (Vec<Node>, Vec<Shape>) = taken.into_iter().unzip();
            let outputs = graph.call_all(id, nodes)?;
            given.push(
                outputs
                    .into_iter()
                    .zip(made.layer.output_shapes(&shapes))
                    .collect(),
            );
        }
        let outputs = self.outputs.iter().map(|source| match *source {
            Source::Input(at) => inputs.get(at).map(|(node, _)| *node),
            Source::Output { call, output } => Some(given.get(call)?.get(output)?.0),
        });
        let missing = || Error::file("outputs", "values that the layers give", "others");
        let outputs: Option<Vec<Node>> = outputs.collect();
        graph.finish(outputs.ok_or_else(missing)?)
    }
}

/// Refuses weights that are for other features than those that come in.
fn check_features(part: &str, features: Option<usize>, inputs: &[(Node, Shape)]) -> Result<()> {
    let input = inputs.first().and_then(|(_, shape)| *shape.axes()?.last()?);
    match (features, input) {
        (Some(features), Some(found)) if features != found => {
            let expected = format!("weights for the {found} features of its input");
            Err(Error::file(
                part,
                expected,
                format!("weights for {features} features"),
            ))
        }
        _ => Ok(()),
    }
}
