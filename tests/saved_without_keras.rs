//! Models of Keras that were saved load where this crate is built without its reader of Keras' files.
//!
//! `tests/saved/files.rs` writes the files anew: `cargo test --all-features --test saved record -- --ignored`.

#![cfg(not(feature = "keras"))] // with it, `saved` tests the same

#[path = "common/data.rs"]
mod data;
#[allow(dead_code)] // other tests use more of it
#[path = "keras/family.rs"]
mod family;

use data::tests;
use family::{Family, read};
use ndarray::Array3;
use recurrent::{Gru, Layer, Model, saved};
use serde_json::{Value, json};

/// Of all layers that only files of Keras have, but `keras_unrolled`, which is in none of our files.
#[test]
fn what_only_keras_has() {
    let family = Family::load(tests().join("data/keras_files"));
    let mut classes = Vec::new();
    for id in ["k2_nested", "k3_masks"] {
        let bytes = read(&family.root.join(format!("saved/{id}.safetensors")));
        let model: Model<f32> = saved::read(&bytes).unwrap();
        let case = family.cases.iter().find(|case| case["id"] == id).unwrap();
        family.check(case, &model).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        classes.extend(text.split("\\\"keras_").skip(1).map(|rest| {
            let (class, _) = rest.split_once('\\').unwrap();
            class.to_owned()
        }));
    }
    classes.sort();
    classes.dedup();
    assert_eq!(classes, ["distributed", "mask", "merge", "op"]);
}

/// Of `unroll=True`: made of a file that has the layer without it.
#[test]
fn an_unrolled_layer() {
    let gru = Gru::<f32>::builder(2, 3).build().unwrap();
    let model = Model::new().add(Layer::new(gru).return_sequences(true));
    let bytes = saved::write(&model).unwrap();
    let (length, rest) = bytes.split_at(8);
    let length = u64::from_le_bytes(length.try_into().unwrap());
    let (head, arrays) = rest.split_at(usize::try_from(length).unwrap());
    let mut head: Value = serde_json::from_slice(head).unwrap();
    let text = head["__metadata__"]["recurrent"].as_str().unwrap();
    let mut said: Value = serde_json::from_str(text).unwrap();
    let layers = said["layer"]["layers"].as_object_mut().unwrap();
    for layer in layers.values_mut() {
        *layer = json!({ "class": "keras_unrolled", "layers": { "layer": layer.take() } });
    }
    head["__metadata__"]["recurrent"] = said.to_string().into();
    let mut head = head.to_string();
    head += &" ".repeat(head.len().next_multiple_of(8) - head.len());
    let bytes = [
        &(head.len() as u64).to_le_bytes()[..],
        head.as_bytes(),
        arrays,
    ]
    .concat();

    let unrolled: Model<f32> = saved::read(&bytes).unwrap();
    let x = Array3::from_shape_fn((2, 4, 2), |(i, t, k)| (i + 2 * t) as f32 - k as f32);
    assert_eq!(unrolled.forward(&x).unwrap(), model.forward(&x).unwrap());
    assert!(saved::write(&unrolled).unwrap() != saved::write(&model).unwrap());
}
