//! `Weights` of files with a configuration: every layer has the arguments that its configuration says, or is refused.

use crate::data::{ours, tests};
use crate::says::says;
use recurrent::saved::{self, Saved};
use recurrent::{Activation, Dense, Embedding, Gru, Lstm, Model, SimpleRnn, keras};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn model_file(name: &str) -> PathBuf {
    tests().join("data/keras_files/models").join(name)
}

/// The four files of a model: `.keras` and `.h5` of Keras 2 and 3.
fn each(name: &str, check: impl Fn(&str, &keras::Weights)) {
    for (version, end) in [("k2", "keras"), ("k2", "h5"), ("k3", "keras"), ("k3", "h5")] {
        let file = format!("{version}_{name}.{end}");
        check(&file, &keras::Weights::load(model_file(&file)).unwrap());
    }
}

/// Which of these names of a layer the file has: `.h5` files call inner layers by their own names.
fn found<'n>(weights: &keras::Weights, names: [&'n str; 2]) -> &'n str {
    let has = |name: &&str| weights.arrays::<f32>(name).is_ok();
    names.into_iter().find(has).unwrap()
}

#[test]
fn every_argument_of_the_configuration_holds() {
    each("configured", |file, weights| {
        let hard_sigmoid = if file.starts_with("k2") {
            Activation::HARD_SIGMOID_KERAS2
        } else {
            Activation::HARD_SIGMOID
        };
        let gru: Gru<f32> = weights.gru("reader").unwrap();
        assert_eq!(gru.activation(), Activation::Relu, "{file}");
        assert_eq!(gru.recurrent_activation(), hard_sigmoid, "{file}");
        assert!(!gru.reset_after(), "{file}");
        assert_eq!(*gru.bias(), recurrent::GruBias::None, "{file}");

        let table: Embedding<f32> = weights.embedding("table").unwrap();
        assert!(
            format!("{table:?}").contains("mask_zero: true"),
            "{table:?}"
        );

        // The groups of these two have the names of each other in a `.keras`.
        let first: Lstm<f32> = weights.lstm("lstm_1").unwrap();
        assert_eq!(first.activation(), Activation::Softsign, "{file}");
        assert_eq!(first.recurrent_activation(), Activation::Tanh, "{file}");
        let second: Lstm<f32> = weights.lstm("lstm").unwrap();
        assert_eq!(
            second.activation(),
            Activation::Elu { alpha: 1.0 },
            "{file}"
        );
        assert_eq!(second.bias(), None, "{file}");

        let forward = found(weights, ["both/forward_layer", "both/there"]);
        let forward: SimpleRnn<f32> = weights.simple_rnn(forward).unwrap();
        assert_eq!(forward.activation(), Activation::Relu, "{file}");
        let backward = found(weights, ["both/backward_layer", "both/back"]);
        let backward: Gru<f32> = weights.gru(backward).unwrap();
        assert_eq!(backward.activation(), Activation::Sigmoid, "{file}");
        assert!(!backward.reset_after(), "{file}");

        let inner: Lstm<f32> = weights.lstm("part/inner").unwrap();
        assert_eq!(inner.activation(), Activation::Relu, "{file}");
        let dense: Dense<f32> = weights.dense("part/each").unwrap();
        assert_eq!(dense.activation(), Activation::Relu, "{file}");
        assert_eq!(dense.bias(), None, "{file}");
        let out: Dense<f32> = weights.dense("out").unwrap();
        assert_eq!(out.activation(), hard_sigmoid, "{file}");
    });
}

#[test]
fn the_rates_of_dropout_are_kept() {
    each("compiled", |file, weights| {
        let lstm: Lstm<f32> = weights.lstm("lstm").unwrap();
        let rates = (lstm.dropout(), lstm.recurrent_dropout());
        assert_eq!(rates, (0.1, 0.0), "{file}");
    });
    for file in ["k2_shapes.keras", "k3_shapes.keras"] {
        let weights = keras::Weights::load(model_file(file)).unwrap();
        let lstm: Lstm<f32> = weights.lstm("lstm").unwrap();
        assert_eq!((lstm.dropout(), lstm.recurrent_dropout()), (0.1, 0.2));
        let model: Model<f32> = keras::load(model_file(file)).unwrap();
        let text = String::from_utf8_lossy(&saved::write(&model).unwrap()).into_owned();
        assert!(
            text.contains(r#"\"dropout\":0.1"#) && text.contains(r#"\"recurrent_dropout\":0.2"#)
        );
    }
    let weights = keras::Weights::load(model_file("k2_multi_backend.h5")).unwrap();
    let lstm: Lstm<f32> = weights.lstm("bidirectional_1/forward_lstm_1").unwrap();
    assert_eq!((lstm.dropout(), lstm.recurrent_dropout()), (0.2, 0.2));
}

#[test]
fn what_a_cell_cannot_carry_is_refused() {
    each("configured", |file, weights| {
        says(
            weights.lstm::<f32>("turned"),
            &[
                file,
                "\"turned\"",
                "go_backwards: found true",
                "keras::load",
                "Weights::arrays",
            ],
        );
        // With the arrays in hand, the caller says it.
        assert_eq!(weights.arrays::<f32>("turned").unwrap().len(), 3);
    });
    let weights = keras::Weights::load(model_file("k2_time_major.h5")).unwrap();
    let name = weights.layers()[0].name();
    says(weights.lstm::<f32>(name), &["time_major: found true"]);
}

#[test]
fn options_that_differ_from_the_configuration_are_refused() {
    each("configured", |file, weights| {
        for (result, words) in [
            (
                weights.gru_with::<f32>("reader", |gru| gru.activation(Activation::Tanh)),
                "activation: found tanh, expected relu, as the configuration",
            ),
            (
                weights.gru_with("reader", |gru| gru.reset_after(true)),
                "reset_after: found true, expected false, as the configuration",
            ),
            (
                weights.gru_with("reader", |gru| {
                    gru.recurrent_activation(Activation::Sigmoid)
                }),
                "recurrent_activation: found sigmoid, expected ",
            ),
        ] {
            says(result, &[file, "layer \"reader\"", words]);
        }
        says(
            weights.lstm_with::<f32>("lstm_1", |lstm| lstm.use_bias(false)),
            &["bias is an array", "use_bias is false"],
        );
        says(
            weights.lstm_with::<f32>("lstm", |lstm| lstm.output_activation(Activation::Tanh)),
            &["output_activation: found tanh, expected elu"],
        );
        let forward = found(weights, ["both/forward_layer", "both/there"]);
        says(
            weights.simple_rnn_with::<f32>(forward, |rnn| rnn.activation(Activation::Tanh)),
            &["activation: found tanh, expected relu"],
        );
        // The same words, and words that Keras does not have, are no other ones.
        let set = |gru: recurrent::GruBuilder<f32>| gru.activation(Activation::Relu).clip(3.0);
        assert_eq!(weights.gru_with("reader", set).unwrap().clip(), Some(3.0));
    });
}

#[test]
fn a_reader_may_say_what_words_mean_but_not_other_words() {
    let path = model_file("k3_configured.keras");
    let load = |reader: keras::Reader| reader.load_weights(&path).unwrap();
    let reader = keras::Reader::new;
    let old = load(reader().hard_sigmoid(Activation::HARD_SIGMOID_KERAS2));
    let gru: Gru<f32> = old.gru("reader").unwrap();
    assert_eq!(gru.recurrent_activation(), Activation::HARD_SIGMOID_KERAS2);
    let old = load(reader().version("2.2.4".parse().unwrap()));
    let gru: Gru<f32> = old.gru("reader").unwrap();
    assert_eq!(gru.recurrent_activation(), Activation::HARD_SIGMOID_KERAS2);
    says(
        load(reader().reset_after(true)).gru::<f32>("reader"),
        &["reset_after: found true, expected false"],
    );
    says(
        load(reader().recurrent_activation(Activation::Sigmoid)).lstm::<f32>("lstm_1"),
        &["recurrent_activation: found sigmoid, expected tanh"],
    );
    let same = load(reader().recurrent_activation(Activation::Tanh));
    same.lstm::<f32>("lstm_1").unwrap();
}

#[test]
fn another_class_is_refused_by_the_configuration() {
    each("configured", |_, weights| {
        let says = |result, words: &str| says::<()>(result, &["class", words]);
        let lstm = weights.lstm::<f32>("reader").map(drop);
        says(lstm, "found GRU, expected LSTM");
        let table = weights.dense::<f32>("table").map(drop);
        says(table, "found Embedding, expected Dense");
        let rnn = weights.simple_rnn::<f32>("lstm").map(drop);
        says(rnn, "found LSTM, expected SimpleRNN");
        let dense = weights.embedding::<f32>("part/each").map(drop);
        says(dense, "found Dense, expected Embedding");
    });
}

#[test]
fn trees_of_keras_2_have_the_names_of_their_configuration_and_of_their_groups() {
    let names = |weights: &keras::Weights| -> BTreeSet<String> {
        let layers = weights.layers().iter();
        layers.map(|layer| layer.name().to_string()).collect()
    };
    let two = keras::Weights::load(model_file("k2_configured.keras")).unwrap();
    let three = keras::Weights::load(model_file("k3_configured.keras")).unwrap();
    assert_eq!(names(&two), names(&three));
    let by_group: Gru<f32> = two.gru("gru").unwrap();
    let by_name: Gru<f32> = two.gru("reader").unwrap();
    assert_eq!(by_group.kernel(), by_name.kernel());
    // The name of a layer wins over that of a group.
    let lstm: Lstm<f32> = two.lstm("lstm").unwrap();
    assert_eq!(lstm.activation(), Activation::Elu { alpha: 1.0 });
    let inner: Dense<f32> = two.dense("sequential/time_distributed").unwrap();
    assert_eq!(inner.activation(), Activation::Relu);
    says(
        two.lstm::<f32>("bidirectional"),
        &["both/backward_layer, both/forward_layer"],
    );
    says(two.lstm::<f32>("nobody"), &["\"nobody\"", "reader"]);
}

#[test]
fn a_layer_that_is_not_known_does_not_hide_the_others() {
    each("unknown", |file, weights| {
        // That of Keras 3 is known.
        let model = keras::load::<f32>(model_file(file));
        if file.starts_with("k2") {
            says(model, &["GroupNormalization"]);
        } else {
            model.unwrap();
        }
        let first: Lstm<f32> = weights.lstm("first").unwrap();
        assert_eq!(first.activation(), Activation::Relu, "{file}");
        let inner: Gru<f32> = weights.gru("part/inner").unwrap();
        assert_eq!(inner.activation(), Activation::Relu, "{file}");
        assert!(!inner.reset_after(), "{file}");
        let out: Dense<f32> = weights.dense("out").unwrap();
        assert_eq!(out.activation(), Activation::Relu, "{file}");
        for name in ["norm", "part/inside"] {
            let words = ["found GroupNormalization, expected Dense"];
            says(weights.dense::<f32>(name), &words);
            assert_eq!(weights.arrays::<f32>(name).unwrap().len(), 2, "{file}");
        }
    });
}

#[test]
fn layers_in_a_class_of_somebody_have_the_defaults() {
    let weights = keras::Weights::load(model_file("k3_of_somebody.keras")).unwrap();
    let out: Dense<f32> = weights.dense("out").unwrap();
    assert_eq!(out.activation(), Activation::Relu);
    let inner = |weights: &keras::Weights| -> Vec<String> {
        let names = weights.layers().iter().map(keras::LayerWeights::name);
        let inner = names.filter(|name| name.starts_with("block/"));
        inner.map(ToString::to_string).collect()
    };
    assert_eq!(inner(&weights), ["block/out", "block/reader"]);
    // The file does not say it, so the caller may.
    let relu = |lstm: recurrent::LstmBuilder<f32>| lstm.activation(Activation::Relu);
    let lstm = weights.lstm_with("block/reader", relu).unwrap();
    assert_eq!(lstm.activation(), Activation::Relu);
    let lstm: Lstm<f32> = weights.lstm("block/reader").unwrap();
    assert_eq!(lstm.activation(), Activation::Tanh);
}

#[test]
fn a_file_without_layers_is_refused() {
    let path = model_file("k3_frozen.weights.h5");
    let bytes = crate::family::read(&path);
    let mut renamed = bytes.clone();
    for at in 0..bytes.len().saturating_sub(5) {
        if &bytes[at..at + 5] == b"vars\0" {
            renamed[at..at + 4].copy_from_slice(b"vers");
        }
    }
    assert_ne!(bytes, renamed);
    says(
        keras::Weights::read(renamed),
        &[
            "layers: found none; the file has layers/",
            "/vers/0",
            "expected at least one with weights",
            "layers/.../vars/0",
        ],
    );
}

// ------------------------------------------------- every layer of every model file

/// What a layer computes: its class, its options, and its arrays by their bits.
type Known = (String, String, Vec<(String, Vec<usize>, Vec<u64>)>);

/// The layers of these classes in a file of this crate; those that a cell alone does not carry are apart.
#[derive(Default)]
struct Layers {
    plain: BTreeSet<Known>,
    lost: BTreeSet<Known>,
}

fn layers_of<L: Saved>(layer: &L) -> Layers {
    let bytes = saved::write(layer).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let (_, head) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let text = &head.metadata().as_ref().unwrap()["recurrent"];
    let head: Value = serde_json::from_str(text).unwrap();
    let mut layers = Layers::default();
    collect(&head["layer"], &file, false, &mut layers);
    layers
}

fn collect(node: &Value, file: &safetensors::SafeTensors, is_lost: bool, to: &mut Layers) {
    let class = node["class"].as_str().unwrap();
    if ["simple_rnn", "lstm", "gru", "dense", "embedding"].contains(&class) {
        let array = |(key, name): (&String, &Value)| {
            let view = file.tensor(name.as_str().unwrap()).unwrap();
            let numbers = view.data().as_chunks().0.iter();
            let bits = numbers.map(|bytes| u64::from_le_bytes(*bytes)).collect();
            (key.clone(), view.shape().to_vec(), bits)
        };
        let arrays = node["weights"].as_object().unwrap().iter().map(array);
        let known = (class.into(), node["config"].to_string(), arrays.collect());
        let kind = if is_lost { &mut to.lost } else { &mut to.plain };
        kind.insert(known);
    }
    let inside = node["layers"].as_object().into_iter().flatten();
    let inside: Vec<&Value> = inside.map(|(_, inner)| inner).collect();
    let flag = |key: &str| node["config"]["options"][key] == true;
    let is_both = inside.iter().any(|inner| inner["class"] == "bidirectional");
    let loses =
        flag("go_backwards") || flag("time_major") || flag("zero_output_for_mask") && !is_both;
    // A `SeparableConv1D` is made of two layers, which are none of the file's.
    let names = node["config"]["names"].as_array();
    let is_pair = names.is_some_and(|names| names.contains(&"pointwise".into()));
    let is_lost = is_lost || class == "layer" && loses || is_pair;
    for inner in inside {
        collect(inner, file, is_lost, to);
    }
}

/// The layer that is handed out, if it is.
fn handed_out(weights: &keras::Weights, name: &str) -> Option<Layers> {
    type A = f64;
    fn known<L: Saved>(layer: recurrent::Result<L>) -> recurrent::Result<Layers> {
        layer.map(|layer| layers_of(&layer))
    }
    let all = [
        known(weights.simple_rnn::<A>(name)),
        known(weights.lstm::<A>(name)),
        known(weights.gru::<A>(name)),
        known(weights.dense::<A>(name)),
        known(weights.embedding::<A>(name)),
    ];
    let mut all = all.into_iter().flatten();
    let layers = all.next();
    assert!(all.next().is_none(), "{name} is of two classes");
    layers
}

fn check(path: &Path) -> usize {
    let file = path.display();
    let model: Model<f64> = match keras::load(path) {
        Ok(model) => model,
        Err(_) => return 0, // alone for other tests
    };
    let of_model = layers_of(&model);
    let weights = keras::Weights::load(path).unwrap();
    let mut handed = BTreeSet::new();
    for layer in weights.layers() {
        if let Some(layers) = handed_out(&weights, layer.name()) {
            for known in layers.plain {
                let (class, options, _) = &known;
                assert!(
                    of_model.plain.contains(&known),
                    "{file}: {}: {class} {options} is no layer of the model",
                    layer.name()
                );
                handed.insert(known);
            }
        }
    }
    let missing = of_model.plain.difference(&handed);
    let missing: Vec<_> = missing
        .map(|(class, options, _)| (class, options))
        .collect();
    assert!(missing.is_empty(), "{file}: not handed out: {missing:?}");
    assert!(of_model.lost.is_disjoint(&handed), "{file}");
    handed.len()
}

#[test]
fn layers_alone_are_those_of_the_whole_model() {
    let mut count = 0;
    for directory in [
        ours("keras_files/models"),
        tests().join("data/keras_files/models"),
    ] {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let is_model = |end| end == "keras" || end == "h5";
            if path.extension().is_some_and(is_model) {
                count += check(&path);
            }
        }
    }
    assert!(count > 250, "{count} layers");
}
