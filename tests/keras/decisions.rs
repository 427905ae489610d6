//! What the version of a file decides, and what the caller decides.

use crate::data::{ours, tests};
use crate::family::Family;
use crate::parts::{layer, parts};
use crate::says::says;
use ndarray::Axis;
use recurrent::{Activation, Model, Session, Tensor, keras};
use serde_json::Value;

#[test]
fn summaries_tell_what_was_decided() {
    let family = Family::load(ours("keras_files"));
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
    let family = Family::load(ours("keras_files"));
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
    let run = |model: &Model<f64>| {
        model.forward_all([Tensor::new(x)]).unwrap()[0]
            .values
            .clone()
    };
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
fn layers_that_were_numbered_anew_are_found_by_their_order() {
    let family = Family::load(ours("keras_files"));
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
        other.contains("found a SavedModel of TensorFlow (load it in Keras and save it"),
        "{other}"
    );
    let family = Family::load(ours("keras_files"));
    let case = family
        .cases
        .iter()
        .find(|case| case["id"] == "seq_lstm_dense")
        .unwrap();
    family.check(case, &model.unwrap()).unwrap();
}

#[test]
fn only_stateful_layers_keep_their_state() {
    let family = Family::load(ours("keras_files"));
    let x = ndarray::Array3::<f32>::ones((2, 3, 2));
    for (id, keeps) in [("seq_stateful", true), ("seq_compiled", false)] {
        let case = family.cases.iter().find(|case| case["id"] == id).unwrap();
        let model: Model<f32> = keras::load(family.file(case, "keras").unwrap()).unwrap();
        let mut session = Session::new(&model);
        let [first, second] = [(); 2].map(|()| session.forward(&x).unwrap());
        assert_eq!(first != second, keeps, "{id}");
    }
}
