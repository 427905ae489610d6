//! Keras' own files: archives, bare weights and whole models, of Keras 3 and 2 and of 2018.

use super::listing;
use super::support::{get, json, read};
use crate::Limits;
use crate::format::hdf5::File;
use crate::format::zip::Archive;
use crate::format::{Arrays, json, safetensors};
use alloc::borrow::ToOwned;
use alloc::string::ToString;
use alloc::vec::Vec;
use serde_json::Value;
use std::format;

#[test]
fn golden_files_hold_the_weights_of_their_models() {
    let limits = Limits::default();
    let tensors = read("golden/keras_files/tensors.safetensors");
    let tensors = safetensors::File::open(&tensors, &limits).unwrap();
    let mut files = 0;
    for case in json("golden/keras_files/cases.json").as_array().unwrap() {
        for (kind, name) in case["files"].as_object().unwrap() {
            let Some(name) = name.as_str() else {
                continue;
            };
            let bytes = read(&format!("golden/keras_files/{name}"));
            let archive;
            let weights = if kind == "keras" {
                archive = Archive::open(&bytes, &limits).unwrap();
                assert_eq!(archive.names().count(), 3);
                let config = archive.text("config.json").unwrap();
                json::parse(&config, "config.json", &limits).unwrap();
                archive.read("model.weights.h5").unwrap()
            } else {
                bytes.as_slice().into()
            };
            let file = File::open(&weights, &limits).unwrap();
            let read = arrays(&file);
            check_tree(name, &case["trees"][kind], &file);
            for weight in case["weights"].as_array().unwrap() {
                let tensor = weight["tensor"].as_str().unwrap();
                let shape = tensors.tensor(tensor).unwrap().shape().to_vec();
                let expected = (shape, get(&tensors, tensor).unwrap());
                assert!(read.contains(&expected), "{name}: {}", weight["path"]);
            }
            if kind == "h5" {
                let config = file.root().unwrap().text("model_config").unwrap().unwrap();
                json::parse(config, "model_config", &limits).unwrap();
                let weights = file.object("model_weights").unwrap();
                for layer in weights.texts("layer_names").unwrap().unwrap() {
                    let layer = weights.object(layer).unwrap();
                    for weight in layer.texts("weight_names").unwrap().unwrap() {
                        layer.object(weight).unwrap().tensor().unwrap();
                    }
                }
            }
            files += 1;
        }
    }
    assert!(files >= 30, "{files}");
}

fn arrays(file: &File) -> Vec<(Vec<usize>, Vec<f32>)> {
    let names = file.names().unwrap();
    names
        .iter()
        .map(|name| {
            let tensor = file.tensor(name).unwrap();
            (tensor.shape().to_vec(), tensor.read().unwrap())
        })
        .collect()
}

/// Path, shape and kind of every array are those of the golden listing.
fn check_tree(name: &str, tree: &Value, file: &File) {
    let names = file.names().unwrap();
    let found = names.iter().map(|path| {
        let tensor = file.tensor(path).unwrap();
        let shape: Vec<_> = tensor.shape().to_vec();
        serde_json::json!([
            path.trim_start_matches('/'),
            shape,
            tensor.number().to_string()
        ])
    });
    let mut expected = tree.as_array().unwrap().clone();
    expected.sort_by_key(|entry| entry[0].as_str().unwrap().to_owned());
    assert_eq!(found.collect::<Vec<_>>(), expected, "{name}");
}

#[test]
fn weights_of_2018() {
    let bytes = read("data/chars2vec/eng_50.weights.h5");
    let file = File::open(&bytes, &Limits::default()).unwrap();
    listing::check("data/chars2vec/eng_50.weights.h5.json", &file);
    let root = file.root().unwrap();
    assert_eq!(root.text("keras_version").unwrap(), Some("2.2.0"));
    assert!(!root.texts("layer_names").unwrap().unwrap().is_empty());
}
