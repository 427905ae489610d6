//! What is refused, and in which words.

use crate::files::{json, path};
use crate::made::{self, GuitarMl, Numbers};
use recurrent::{Limits, amp};
use serde_json::{Value, json};

fn message(bytes: &[u8]) -> String {
    amp::read::<f32>(bytes).map(|_| ()).unwrap_err().to_string()
}

/// What is said of a file with another value at a place.
fn with(file: &Value, at: &str, value: Value) -> String {
    let mut file = file.clone();
    let (outer, key) = at.rsplit_once('/').unwrap();
    match file.pointer_mut(outer).unwrap() {
        Value::Object(object) => drop(object.insert(key.into(), value)),
        list => list[key.parse::<usize>().unwrap()] = value,
    }
    message(file.to_string().as_bytes())
}

#[test]
fn what_is_no_amplifier_model() {
    let format = "an amplifier model in JSON (RTNeural, AIDA-X, GuitarML, Neural Amp Modeler)";
    for (bytes, found) in [
        (&b""[..], "an empty file"),
        (
            b"PK\x03\x04",
            "a zip archive of other files (unpack it first)",
        ),
        (
            b"<!DOCTYPE html><html>",
            "an HTML page, not the file itself (download the raw file)",
        ),
        (
            b"version https://git-lfs.github.com",
            "a Git LFS pointer (run `git lfs pull`)",
        ),
        (b"hello", "a text that begins \"hello\""),
        (
            b"\xff\xfe\x00",
            "bytes of no known format (is the file damaged?)",
        ),
        (b"{}", "an empty object"),
        (b"[1, 2]", "a list of 2"),
        (
            b"{\"class_name\": \"Sequential\", \"config\": {}}",
            "JSON with the keys \"class_name\", \"config\"",
        ),
    ] {
        assert_eq!(
            message(bytes),
            format!("format: found {found}, expected {format}")
        );
    }
    let cut = std::fs::read(path("nam_lstm.nam")).unwrap();
    let error = message(&cut[..cut.len() / 2]);
    assert!(
        error.starts_with("JSON: found EOF while parsing"),
        "{error}"
    );
    let error = amp::load::<f32>(path("nothing.json"))
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("nothing.json: reading: found no file, expected a file that can be read"),
        "{error}"
    );
    assert!(
        amp::load::<f32>(path(""))
            .unwrap_err()
            .to_string()
            .contains("a directory")
    );
}

#[test]
fn neural_amp_modeler() {
    let file = made::nam(1, [1, 2, 2, 1]);
    for architecture in ["WaveNet", "ConvNet", "Linear", "SlimmableContainer"] {
        assert_eq!(
            with(&file, "/architecture", architecture.into()),
            format!(
                "architecture: found \"{architecture}\", expected LSTM: this crate runs no other architecture"
            )
        );
    }
    for (at, value, expected) in [
        (
            "/config/hidden_size",
            json!(3),
            "weights: found a list of 83, expected 160 numbers, for what `config` says",
        ),
        (
            "/config/num_layers",
            json!(0),
            "config.num_layers: found 0, expected at least 1",
        ),
        (
            "/config/num_layers",
            json!(1.5),
            "config.num_layers: found 1.5, expected a whole number, at most 65536",
        ),
        (
            "/config/num_layers",
            json!(null),
            "config.num_layers: found none, expected a value",
        ),
        (
            "/config/in_channels",
            json!(2),
            "config.in_channels: found 2, expected 1",
        ),
        (
            "/config",
            json!([]),
            "config.input_size: found none, expected a value",
        ),
        (
            "/weights/5",
            json!("x"),
            "weights: found \"x\", expected finite numbers",
        ),
        (
            "/weights/5",
            json!(1e300),
            "weights: found 1e+300, expected finite numbers",
        ),
        (
            "/weights",
            json!({}),
            "weights: found an object, expected 83 numbers, for what `config` says",
        ),
        (
            "/sample_rate",
            json!("fast"),
            "sample_rate: found \"fast\", expected a number of hertz above 0",
        ),
        (
            "/sample_rate",
            json!(-1),
            "sample_rate: found -1, expected a number of hertz above 0",
        ),
        (
            "/metadata/loudness",
            json!([]),
            "metadata.loudness: found a list of 0, expected a finite number",
        ),
    ] {
        assert_eq!(with(&file, at, value), expected);
    }
    let nan = file
        .to_string()
        .replacen("[0.", "[NaN, 0.", 1)
        .replacen("[-0.", "[NaN, -0.", 1);
    assert!(message(nan.as_bytes()).starts_with("weights: found a list of 84"));
    let mut file = file;
    for key in ["input_size", "hidden_size", "num_layers"] {
        file["config"][key] = 65536.into();
    }
    let error = message(file.to_string().as_bytes());
    assert!(
        error.starts_with("weights: found a list of 83, expected "),
        "{error}"
    );
}

#[test]
fn rtneural() {
    let layers = [
        ("conv1d", "tanh", 4),
        ("lstm", "tanh", 3),
        ("batchnorm", "", 3),
        ("dense", "", 1),
    ];
    let file = made::rtneural(1, 2, &layers);
    for (at, value, expected) in [
        (
            "/layers/0/type",
            json!("conv2d"),
            "layers[0].type: found \"conv2d\", expected a layer of timesteps: images are not streamed",
        ),
        (
            "/layers/0/type",
            json!("unknown"),
            "layers[0].type: found \"unknown\", expected dense, time-distributed-dense, conv1d, lstm, gru, batchnorm, prelu or activation",
        ),
        (
            "/layers/0/type",
            json!(null),
            "layers[0].type: found none, expected a value",
        ),
        (
            "/layers/0/groups",
            json!(3),
            "layers[0].groups: found 3, expected a divisor of the 2 features",
        ),
        (
            "/layers/0/dilation",
            json!([0]),
            "layers[0].dilation[0]: found 0, expected at least 1",
        ),
        (
            "/layers/0/dilation",
            json!([]),
            "layers[0].dilation: found a list of 0, expected a list that is not empty",
        ),
        (
            "/layers/0/activation",
            json!("swish"),
            "layers[0].activation: found \"swish\", expected tanh, relu, sigmoid, softmax, elu or an empty text",
        ),
        (
            "/layers/1/activation",
            json!("relu"),
            "layers[1].activation: found \"relu\", expected tanh or an empty text",
        ),
        (
            "/layers/1/shape",
            json!([null, null, 4]),
            "layers[1].weights[0]: found the shape [4, 12], expected numbers of the shape [4, 16]",
        ),
        (
            "/layers/1/shape",
            json!([null, 50, 23, 1]),
            "layers[1].shape: found a list of 4, expected at most 3 axes (samples, timesteps, features): images are not streamed",
        ),
        (
            "/layers/1/weights",
            json!([]),
            "layers[1].weights: found a list of 0, expected 3 arrays",
        ),
        (
            "/layers/1/weights/0/2",
            json!([1]),
            "layers[1].weights[0]: found a list of 1, expected a list of 12, as the one before it",
        ),
        (
            "/layers/1/weights/2/0",
            json!(null),
            "layers[1].weights[2]: found null, expected finite numbers",
        ),
        (
            "/layers/2/epsilon",
            json!(-1),
            "layers[2].epsilon: found -1, expected a number that makes every variance positive",
        ),
        (
            "/layers/2/shape",
            json!(7),
            "layers[2].weights[0]: found the shape [3], expected numbers of the shape [7]",
        ),
    ] {
        assert_eq!(with(&file, at, value), expected);
    }
}

#[test]
fn what_stands_around_layers_of_rtneural() {
    let file = made::rtneural(1, 2, &[("lstm", "tanh", 3), ("dense", "", 1)]);
    for (at, value, expected) in [
        (
            "/layers",
            json!([]),
            "layers: found a list of 0, expected at least one layer",
        ),
        (
            "/layers",
            json!({}),
            "layers: found an object, expected a list",
        ),
        (
            "/in_shape",
            json!([null, null, 1_u64 << 40]),
            "in_shape[2]: found 1099511627776, expected a whole number, at most 65536",
        ),
        (
            "/in_shape",
            json!(null),
            "in_shape: found none, expected a value",
        ),
        ("/in_skip", json!(2), "in_skip: found 2, expected 0 or 1"),
        (
            "/in_skip",
            json!(true),
            "in_skip: found true, expected a whole number, at most 65536",
        ),
        (
            "/in_gain",
            json!("loud"),
            "in_gain: found \"loud\", expected a finite number",
        ),
        (
            "/out_gain",
            json!(1e4),
            "out_gain: found 10000.0, expected decibels of a gain that is a finite number",
        ),
    ] {
        assert_eq!(with(&file, at, value), expected);
    }
    let file = made::rtneural(1, 2, &[("activation", "tanh", 3)]);
    assert_eq!(
        message(file.to_string().as_bytes()),
        "layers[0].shape[2]: found 3, expected 2 features, as the layer has"
    );
    // It is one of RTNeural's own tests: the units are not those of the weights.
    let mut file = json("rtneural_lstm_1d.json");
    file["layers"][0]["shape"][2] = 16.into();
    assert_eq!(
        message(file.to_string().as_bytes()),
        "layers[0].weights[0]: found the shape [1, 32], expected numbers of the shape [1, 64]"
    );
}

#[test]
fn guitarml() {
    let file = GuitarMl {
        unit_type: "LSTM",
        inputs: 2,
        units: 3,
        layers: 1,
        outputs: 1,
        skip: json!(1),
        has_bias: true,
    };
    let file = file.file(1);
    for (at, value, expected) in [
        (
            "/model_data/model",
            json!("RecNet"),
            "model_data.model: found \"RecNet\", expected SimpleRNN: one recurrent module, and a linear one",
        ),
        (
            "/model_data/unit_type",
            json!("Transformer"),
            "model_data.unit_type: found \"Transformer\", expected LSTM, GRU or RNN",
        ),
        (
            "/model_data/unit_type",
            json!("GRU"),
            "state_dict: module \"rec.\": found an LSTM (4 gates), expected a GRU (3 gates)",
        ),
        (
            "/model_data/hidden_size",
            json!(4),
            "model_data.hidden_size: found 4, expected 3, as the arrays have",
        ),
        (
            "/model_data/output_size",
            json!(2),
            "model_data.output_size: found 2, expected 1, as the arrays have",
        ),
        (
            "/model_data/input_size",
            json!(1),
            "state_dict: lstm: found 2, expected a module of 1 inputs, as the one before has outputs",
        ),
        (
            "/model_data/skip",
            json!(2),
            "model_data: skip: found 2, expected 0, 1, or as many as the 1 outputs, of the 2 inputs",
        ),
        (
            "/model_data/skip",
            json!(-1),
            "model_data.skip: found -1, expected a whole number, at most 65536",
        ),
        (
            "/state_dict/conv.weight",
            json!([1]),
            "state_dict: conv.weight: found another, expected arrays of rec. and lin. only",
        ),
        (
            "/state_dict",
            json!(null),
            "state_dict: found none, expected a value",
        ),
        (
            "/state_dict",
            json!([]),
            "state_dict: found a list of 0, expected an object",
        ),
        (
            "/state_dict/rec.bias_ih_l0",
            json!([1]),
            "state_dict: rec.bias_ih_l0: found [1], expected shape [12]",
        ),
    ] {
        assert_eq!(with(&file, at, value), expected);
    }
}

#[test]
fn state_dicts() {
    let (mut of, mut dict) = (Numbers::new(1), serde_json::Map::new());
    made::module(&mut of, &mut dict, "a.", [3, 1, 2, 1], true);
    dict.insert("b.weight".into(), of.array(&[1, 2]));
    let file = Value::Object(dict);
    assert!(amp::read::<f32>(file.to_string().as_bytes()).is_ok());
    for (at, value, expected) in [
        (
            "/c.weight",
            json!([[1.0]]),
            "b.: found before other modules, expected at the end: the file does not say which activation comes after a linear module",
        ),
        (
            "/c.weight",
            json!([[[1.0]]]),
            "c.weight: found a list of 1, expected 2 axes, as a linear module has: the file does not say how others compute",
        ),
        (
            "/scale",
            json!([1.0]),
            "state dict: scale: found another, expected arrays of a. and b. only",
        ),
        (
            "/a.weight_hh_l0",
            json!([[1.0]]),
            "a.weight_hh_l0: found [1, 1], expected an LSTM's (4 units, units) or a GRU's (3 units, units)",
        ),
        (
            "/a.weight_hh_l0",
            json!(null),
            "a.weight_hh_l0: found null, expected finite numbers",
        ),
        (
            "/a.weight_ih_l0_reverse",
            json!([[1.0]]),
            "state dict: module \"a.\": found ",
        ),
        (
            "/b.weight",
            json!([[1.0]]),
            "state dict: b.weight: found 1, expected a module of 2 inputs, as the one before has outputs",
        ),
    ] {
        let found = with(&file, at, value);
        let is_same = found == expected || (at.ends_with("reverse") && !found.is_empty());
        assert!(is_same, "{found}");
    }
}

#[test]
fn many_modules_and_layers() {
    let dict: serde_json::Map<_, _> = (0..65)
        .map(|n| (format!("{n}.weight"), json!([[1.0]])))
        .chain([("weight_ih_l0".into(), json!([[1.0]]))])
        .collect();
    let found = message(Value::Object(dict).to_string().as_bytes());
    assert_eq!(found, "state dict: found more, expected at most 64 modules");
    let layer = json!({"type": "activation", "shape": 1, "weights": [], "activation": "tanh"});
    let file = |count: usize| json!({"in_shape": [1], "layers": vec![layer.clone(); count]});
    let many = "number of layers: found more, expected at most 1000";
    assert_eq!(message(file(1001).to_string().as_bytes()), many);
    assert!(amp::read::<f32>(file(1000).to_string().as_bytes()).is_ok());
    assert_eq!(
        message(made::nam(1, [1, 1, 1000, 1]).to_string().as_bytes()),
        many
    );
}

#[test]
fn limits_are_obeyed() {
    let bytes = std::fs::read(path("rtneural_gru_torch.json")).unwrap();
    let read = |set: &dyn Fn(&mut Limits)| {
        let mut limits = Limits::default();
        set(&mut limits);
        let read = amp::read_within::<f32>(&bytes, &limits);
        read.map(|_| ()).unwrap_err().to_string()
    };
    assert!(read(&|limits| limits.text_bytes = 1000).contains("a text of at most 1000 bytes"));
    assert!(read(&|limits| limits.entries = 20).contains("at most 320 values"));
    assert!(read(&|limits| limits.depth = 2).contains("nested at most 2 deep"));
    let mut limits = Limits::default();
    limits.file_bytes = 1000;
    let loaded = amp::load_within::<f32>(path("rtneural_gru_torch.json"), &limits);
    assert!(
        loaded
            .unwrap_err()
            .to_string()
            .contains("at most 1000 bytes")
    );
}
