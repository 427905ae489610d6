//! Files of the kinds that people bring: written on Windows, with NaN in their configuration, with layers of one name, and
//! with layers that are missing here.

use crate::data::tests;
use crate::family::read;
use crate::inside;
use crate::parts::layer;
use crate::says::says;
use ndarray::ArrayD;
use recurrent::{Gru, Lstm, Model, Recurrent, Tensor, keras, saved};
use serde_json::{Value, json};
use std::path::PathBuf;

fn field(name: &str) -> PathBuf {
    tests().join("data/field").join(name)
}

/// The text of a member of an archive.
fn member(path: &str, name: &str) -> String {
    inside::text(&read(&field(path)), name)
}

fn weights(path: &str) -> keras::Weights<'static> {
    keras::Weights::load(field(path)).unwrap()
}

fn names<'w>(weights: &'w keras::Weights) -> Vec<&'w str> {
    let layers = weights.layers().iter();
    layers.map(keras::LayerWeights::name).collect()
}

/// Asserts that both list the same layers with the same arrays.
#[track_caller]
fn same(one: &keras::Weights, other: &keras::Weights) {
    assert!(!one.layers().is_empty());
    assert_eq!(one.to_string(), other.to_string());
    for name in names(one) {
        let arrays = |weights: &keras::Weights| weights.arrays::<f32>(name).unwrap();
        assert_eq!(arrays(one), arrays(other), "{name}");
    }
}

#[cfg(feature = "npz")]
fn array(path: &str, name: &str) -> ArrayD<f32> {
    let file = recurrent::npz::File::load(field(path)).unwrap();
    file.array(name).unwrap()
}

/// Asserts that these are the same numbers, and NaN in the same places.
#[cfg(feature = "npz")]
#[track_caller]
fn close(found: &ArrayD<f32>, expected: &ArrayD<f32>) {
    assert_eq!(found.shape(), expected.shape());
    let same = |(x, y): (&f32, &f32)| (x.is_nan() && y.is_nan()) || (x - y).abs() < 2e-6;
    assert!(
        found.iter().zip(expected).all(same),
        "{found}, expected {expected}"
    );
}

#[cfg(feature = "npz")]
#[test]
fn files_from_windows_are_models() {
    let input = array("windows_keras/in.npz", "input_0");
    let expected = array("windows_keras/expected.npz", "output_0");
    let config = member("windows_keras/windows.keras", "config.json");
    let mut models = Vec::new();
    for path in ["linux.keras", "windows.keras"] {
        let path = format!("windows_keras/{path}");
        models.push(keras::load::<f32>(field(&path)).unwrap());
        models.push(keras::read(&read(&field(&path))).unwrap());
    }
    for path in ["windows", "mixed", "whole"] {
        let bytes = read(&field(&format!("windows_keras/{path}.weights.h5")));
        let reader = keras::Reader::new().version("2.15.0".parse().unwrap());
        models.push(reader.read_parts(&config, &bytes).unwrap());
    }
    for model in models {
        close(&model.forward(&input).unwrap(), &expected);
    }
}

#[test]
fn images_before_a_recurrent_layer() {
    for (name, file) in [("crnn_keras3", "keras"), ("video_tf_keras", "h5")] {
        let path = format!("conv2d_front/{name}");
        let input = array(&format!("{path}_in.npz"), "input_0");
        let expected = array(&format!("{path}_expected.npz"), "output_0");
        let model = keras::load::<f32>(field(&format!("{path}.{file}"))).unwrap();
        close(&model.forward(&input).unwrap(), &expected);
    }
}

#[test]
fn files_from_windows_have_the_layers_of_others() {
    let linux = weights("windows_keras/linux.keras");
    same(&linux, &weights("windows_keras/windows.keras"));
    // Without a configuration a layer has the name of its group.
    let alone = weights("windows_keras/windows.weights.h5");
    let expected = [
        "bidirectional/backward_layer",
        "bidirectional/forward_layer",
        "dense",
        "lstm",
        "time_distributed/layer/dense",
    ];
    assert_eq!(names(&alone), expected);
    for name in expected {
        let arrays = |weights: &keras::Weights| weights.arrays::<f32>(name).unwrap();
        assert_eq!(arrays(&alone), arrays(&linux), "{name}");
    }
    assert_eq!(names(&linux)[2], "dense_1");
    for path in ["mixed.weights.h5", "whole.weights.h5"] {
        same(&alone, &weights(&format!("windows_keras/{path}")));
    }
    // Keras 2.12 to 2.14 had other names of groups.
    for version in ["v2.12", "v2.14"] {
        let name = format!("{version}_tree");
        let models = tests().join("data/keras_files/models");
        let linux = models.join(format!("{name}.weights.h5"));
        let windows = format!("windows_keras/{name}.weights.h5");
        same(&keras::Weights::load(&linux).unwrap(), &weights(&windows));
        let archive = read(&models.join(format!("{name}.keras")));
        let config = inside::text(&archive, "config.json");
        let reader = keras::Reader::new().version(version[1..].parse().unwrap());
        for bytes in [read(&linux), read(&field(&windows))] {
            reader.read_parts::<f32>(&config, &bytes).unwrap();
        }
    }
}

#[test]
fn a_backslash_may_be_part_of_a_name() {
    let weights = |path| weights(&format!("windows_keras/{path}.weights.h5"));
    let file = weights("names");
    assert_eq!(names(&file), ["a/b", r"a\b"]);
    for (name, value) in [("a/b", 1.0_f32), (r"a\b", 2.0)] {
        let arrays = file.arrays::<f32>(name).unwrap();
        assert_eq!(arrays.len(), 2);
        assert!(
            arrays
                .iter()
                .flatten()
                .all(|x| x.to_bits() == value.to_bits()),
            "{name}"
        );
    }
    // Two spellings of one layer: both are listed, and a model, which would leave one of them over, is refused.
    let (both, linux) = (weights("both"), self::weights("windows_keras/linux.keras"));
    assert_eq!(both.layers().len(), linux.layers().len() + 1);
    let kernel =
        |weights: &keras::Weights, name: &str| weights.arrays::<f32>(name).unwrap()[0].clone();
    assert_eq!(kernel(&both, "dense"), kernel(&linux, "dense"));
    assert_eq!(
        kernel(&both, r"layers\dense"),
        kernel(&linux, "dense") + 1.0
    );
    let config = member("windows_keras/windows.keras", "config.json");
    let bytes = read(&field("windows_keras/both.weights.h5"));
    let reader = keras::Reader::new().version("2.15.0".parse().unwrap());
    says(
        reader.read_parts::<f32>(&config, &bytes),
        &[r"layers\dense/vars/0", "no layer takes"],
    );
}

#[cfg(feature = "npz")]
#[test]
fn configurations_with_nan_are_read_as_python_reads_them() {
    let input = array("json_nan/in.npz", "input_0");
    let expected = array("json_nan/out.npz", "output_0");
    let (text, bytes) = (member("json_nan/model.keras", "config.json"), {
        let bytes = read(&field("json_nan/model.keras"));
        inside::member(&bytes, "model.weights.h5")
    });
    assert!(text.contains("\"mask_value\": NaN"));
    let parts = keras::Reader::new().read_parts::<f32>(&text, &bytes);
    for model in [
        keras::load(field("json_nan/model.keras")).unwrap(),
        keras::load(field("json_nan/model.h5")).unwrap(),
        parts.unwrap(),
    ] {
        close(&model.forward(&input).unwrap(), &expected);
    }
}

/// The model of `json_nan` with another value in its configuration, which is the text of Python.
fn with(name: &str, pointer: &str, value: &str) -> recurrent::Result<Model<f32>> {
    let text = member("json_nan/model.keras", "config.json").replace("NaN", "0.5");
    let bytes = read(&field("json_nan/model.keras"));
    let mut config: Value = serde_json::from_str(&text).unwrap();
    *layer(&mut config, name).pointer_mut(pointer).unwrap() = json!("@");
    let text = config.to_string().replace("\"@\"", value);
    let weights = inside::member(&bytes, "model.weights.h5");
    keras::Reader::new().read_parts(&text, &weights)
}

#[test]
fn keras_1_calls_the_rates_of_dropout_otherwise() {
    let text = member("json_nan/model.keras", "config.json").replace("NaN", "0.5");
    let mut config: Value = serde_json::from_str(&text).unwrap();
    let lstm = &mut layer(&mut config, "lstm")["config"];
    let lstm = lstm.as_object_mut().unwrap();
    for (new, old, rate) in [
        ("dropout", "dropout_W", 0.3),
        ("recurrent_dropout", "dropout_U", 0.4),
    ] {
        lstm.remove(new).unwrap();
        lstm.insert(old.into(), json!(rate));
    }
    let weights = inside::member(&read(&field("json_nan/model.keras")), "model.weights.h5");
    let model: Model<f32> = keras::Reader::new()
        .read_parts(&config.to_string(), &weights)
        .unwrap();
    let text = saved::write(&model).unwrap();
    let text = String::from_utf8_lossy(&text);
    assert!(text.contains(r#"\"dropout\":0.3"#) && text.contains(r#"\"recurrent_dropout\":0.4"#));
}

#[test]
fn a_number_that_has_to_be_finite_is_said() {
    for value in ["NaN", "Infinity", "-Infinity"] {
        with("masking", "/config/mask_value", value).unwrap();
        with("not_equal", "/inbound_nodes/0/args/1", value).unwrap();
        // Keras limits it: `min(1.0, max(0.0, rate))`, where NaN becomes 0.
        let model = with("lstm", "/config/dropout", value).unwrap();
        let text = saved::write(&model).unwrap();
        let rate = if value == "Infinity" { "1.0" } else { "0.0" };
        let rate = format!(r#"\"dropout\":{rate}"#);
        assert!(String::from_utf8_lossy(&text).contains(&rate), "{rate}");
        let found = format!("found {value}, expected");
        says(
            with("lstm", "/config/units", value),
            &["layer \"lstm\" (LSTM): units", &found, "a count"],
        );
        says(
            with("lstm", "/config/activation", value),
            &["layer \"lstm\" (LSTM)", &found],
        );
        let relu = |key: &str| {
            let relu = format!(r#"{{"class_name": "ReLU", "config": {{"{key}": {value}}}}}"#);
            with("lstm", "/config/activation", &relu)
        };
        says(
            relu("negative_slope"),
            &["negative_slope", &found, "a finite number"],
        );
        says(relu("threshold"), &["threshold", &found, "a finite number"]);
        assert_eq!(relu("max_value").is_ok(), value == "Infinity");
        says(with("masking", "", value), &[&found]);
    }
    // A text is no number.
    says(
        with("masking", "/config/mask_value", "\"NaN\""),
        &["mask_value", "found \"NaN\", expected a number"],
    );
}

#[cfg(feature = "npz")]
#[test]
fn layers_of_one_name_are_told_apart_by_their_paths() {
    let file = weights("same_inner_names/keras3.h5");
    assert_eq!(names(&file), ["outer/block_0/lstm", "outer/block_1/lstm"]);
    let x = array("same_inner_names/in.npz", "X");
    let x = x.into_dimensionality().unwrap();
    for name in ["block_0", "block_1"] {
        let lstm: Lstm<f32> = file.lstm(&format!("outer/{name}/lstm")).unwrap();
        let found = lstm.run(&x).sequences().unwrap();
        let expected = array("same_inner_names/expected_keras3.npz", &format!("Y_{name}"));
        close(&found.into_dyn(), &expected);
    }
    says(
        file.lstm::<f32>("outer"),
        &["outer/block_0/lstm, outer/block_1/lstm"],
    );
}

#[test]
fn relatives_of_layers_of_one_name() {
    for (path, expected) in [
        (
            "lists.h5",
            &[
                "sequential/a/lstm",
                "sequential/b/lstm",
                "wrapper/bidirectional/forward_lstm",
                "wrapper/bidirectional/backward_lstm",
                "wrapper/bidirectional_1/forward_lstm",
                "wrapper/bidirectional_1/backward_lstm",
                "cells/lstm_cell",
                "cells/lstm_cell_1",
                "apart/lstm",
                "apart/gru",
                "plain",
            ][..],
        ),
        (
            "tree.weights.h5",
            &["own/a/lstm", "own/b/lstm", "own/cell", "own"][..],
        ),
    ] {
        let file = weights(&format!("same_inner_names/{path}"));
        assert_eq!(names(&file), expected, "{path}");
        for name in expected {
            let arrays = file.arrays::<f32>(name).unwrap();
            assert_eq!(arrays.len(), 3, "{name}");
            let value = arrays[0][[0, 0]];
            assert!(
                arrays
                    .iter()
                    .flatten()
                    .all(|x| x.to_bits() == value.to_bits()),
                "{name}"
            );
        }
    }
}

#[cfg(feature = "npz")]
#[test]
fn multi_head_attention_is_a_layer() {
    let path = "arguments_before_class/mha_keras3.keras";
    let model: Model<f32> = keras::load(field(path)).unwrap();
    let input = array("arguments_before_class/in.npz", "input_0");
    let expected = array("arguments_before_class/expected_keras3.npz", "output_0");
    close(&model.forward(&input).unwrap(), &expected);
    assert!(
        names(&weights(path)).contains(&"multi_head_attention/key_dense"),
        "{}",
        weights(path)
    );
}

#[test]
fn a_missing_layer_is_named_before_its_arguments() {
    let refused = |path: &str, words: &[&str]| {
        let by_hand = ["`Model::graph`", "`keras::Weights`", "`AnyLayer`"];
        let words: Vec<&str> = words.iter().copied().chain(by_hand).collect();
        says(keras::load::<f32>(field(path)), &words);
    };
    refused(
        "arguments_before_class/cell_as_layer.keras",
        &["layer \"lstm_cell\" (LSTMCell): found the cell LSTMCell as a layer, expected"],
    );
    refused(
        "arguments_before_class/own_class.h5",
        &["layer \"both\" (mine>Both): found the class \"mine>Both\", expected a class of Keras"],
    );
    refused(
        "same_inner_names/keras3.h5",
        &["layer \"outer\" (Outer): found Outer, expected a layer"],
    );
    refused(
        "lambda/lambda.keras",
        &["(Lambda): found a Lambda, which is Python code, expected a layer"],
    );
}

#[cfg(feature = "npz")]
#[test]
fn operations_between_layers_compute_what_keras_computed() {
    for (name, model) in [
        ("add", "add.h5"),
        ("getitem", "getitem.h5"),
        ("getitem_reverse", "getitem_reverse.keras"),
    ] {
        let array = |end: &str, of: &str| array(&format!("tf_ops/{name}.{end}.npz"), of);
        let model: Model<f32> = keras::load(field(&format!("tf_ops/{model}"))).unwrap();
        let inputs: Vec<Tensor<f32>> = (0..model.inputs().len())
            .map(|n| Tensor::new(&array("in", &format!("input_{n}"))))
            .collect();
        for (n, output) in model.forward_all(inputs).unwrap().iter().enumerate() {
            close(&output.values, &array("out", &format!("output_{n}")));
        }
    }
}

#[test]
fn an_operation_that_is_missing_is_named() {
    let bytes = read(&field("tf_ops/add.h5"));
    let config = inside::attribute(&bytes, "model_config").unwrap();
    let config: Value = serde_json::from_str(&config).unwrap();
    let reader = keras::Reader::new().version("2.21.0".parse().unwrap());
    let refused = |function: &str, words: &[&str]| {
        let mut config = config.clone();
        let layer = layer(&mut config, "tf.__operators__.add");
        layer["config"]["function"] = json!(function);
        // Its arguments do not matter if it is not there.
        layer["inbound_nodes"] = json!(["nothing"]);
        says(reader.read_parts::<f32>(&config.to_string(), &bytes), words);
    };
    let part = "layer \"tf.__operators__.add\" (TFOpLambda): found";
    refused("math.add", &[part, "\"nothing\", expected [layer, call"]);
    let found = "the operation linalg.qr of TensorFlow, expected";
    refused("linalg.qr", &[part, found, "`AnyLayer`"]);
}

#[test]
fn a_missing_layer_inside_of_another_one_is_named() {
    let replace = |name: &str, pointer: &str, value: Value| with(name, pointer, &value.to_string());
    let conv = json!({"class_name": "Conv3D", "config": {"filters": -1}});
    for (pointer, value, words) in [
        (
            "/class_name",
            json!("Conv3D"),
            "layer \"lstm\" (Conv3D): found Conv3D",
        ),
        (
            "/class_name",
            json!("TimeDistributed"),
            "(TimeDistributed): layer",
        ),
        ("/config", json!({"layer": conv}), "(LSTM): units"),
    ] {
        says(replace("lstm", pointer, value), &[words]);
    }
    let as_layer = |class: &str, key: &str| {
        let text = member("json_nan/model.keras", "config.json").replace("NaN", "0.5");
        let bytes = read(&field("json_nan/model.keras"));
        let mut config: Value = serde_json::from_str(&text).unwrap();
        let lstm = layer(&mut config, "lstm");
        lstm["class_name"] = json!(class);
        lstm["registered_name"] = json!(null);
        lstm["config"] = json!({"name": "lstm", key: conv});
        let weights = inside::member(&bytes, "model.weights.h5");
        keras::Reader::new().read_parts::<f32>(&config.to_string(), &weights)
    };
    let by_hand = "`AnyLayer`";
    says(
        as_layer("TimeDistributed", "layer"),
        &[
            "(TimeDistributed): layer \"Conv3D\" (Conv3D): found Conv3D",
            by_hand,
        ],
    );
    says(
        as_layer("Bidirectional", "layer"),
        &[
            "(Bidirectional): layer: found Conv3D, expected a recurrent layer",
            by_hand,
        ],
    );
    says(
        as_layer("RNN", "cell"),
        &["(Conv3D): found Conv3D, expected SimpleRNNCell", by_hand],
    );
}

#[test]
fn layers_in_the_lists_of_a_model_of_another_class_are_listed() {
    for path in ["lists.keras", "lists.weights.h5"] {
        let weights = weights(&format!("own_model/{path}"));
        assert_eq!(names(&weights), ["blocks/gru", "blocks/gru_1", "dense"]);
        let gru: Gru<f32> = weights.gru("blocks/gru_1").unwrap();
        assert_eq!((gru.features(), gru.units()), (2, 2));
        // The optimizer has arrays, too.
        assert!(!weights.to_string().contains("optimizer"));
    }
}
