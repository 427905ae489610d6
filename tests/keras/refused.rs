//! What is refused, by its message.

use crate::data::{ours, tests};
use crate::family::read;
use crate::inside;
use crate::parts::{layer, load, parts};
use crate::says::says;
use recurrent::{Model, keras};
use serde_json::{Value, json};

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
    let config: Value = serde_json::from_str(&inside::text(&bytes, "config.json")).unwrap();
    let weights = inside::member(&bytes, "model.weights.h5");
    load(&config, &weights).unwrap();
    let with = |name: &str, pointer: &str, value: Value| {
        let mut config = config.clone();
        let layer = layer(&mut config, name);
        *layer.pointer_mut(pointer).unwrap() = value;
        load(&config, &weights)
    };
    let key = "/inbound_nodes/0/args/1";
    let stands =
        json!({"class_name": "__slice__", "config": {"start": null, "stop": null, "step": 0}});
    let said = with("get_item", key, json!([stands, stands]));
    says(said, &["\"get_item\"", "steps other than 0"]);
    let said = with("get_item", key, json!([null]));
    says(said, &["\"get_item\"", "all samples"]);
    let said = with("get_item", key, json!([0]));
    says(said, &["\"get_item\"", "all samples"]);
    for name in ["mean", "sum"] {
        let said = with(name, "/config/axis", json!(0));
        says(said, &[&format!("{name:?}"), "axis", "samples"]);
        let said = with(name, "/config/axis", json!(null));
        says(
            said,
            &[&format!("{name:?}"), "axis", "none, which means all"],
        );
    }
    // The class is judged first.
    let mut config = config.clone();
    let layer = layer(&mut config, "mean");
    layer["class_name"] = json!("Einsum");
    layer["registered_name"] = json!("Einsum");
    layer["inbound_nodes"] = json!(["nothing"]);
    says(
        load(&config, &weights),
        &[
            "(Einsum): found the operation Einsum, expected",
            "`AnyLayer`",
        ],
    );
}

/// TensorFlow has another mean for them than Keras 3.
#[test]
fn the_mean_of_whole_numbers_is_refused_in_files_of_tensorflow() {
    let bytes = read(&tests().join("data/keras_ops/models/k2_ids.keras"));
    let config: Value = serde_json::from_str(&inside::text(&bytes, "config.json")).unwrap();
    let weights = inside::member(&bytes, "model.weights.h5");
    let mean_of = |name: &str| {
        let mut config = config.clone();
        let mean = layer(&mut config, "tf.math.reduce_mean");
        mean["inbound_nodes"][0][0] = json!(name);
        let reader = keras::Reader::new().version("2.21.0".parse().unwrap());
        reader.read_parts::<f32>(&config.to_string(), &weights)
    };
    mean_of("tf.cast").unwrap();
    for name in [
        "t",
        "tf.__operators__.getitem",
        "tf.math.floormod",
        "tf.concat",
    ] {
        says(
            mean_of(name),
            &["\"tf.math.reduce_mean\"", "found whole numbers"],
        );
    }
}

#[test]
fn masks_from_inside_of_time_distributed_are_refused_in_files_of_keras_2() {
    let bytes = read(&tests().join("data/keras_files/models/k2_distributed.keras"));
    let mut config: Value = serde_json::from_str(&inside::text(&bytes, "config.json")).unwrap();
    let weights = inside::member(&bytes, "model.weights.h5");
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
    let path = ours("adversarial").join("activation_unknown.keras");
    let file = path.display().to_string();
    says(
        keras::load::<f32>(&path),
        &[&file, "\"lstm\"", "activation", "no_such_fn"],
    );
    let missing = tests().join("nothing.keras");
    says(keras::load::<f32>(&missing), &["nothing.keras"]);
    let path = ours("adversarial").join("wrong_shape.weights.h5");
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
