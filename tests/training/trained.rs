//! What Keras files say of training: the steps of `tests/data/make_trained.py`, taken again from the files alone.

use crate::common::data::tests;
use ndarray::ArrayD;
use recurrent::keras::{self, Reader};
use recurrent::train::{Adam, Batch, Loss, Target, Training, TrainingBuilder};
use recurrent::{Model, Tensor};
use serde_json::Value;
use std::path::PathBuf;

fn file(name: &str) -> PathBuf {
    tests().join("data/trained").join(name)
}

fn cases() -> Vec<Value> {
    let bytes = std::fs::read(file("cases.json")).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn arrays(of: &Value) -> Vec<ArrayD<f64>> {
    let array = |of: &Value| {
        let shape: Vec<usize> = serde_json::from_value(of["shape"].clone()).unwrap();
        let numbers: Vec<f64> = serde_json::from_value(of["values"].clone()).unwrap();
        ArrayD::from_shape_vec(shape, numbers).unwrap()
    };
    of.as_array().unwrap().iter().map(array).collect()
}

fn text(of: &Value) -> &str {
    of.as_str().unwrap()
}

fn compiled(name: &str) -> TrainingBuilder<f64> {
    Reader::new().load_compiled(file(name)).unwrap()
}

/// Takes the steps of a case.
fn losses_of(training: &mut Training<f64>, case: &Value) -> Vec<f64> {
    let (x, y) = (arrays(&case["x"]), arrays(&case["y"]));
    let inputs: Vec<Tensor<f64>> = x.iter().map(|x| Tensor::new(x)).collect();
    let count = case["losses"].as_array().unwrap().len();
    let step = |_| {
        let targets = y.iter().map(|y| Target::new(y)).collect::<Vec<_>>();
        training
            .step(&Batch::all(inputs.clone(), targets))
            .unwrap()
            .loss
    };
    (0..count).map(step).collect()
}

fn expected(case: &Value) -> Vec<f64> {
    serde_json::from_value(case["losses"].clone()).unwrap()
}

fn is_near(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-9 * expected.abs().max(1.0)
}

#[test]
fn steps_from_files_are_those_of_keras() {
    let mut count = 0;
    for case in cases() {
        for name in case["files"].as_array().unwrap() {
            let mut training = compiled(text(name)).build().unwrap();
            let losses = losses_of(&mut training, &case);
            let pairs = losses.iter().zip(expected(&case));
            assert!(
                pairs.clone().all(|(a, b)| is_near(*a, b)),
                "{name}: {losses:?} {:?}",
                expected(&case)
            );
            let after: Model<f64> = keras::load(file(text(&case["after"]))).unwrap();
            for weight in after.weights() {
                let (path, expected) = (&weight.path, after.get(&weight.path).unwrap());
                let found = training.model().get(path).unwrap();
                let mut pairs = found.iter().zip(&expected);
                assert!(
                    pairs.all(|(a, b)| is_near(*a, *b)),
                    "{name}, {path}: {found} {expected}"
                );
            }
            count += 1;
        }
    }
    assert_eq!(count, 9);
}

/// Without an option of the file, the numbers are others: so the test above sees each of them.
#[test]
fn frozen_layers_penalties_and_constraints_count() {
    let case = &cases()[0];
    let training = |name| Reader::new().load_training::<f64>(file(name)).unwrap();
    let start = |builder: TrainingBuilder<f64>| {
        let loss = Loss::sparse_categorical_crossentropy();
        builder
            .loss(loss)
            .optimizer(Adam::keras(0.02))
            .build()
            .unwrap()
    };
    let mut with = start(training("k3_one.keras"));
    let model: Model<f64> = keras::load(file("k3_one.keras")).unwrap();
    let mut without = start(Training::of(model));
    let first = losses_of(&mut with, case)[0];
    assert!(is_near(first, expected(case)[0]));
    assert!(losses_of(&mut without, case)[0] < first - 0.1);
    let still = "still/kernel";
    let before: Model<f64> = keras::load(file("k3_one.keras")).unwrap();
    assert_eq!(with.model().get(still).unwrap(), before.get(still).unwrap());
    assert_ne!(
        without.model().get(still).unwrap(),
        before.get(still).unwrap()
    );
}

#[test]
fn bytes_are_read_as_files_are() {
    let bytes = std::fs::read(file("k3_three.keras")).unwrap();
    let from_bytes = Reader::new().read_compiled::<f64>(&bytes).unwrap();
    let case = cases()
        .into_iter()
        .find(|case| case["id"] == "k3_three")
        .unwrap();
    let losses = losses_of(&mut from_bytes.build().unwrap(), &case);
    assert!(is_near(losses[2], expected(&case)[2]));
}

#[test]
fn what_was_not_compiled_is_refused() {
    let found = Reader::new().load_compiled::<f64>(file("k3_one_after.h5"));
    let message = found.err().unwrap().to_string();
    assert!(message.contains("a model that was compiled"), "{message}");
    // Its layers say something all the same.
    assert!(
        Reader::new()
            .load_training::<f64>(file("k3_one_after.h5"))
            .is_ok()
    );
}
