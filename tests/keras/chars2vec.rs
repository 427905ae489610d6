//! A genuine file of 2018: Keras 2.2.0, weights alone. `reference.json` is what the package's own code gives.

#[allow(dead_code)] // its `main`
#[path = "../../examples/word_vectors.rs"]
mod word_vectors;

use crate::data::tests;
use crate::family::read;
use ndarray::{Array2, Array3};
use recurrent::{Lstm, Recurrent, keras};
use serde_json::Value;
use std::path::PathBuf;

fn path() -> PathBuf {
    tests().join("data/chars2vec/eng_50.weights.h5")
}

#[test]
fn vectors_of_words() {
    let weights = keras::Weights::load(path()).unwrap();
    assert_eq!(weights.version().to_string(), "2.2.0");
    let names: Vec<&str> = weights
        .layers()
        .iter()
        .map(keras::LayerWeights::name)
        .collect();
    assert_eq!(names, ["lstm_1", "lstm_2"]);
    assert!(
        weights
            .to_string()
            .contains("lstm_1: kernel (59, 200), recurrent_kernel (50, 200)")
    );
    let lower: Lstm<f32> = weights.lstm("lstm_1").unwrap();
    let net = lower.then(weights.lstm("lstm_2").unwrap());

    let reference = tests().join("data/chars2vec/reference.json");
    let reference: Value = serde_json::from_slice(&read(&reference)).unwrap();
    let letters = reference["letters"].as_object().unwrap();
    let mut worst = 0.0_f64;
    for (word, vector) in reference["alone"].as_object().unwrap() {
        let word: Vec<char> = word.to_lowercase().chars().collect();
        let mut x = Array3::zeros((1, word.len(), 59));
        for (t, letter) in word.iter().enumerate() {
            if let Some(at) = letters.get(&letter.to_string()) {
                x[[0, t, usize::try_from(at.as_u64().unwrap()).unwrap()]] = 1.0;
            }
        }
        let h: Array2<f32> = net.run(&x).last().unwrap();
        for (got, want) in h.iter().zip(vector.as_array().unwrap()) {
            worst = worst.max((f64::from(*got) - want.as_f64().unwrap()).abs());
        }
    }
    println!("{worst:.1e}");
    assert!(worst <= 2e-6, "{worst}");
}

#[test]
fn nearest_words() {
    let vectors = word_vectors::WordVectors::load().unwrap();
    for (given, expected) in [
        ("hello", "hello"),
        ("recurent", "recurrent"),
        ("nesessary", "necessary"),
        ("Definately", "definitely"),
    ] {
        let near = vectors.nearest(given, 3).unwrap();
        assert_eq!(near[0].0, expected);
        assert!(near.is_sorted_by(|a, b| a.1 <= b.1) && near.len() == 3);
        assert_eq!(near[0].1 == 0.0, given == expected, "{near:?}");
    }
    let far = vectors.nearest("", usize::MAX).unwrap();
    assert!(far.len() > 700 && far.iter().all(|(_, distance)| distance.is_finite()));
}
