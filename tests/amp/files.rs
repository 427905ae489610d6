//! The files that are shipped, against the outputs beside them and the plain loops.

use crate::plain::{self, Rows};
use ndarray::Array3;
use recurrent::{Element, amp};
use serde_json::Value;
use std::path::PathBuf;

pub fn path(name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/data/amps").join(name)
}

pub fn json(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(path(name)).unwrap()).unwrap()
}

/// One number a line.
fn column(name: &str) -> Rows {
    let text = std::fs::read_to_string(path(name)).unwrap();
    text.lines()
        .map(|line| vec![line.parse().unwrap()])
        .collect()
}

/// (1 sample, timesteps, features).
pub fn tensor(x: &Rows) -> Array3<f64> {
    Array3::from_shape_fn((1, x.len(), x[0].len()), |(_, t, k)| x[t][k])
}

pub fn differ(what: &str, a: &Rows, b: &Rows) -> f64 {
    assert_eq!((a.len(), a[0].len()), (b.len(), b[0].len()), "{what}");
    let all = a.iter().flatten().zip(b.iter().flatten());
    let differences = all.map(|(a, b)| (a - b).abs());
    differences
        .inspect(|d| assert!(!d.is_nan(), "{what}"))
        .fold(0.0, f64::max)
}

/// Every timestep through a stream.
pub fn streamed(model: &recurrent::Model<f64>, x: &Rows) -> Rows {
    let mut live = model.stream(1).unwrap();
    x.iter()
        .map(|x| live.push_slice(x).unwrap().to_vec())
        .collect()
}

fn agrees(name: &str, plain: impl Fn(&Value, &Rows) -> Rows) -> amp::Amp<f64> {
    let stem = name.split('.').next().unwrap();
    let [x, y] = ["x", "y"].map(|end| column(&format!("{stem}_{end}.csv")));
    let amp = amp::load::<f64>(path(name)).unwrap();
    let by_hand = plain(&json(name), &x);
    let got = streamed(&amp.model, &x);
    // Of f32 in the files of RTNeural; of f64 with as many digits in the other.
    assert!(
        differ(name, &got, &y) < 1e-6,
        "{name}: {}",
        differ(name, &got, &y)
    );
    assert!(
        differ(name, &got, &by_hand) < 1e-12,
        "{name}: {}",
        differ(name, &got, &by_hand)
    );
    let single = amp::load::<f32>(path(name)).unwrap();
    let whole = single
        .model
        .forward(&tensor(&x).mapv(f32::from_f64))
        .unwrap();
    let whole: Rows = whole.iter().map(|&y| vec![f64::from(y)]).collect();
    assert!(
        differ(name, &whole, &y) < 2e-6,
        "{name}: {}",
        differ(name, &whole, &y)
    );
    assert_eq!((amp.knobs, single.knobs), (0, 0));
    amp
}

#[test]
fn an_lstm_of_rtneural() {
    let amp = agrees("rtneural_lstm_1d.json", plain::layers);
    assert_eq!((amp.sample_rate, amp.loudness), (None, None));
    assert_eq!(format!("{:?}", amp.model), r#"["lstm", "dense"]"#);
    assert_eq!(amp.model.parameter_count().total(), 4 * 8 * (1 + 8 + 1) + 9);
}

/// Two modules, the second of three layers, and a linear one.
#[test]
fn a_state_dict_of_rtneural() {
    let amp = agrees("rtneural_gru_torch.json", |dict, x| {
        let x = plain::module(dict, "gru.", x);
        plain::linear(dict, "dense.", &plain::module(dict, "gru2.", &x))
    });
    assert_eq!(format!("{:?}", amp.model), r#"["gru", "gru_1", "dense"]"#);
}

#[test]
fn an_lstm_of_neural_amp_modeler() {
    let amp = agrees("nam_lstm.nam", plain::nam);
    assert_eq!(amp.sample_rate, Some(48_000.0));
    assert!((amp.loudness.unwrap() + 37.840_686_8).abs() < 1e-6);
    let weights = amp.model.weights();
    let paths: Vec<&str> = weights.iter().map(|weight| &*weight.path).collect();
    let expected = [
        "lstm/kernel",
        "lstm/recurrent_kernel",
        "lstm/bias",
        "lstm/initial_h",
        "lstm/initial_c",
        "dense/kernel",
        "dense/bias",
    ];
    assert_eq!(paths, expected);
    assert_eq!(amp.model.parameter_count().total(), 70);
}
