//! The listing of a file of weights: its layers, and what the configuration says of each.

use super::context::{Context, Layout};
use super::layer_weights::{Entry, LayerWeights, Said, from_lists, from_tree};
use super::leaf::Leaf;
use super::leaves::leaves;
use super::plan::Want;
use super::store::{Listed, Store, in_order};
use crate::error::{Error, Result};
use crate::format::json::Value;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// All layers that have weights, at least one.
pub fn listing(
    context: &Context,
    store: &Store,
    config: Option<&Value>,
) -> Result<Vec<LayerWeights>> {
    let found = match context.layout {
        Layout::Lists => from_lists(store)?,
        Layout::Tree | Layout::Dependencies(_) => from_tree(store)?,
    };
    if found.is_empty() {
        return Err(nothing(store)?);
    }
    let Some(leaves) = config.and_then(|config| leaves(context, config)) else {
        return Ok(found);
    };
    match context.layout {
        Layout::Lists => in_lists(context, store, found, leaves),
        Layout::Tree | Layout::Dependencies(_) => in_tree(context, store, found, leaves),
    }
}

/// The error of a file without layers: what was looked for, and which arrays the file has.
fn nothing(store: &Store) -> Result<Error> {
    const MOST: usize = 8;
    let paths = store.paths()?;
    let mut found: Vec<&str> = paths.iter().take(MOST).map(String::as_str).collect();
    if found.is_empty() {
        found.push("no arrays");
    } else if paths.len() > MOST {
        found.push("...");
    }
    let expected = "at least one with weights: `weight_names` of the `layer_names`, or arrays at `layers/.../vars/0`";
    let found = format!("none; the file has {}", found.join(", "));
    Ok(Error::file("layers", expected, found))
}

/// A layer that is not in the configuration.
fn not_configured() -> Said {
    let expected = "those of a layer of the configuration";
    let found = "those of one that the configuration does not have";
    Said::Not(Error::file("weights", expected, found))
}

/// The groups of a tree are those of the leaves.
fn in_tree(
    context: &Context,
    store: &Store,
    mut found: Vec<LayerWeights>,
    leaves: Vec<Leaf>,
) -> Result<Vec<LayerWeights>> {
    let leaves: BTreeMap<String, Leaf> = leaves
        .into_iter()
        .map(|leaf| (leaf.group.clone(), leaf))
        .collect();
    for layer in &mut found {
        let group = layer.arrays.first().map_or("", Entry::group);
        let own = leaves
            .get(group)
            .or_else(|| leaves.get(group.strip_suffix("/cell")?));
        let around = || {
            let ends = group.rmatch_indices('/').map(|(end, _)| &group[..end]);
            let mut around = ends.filter_map(|group| leaves.get(group));
            around.find(|leaf| leaf.wants(context).is_err())
        };
        let Some(leaf) = own.or_else(around) else {
            layer.said = not_configured();
            continue;
        };
        layer.said = match check_names(store, leaf)? {
            Some(error) => Said::Not(error),
            None if own.is_some() => {
                layer.rename(&leaf.name);
                Said::Of(leaf.clone())
            }
            // Inside of a class that is not one of Keras, of which it says nothing.
            None => Said::Nothing,
        };
    }
    Ok(found)
}

/// What is wrong if the tree says that a group is of another layer than the configuration has there.
fn check_names(store: &Store, leaf: &Leaf) -> Result<Option<Error>> {
    for (group, name) in &leaf.names {
        match store.name_of(group)? {
            Some(found) if found != *name => {
                let expected = format!("the weights of the layer {name:?}");
                let found = format!("those of {found:?}");
                return Ok(Some(Error::file(group, expected, found)));
            }
            _ => {}
        }
    }
    Ok(None)
}

/// Each layer of the outermost model has a list, with the arrays of all its leaves.
fn in_lists(
    context: &Context,
    store: &Store,
    found: Vec<LayerWeights>,
    leaves: Vec<Leaf>,
) -> Result<Vec<LayerWeights>> {
    let mut by_top: BTreeMap<String, Vec<Leaf>> = BTreeMap::new();
    for leaf in leaves {
        by_top.entry(leaf.top.clone()).or_default().push(leaf);
    }
    let mut listed: Vec<LayerWeights> = Vec::new();
    let mut found = found.into_iter().peekable();
    for (top, arrays) in store.listed()? {
        let paths: BTreeSet<&str> = arrays.iter().map(|(_, tensor)| tensor.name()).collect();
        let mut of_top = Vec::new();
        while let Some(layer) = found.next_if(|layer| {
            let first = layer.arrays.first();
            first.is_some_and(|entry| paths.contains(entry.path.as_str()))
        }) {
            of_top.push(layer);
        }
        let leaves = by_top.remove(&top).unwrap_or_default();
        if leaves.is_empty() {
            of_top
                .iter_mut()
                .for_each(|layer| layer.said = not_configured());
            listed.append(&mut of_top);
            continue;
        }
        match in_order_of(context, (top.clone(), arrays), &leaves) {
            Ok(paths) => listed.extend(by_order(of_top, leaves, &paths)),
            Err(error) => listed.extend(by_names(context, &top, of_top, &leaves, &error)),
        }
    }
    Ok(listed)
}

/// The paths of the arrays of each leaf.
fn in_order_of(context: &Context, listed: Listed, leaves: &[Leaf]) -> Result<Vec<Vec<String>>> {
    let (mut wants, mut owners): (Vec<Want>, Vec<usize>) = (Vec::new(), Vec::new());
    for (at, leaf) in leaves.iter().enumerate() {
        let of_leaf = leaf.wants(context)?;
        owners.extend(of_leaf.iter().map(|_| at));
        wants.extend(of_leaf);
    }
    let all = (0..wants.len()).collect();
    let mut arrays = in_order(listed, &wants, all)?;
    arrays.sort_by_key(|&(at, _)| at);
    let mut paths: Vec<Vec<String>> = leaves.iter().map(|_| Vec::new()).collect();
    for (at, tensor) in arrays {
        paths[owners[at]].push(tensor.name().to_string());
    }
    Ok(paths)
}

/// The layers of a list whose leaves have these arrays. They keep the names of the file, where these tell them apart.
fn by_order(
    found: Vec<LayerWeights>,
    leaves: Vec<Leaf>,
    paths: &[Vec<String>],
) -> Vec<LayerWeights> {
    let entries: BTreeMap<&str, &Entry> = found
        .iter()
        .flat_map(|layer| &layer.arrays)
        .map(|entry| (entry.path.as_str(), entry))
        .collect();
    let mut of_first: BTreeMap<&str, (Leaf, &[String])> = BTreeMap::new();
    for (leaf, paths) in leaves.into_iter().zip(paths) {
        if let Some(first) = paths.first() {
            of_first.insert(first, (leaf, paths));
        }
    }
    let mut listed = Vec::new();
    for layer in &found {
        for entry in &layer.arrays {
            let Some((leaf, paths)) = of_first.remove(entry.path.as_str()) else {
                continue;
            };
            let is_alone = paths.len() == layer.arrays.len();
            let arrays = paths.iter().filter_map(|path| entries.get(path.as_str()));
            let mut own = LayerWeights {
                name: leaf.name.clone(),
                other_name: None,
                arrays: arrays.copied().cloned().collect(),
                said: Said::Nothing,
            };
            if is_alone {
                own.rename(&layer.name);
            }
            own.said = Said::Of(leaf);
            listed.push(own);
        }
    }
    listed
}

/// The layers of a list whose order is not known, since a layer among them is not: by the names that arrays have.
fn by_names(
    context: &Context,
    top: &str,
    mut found: Vec<LayerWeights>,
    leaves: &[Leaf],
    error: &Error,
) -> Vec<LayerWeights> {
    let mut by_name: BTreeMap<&str, Vec<&Leaf>> = BTreeMap::new();
    for leaf in leaves {
        by_name
            .entry(leaf.own_name().unwrap_or_default())
            .or_default()
            .push(leaf);
    }
    for layer in &mut found {
        let last = layer.name.rsplit('/').next();
        let named = last.and_then(|last| by_name.get(last));
        layer.said = match (leaves, named.map(Vec::as_slice)) {
            ([leaf], _) if layer.name == top => Said::Of(leaf.clone()),
            (_, Some([leaf])) => Said::Of((*leaf).clone()),
            // Inside of a class that is not one of Keras, of which it says nothing.
            ([leaf], None) if leaf.wants(context).is_err() => Said::Nothing,
            _ => Said::Not(error.clone()),
        };
    }
    found
}
