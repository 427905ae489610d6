//! Configurations of Keras with a few values replaced, so that they stay JSON, and the models that come of them.

use crate::mutate::Mutator;
use recurrent::{Limits, Model, Tensor, keras, saved};
use serde_json::{Value, json};
use std::error::Error;
use std::path::Path;

/// The models whose configurations are changed, and the version of Keras.
const MODELS: [(&str, &str); 22] = [
    ("keras_files/models/k3_images_crnn.keras", "3.15.1"),
    ("keras_files/models/k3_images_video.keras", "3.15.1"),
    ("keras_files/models/k2_images_video.keras", "2.21.0"),
    ("keras_files/models/k3_attend_block.keras", "3.15.1"),
    ("keras_files/models/k2_attend_block.keras", "2.21.0"),
    ("keras_files/models/k3_attend_seq2seq.keras", "3.15.1"),
    ("keras_files/models/k3_attend_masked.keras", "3.15.1"),
    ("keras_files/models/k3_attend_scaled.keras", "3.15.1"),
    ("keras_files/models/k3_shapes.keras", "3.15.1"),
    ("keras_files/models/k3_cells.keras", "3.15.1"),
    ("keras_files/models/k3_more_convolutions.keras", "3.15.1"),
    ("keras_files/models/k3_more_pictures.keras", "3.15.1"),
    ("keras_files/models/k2_more_pictures.keras", "2.21.0"),
    ("keras_files/models/k3_more_normalised.keras", "3.15.1"),
    ("keras_files/models/k3_more_heads.keras", "3.15.1"),
    ("keras_ops/models/k3_more.keras", "3.15.1"),
    ("keras_ops/models/k3_more_steps.keras", "3.15.1"),
    ("keras_ops/models/k3_arranged.keras", "3.15.1"),
    ("keras_ops/models/k3_reductions.keras", "3.15.1"),
    ("keras_ops/models/k3_slices.keras", "3.15.1"),
    ("keras_ops/models/k3_functions.keras", "3.15.1"),
    ("keras_ops/models/k2_arranged.keras", "2.21.0"),
];

/// A configuration, and where its weights are, as one JSON text each.
pub fn corpus(data: &Path, member: impl Fn(&[u8], &str) -> Option<Vec<u8>>) -> Vec<Vec<u8>> {
    let entry = |(at, (name, _)): (usize, &(&str, &str))| {
        let bytes = std::fs::read(data.join(name)).ok()?;
        let config: Value = serde_json::from_slice(&member(&bytes, "config.json")?).ok()?;
        let entry = json!({"model": at, "config": config});
        Some(entry.to_string().into_bytes())
    };
    MODELS.iter().enumerate().filter_map(entry).collect()
}

/// Replaces a few values of one of them.
pub fn change(mutator: &mut Mutator, corpus: &[Vec<u8>]) -> Vec<u8> {
    let bytes = &corpus[mutator.below(corpus.len())];
    let Ok(mut entry) = serde_json::from_slice::<Value>(bytes) else {
        return bytes.clone();
    };
    let mut places = Vec::new();
    find(&entry["config"], "/config".into(), &mut places);
    for _ in 0..1 + mutator.below(4) {
        let at = places[mutator.below(places.len())].clone();
        let other = places[mutator.below(places.len())].clone();
        let new = match mutator.below(16) {
            // A value that stands elsewhere.
            0..3 => entry.pointer(&other).cloned().unwrap_or_default(),
            _ => odd(mutator),
        };
        if let Some(value) = entry.pointer_mut(&at) {
            *value = new;
        }
    }
    entry.to_string().into_bytes()
}

/// Lengths stay small, so that what is computed does; or are so large that nothing has them.
fn odd(mutator: &mut Mutator) -> Value {
    const NUMBERS: [i64; 14] = [-2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 30, 200, 1 << 40, i64::MAX];
    let mut number = || NUMBERS[mutator.below(NUMBERS.len())];
    let numbers = [number(), number(), number(), number()];
    match mutator.below(16) {
        0 => Value::Null,
        1 => true.into(),
        2 => false.into(),
        3 => json!(0.5),
        4 => json!(1e300),
        5 => json!([]),
        6 => json!(numbers[..1]),
        7 => json!(numbers[..2]),
        8 => json!(numbers[..3]),
        9 => json!([numbers[..2], numbers[2..]]),
        10 => json!(["same", "valid", "causal", "tanh", "softmax"][mutator.below(5)]),
        11 => json!({}),
        _ => numbers[0].into(),
    }
}

fn find(value: &Value, at: String, all: &mut Vec<String>) {
    // What is trained is passed over.
    let trained = [
        "_initializer",
        "_regularizer",
        "_constraint",
        "build_config",
    ];
    if trained.iter().any(|part| at.ends_with(part)) {
        return;
    }
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let key = key.replace('~', "~0").replace('/', "~1");
                find(value, format!("{at}/{key}"), all);
            }
        }
        Value::Array(list) => {
            for (i, value) in list.iter().enumerate() {
                find(value, format!("{at}/{i}"), all);
            }
        }
        _ => {}
    }
    all.push(at);
}

/// Reads one, and runs the model: whole, step by step, and from a saved file.
pub fn read(
    data: &Path,
    bytes: &[u8],
    limits: &Limits,
    member: impl Fn(&[u8], &str) -> Option<Vec<u8>>,
) -> Result<(), Box<dyn Error>> {
    let entry: Value = serde_json::from_slice(bytes)?;
    let at = entry["model"]
        .as_u64()
        .and_then(|at| usize::try_from(at).ok());
    let (name, version) = at.and_then(|at| MODELS.get(at)).ok_or("no model")?;
    let file = std::fs::read(data.join(name))?;
    let weights = member(&file, "model.weights.h5").ok_or("no weights")?;
    let reader = keras::Reader::within(limits).version(version.parse()?);
    let model = reader.read_parts::<f32>(&entry["config"].to_string(), &weights)?;
    drop(model.summary().to_string());
    let again: Model<f32> = saved::read(&saved::write(&model)?)?;
    let inputs = |model: &Model<f32>| -> Vec<Tensor<f32>> {
        let shapes = model.inputs().map(|(_, shape)| {
            let axes = shape.axes().unwrap_or(&[None, None, None]).to_vec();
            let lens = axes.iter().map(|len| len.unwrap_or(2).min(16));
            lens.collect::<Vec<usize>>()
        });
        let one = |shape: Vec<usize>| Tensor::new(&ndarray::ArrayD::from_elem(shape, 1.0));
        shapes.map(one).collect()
    };
    if let Ok(mut live) = again.stream(2) {
        let lens = again.inputs().map(|(_, shape)| {
            let axes = shape.axes().and_then(|axes| axes.get(2..));
            let axes = axes.unwrap_or_default().iter();
            axes.fold(2, |all: usize, len| all.saturating_mul(len.unwrap_or(1)))
        });
        let numbers = vec![1.0; 4096];
        let numbers: Vec<&[f32]> = lens.map(|len| &numbers[..len.min(4096)]).collect();
        drop(live.push_all(&numbers));
        drop(live.push_all(&numbers));
    }
    let outputs = model.forward_all(inputs(&model))?;
    let others = again.forward_all(inputs(&again))?;
    for (a, b) in outputs.iter().zip(&others) {
        let bits = |x: &Tensor<f32>| x.values.mapv(f32::to_bits);
        assert_eq!(bits(a), bits(b), "a saved model computes something else");
    }
    Ok(())
}
