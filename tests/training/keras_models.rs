//! Every model of Keras among the test data, with its layers and operations of all kinds: either its gradients are right, or
//! it is refused by the name of a layer.
//!
//! The gradients of some numbers of every weight and of every input are held against central differences, in f64.

use crate::common::data::tests;
use crate::layer_differences::numbers;
use ndarray::ArrayD;
use recurrent::train::ModelRecording;
use recurrent::{Model, Tensor, keras};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

/// The models that cannot be trained as they are, with the layer.
const REFUSED: [(&str, &str); 4] = [
    // Keras normalises every timestep by statistics of its own.
    ("k2_images_video", "layer 1 (norm)"),
    ("k2_nested", "layer 1 (each)"),
    ("k3_images_video", "layer 1 (norm)"),
    ("k3_nested", "layer 1 (each)"),
];

/// Models in which a query sees nothing but padding, by the rule of Keras 2: its scores are of -10⁹, where neighbouring
/// numbers are 10⁻⁷ apart, so that differences have few digits.
const COARSE: [&str; 2] = ["k2_attend_block", "k2_attend_seq2seq"];

/// How many numbers of an array are compared.
const SOME: usize = 5;

#[test]
fn models_of_the_golden_data() {
    check_folder(&tests().join("golden/keras_files"), 10);
}

#[test]
fn models_of_our_own() {
    check_folder(&tests().join("data/keras_files"), 40);
}

#[test]
fn operations() {
    check_folder(&tests().join("data/keras_ops"), 15);
}

fn tensors(folder: &Path) -> HashMap<String, ArrayD<f64>> {
    let bytes = std::fs::read(folder.join("tensors.safetensors")).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let tensors = tensors.tensors().into_iter().map(|(name, view)| {
        let numbers = view.data().as_chunks().0.iter();
        let numbers = numbers.map(|b| f32::from_le_bytes(*b).into()).collect();
        let array = ArrayD::from_shape_vec(view.shape().to_vec(), numbers).unwrap();
        (name, array)
    });
    tensors.collect()
}

fn check_folder(folder: &Path, least: usize) {
    let tensors = tensors(folder);
    let cases = std::fs::read(folder.join("cases.json")).unwrap();
    let cases: Vec<Value> = serde_json::from_slice(&cases).unwrap();
    let (mut trained, mut wrong) = (0, Vec::new());
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        let files = ["keras", "h5"].map(|kind| case["files"][kind].as_str());
        let Some(file) = files.into_iter().flatten().next() else {
            continue; // weights alone
        };
        let mut model: Model<f64> = keras::load(folder.join(file)).unwrap();
        let inputs = case["calls"][0]["inputs"].as_array().unwrap().iter();
        let inputs = inputs.map(|name| Tensor::new(&tensors[name.as_str().unwrap()]));
        let inputs: Vec<Tensor<f64>> = inputs.collect();
        let refused = REFUSED.iter().find(|(refused, _)| *refused == id);
        let allowed = if COARSE.contains(&id) { 0.01 } else { 1e-7 };
        match (check(&mut model, &inputs, allowed), refused) {
            (Ok(()), None) => trained += 1,
            (Ok(()), Some(_)) => wrong.push(format!("{id}: is not refused")),
            (Err(error), Some((_, name))) if error.contains(name) => {}
            (Err(error), _) => wrong.push(format!("{id}: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(trained >= least, "only {trained} models were compared");
}

/// What is wrong with a gradient, or why there is none.
fn check(model: &mut Model<f64>, inputs: &[Tensor<f64>], allowed: f64) -> Result<(), String> {
    let run = model
        .record(inputs.to_vec())
        .map_err(|error| error.to_string())?;
    let factors: Vec<ArrayD<f64>> = run
        .outputs()
        .iter()
        .zip(90..)
        .map(|(y, seed)| numbers(y.values.shape(), seed))
        .collect();
    let upstream: Vec<_> = factors.iter().cloned().map(Some).collect();
    let gradient = run.backward(&upstream).map_err(|error| error.to_string())?;
    drop(run);
    let mut wrong = Vec::new();
    let mut agree = |place: String, got: f64, of: &dyn Fn(f64) -> f64| {
        let is_right = |h: f64, allowed: f64| {
            let want = (of(h) - of(-h)) / (2.0 * h);
            ((got - want).abs() <= allowed * want.abs().max(1.0), want)
        };
        let (right, want) = is_right(1e-5, allowed);
        // Between two points that lie closer there is no kink, such as that of a maximum where another number is close.
        if !right && !is_right(1e-8, 1e-5).0 {
            wrong.push(format!("gradient of {place} is {got}, expected {want}"));
        }
    };
    for (path, d) in gradient.weights.iter() {
        let whole: ArrayD<f64> = model.get(path).unwrap();
        for at in some(d.len()) {
            let cell = std::cell::RefCell::new(&mut *model);
            agree(
                format!("{path}[{at}]"),
                d.iter().copied().nth(at).unwrap(),
                &|h| {
                    let mut moved = whole.clone();
                    *moved.iter_mut().nth(at).unwrap() += h;
                    let mut model = cell.borrow_mut();
                    model.set(path, &moved).unwrap();
                    loss(&model.record(inputs.to_vec()).unwrap(), &factors)
                },
            );
        }
        model.set(path, &whole).unwrap();
    }
    for (n, (input, d)) in inputs.iter().zip(&gradient.inputs).enumerate() {
        // Token ids cannot be moved.
        if input.values.iter().all(|x| x.fract() == 0.0) {
            continue;
        }
        for at in some(input.values.len()) {
            // A number of a masked timestep: moved, it would not be masked.
            if input.values.iter().copied().nth(at) == Some(0.0) {
                continue;
            }
            let got = d
                .as_ref()
                .map_or(0.0, |d| d.iter().copied().nth(at).unwrap());
            agree(format!("input {n}[{at}]"), got, &|h| {
                let mut moved = inputs.to_vec();
                *moved[n].values.iter_mut().nth(at).unwrap() += h;
                loss(&model.record(moved).unwrap(), &factors)
            });
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("\n    "))
    }
}

/// Some places of an array.
fn some(len: usize) -> impl Iterator<Item = usize> {
    (0..len).step_by((len / SOME).max(1))
}

fn loss(run: &ModelRecording<f64>, factors: &[ArrayD<f64>]) -> f64 {
    let outputs = run.outputs().iter().zip(factors);
    outputs.map(|(y, factor)| (&y.values * factor).sum()).sum()
}
