//! Files of every form and option, made from seeds, against the plain loops.

use crate::files::{differ, streamed};
use crate::made::{self, GuitarMl, Numbers};
use crate::plain::{self, Rows};
use recurrent::amp::{self, Amp};
use serde_json::{Value, json};

pub type Plain = fn(&Value, &Rows) -> Rows;

/// A file, what it computes, and its inputs.
pub struct Case {
    pub name: String,
    pub file: Value,
    pub plain: Plain,
    pub inputs: usize,
}

impl Case {
    pub fn bytes(&self) -> Vec<u8> {
        self.file.to_string().into_bytes()
    }
}

type Add<'c> = &'c mut dyn FnMut(String, Value, Plain, usize);

/// Some of everything.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: String, file: Value, plain: Plain, inputs: usize| {
        cases.push(Case {
            name,
            file,
            plain,
            inputs,
        });
    };
    rtneural(&mut add);
    guitarml(&mut add);
    for sizes in [
        [1, 3, 1, 1],
        [1, 8, 2, 1],
        [2, 5, 3, 1],
        [3, 4, 1, 2],
        [1, 1, 1, 1],
    ] {
        let name = format!("NAM {sizes:?}");
        add(name, made::nam(4, sizes), plain::nam, sizes[0]);
    }
    cases
}

fn rtneural(add: Add) {
    let rtneural: [&[(&str, &str, usize)]; 9] = [
        &[("lstm", "tanh", 5), ("dense", "", 1)],
        &[("gru", "", 7), ("dense", "", 1)],
        &[("lstm", "", 4), ("gru", "tanh", 6), ("dense", "tanh", 1)],
        &[
            ("time-distributed-dense", "tanh", 8),
            ("conv1d", "relu", 4),
            ("gru", "tanh", 8),
            ("dense", "", 1),
        ],
        &[
            ("conv1d", "tanh", 4),
            ("batchnorm", "", 4),
            ("prelu", "", 4),
            ("grouped", "", 6),
            ("plain batchnorm", "", 6),
            ("shared prelu", "", 6),
            ("without bias", "sigmoid", 1),
        ],
        &[
            ("dense", "", 6),
            ("activation", "elu", 6),
            ("without bias", "", 5),
            ("activation", "softmax", 5),
            ("dense", "softmax", 4),
            ("activation", "", 4),
            ("activation", "relu", 4),
            ("dense", "elu", 1),
        ],
        &[("prelu", "", 0), ("dense", "", 1)],
        &[
            ("activation", "tanh", 0),
            ("lstm", "", 3),
            ("lstm", "", 3),
            ("dense", "", 1),
        ],
        &[("lstm", "", 4), ("dense", "", 2)],
    ];
    for inputs in 1..=3 {
        for (n, layers) in rtneural.iter().enumerate() {
            // 0 units: as many as inputs.
            let layers: Vec<_> = layers
                .iter()
                .map(|&(kind, activation, units)| {
                    (kind, activation, if units == 0 { inputs } else { units })
                })
                .collect();
            let file = made::rtneural(n as u64, inputs, &layers);
            let name = format!("RTNeural {n}, {inputs} inputs");
            add(name.clone(), file.clone(), plain::layers, inputs);
            for (m, [skip, before, after]) in [
                [json!(1), json!(null), json!(null)],
                [json!(0), json!(6.5), json!(-3)],
                [json!(1), json!(-12.25), json!(0)],
                [json!(1), json!(0), json!(4.5)],
                [json!(null), json!(-90), json!(1)],
                [json!(1), json!(3), json!(-91.5)],
            ]
            .into_iter()
            .enumerate()
            {
                let mut file = file.clone();
                (file["in_skip"], file["in_gain"], file["out_gain"]) = (skip, before, after);
                file["metadata"] = json!({"samplerate": "48000", "name": "made"});
                add(format!("AIDA-X {m}, {name}"), file, plain::layers, inputs);
            }
        }
    }
}

fn guitarml(add: Add) {
    for unit_type in ["LSTM", "GRU", "RNN"] {
        for inputs in 1..=3 {
            for layers in 1..=3 {
                for skip in [json!(null), json!(0), json!(1)] {
                    for has_bias in [true, false] {
                        let of = GuitarMl {
                            unit_type,
                            inputs,
                            units: 6,
                            layers,
                            outputs: 1,
                            skip: skip.clone(),
                            has_bias,
                        };
                        let name = format!("{unit_type}, {inputs}, {layers}, {skip}, {has_bias}");
                        add(name, of.file(inputs as u64), plain::guitarml, inputs);
                    }
                }
            }
        }
    }
    let stereo = |skip: usize| GuitarMl {
        unit_type: "GRU",
        inputs: 3,
        units: 4,
        layers: 1,
        outputs: 2,
        skip: skip.into(),
        has_bias: true,
    };
    for skip in 0..=2 {
        let name = format!("GuitarML, 2 outputs, skip {skip}");
        add(name, stereo(skip).file(9), plain::guitarml, 3);
    }
}

#[test]
fn every_form_computes_what_its_source_says() {
    let cases = cases();
    assert!(cases.len() > 200);
    for case in &cases {
        let x = Numbers::new(77).input(40, case.inputs);
        let amp: Amp<f64> =
            amp::read(&case.bytes()).unwrap_or_else(|e| panic!("{}: {e}", case.name));
        assert_eq!(amp.knobs + 1, case.inputs, "{}", case.name);
        let (got, want) = (streamed(&amp.model, &x), (case.plain)(&case.file, &x));
        let differ = differ(&case.name, &got, &want);
        assert!(differ < 1e-12, "{}: {differ}", case.name);
        let heard = want.iter().flatten().any(|y| y.abs() > 1e-3);
        assert!(heard || case.file["out_gain"] == -91.5, "{}", case.name);
    }
}

/// LSTMs and GRUs in the order of the file, whatever their names.
#[test]
fn a_state_dict_has_the_order_of_its_file() {
    for last in ["lin.", "a.", ""] {
        let mut of = Numbers::new(5);
        // The names are not in this order in the alphabet.
        let modules = [
            ("z.", [4, 2, 3, 1]),
            ("b.", [3, 3, 3, 2]),
            ("c.", [3, 3, 3, 1]),
        ];
        let (mut all, mut text) = (serde_json::Map::new(), Vec::new());
        for (prefix, sizes) in modules {
            let mut dict = serde_json::Map::new();
            made::module(&mut of, &mut dict, prefix, sizes, prefix != "b.");
            text.extend(
                dict.iter()
                    .map(|(name, array)| format!("{name:?}: {array}")),
            );
            all.extend(dict);
        }
        for (name, array) in [("weight", of.array(&[1, 3])), ("bias", of.list(1))] {
            let name = format!("{last}{name}");
            text.push(format!("{name:?}: {array}"));
            all.insert(name, array);
        }
        let bytes = format!("{{{}}}", text.join(", ")).into_bytes();
        if last.is_empty() {
            // Its arrays would belong to all modules.
            continue;
        }
        let amp: Amp<f64> = amp::read(&bytes).unwrap();
        let (all, x) = (Value::Object(all), of.input(40, 2));
        let y = modules
            .iter()
            .fold(x.clone(), |x, (prefix, _)| plain::module(&all, prefix, &x));
        let want = plain::linear(&all, last, &y);
        let differ = differ(last, &streamed(&amp.model, &x), &want);
        assert!(differ < 1e-12, "{last}: {differ}");
        assert_eq!(
            format!("{:?}", amp.model),
            r#"["lstm", "gru", "gru_1", "dense"]"#
        );
    }
}

#[test]
fn what_a_file_says_of_itself() {
    let of = |file: &Value| {
        let amp: Amp<f32> = amp::read(file.to_string().as_bytes()).unwrap();
        (amp.sample_rate, amp.loudness)
    };
    let mut file = made::rtneural(1, 1, &[("lstm", "", 3), ("dense", "", 1)]);
    assert_eq!(of(&file), (None, None));
    file["samplerate"] = json!(44100);
    assert_eq!(of(&file), (Some(44_100.0), None));
    file["metadata"] = json!({"samplerate": "48000", "loudness": -20});
    assert_eq!(of(&file), (Some(44_100.0), Some(-20.0)));
    file["samplerate"] = json!(null);
    assert_eq!(of(&file), (Some(48_000.0), Some(-20.0)));
    assert_eq!(
        of(&made::nam(1, [1, 2, 1, 1])),
        (Some(48_000.0), Some(-18.5))
    );
    // An editor's first character.
    let text = format!("\u{feff}{file}");
    assert!(amp::read::<f32>(text.as_bytes()).is_ok());
}
