//! Models and layers that came from files of other programs, written as files of this crate.

use crate::data::{ours, tests};
use crate::family::Family;
use crate::{again, numbers, same};
use ndarray::Ix3;
use recurrent::saved::Saved;
use recurrent::*;
use serde_json::Value;
use std::path::PathBuf;

fn keras_models<A: Element>(family: &Family) -> usize {
    let mut models = 0;
    for case in &family.cases {
        for kind in ["keras", "h5"] {
            let Some(path) = family.file(case, kind) else {
                continue;
            };
            let what = format!("{} {kind}", case["id"]);
            let model: Model<A> = keras::load(&path).unwrap();
            let back = again(&model);
            assert_eq!(back.summary(), model.summary(), "{what}");
            check_calls(&what, family, case, &model, &back);
            models += 1;
        }
    }
    models
}

/// All calls of a case in one session, and in one that is broken off and gone on with behind each call, elsewhere.
fn check_calls<A: Element>(
    what: &str,
    family: &Family,
    case: &Value,
    model: &Model<A>,
    back: &Model<A>,
) {
    let (mut session, mut kept) = (Session::new(model), None::<String>);
    for call in case["calls"].as_array().unwrap() {
        let inputs = call["inputs"].as_array().unwrap().iter();
        let inputs = inputs.map(|name| Tensor::new(&family.tensor(name).mapv(A::from_f64)));
        let inputs: Vec<Tensor<A>> = inputs.collect();
        let mut other = Session::new(back);
        if let Some(text) = kept {
            other.resume(serde_json::from_str(&text).unwrap()).unwrap();
        }
        let outputs = other.forward_all(inputs.clone()).unwrap();
        same(what, &outputs, &session.forward_all(inputs).unwrap());
        let snapshot = other.snapshot().unwrap().unwrap();
        assert_eq!(session.snapshot().unwrap().unwrap(), snapshot, "{what}");
        kept = Some(serde_json::to_string(&snapshot).unwrap());
    }
}

/// The saved files that `tests/saved_without_keras.rs` reads.
fn kept(family: &Family) -> Vec<(PathBuf, Model<f32>)> {
    let kept = ["k2_nested", "k3_masks"].map(|id| {
        let case = family.cases.iter().find(|case| case["id"] == id).unwrap();
        let model = keras::load(family.file(case, "keras").unwrap()).unwrap();
        let path = family.root.join(format!("saved/{id}.safetensors"));
        (path, model)
    });
    kept.into()
}

#[test]
fn kept_files_are_what_is_written() {
    for (path, model) in kept(&Family::load(tests().join("data/keras_files"))) {
        let kept: Model<f32> = saved::load(&path).unwrap();
        assert!(saved::write(&kept).unwrap() == saved::write(&model).unwrap());
    }
}

#[test]
#[ignore = "writes files of the repository anew"]
fn record() {
    for (path, model) in kept(&Family::load(tests().join("data/keras_files"))) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        saved::save(&path, &model).unwrap();
    }
}

#[test]
fn golden_models_of_keras() {
    let family = Family::load(ours("keras_files"));
    assert!(keras_models::<f32>(&family) + keras_models::<f64>(&family) >= 30);
}

#[test]
fn our_models_of_keras() {
    let family = Family::load(tests().join("data/keras_files"));
    assert!(keras_models::<f32>(&family) + keras_models::<f64>(&family) >= 100);
}

#[test]
fn operations_of_keras() {
    let family = Family::load(tests().join("data/keras_ops"));
    assert!(keras_models::<f32>(&family) + keras_models::<f64>(&family) >= 30);
}

/// The same outputs on any numbers.
fn same_layer<R: Recurrent + Saved>(layer: &Layer<R>) {
    let back = again(layer);
    // As many samples as timesteps: some layers have the timesteps first.
    let x = numbers::<R::Elem>(&[4, 4, layer.inner().features()], 4);
    let x = x.into_dimensionality::<Ix3>().unwrap();
    let run = |layer: &Layer<R>| {
        let output = layer.run(&x).lengths(&[4, 2, 3, 0]).output().unwrap();
        let state = output.state().unwrap().to_arrays::<f64>().unwrap();
        (output.into_sequences().unwrap(), state)
    };
    assert!(run(&back) == run(layer));
}

fn of_directory(name: &str, end: &str) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for root in [
        ours(name).join("models"),
        tests().join("data").join(name).join("models"),
    ] {
        for entry in std::fs::read_dir(root).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == end) {
                files.push(crate::family::read(&path));
            }
        }
    }
    files
}

/// One of these layers is in the file.
macro_rules! first_of {
    ($($layer:expr),*) => {
        [$($layer.map(|layer| same_layer(&layer)).is_ok()),*].contains(&true)
    };
}

type Both<C> = Bidirectional<C, C>;

#[test]
fn modules_of_torch() {
    let mut count = 0;
    for bytes in of_directory("torch", "safetensors") {
        let Ok(file) = torch::File::read(&bytes) else {
            continue;
        };
        count += usize::from(first_of!(
            file.lstm::<f32, Layer<Deep<Lstm<f32>>>>(""),
            file.lstm::<f64, Layer<Deep<Both<Lstm<f64>>>>>(""),
            file.gru::<f32, Layer<Deep<Gru<f32>>>>(""),
            file.gru::<f64, Layer<Deep<Both<Gru<f64>>>>>(""),
            file.rnn::<f32, Layer<Deep<SimpleRnn<f32>>>>("", Activation::Relu),
            file.rnn::<f64, Layer<Deep<Both<SimpleRnn<f64>>>>>("", Activation::Tanh)
        ));
    }
    assert!(count >= 8, "{count}");
}

#[test]
fn nodes_of_onnx() {
    let mut count = 0;
    for bytes in of_directory("onnx", "onnx") {
        let file = onnx::File::read(&bytes).unwrap();
        for name in file.names().unwrap() {
            let (narrow, wide) = (file.node::<f32>(&name), file.node::<f64>(&name));
            let (Ok(narrow), Ok(wide)) = (narrow, wide) else {
                continue;
            };
            count += usize::from(first_of!(
                narrow.clone().lstm::<Layer<Lstm<f32>>>(),
                wide.clone().lstm::<Layer<Both<Lstm<f64>>>>(),
                narrow.clone().gru::<Layer<Gru<f32>>>(),
                wide.clone().gru::<Layer<Both<Gru<f64>>>>(),
                narrow.rnn::<Layer<SimpleRnn<f32>>>(),
                wide.rnn::<Layer<Both<SimpleRnn<f64>>>>()
            ));
        }
    }
    assert!(count >= 20, "{count}");
}
