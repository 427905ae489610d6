//! Weights without a configuration: listed, and taken layer by layer.

use crate::data::{ours, tests};
use crate::family::{Family, read};
use crate::says::says;
use ndarray::Array2;
use recurrent::{Activation, Bidirectional, Dense, Gru, Lstm, Model, Recurrent, SimpleRnn, keras};
use std::path::PathBuf;

fn made(name: &str) -> PathBuf {
    tests().join("data/keras_files/models").join(name)
}

fn names(weights: &keras::Weights) -> Vec<String> {
    weights
        .layers()
        .iter()
        .map(|layer| layer.name().to_string())
        .collect()
}

#[test]
fn layers_of_a_tree_are_found_by_their_names() {
    // Groups are named by class, layers by whoever made them: `layers/lstm` is the encoder.
    let family = Family::load(ours("keras_files"));
    let case = family
        .cases
        .iter()
        .find(|case| case["id"] == "func_seq2seq")
        .unwrap();
    let path = family.file(case, "weights_h5").unwrap();
    let weights = keras::Weights::load(&path).unwrap();
    assert_eq!(names(&weights), ["readout", "encoder", "decoder"]);
    assert_eq!(weights.version().major(), 3);
    let kernel = family.tensor(&case["weights"][3]["tensor"]).clone();
    let decoder: Lstm<f64> = weights.lstm("decoder").unwrap();
    assert_eq!(decoder.kernel().into_dyn(), kernel);
    assert_eq!(decoder.recurrent_activation(), Activation::Sigmoid);
    let dense: Dense<f32> = weights.dense("readout").unwrap();
    assert_eq!((dense.features(), dense.units()), (5, 4));
    let shapes: Vec<_> = weights.layers()[0]
        .arrays()
        .map(|(_, shape)| shape.to_vec())
        .collect();
    assert_eq!(shapes, [vec![5, 4], vec![4]]);
    says(
        weights.lstm::<f32>("lstm"),
        &["\"lstm\"", "readout, encoder, decoder"],
    );
    says(
        weights.gru::<f32>("encoder"),
        &[
            "encoder",
            "recurrent_kernel: found an LSTM (4 gates), expected a GRU (3 gates)",
        ],
    );
    says(
        weights.gru::<f32>("readout"),
        &["recurrent_kernel: found 1 axis, expected 2 axes"],
    );
    says(
        weights.embedding::<f32>("readout"),
        &["readout", "found 2, expected 1 array"],
    );
    assert_eq!(weights.arrays::<f32>("readout").unwrap().len(), 2);
}

#[test]
fn weights_are_taken_out_of_an_archive_too() {
    let models = ours("keras_files").join("models");
    let archive = keras::Weights::load(models.join("func_seq2seq.keras")).unwrap();
    let alone = keras::Weights::load(models.join("func_seq2seq.weights.h5")).unwrap();
    assert_eq!(names(&archive), names(&alone));
    for name in names(&alone) {
        let arrays = archive.arrays::<f32>(&name).unwrap();
        assert_eq!(arrays, alone.arrays::<f32>(&name).unwrap(), "{name}");
    }
    // The archive tells its whole version, weights alone do not.
    assert_eq!(archive.version().to_string(), "3.15.1");
    says(
        keras::Weights::read(&b"PK\x05\x06 and nothing else"[..]),
        &["archive"],
    );
}

#[test]
fn parts_of_a_layer_have_names_of_their_own() {
    let lists = keras::Weights::load(made("k2_frozen.h5")).unwrap();
    assert_eq!(lists.version().to_string(), "2.21.0");
    assert_eq!(
        names(&lists),
        [
            "part/norm",
            "part/last",
            "part/first",
            "bi/forward_lstm",
            "bi/backward_lstm",
            "out"
        ][..]
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    );
    says(
        lists.lstm::<f32>("bi"),
        &["bi/forward_lstm, bi/backward_lstm"],
    );

    let tree = keras::Weights::load(made("k3_frozen.weights.h5")).unwrap();
    let both = ["forward", "backward"];
    let [forward, backward] = both.map(|way| tree.lstm::<f64>(&format!("bi/{way}_layer")).unwrap());
    let by_hand = Bidirectional::new(forward, backward);
    let x = ndarray::Array3::from_shape_fn((2, 3, 3), |(i, j, k)| (i + 2 * j + k) as f64 / 9.0);
    assert_eq!(by_hand.run(&x).sequences().unwrap().dim(), (2, 3, 6));
    let inner: Dense<f64> = tree.dense("part/first").unwrap();
    assert_eq!(inner.features(), 3);
}

#[test]
fn every_kind_of_cell() {
    let weights = keras::Weights::load(made("k3_cells.h5")).unwrap();
    let all = names(&weights);
    let part = |of: &str| all.iter().find(|name| name.contains(of)).unwrap();
    let rnn: SimpleRnn<f32> = weights.simple_rnn(part("simple_rnn_cell")).unwrap();
    assert_eq!(rnn.units(), 4);
    let gru: Gru<f32> = weights.gru(part("stack/gru_cell")).unwrap();
    assert!(!gru.reset_after()); // the shape of the bias tells
    // The layer of this cell goes backwards.
    says(
        weights.lstm::<f32>("one"),
        &["go_backwards: found true", "load the whole model"],
    );
    let weights = keras::Weights::load(made("k3_frozen.weights.h5")).unwrap();
    let lstm: Lstm<f32> = weights.lstm("bi/forward_layer").unwrap();
    let set: Lstm<f32> = weights
        .lstm_with("bi/forward_layer", |builder| {
            builder.activation(Activation::Relu)
        })
        .unwrap();
    assert_eq!(
        (lstm.activation(), set.activation()),
        (Activation::Tanh, Activation::Relu)
    );
}

#[test]
fn layers_of_cudnn_and_of_keras_1_are_converted() {
    // The whole models, which are compared with Keras, have the same layers.
    let weights = keras::Weights::load(made("k2_cudnn.h5")).unwrap();
    let gru: Gru<f64> = weights.gru("cu_dnngru_1").unwrap();
    let lstm = |way: &str| {
        weights
            .lstm::<f64>(&format!("bidirectional_1/{way}_cu_dnnlstm_1"))
            .unwrap()
    };
    let dense: Dense<f64> = weights.dense("dense_1").unwrap();
    let model = Model::new()
        .add(recurrent::Layer::new(gru).return_sequences(true))
        .add(recurrent::Layer::new(Bidirectional::new(
            lstm("forward"),
            lstm("backward"),
        )))
        .add(dense);
    let family = Family::load(tests().join("data/keras_files"));
    let case = |id: &str| family.cases.iter().find(|case| case["id"] == id).unwrap();
    family.check(case("k2_cudnn"), &model).unwrap();

    let weights = keras::Weights::load(made("k1_recurrent.h5")).unwrap();
    assert_eq!(weights.version().major(), 1);
    let lstm: Lstm<f32> = weights.lstm("lstm_1").unwrap();
    assert_eq!(lstm.recurrent_activation(), Activation::HARD_SIGMOID_KERAS2);
    let whole: Lstm<f32> = weights.lstm("lstm_2").unwrap();
    assert_eq!((lstm.features(), whole.units()), (4, 3));
}

#[test]
fn shards_are_one_file() {
    let weights = keras::Weights::load(made("k3_shards.weights.json")).unwrap();
    let whole = keras::load::<f32>(made("k3_shards.keras")).unwrap();
    let counted: usize = weights
        .layers()
        .iter()
        .flat_map(keras::LayerWeights::arrays)
        .map(|(_, shape)| shape.iter().product::<usize>())
        .sum();
    assert_eq!(counted, whole.parameter_count().total());
    let table = weights.embedding::<f32>("table").unwrap();
    assert_eq!(table.embeddings().dim(), (9, 5));

    // A name in the map is that of a file beside it.
    let map = r#"{"weight_map": {"/layers/lstm/cell/vars": ["../k3_shards_00000.weights.h5"]}}"#;
    let path = std::env::temp_dir().join(format!("recurrent_{}.weights.json", std::process::id()));
    std::fs::write(&path, map).unwrap();
    says(
        keras::Weights::load(&path),
        &["../k3_shards", "files beside it"],
    );
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn what_the_version_does_not_decide_is_asked_for() {
    let bytes = read(&made("k2_cudnn.h5"));
    let reader = || keras::Reader::new().version("2.2.4-tf".parse().unwrap());
    // cuDNN has one form only.
    reader()
        .read_weights(bytes.as_slice())
        .unwrap()
        .lstm::<f32>("bidirectional_1/forward_cu_dnnlstm_1")
        .unwrap();
    let family = Family::load(ours("keras_files"));
    let case = family
        .cases
        .iter()
        .find(|case| case["id"] == "seq_lstm_dense")
        .unwrap();
    let bytes = read(&family.file(case, "weights_h5").unwrap());
    let weights = reader().read_weights(bytes.as_slice()).unwrap();
    let message = weights.lstm::<f32>("lstm").err().unwrap().to_string();
    assert_eq!(
        message,
        "layer \"lstm\": arguments: recurrent_activation: found none, and the version 2.2.4-tf, expected it in the \
         file or from `Reader::recurrent_activation`: TensorFlow 1 and 2 differ in it"
    );
    let reader = reader().recurrent_activation(Activation::HARD_SIGMOID);
    let lstm = reader
        .read_weights(bytes.as_slice())
        .unwrap()
        .lstm::<f32>("lstm")
        .unwrap();
    assert_eq!(lstm.recurrent_activation(), Activation::HARD_SIGMOID);
    let _: Array2<f32> = lstm.kernel();
}

#[test]
fn errors_name_the_file() {
    for file in [
        "k3_frozen.weights.h5",
        "k3_frozen.keras",
        "k3_shards.weights.json",
    ] {
        let path = made(file);
        let version = "2.2.4-tf".parse().unwrap();
        let reader = keras::Reader::new().version(version);
        let weights = reader.load_weights(&path).unwrap();
        let mut names = weights.layers().iter().map(keras::LayerWeights::name);
        let lstm = names.find(|name| name.contains("forward")).unwrap();
        let place = path.display().to_string();
        // A configuration says what its version does not decide, and of which class a layer is.
        let (gru, dense) = if path.extension().is_some_and(|end| end == "keras") {
            weights.lstm::<f32>(lstm).unwrap();
            ("LSTM", "LSTM")
        } else {
            ("4 gates", "array")
        };
        for (error, words) in [
            (weights.gru::<f32>(lstm).err(), gru),
            (weights.dense::<f32>(lstm).err(), dense),
            (weights.lstm::<f32>("nobody").err(), "\"nobody\""),
            (weights.arrays::<f32>("nobody").err(), "\"nobody\""),
        ] {
            let message = error.unwrap().to_string();
            assert!(message.starts_with(&format!("{place}: layer")), "{message}");
            assert_eq!(message.matches(&place).count(), 1, "{message}");
            assert_eq!(message.matches(": layer").count(), 1, "{message}");
            assert!(message.contains(words), "{message}");
        }
    }
}
