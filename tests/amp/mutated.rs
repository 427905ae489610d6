//! Every value of a file replaced by every odd one, and files that are cut or changed byte by byte: an error or a model that
//! runs, never a panic.

use crate::made::{self, GuitarMl, Numbers};
use recurrent::amp::{self, Amp};
use serde_json::{Value, json};

/// The places of all values.
fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.into());
    match value {
        Value::Object(object) => object
            .iter()
            .for_each(|(key, value)| places(value, &format!("{at}/{key}"), all)),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .for_each(|(n, value)| places(value, &format!("{at}/{n}"), all)),
        _ => {}
    }
}

/// Whether it is a model. If so, it runs.
fn survives(bytes: &[u8]) -> bool {
    let Ok(amp) = amp::read::<f32>(bytes) else {
        return false;
    };
    run(&amp);
    true
}

fn run(amp: &Amp<f32>) {
    let inputs = amp.knobs + 1;
    if let Ok(mut live) = amp.model.stream(1)
        && inputs < 1000
    {
        let x = vec![0.5; inputs];
        live.push_slice(&x).unwrap();
        live.push_slice(&x).unwrap();
        let x = ndarray::Array3::from_elem((1, 2, inputs), 0.5);
        amp.model.forward(&x).unwrap();
    }
    let _ = amp.model.summary().to_string();
}

fn files() -> Vec<Value> {
    let layers = [
        ("dense", "tanh", 2),
        ("grouped", "relu", 2),
        ("lstm", "", 1),
        ("gru", "tanh", 2),
        ("prelu", "", 2),
        ("batchnorm", "", 2),
        ("activation", "elu", 2),
        ("dense", "", 1),
    ];
    let mut aida = made::rtneural(1, 2, &layers);
    aida["in_skip"] = 1.into();
    aida["in_gain"] = 3.into();
    aida["out_gain"] = (-3).into();
    aida["metadata"] = json!({"samplerate": "48000"});
    let guitarml = GuitarMl {
        unit_type: "GRU",
        inputs: 2,
        units: 1,
        layers: 2,
        outputs: 1,
        skip: json!(1),
        has_bias: true,
    };
    let guitarml = guitarml.file(2);
    let (mut of, mut dict) = (Numbers::new(1), serde_json::Map::new());
    made::module(&mut of, &mut dict, "a.", [4, 2, 1, 2], true);
    dict.insert("b.weight".into(), of.array(&[1, 1]));
    vec![aida, guitarml, dict.into(), made::nam(3, [2, 1, 2, 1])]
}

#[test]
fn odd_values() {
    let odd = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(2),
        json!(0.5),
        json!(1e300),
        json!(u64::MAX),
        json!(1_u64 << 40),
        json!(65536),
        json!("x"),
        json!("lstm"),
        json!([]),
        json!([[]]),
        json!([3]),
        json!([1, 2, 3]),
        json!([[[[[1]]]]]),
        json!({}),
        json!({"weights": []}),
        json!({"__not_finite__": "NaN"}),
    ];
    let (mut models, mut errors) = (0, 0);
    for file in files() {
        assert!(survives(file.to_string().as_bytes()));
        let mut all = Vec::new();
        places(&file, "", &mut all);
        for at in all {
            for value in &odd {
                let mut file = file.clone();
                *file.pointer_mut(&at).unwrap() = value.clone();
                if survives(file.to_string().as_bytes()) {
                    models += 1;
                } else {
                    errors += 1;
                }
            }
        }
    }
    assert!(models > 500 && errors > 3000, "{models} {errors}");
}

#[test]
fn missing_values() {
    for file in files() {
        let mut all = Vec::new();
        places(&file, "", &mut all);
        for at in all.iter().filter(|at| !at.is_empty()) {
            let mut file = file.clone();
            let (outer, key) = at.rsplit_once('/').unwrap();
            match file.pointer_mut(outer).unwrap() {
                Value::Object(object) => drop(object.remove(key)),
                Value::Array(list) => drop(list.remove(key.parse().unwrap())),
                _ => unreachable!(),
            }
            survives(file.to_string().as_bytes());
        }
    }
}

#[test]
fn changed_bytes() {
    let mut of = Numbers::new(8);
    for file in files() {
        let bytes = file.to_string().into_bytes();
        for end in 0..bytes.len() {
            assert!(!survives(&bytes[..end]));
        }
        for _ in 0..2000 {
            let mut bytes = bytes.clone();
            for _ in 0..=of.below(3) {
                let at = of.below(bytes.len());
                bytes[at] = b"0123456789[]{}\",:-.eE\0 \xff"[of.below(24)];
            }
            survives(&bytes);
        }
    }
}
