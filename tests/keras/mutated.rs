//! Every value of a configuration replaced by every odd one: an error or a model, never a panic.

use crate::data::{ours, tests};
use crate::family::read;
use crate::inside;
use ndarray::ArrayD;
use recurrent::{Model, Session, Tensor, keras};
use serde_json::{Value, json};
use std::path::Path;

/// The words of Python that JSON does not have. Here they are texts, after this character.
const WORDS: [&str; 3] = ["NaN", "-Infinity", "Infinity"];
const MARK: char = '@';

/// A configuration as Python writes it.
fn text(config: &Value) -> String {
    WORDS.iter().fold(config.to_string(), |text, word| {
        text.replace(&format!("\"{MARK}{word}\""), word)
    })
}

/// The value of a configuration that Python wrote. No text in it has one of the words.
fn value(text: &str) -> Value {
    let text = text.replace("NaN", &format!("\"{MARK}NaN\""));
    serde_json::from_str(&text).unwrap()
}

/// The configuration of a file, and its weights.
fn parts(path: &Path) -> (Value, Vec<u8>) {
    let bytes = read(path);
    if bytes.starts_with(b"PK") {
        let config = inside::text(&bytes, "config.json");
        return (value(&config), inside::member(&bytes, "model.weights.h5"));
    }
    let config = inside::attribute(&bytes, "model_config").unwrap();
    (value(&config), bytes)
}

/// The places of all values.
fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.into());
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                places(
                    value,
                    &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")),
                    all,
                );
            }
        }
        Value::Array(list) => {
            for (i, value) in list.iter().enumerate() {
                places(value, &format!("{at}/{i}"), all);
            }
        }
        _ => {}
    }
}

/// What becomes of zeros of the shapes that the model says, 2 where it does not.
pub fn run(model: &Model<f32>) -> recurrent::Result<String> {
    let inputs = model.inputs().map(|(_, shape)| {
        let axes = shape.axes().unwrap_or(&[None, None, None]);
        let lens: Vec<usize> = axes.iter().map(|len| len.unwrap_or(2).min(16)).collect();
        Tensor::new(&ArrayD::<f32>::zeros(lens))
    });
    let inputs: Vec<_> = inputs.collect();
    // Most cannot be stepped; none may panic.
    let _ = Session::new(model).step_all(inputs.clone());
    if let Ok(mut live) = model.stream(2) {
        let numbers = vec![0.5; 64];
        let lens = model.inputs().map(|(_, shape)| {
            let axes = shape
                .axes()
                .and_then(|axes| axes.get(2..))
                .unwrap_or_default();
            axes.iter()
                .fold(2, |all: usize, len| all.saturating_mul(len.unwrap_or(1)))
        });
        let numbers: Vec<&[f32]> = lens.map(|len| &numbers[..len.min(64)]).collect();
        let _ = live.push_all(&numbers);
    }
    model
        .forward_all(inputs)
        .map(|outputs| format!("{outputs:?}"))
}

fn survives(path: &Path, version: &str) {
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
        json!("x"),
        json!("sum"),
        json!([]),
        json!([3]),
        json!([1, 2, 3]),
        json!({}),
        json!({"class_name": "Dense"}),
        json!("@NaN"),
        json!("@-Infinity"),
    ];
    let (config, weights) = parts(path);
    let mut all = Vec::new();
    places(&config, "", &mut all);
    // What is trained is passed over.
    let matters = |at: &&String| {
        ![
            "_initializer",
            "_regularizer",
            "_constraint",
            "/build_config",
            "/compile_config",
        ]
        .iter()
        .any(|part| at.contains(part))
    };
    let all: Vec<&String> = all.iter().filter(matters).collect();
    let reader = keras::Reader::new().version(version.parse().unwrap());
    let (mut loaded, mut ran, mut tried) = (0, 0, 0);
    for at in &all {
        for value in &odd {
            let mut config = config.clone();
            *config.pointer_mut(at).unwrap() = value.clone();
            tried += 1;
            if let Ok(model) = reader.read_parts::<f32>(&text(&config), &weights) {
                loaded += 1;
                let _ = model.summary().to_string();
                ran += usize::from(run(&model).is_ok());
            }
        }
    }
    println!(
        "{}: {tried} changes, {loaded} loaded, {ran} ran",
        path.display()
    );
    assert!(tried > 1000 && loaded > 0 && loaded < tried);
}

#[test]
fn configurations() {
    survives(
        &ours("keras_files").join("models/seq_stacked_cells.keras"),
        "3.15.1",
    );
}

#[test]
fn configurations_of_our_own() {
    let models = tests().join("data/keras_files/models");
    for (name, version) in [
        ("k3_around.keras", "3.15.1"),
        ("k3_masks.keras", "3.15.1"),
        ("k2_nested.h5", "2.21.0"),
        ("k1_graph.h5", "1.2.2"),
    ] {
        survives(&models.join(name), version);
    }
}

#[test]
fn configurations_from_the_field() {
    let field = tests().join("data/field");
    for (name, version) in [
        ("windows_keras/windows.keras", "2.15.0"),
        ("json_nan/model.keras", "3.15.1"),
        ("json_nan/model.h5", "3.15.1"),
    ] {
        survives(&field.join(name), version);
    }
}

#[test]
fn configurations_of_operations() {
    let path = tests().join("data/keras_ops/models/k2_stepped.keras");
    survives(&path, "2.21.0");
}

/// Every few bytes of files with backslashes in the names of their groups.
#[test]
fn groups_with_backslashes() {
    let field = tests().join("data/field/windows_keras");
    let config = text(&parts(&field.join("windows.keras")).0);
    let reader = keras::Reader::new().version("2.15.0".parse().unwrap());
    for name in ["windows", "mixed", "both", "names"] {
        let whole = read(&field.join(format!("{name}.weights.h5")));
        let mut seen = [0, 0];
        for at in (0..whole.len()).step_by(37) {
            let mut bytes = whole.clone();
            bytes[at] ^= if at % 2 == 0 { 0x55 } else { b'\\' ^ b'/' };
            let model = reader.read_parts::<f32>(&config, &bytes);
            let weights = keras::Weights::read(&bytes);
            seen[usize::from(model.is_err() && weights.is_err())] += 1;
            if let Ok(weights) = &weights {
                for layer in weights.layers() {
                    let _ = weights.arrays::<f32>(layer.name());
                }
            }
        }
        assert!(seen.iter().all(|&count| count > 0), "{name}: {seen:?}");
    }
}

/// The same file, of 4 MiB, and what has moved how far: nobody looks behind the end of an HDF5 file, or in front of the
/// directory of an archive.
fn enlarged(small: &[u8]) -> (Vec<u8>, usize, usize) {
    let mut bytes = small.to_vec();
    let more = (4 << 20) - small.len();
    if !small.starts_with(b"PK") {
        bytes.resize(4 << 20, 0);
        return (bytes, small.len(), more);
    }
    let field = small.len() - 22 + 16;
    let directory = u32::from_le_bytes(small[field..field + 4].try_into().unwrap());
    let moved = directory + u32::try_from(more).unwrap();
    bytes[field..field + 4].copy_from_slice(&moved.to_le_bytes());
    let directory = directory as usize;
    bytes.splice(directory..directory, vec![0; more]);
    (bytes, directory, more)
}

/// A large file stays on disk while it is read.
#[test]
fn large_files_are_read_where_they_are() {
    let folder = std::env::temp_dir().join(format!("recurrent-large-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("large");
    let mut seen = [0, 0];
    for name in [
        "func_bidi.h5",
        "seq_stacked_cells.h5",
        "k2_gru_v1_hard_sigmoid.h5",
        "func_bidi.keras",
    ] {
        let small = read(&ours("keras_files").join("models").join(name));
        let (large, from, moved) = enlarged(&small);
        let flips = (0..small.len()).step_by(small.len() / 60).map(Some);
        for flipped in [None].into_iter().chain(flips) {
            let mut bytes = large.clone();
            if let Some(at) = flipped {
                bytes[if at < from { at } else { at + moved }] ^= 0x55;
            }
            std::fs::write(&path, &bytes).unwrap();
            match (keras::read(&bytes), keras::load(&path)) {
                (Ok(here), Ok(there)) => {
                    let values = |model| (run(model).ok(), model.summary().to_string());
                    assert_eq!(values(&there), values(&here), "{name} {flipped:?}");
                    seen[0] += 1;
                }
                (Err(here), Err(there)) => {
                    let (here, there) = (here.to_string(), there.to_string());
                    let found =
                        |error: &str| error.rsplit_once(", found ").map(|e| e.1.to_string());
                    assert_eq!(found(&there), found(&here), "{here} {there}");
                    assert!(there.contains("large"), "{there}");
                    seen[1] += 1;
                }
                (here, there) => panic!("{name} {flipped:?}: {here:?} {there:?}"),
            }
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(seen.iter().all(|&count| count > 20), "{seen:?}");
}

/// No memory is asked for what a shape claims and the file does not hold.
#[test]
fn shapes_of_gigabytes() {
    // Beyond the memory of the machine, too.
    for rows in [1_u64 << 27, 1 << 37] {
        let mut refused = 0;
        for name in [
            "seq_lstm_dense.h5",
            "seq_gru_both.h5",
            "k2_gru_v1_hard_sigmoid.h5",
        ] {
            let whole = read(&ours("keras_files").join("models").join(name));
            let number = |at: usize| u64::from_le_bytes(whole[at..at + 8].try_into().unwrap());
            for at in 0..whole.len() - 16 {
                // Two lengths of axes, one behind the other: more rows.
                if (1..=64).contains(&number(at)) && (1..=256).contains(&number(at + 8)) {
                    let mut bytes = whole.clone();
                    bytes[at..at + 8].copy_from_slice(&rows.to_le_bytes());
                    if let Err(error) = keras::read::<f32>(&bytes) {
                        let error = error.to_string();
                        let of_kernel =
                            error.contains("/kernel") && error.contains("a place in the");
                        refused += usize::from(of_kernel);
                    }
                }
            }
        }
        assert!(refused >= 4, "{rows}: {refused}");
    }
}
