//! `LayerWeights`: which layers a file of weights has, and which arrays.

use super::leaf::Leaf;
use super::store::{Store, base_name};
use crate::error::Result;
use crate::load::format::Tensor;
use alloc::format;
use alloc::string::{String, ToString};
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
    Not {
        expected: String,
        found: String,
    },
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

fn entry(name: String, tensor: &Tensor) -> Entry {
    Entry {
        name,
        shape: tensor.shape().into(),
        path: tensor.name().to_string(),
    }
}

/// Lists by layer; a layer made of layers has an entry for each of them.
pub(super) fn from_lists(store: &Store) -> Result<Vec<LayerWeights>> {
    let mut layers: Vec<LayerWeights> = Vec::new();
    for (layer, arrays) in store.listed()? {
        let mut of_layer: Vec<LayerWeights> = Vec::new();
        let homes: Vec<&str> = arrays
            .iter()
            .map(|(name, _)| name.rsplit_once('/').map_or("", |parts| parts.0))
            .collect();
        let one_home = homes.windows(2).all(|pair| pair[0] == pair[1]);
        for ((array, tensor), home) in arrays.iter().zip(&homes) {
            let name = match home.rsplit_once('/') {
                _ if one_home => layer.clone(),
                // The cell of a layer has its layer's name.
                Some((above, cell))
                    if cell.contains("_cell") && !above.ends_with("stacked_rnn_cells") =>
                {
                    format!("{layer}/{}", above.rsplit('/').next().unwrap_or(above))
                }
                _ => format!("{layer}/{}", home.rsplit('/').next().unwrap_or(home)),
            };
            let entry = entry(base_name(array).to_string(), tensor);
            // Moving averages stand behind all that is trained.
            match of_layer.iter_mut().find(|layer| layer.name == name) {
                Some(layer) => layer.arrays.push(entry),
                None => of_layer.push(LayerWeights::bare(name, [entry].into())),
            }
        }
        layers.append(&mut of_layer);
    }
    Ok(layers)
}

/// A tree of layers: every group of numbered arrays is one.
pub(super) fn from_tree(store: &Store) -> Result<Vec<LayerWeights>> {
    let mut layers: Vec<(String, LayerWeights)> = Vec::new();
    for path in store.paths()?.keys() {
        let Some((group, number)) = path.rsplit_once("/vars/") else {
            continue;
        };
        let parts: Vec<&str> = group.split('/').collect();
        let of_model = matches!(
            parts.first(),
            Some(&("layers" | "_layer_checkpoint_dependencies"))
        );
        if !of_model || parts.contains(&"seed_generator") {
            continue;
        }
        let Some(tensor) = store.at(path)? else {
            continue;
        };
        let entry = entry(number.to_string(), &tensor);
        match layers.last_mut() {
            Some((last, layer)) if last == group => layer.arrays.push(entry),
            _ => {
                let name = name_in_tree(store, &parts)?;
                let layer = LayerWeights::bare(name, [entry].into());
                layers.push((group.to_string(), layer));
            }
        }
    }
    let mut layers: Vec<LayerWeights> = layers.into_iter().map(|(_, layer)| layer).collect();
    for layer in &mut layers {
        layer
            .arrays
            .sort_by_key(|array| array.name.parse::<usize>().ok());
    }
    Ok(layers)
}

/// Names of layers where the tree says them, names of groups where it does not: `bidirectional/forward_layer`.
fn name_in_tree(store: &Store, parts: &[&str]) -> Result<String> {
    let mut names: Vec<String> = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        match *part {
            "layers" | "_layer_checkpoint_dependencies" | "cell" | "cells" => {}
            group => {
                let is_layer = at.checked_sub(1).is_some_and(|above| {
                    matches!(parts[above], "layers" | "_layer_checkpoint_dependencies")
                });
                let said = if is_layer {
                    store.name_of(&parts[..=at].join("/"))?
                } else {
                    None
                };
                names.push(said.unwrap_or_else(|| group.to_string()));
            }
        }
    }
    Ok(names.join("/"))
}
