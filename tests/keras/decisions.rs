//! What the version of a file decides, what the caller decides, and what is refused.

use crate::family::{Family, golden, read, tests};
use ndarray::Axis;
use recurrent::format::{hdf5, zip};
use recurrent::{Activation, Flow, Limits, Model, Session, keras};
use serde_json::{Value, json};

/// A golden file's configuration and its weights.
fn parts(id: &str) -> (Value, Vec<u8>) {
    let family = Family::load(golden("keras_files"));
    let case = family.cases.iter().find(|case| case["id"] == id).unwrap();
    if let Some(weights) = family.file(case, "weights_h5") {
        let archive = read(&family.file(case, "keras").unwrap());
        let archive = zip::Archive::open(&archive, &Limits::default()).unwrap();
        let config = archive.text("config.json").unwrap();
        return (serde_json::from_str(&config).unwrap(), read(&weights));
    }
    let bytes = read(&family.file(case, "h5").unwrap());
    let file = hdf5::File::open(&bytes, &Limits::default()).unwrap();
    let config = file.root().unwrap().text("model_config").unwrap().unwrap();
    (serde_json::from_str(config).unwrap(), bytes.clone())
}

fn load(config: &Value, weights: &[u8]) -> recurrent::Result<Model<f32>> {
    keras::Reader::new().read_parts(&config.to_string(), weights)
}

/// The configuration of the layer of this name.
fn layer<'c>(config: &'c mut Value, name: &str) -> &'c mut Value {
    let layers = config["config"]["layers"].as_array_mut().unwrap();
    let found = layers
        .iter_mut()
        .find(|layer| layer["config"]["name"] == name);
    found.unwrap_or_else(|| panic!("no layer {name}"))
}

#[track_caller]
fn says<T>(result: recurrent::Result<T>, words: &[&str]) {
    let message = result.err().expect("an error").to_string();
    for word in words {
        assert!(message.contains(word), "{message:?} lacks {word:?}");
    }
}

#[test]
fn summaries_tell_what_was_decided() {
    let family = Family::load(golden("keras_files"));
    let summary = |id: &str, kind: &str| {
        let case = family.cases.iter().find(|case| case["id"] == id).unwrap();
        let model: Model<f32> = keras::load(family.file(case, kind).unwrap()).unwrap();
        model.summary().notes
    };
    let notes = summary("k2_lstm_hard_sigmoid", "h5");
    assert!(notes[0].starts_with("Keras 2."), "{notes:?}");
    assert_eq!(
        notes[1..],
        ["hard_sigmoid is 0.2x + 0.5, as in Keras 1 and 2"]
    );
    let notes = summary("seq_hard_sigmoid", "keras");
    assert!(notes[0].starts_with("Keras 3."), "{notes:?}");
    assert_eq!(notes[1..], ["hard_sigmoid is x/6 + 0.5, as in Keras 3"]);
    assert_eq!(summary("seq_lstm_dense", "keras").len(), 1);
}

#[test]
fn defaults_come_from_the_version() {
    let (mut config, weights) = parts("k2_gru_v1_hard_sigmoid");
    let gru = layer(&mut config, "gru")["config"].as_object_mut().unwrap();
    gru.remove("reset_after");
    gru.remove("recurrent_activation");
    // The bias is that of the old form.
    let text = config.to_string();
    let read = |version: &str| {
        let reader = keras::Reader::new().version(version.parse().unwrap());
        reader.read_parts::<f64>(&text, &weights)
    };
    let old = read("2.1.5").unwrap();
    let notes = old.summary().notes.join("\n");
    for decided in [
        "(GRU): recurrent_activation is hard_sigmoid_keras2",
        "(GRU): reset_after is false",
        "Keras 2.1.5",
    ] {
        assert!(notes.contains(decided), "{notes}");
    }
    let family = Family::load(golden("keras_files"));
    let case = family
        .cases
        .iter()
        .find(|case| case["id"] == "k2_gru_v1_hard_sigmoid")
        .unwrap();
    family.check(case, &old).unwrap();
    says(read("2.4.0"), &["\"gru\"", "bias", "(12)", "(2, 12)"]);
    says(
        read("2.2.4-tf"),
        &["\"gru\"", "recurrent_activation", "2.2.4-tf"],
    );
    let reader = keras::Reader::new().version("2.2.4-tf".parse().unwrap());
    let reader = reader
        .reset_after(false)
        .recurrent_activation(Activation::HARD_SIGMOID_KERAS2);
    family
        .check(case, &reader.read_parts::<f64>(&text, &weights).unwrap())
        .unwrap();
}

#[test]
#[allow(clippy::float_cmp)] // repeated, and 0
fn old_bidirectional_layers_repeat_at_masked_steps() {
    // Keras 2 had `zero_output_for_mask` in TensorFlow only; elsewhere each direction repeats its last output.
    let family = Family::load(tests().join("data/keras_files"));
    let case = family
        .cases
        .iter()
        .find(|case| case["id"] == "k2_merges")
        .unwrap();
    let path = family.file(case, "keras").unwrap();
    let load = |version: &str| -> Model<f64> {
        let reader = keras::Reader::new().version(version.parse().unwrap());
        reader.load(&path).unwrap()
    };
    let x = family.tensor(&case["calls"][0]["inputs"][0]);
    let run = |model: &Model<f64>| model.run_all([Flow::new(x)]).unwrap()[0].values.clone();
    let (new, old) = (run(&load("2.4.0")), run(&load("2.3.1")));
    // Sample 0 ends after two timesteps, in the first of the outputs, which is concatenated.
    let units = new.shape()[2] / 2;
    for t in 2..4 {
        for unit in 0..units {
            assert_eq!(new[[0, t, unit]], 0.0);
            assert_eq!(old[[0, t, unit]], old[[0, 1, unit]]);
            assert_eq!(old[[0, t, units + unit]], 0.0); // nothing has gone before
        }
    }
    assert_eq!(new.index_axis(Axis(0), 2), old.index_axis(Axis(0), 2));
}

#[test]
fn the_caller_can_say_what_hard_sigmoid_means() {
    let (config, weights) = parts("seq_hard_sigmoid");
    let text = config.to_string();
    let x = ndarray::Array3::from_shape_fn((1, 4, 2), |(_, t, f)| (t + f) as f32);
    let plain = keras::Reader::new()
        .read_parts::<f32>(&text, &weights)
        .unwrap();
    let reader = keras::Reader::new().hard_sigmoid(Activation::HARD_SIGMOID_KERAS2);
    let other = reader.read_parts::<f32>(&text, &weights).unwrap();
    assert_ne!(plain.forward(&x).unwrap(), other.forward(&x).unwrap());
    let notes = other.summary().notes.join("\n");
    assert!(notes.contains("as the caller says"), "{notes}");
}

#[test]
fn nothing_that_could_matter_is_passed_over() {
    let (config, weights) = parts("seq_lstm_dense");
    let change = |name: &str, key: &str, value: Value| {
        let mut config = config.clone();
        layer(&mut config, name)["config"][key] = value;
        load(&config, &weights)
    };
    let lstm = "layer \"lstm\" (LSTM)";
    says(
        change("lstm", "new_argument", json!(0.5)),
        &[lstm, "new_argument", "0.5"],
    );
    says(
        change("lstm", "activation", json!("hard_sigmoid_keras2")),
        &[lstm, "activation"],
    );
    says(
        change(
            "lstm",
            "recurrent_activation",
            json!({"class_name": "function", "config": "f"}),
        ),
        &[lstm, "recurrent_activation"],
    );
    says(
        change("lstm", "dtype", json!("int8_from_float32")),
        &[lstm, "dtype", "quantised"],
    );
    says(
        change("lstm", "return_sequences", json!("yes")),
        &[lstm, "return_sequences", "yes"],
    );
    says(
        change("dense", "units", json!(2)),
        &["layer \"dense\" (Dense)", "kernel", "(4, 1)", "(any, 2)"],
    );
    says(
        change("dense", "use_bias", json!(false)),
        &["layers/dense/vars/1", "no layer takes"],
    );
    says(
        change("dense", "activation", json!("softmaxx")),
        &["\"dense\"", "softmaxx"],
    );
    // null is "not given", and what belongs to training is passed over.
    change("lstm", "new_argument", json!(null)).unwrap();
    change(
        "lstm",
        "kernel_regularizer",
        json!({"class_name": "L2", "config": {"l2": 0.1}}),
    )
    .unwrap();
    let narrow = change("lstm", "dtype", json!("mixed_bfloat16")).unwrap();
    let notes = narrow.summary().notes.join("\n");
    assert!(
        notes.contains("mixed_bfloat16 is computed in the type of the model"),
        "{notes}"
    );
}

#[test]
fn classes_of_others_are_refused() {
    let (config, weights) = parts("seq_lstm_dense");
    let change = |key: &str, value: Value| {
        let mut config = config.clone();
        layer(&mut config, "lstm")[key] = value;
        load(&config, &weights)
    };
    says(
        change("class_name", json!("Lambda")),
        &["(Lambda)", "this crate has"],
    );
    says(
        change("class_name", json!("ConvLSTM1D")),
        &["(ConvLSTM1D)", "this crate has"],
    );
    // The same name, and another module.
    says(
        change("module", json!("my_package.layers")),
        &["(LSTM)", "my_package.layers"],
    );
    says(
        change("registered_name", json!("my_package>LSTM")),
        &["(LSTM)", "my_package>LSTM"],
    );
    let mut config = config.clone();
    config["class_name"] = json!("MyModel");
    says(load(&config, &weights), &["MyModel"]);
}

#[test]
fn weights_are_those_of_their_layers() {
    // The encoder and the decoder change places in the configuration only.
    let (mut config, weights) = parts("func_seq2seq");
    let layers = config["config"]["layers"].as_array_mut().unwrap();
    let at = |layers: &[Value], name: &str| {
        layers
            .iter()
            .position(|layer| layer["name"] == name)
            .unwrap()
    };
    let (encoder, decoder) = (at(layers, "encoder"), at(layers, "decoder"));
    layers.swap(encoder, decoder);
    says(
        load(&config, &weights),
        &["layers/lstm", "\"decoder\"", "\"encoder\""],
    );
    // In a list every array has a name; here one has that of another.
    let bytes = read(&tests().join("data/keras_files/models/k2_frozen.h5"));
    keras::read::<f32>(&bytes).unwrap();
    let mut renamed = bytes.clone();
    for at in 0..renamed.len() - 5 {
        if renamed[at..].starts_with(b"gamma") {
            renamed[at..at + 5].copy_from_slice(b"scale");
        }
    }
    says(
        keras::read::<f32>(&renamed),
        &["layer \"norm\"", "the scale", "the gamma"],
    );
    // As Keras 2 writes a Bidirectional of which only the backward layer is trained: that one first.
    let mut renamed = bytes;
    for at in 0..renamed.len() - 9 {
        if renamed[at..].starts_with(b"backward_") {
            renamed[at..at + 9].copy_from_slice(b"forward__");
        }
    }
    says(
        keras::read::<f32>(&renamed),
        &[
            "layer \"bi\"",
            "one of the forward layer",
            "the backward layer",
        ],
    );
    // A circle, a call that is not there, an argument that is not known.
    let (config, weights) = parts("func_seq2seq");
    let change = |pointer: &str, value: Value| {
        let mut config = config.clone();
        let layer = layer(&mut config, "decoder");
        *layer.pointer_mut(pointer).unwrap() = value;
        load(&config, &weights)
    };
    let history = "/inbound_nodes/0/args/0/config/keras_history";
    says(change(history, json!(["readout", 0, 0])), &["circle"]);
    says(
        change(history, json!(["encoder", 4, 0])),
        &["call 4 of \"encoder\""],
    );
    says(
        change(history, json!(["encoder", 0, 9])),
        &["\"decoder\"", "inputs"],
    );
    says(
        change("/inbound_nodes/0/kwargs", json!({"training": true})),
        &["\"decoder\"", "training"],
    );
    says(
        change("/inbound_nodes/0/kwargs", json!({"constants": 1})),
        &["\"decoder\"", "constants"],
    );
}

#[test]
fn operations_that_no_call_could_do_are_refused_when_the_file_is_read() {
    let path = tests().join("data/keras_files/models/k3_operations.keras");
    let bytes = read(&path);
    let archive = zip::Archive::open(&bytes, &Limits::default()).unwrap();
    let config: Value = serde_json::from_str(&archive.text("config.json").unwrap()).unwrap();
    let weights = archive.read("model.weights.h5").unwrap();
    load(&config, &weights).unwrap();
    let with = |name: &str, pointer: &str, value: Value| {
        let mut config = config.clone();
        let layer = layer(&mut config, name);
        *layer.pointer_mut(pointer).unwrap() = value;
        load(&config, &weights)
    };
    let key = "/inbound_nodes/0/args/1";
    let turned =
        json!({"class_name": "__slice__", "config": {"start": null, "stop": null, "step": -1}});
    let said = with("get_item", key, json!([turned, turned]));
    says(said, &["\"get_item\"", "steps of at least 1"]);
    let said = with("get_item", key, json!([0]));
    says(said, &["\"get_item\"", "all samples"]);
    for name in ["mean", "sum"] {
        let said = with(name, "/config/axis", json!(0));
        says(said, &[&format!("{name:?}"), "axis", "samples"]);
    }
}

#[test]
fn masks_from_inside_of_time_distributed_are_refused_in_files_of_keras_2() {
    let bytes = read(&tests().join("data/keras_files/models/k2_distributed.keras"));
    let archive = zip::Archive::open(&bytes, &Limits::default()).unwrap();
    let mut config: Value = serde_json::from_str(&archive.text("config.json").unwrap()).unwrap();
    let weights = archive.read("model.weights.h5").unwrap();
    let ids = ndarray::Array3::<f32>::ones((1, 2, 3));
    // What a model inside makes is seen when it runs.
    let model: Model<f32> = keras::read(&bytes).unwrap();
    let words = [
        "layer 0 (words)",
        "mask inside of TimeDistributed",
        "Keras 2",
    ];
    says(model.forward(&ids), &words);
    // Keras 3 drops it.
    let reader = |version: &str| keras::Reader::new().version(version.parse().unwrap());
    let model: Model<f32> = reader("3.15.1").read(&bytes).unwrap();
    assert_eq!(model.forward(&ids).unwrap().shape(), [1, 2, 2]);
    // What an Embedding makes is seen at once.
    let words = &mut layer(&mut config, "words")["config"];
    words["layer"] = words["layer"]["config"]["layers"][1].clone();
    let read = |version| reader(version).read_parts::<f32>(&config.to_string(), &weights);
    says(
        read("2.21.0"),
        &[
            "\"words\"",
            "\"table\"",
            "no mask inside of TimeDistributed",
        ],
    );
    let message = read("3.15.1").err().unwrap().to_string();
    assert!(!message.contains("no mask"), "{message}");
}

#[test]
fn unrolled_backward_passes_refuse_masks() {
    // Keras zeroes their outputs by a mask that it forgets to turn around.
    let (mut config, weights) = parts("func_bidi");
    let bidirectional = &mut layer(&mut config, "bidirectional")["config"];
    for direction in ["layer", "backward_layer"] {
        bidirectional[direction]["config"]["unroll"] = json!(true);
    }
    let model = load(&config, &weights).unwrap();
    let (_, shape) = model.inputs().next().unwrap();
    let features = shape.axes().unwrap()[2].unwrap();
    let x = ndarray::Array3::<f32>::ones((1, 4, features));
    model.forward(&x).unwrap();
    let mask = ndarray::array![[true, true, true, false]];
    let said = model.forward_masked(&x, &mask);
    says(said, &["bidirectional", "mask", "unroll=True"]);
}

#[test]
fn layers_that_were_numbered_anew_are_found_by_their_order() {
    let family = Family::load(golden("keras_files"));
    let case = family
        .cases
        .iter()
        .find(|case| case["id"] == "k2_bidi_stack");
    let (config, weights) = parts("k2_bidi_stack");
    let names = |config: &Value| -> Vec<String> {
        let layers = config["config"]["layers"].as_array().unwrap().iter();
        let name = |layer: &Value| layer["config"]["name"].as_str().unwrap().to_string();
        layers.map(name).collect()
    };
    // Every layer by the number that another process would have given it, the text of the configuration as it was.
    let mut text = config.to_string();
    for name in names(&config) {
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
        text = text.replace(
            &format!("\"{name}\""),
            &format!("\"{stem}_1{}\"", name.len()),
        );
    }
    let anew: Value = serde_json::from_str(&text).unwrap();
    assert_ne!(names(&anew), names(&config));
    let model = keras::Reader::new()
        .read_parts::<f64>(&text, &weights)
        .unwrap();
    family.check(case.unwrap(), &model).unwrap();
    // Another name says nothing about the order.
    let last = names(&anew).pop().unwrap();
    let other = text.replace(&format!("\"{last}\""), "\"verdict\"");
    let said = keras::Reader::new().read_parts::<f64>(&other, &weights);
    says(said, &["layer"]);
}

#[test]
fn the_version_must_be_known() {
    let (config, weights) = parts("seq_lstm_dense");
    let mut old = config.clone();
    old["config"]["layers"]
        .as_array_mut()
        .unwrap()
        .retain(|layer| layer["class_name"] != "InputLayer");
    for layer in old["config"]["layers"].as_array_mut().unwrap() {
        layer["config"]["dtype"] = json!("float32");
    }
    old["config"]["dtype"] = json!("float32");
    says(load(&old, &weights), &["version"]);
    old["keras_version"] = json!("3.0.0");
    load(&old, &weights).unwrap();
}

#[test]
fn errors_name_the_file() {
    let path = golden("adversarial").join("activation_unknown.keras");
    let file = path.display().to_string();
    says(
        keras::load::<f32>(&path),
        &[&file, "\"lstm\"", "activation", "no_such_fn"],
    );
    let missing = tests().join("nothing.keras");
    says(keras::load::<f32>(&missing), &["nothing.keras"]);
    let path = golden("adversarial").join("wrong_shape.weights.h5");
    let (config, _) = parts("seq_lstm_dense");
    let json = std::env::temp_dir().join(format!("recurrent_{}.json", std::process::id()));
    std::fs::write(&json, config.to_string()).unwrap();
    let said = keras::Reader::new().load_parts::<f32>(&json, &path);
    std::fs::remove_file(&json).unwrap();
    says(
        said,
        &[
            "wrong_shape.weights.h5",
            "\"lstm\"",
            "4 features",
            "3 features",
        ],
    );
}

#[test]
fn a_directory_is_an_archive() {
    let (config, weights) = parts("seq_lstm_dense");
    let path = std::env::temp_dir().join(format!("recurrent_{}.keras", std::process::id()));
    std::fs::create_dir_all(&path).unwrap();
    for (name, bytes) in [
        ("config.json", config.to_string().into_bytes()),
        ("metadata.json", br#"{"keras_version": "3.15.1"}"#.to_vec()),
        ("model.weights.h5", weights),
    ] {
        std::fs::write(path.join(name), bytes).unwrap();
    }
    let model = keras::load::<f64>(&path);
    std::fs::write(path.join("saved_model.pb"), []).unwrap();
    let other = keras::load::<f64>(&path).unwrap_err().to_string();
    std::fs::remove_dir_all(&path).unwrap();
    assert!(
        other.contains("found a SavedModel of TensorFlow, expected a `.keras`"),
        "{other}"
    );
    let family = Family::load(golden("keras_files"));
    let case = family
        .cases
        .iter()
        .find(|case| case["id"] == "seq_lstm_dense")
        .unwrap();
    family.check(case, &model.unwrap()).unwrap();
}

#[test]
fn only_stateful_layers_keep_their_state() {
    let family = Family::load(golden("keras_files"));
    let x = ndarray::Array3::<f32>::ones((2, 3, 2));
    for (id, keeps) in [("seq_stateful", true), ("seq_compiled", false)] {
        let case = family.cases.iter().find(|case| case["id"] == id).unwrap();
        let model: Model<f32> = keras::load(family.file(case, "keras").unwrap()).unwrap();
        let mut session = Session::new(&model);
        let [first, second] = [(); 2].map(|()| session.forward(&x).unwrap());
        assert_eq!(first != second, keeps, "{id}");
    }
}
