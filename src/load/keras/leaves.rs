//! The leaves of a configuration: its layers that are not made of layers.
//!
//! A whole model is read in full or not at all. Here a layer that this crate does not know keeps none of the others from
//! being found.

use super::cells::is_cell;
use super::config::items;
use super::context::{Context, Layout};
use super::leaf::Leaf;
use super::names::groups;
use super::network::groups_of;
use super::object::Object;
use super::ops::is_op;
use crate::format::json::Value;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The leaves of a model; `None` if its configuration has no list of layers, as that of a class of somebody's own.
pub fn leaves(context: &Context, config: &Value) -> Option<Vec<Leaf>> {
    let mut walk = Walk {
        context,
        seen: BTreeSet::new(),
    };
    Some(walk.model(layers(config)?))
}

/// Classes without weights that say nothing else which this crate knows.
const WITHOUT_WEIGHTS: [&str; 4] = ["InputLayer", "Lambda", "TFOpLambda", "SlicingOpLambda"];

fn class(json: &Value) -> &str {
    let class = json.get("class_name").and_then(Value::as_str);
    class.unwrap_or_default()
}

/// The name of a layer of a model, unless a class of somebody's own has left it out.
fn name(json: &Value) -> Option<&str> {
    let own = json.get("name").or_else(|| json.pointer("/config/name"));
    own.and_then(Value::as_str)
}

fn argument<'j>(json: &'j Value, key: &str) -> Option<&'j Value> {
    let argument = json.get("config")?.get(key)?;
    Some(argument).filter(|argument| !argument.is_null())
}

fn flag(json: &Value, key: &str) -> Option<bool> {
    let value = argument(json, key)?;
    value.as_bool().or_else(|| value.as_u64().map(|n| n != 0))
}

/// The layers of a model, whose arguments are a list of them in old files.
fn layers(json: &Value) -> Option<&[Value]> {
    let config = json.get("config")?;
    let layers = config.get("layers").unwrap_or(config).as_array()?;
    let all = layers
        .iter()
        .all(|layer| layer.get("class_name").is_some_and(Value::is_string));
    all.then_some(layers.as_slice())
}

/// The direction that a recurrent layer has by its place.
#[derive(Clone, Copy)]
enum Place {
    Alone,
    /// In a `Bidirectional`, with the value that `go_backwards` has there.
    Bidirectional(bool),
}

impl Place {
    /// What a layer does that its cell alone would not do there.
    fn lost(self, json: &Value) -> Vec<(&'static str, bool)> {
        let said = |key| flag(json, key).unwrap_or(false);
        let natural = match self {
            Place::Alone => false,
            Place::Bidirectional(go_backwards) => go_backwards,
        };
        let mut lost = Vec::new();
        if said("go_backwards") != natural {
            lost.push(("go_backwards", !natural));
        }
        // A `Bidirectional` has zeros at masked steps, whatever its layers say.
        if matches!(self, Place::Alone) && said("zero_output_for_mask") {
            lost.push(("zero_output_for_mask", true));
        }
        if said("time_major") {
            lost.push(("time_major", true));
        }
        lost
    }
}

struct Walk<'c> {
    context: &'c Context,
    /// Layers that stand in several models, by their numbers.
    seen: BTreeSet<i64>,
}

impl Walk<'_> {
    /// Those of a model, with the groups of its layers.
    fn model(&mut self, layers: &[Value]) -> Vec<Leaf> {
        let layers: Vec<&Value> = layers
            .iter()
            .filter(|layer| class(layer) != "InputLayer")
            .collect();
        let found: Vec<Vec<Leaf>> = layers.iter().map(|layer| self.layer(layer)).collect();
        let classes = layers.iter().zip(&found);
        let classes = classes.map(|(layer, leaves)| (class(layer), leaves.is_empty()));
        let groups = groups_of(&self.context.layout, classes);
        let mut all = Vec::new();
        for ((layer, group), leaves) in layers.iter().zip(groups).zip(found) {
            let said = name(layer);
            // Keras names a layer without a name like its group.
            let name = said.or_else(|| group.rsplit('/').next()).unwrap_or(&group);
            for mut leaf in under(leaves, &group, name) {
                leaf.top = name.to_string();
                let own = said.map(|name| (group.clone(), name.to_string()));
                leaf.names.splice(0..0, own);
                all.push(leaf);
            }
        }
        all
    }

    fn layer(&mut self, json: &Value) -> Vec<Leaf> {
        // In lists the weights stand wherever the layer does, in a tree where it is first.
        if let Some(id) = json.get("shared_object_id").and_then(Value::as_i64)
            && self.context.layout != Layout::Lists
            && !self.seen.insert(id)
        {
            return Vec::new();
        }
        let mut leaves = self.inside(json);
        // What is not trained is so with all that is in it.
        let is_trainable = flag(json, "trainable").unwrap_or(true);
        leaves
            .iter_mut()
            .for_each(|leaf| leaf.trainable &= is_trainable);
        leaves
    }

    fn inside(&mut self, json: &Value) -> Vec<Leaf> {
        if let Some(layers) = layers(json) {
            return self.model(layers);
        }
        let inner = argument(json, "layer").filter(|inner| inner.get("class_name").is_some());
        match (class(json), inner) {
            ("Bidirectional", Some(forward)) => {
                // A backward layer that is not in the file is the other one, turned.
                let (backward, turned) = match argument(json, "backward_layer") {
                    Some(backward) => (backward, true),
                    None => (forward, false),
                };
                let forward = self.recurrent(forward, Place::Bidirectional(false));
                let backward = self.recurrent(backward, Place::Bidirectional(turned));
                let mut both = under(forward, "forward_layer", "forward_layer");
                both.extend(under(backward, "backward_layer", "backward_layer"));
                both
            }
            (_, Some(inner)) => under(self.layer(inner), "layer", "layer"),
            _ => self.recurrent(json, Place::Alone),
        }
    }

    /// A layer that is not made of layers; recurrent ones have cells.
    fn recurrent(&self, json: &Value, place: Place) -> Vec<Leaf> {
        let class = class(json);
        if let Some(cell) = argument(json, "cell") {
            let mut leaves = match argument(cell, "cells").and_then(items) {
                Some(cells) => {
                    let groups = groups(cells.iter().map(self::class));
                    let each = cells.iter().zip(groups);
                    let each = each.flat_map(|(cell, group)| {
                        let place = format!("cell/cells/{group}");
                        under(self.leaf(cell), &place, &group)
                    });
                    each.collect()
                }
                None => under(self.leaf(cell), "cell", ""),
            };
            for leaf in &mut leaves {
                leaf.lost = place.lost(json);
                leaf.trainable &= flag(json, "trainable").unwrap_or(true);
            }
            return leaves;
        }
        let mut leaves = self.leaf(json);
        if is_cell(class) && !class.ends_with("Cell") {
            leaves = under(leaves, "cell", "");
            leaves
                .iter_mut()
                .for_each(|leaf| leaf.lost = place.lost(json));
        }
        leaves
    }

    /// One leaf, or none if the layer has no weights.
    fn leaf(&self, json: &Value) -> Vec<Leaf> {
        let leaf = Leaf {
            name: String::new(),
            top: String::new(),
            group: String::new(),
            names: Vec::new(),
            trainable: flag(json, "trainable").unwrap_or(true),
            lost: Vec::new(),
            object: json.clone(),
        };
        let object = Object::read(json, "");
        let is_operation = object.is_ok_and(|object| is_op(self.context, &object));
        let is_bare = WITHOUT_WEIGHTS.contains(&class(json)) || is_operation;
        if is_bare || leaf.wants(self.context).is_ok_and(|wants| wants.is_empty()) {
            return Vec::new();
        }
        Vec::from([leaf])
    }
}

/// Inside of this group and of this name.
fn under(mut leaves: Vec<Leaf>, group: &str, name: &str) -> Vec<Leaf> {
    let inside = |outer: &str, inner: &str| match (outer, inner) {
        (outer, "") => outer.to_string(),
        ("", inner) => inner.to_string(),
        (outer, inner) => format!("{outer}/{inner}"),
    };
    for leaf in &mut leaves {
        leaf.group = inside(group, &leaf.group);
        leaf.name = inside(name, &leaf.name);
        for (path, _) in &mut leaf.names {
            *path = inside(group, path);
        }
    }
    leaves
}
