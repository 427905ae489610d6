//! `LayerWeights`: which layers a file of weights has, and which arrays.

use super::leaf::Leaf;
use super::store::{Store, base_name};
use crate::error::{Error, Result};
use crate::format::RawArray;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

/// The weights of one layer in [`Weights`](super::Weights): its name, and the names and shapes of its arrays.
#[derive(Clone, Debug)]
pub struct LayerWeights {
    pub(super) name: String,
    /// A second name, by which it is found, too: that of its group, or that of the configuration.
    pub(super) other_name: Option<String>,
    pub(super) arrays: Vec<Entry>,
    pub(super) said: Said,
}

/// What the configuration of the file says of a layer.
#[derive(Clone, Debug)]
pub(super) enum Said {
    /// Nothing: there is none, or the layer is inside of a class that Keras does not know.
    Nothing,
    Of(Leaf),
    /// It does not fit the file.
    Not(Error),
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) path: String,
}

impl Entry {
    /// Its group in a tree.
    pub(super) fn group(&self) -> &str {
        let parts = self.path.rsplit_once("/vars/");
        parts.map_or("", |parts| parts.0.trim_start_matches('/'))
    }
}

impl LayerWeights {
    /// A layer of which no configuration says anything.
    fn bare(name: String, arrays: Vec<Entry>) -> Self {
        LayerWeights {
            name,
            other_name: None,
            arrays,
            said: Said::Nothing,
        }
    }

    /// Gives it another name, and keeps the one that it has as the second.
    pub(super) fn rename(&mut self, name: &str) {
        if self.name != name {
            self.other_name = Some(core::mem::replace(&mut self.name, name.into()));
        }
    }

    /// What the configuration of the file calls it, or the file where it has no configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name and the shape of each of its arrays, in Keras' order. In a `.weights.h5` the names are numbers.
    pub fn arrays(&self) -> impl ExactSizeIterator<Item = (&str, &[usize])> {
        self.arrays
            .iter()
            .map(|array| (array.name.as_str(), array.shape.as_slice()))
    }
}

fn entry(name: String, path: String, tensor: &RawArray) -> Entry {
    Entry {
        name,
        shape: tensor.shape().into(),
        path,
    }
}

/// Lists by layer; a layer made of layers has an entry for each of them.
pub(super) fn from_lists(store: &Store) -> Result<Vec<LayerWeights>> {
    let mut layers: Vec<LayerWeights> = Vec::new();
    for (layer, arrays) in store.listed()? {
        // Moving averages come after all that is trained, so the arrays of one home may be apart.
        let mut homes: BTreeMap<&str, usize> = BTreeMap::new();
        let mut of_layer: Vec<(&str, Vec<Entry>)> = Vec::new();
        for (array, tensor) in &arrays {
            let home = array.rsplit_once('/').map_or("", |parts| parts.0);
            let at = *homes.entry(home).or_insert(of_layer.len());
            if at == of_layer.len() {
                of_layer.push((home, Vec::new()));
            }
            of_layer[at].1.push(entry(
                base_name(array).to_string(),
                tensor.name().to_string(),
                tensor,
            ));
        }
        if let [(_, arrays)] = &mut of_layer[..] {
            let (name, arrays) = (layer, core::mem::take(arrays));
            layers.push(LayerWeights::bare(name, arrays));
            continue;
        }
        let names = of_layer.iter().map(|(home, _)| names_in_list(&layer, home));
        let names = distinct(names.collect());
        for (name, (_, arrays)) in names.into_iter().zip(of_layer) {
            layers.push(LayerWeights::bare(name, arrays));
        }
    }
    Ok(layers)
}

/// What a home of arrays in a layer may be called: by the layer it is, by the path of that, and by its own path.
fn names_in_list(layer: &str, home: &str) -> [String; 3] {
    let inside = match home.rsplit_once('/') {
        // The cell of a layer has its layer's name.
        Some((above, cell)) if cell.contains("_cell") && !above.ends_with("stacked_rnn_cells") => {
            above
        }
        _ => home,
    };
    let path = |path: &str| match path.strip_prefix(layer) {
        Some(rest) if rest.starts_with('/') => path.to_string(),
        _ => format!("{layer}/{path}"),
    };
    let last = inside.rsplit('/').next().unwrap_or(inside);
    [format!("{layer}/{last}"), path(inside), path(home)]
}

/// The first name of each that no other one has, as far as there is one.
fn distinct(names: Vec<[String; 3]>) -> Vec<String> {
    let mut taken = vec![0; names.len()];
    for longer in 1..3 {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (names, &at) in names.iter().zip(&taken) {
            *counts.entry(&names[at]).or_default() += 1;
        }
        for (names, at) in names.iter().zip(&mut taken) {
            if counts.get(names[*at].as_str()) > Some(&1) {
                *at = longer;
            }
        }
    }
    let taken = names.into_iter().zip(taken);
    taken
        .map(|(mut names, at)| core::mem::take(&mut names[at]))
        .collect()
}

/// What a tree has beside the layers of its model.
const BESIDE: [&str; 2] = ["optimizer", "metrics"];

/// A tree of layers: every group of numbered arrays is one. A model of a class of somebody's own may have them anywhere: its
/// lists of layers are groups of their own.
pub(super) fn from_tree(store: &Store) -> Result<Vec<LayerWeights>> {
    let mut groups: Vec<(String, Vec<Entry>)> = Vec::new();
    let mut names = Vec::new();
    for path in store.paths()? {
        let Some((group, number)) = path.rsplit_once("/vars/") else {
            continue;
        };
        let parts: Vec<&str> = group.split('/').collect();
        let is_beside = group
            .split(['/', '\\'])
            .next()
            .is_some_and(|first| BESIDE.contains(&first));
        if is_beside || parts.contains(&"seed_generator") {
            continue;
        }
        let Some(tensor) = store.at(&path)? else {
            continue;
        };
        let entry = entry(number.to_string(), path.clone(), &tensor);
        match groups.last_mut() {
            Some((last, arrays)) if last == group => arrays.push(entry),
            _ => {
                names.push(names_in_tree(store, &parts)?);
                groups.push((group.to_string(), [entry].into()));
            }
        }
    }
    let layers = distinct(names).into_iter().zip(groups);
    let layer = |(name, (_, mut arrays)): (String, (String, Vec<Entry>))| {
        arrays.sort_by_key(|array| array.name.parse::<usize>().ok());
        LayerWeights::bare(name, arrays)
    };
    Ok(layers.map(layer).collect())
}

/// What a group of arrays may be called: by the names of layers where the tree says them, and by the names of groups where it
/// does not (`bidirectional/forward_layer`); the same with its cells; and by its path.
fn names_in_tree(store: &Store, parts: &[&str]) -> Result<[String; 3]> {
    let (mut names, mut with_cells): (Vec<String>, Vec<String>) = Default::default();
    for (at, part) in parts.iter().enumerate() {
        match *part {
            "layers" | "_layer_checkpoint_dependencies" => {}
            "cell" | "cells" => with_cells.push(part.to_string()),
            group => {
                let is_layer = at.checked_sub(1).is_some_and(|above| {
                    matches!(parts[above], "layers" | "_layer_checkpoint_dependencies")
                });
                let said = if is_layer {
                    store.name_of(&parts[..=at].join("/"))?
                } else {
                    None
                };
                let name = said.unwrap_or_else(|| group.to_string());
                names.push(name.clone());
                with_cells.push(name);
            }
        }
    }
    Ok([names.join("/"), with_cells.join("/"), parts.join("/")])
}
