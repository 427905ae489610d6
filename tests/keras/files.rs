//! Every file of a family, in every form, in both precisions: it loads, and computes what Keras computed.

use crate::data::{chosen, least, tests};
use crate::family::{Family, read};
use crate::inside;
use crate::tally::Tally;
use recurrent::{Element, Model, keras};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

#[test]
fn golden_files() {
    check_family("keras_files", chosen("keras_files"), least(30));
}

#[test]
fn files_of_our_own() {
    check_family(
        "data/keras_files",
        Some(tests().join("data/keras_files")),
        150,
    );
    let streamed = STREAMED.load(Relaxed);
    assert!(streamed > 40, "only {streamed} models were streamed");
}

/// Operations between layers: those that work timestep by timestep are streamed, too.
#[test]
fn operations() {
    check_family("data/keras_ops", Some(tests().join("data/keras_ops")), 30);
}

/// How many models could be streamed.
static STREAMED: AtomicUsize = AtomicUsize::new(0);

fn check_family(name: &str, folder: Option<PathBuf>, least: usize) {
    let mut tally = Tally::new(format!("{name}, form by form"));
    if let Some(family) = folder.map(Family::load) {
        tally.part("in f32");
        for case in &family.cases {
            check_case::<f32>(&family, case, &mut tally);
        }
        tally.part("in f64");
        for case in &family.cases {
            check_case::<f64>(&family, case, &mut tally);
        }
    }
    tally.finish(least);
}

/// The text of the configuration in a file, and the version of Keras that wrote it, if it says so.
fn config(path: &Path) -> (String, Option<String>) {
    let bytes = read(path);
    if bytes.starts_with(b"PK") {
        let metadata = inside::text(&bytes, "metadata.json");
        let metadata: Value = serde_json::from_str(&metadata).unwrap();
        let version = metadata["keras_version"].as_str().map(str::to_string);
        return (inside::text(&bytes, "config.json"), version);
    }
    let config = inside::attribute(&bytes, "model_config").unwrap();
    (config, inside::attribute(&bytes, "keras_version"))
}

/// Every form of a case: each whole file, by its path and from its bytes, and its configuration with the weights alone.
fn check_case<A: Element>(family: &Family, case: &Value, tally: &mut Tally) {
    let id = case["id"].as_str().unwrap();
    let check = |model: recurrent::Result<Model<A>>| -> Result<f64, String> {
        family.only_describes(case, &["calls", "weights"])?;
        let model = model.map_err(|error| error.to_string())?;
        check_size(case, &model)?;
        let worst = family.check(case, &model)?;
        if family.stream(case, &model)? {
            STREAMED.fetch_add(1, Relaxed);
        }
        Ok(worst)
    };
    let mut forms = 0;
    for kind in ["keras", "h5"] {
        let Some(path) = family.file(case, kind) else {
            continue;
        };
        forms += 1;
        tally.case(&format!("{id} {kind}"), || check(keras::load(&path)));
        tally.case(&format!("{id} {kind} from bytes"), || {
            check(keras::read(&read(&path)))
        });
        // What two models share is told by `.keras` only.
        let tells = kind == "keras" || id != "k3_across";
        if let Some(weights) = family.file(case, "weights_h5").filter(|_| tells) {
            tally.case(
                &format!("{id} configuration of {kind}, and weights"),
                || {
                    let (config, version) = config(&path);
                    let mut reader = keras::Reader::new();
                    // Keras 2 says its version beside the configuration, not in it.
                    if let Some(version) = version.filter(|version| version.as_str() < "3") {
                        reader = reader.version(version.parse().unwrap());
                    }
                    check(reader.read_parts(&config, &read(&weights)))
                },
            );
        }
    }
    if forms == 0 {
        tally.case(&format!("{id} weights"), || {
            check_weights_alone(family, case)
        });
    }
}

/// Weights without a configuration compute nothing; all of them must be found.
fn check_weights_alone(family: &Family, case: &Value) -> Result<f64, String> {
    let path = family.file(case, "weights_h5").ok_or("found no file")?;
    let weights = keras::Weights::load(&path).map_err(|error| error.to_string())?;
    let layers = weights.layers().iter();
    let arrays = layers.flat_map(keras::LayerWeights::arrays);
    let found = arrays.map(|(_, shape)| shape.iter().product::<usize>());
    let (found, expected) = (found.sum::<usize>() as u64, size(case));
    if Some(found) == expected {
        return Ok(0.0);
    }
    Err(format!("{found} weights, expected {expected:?}"))
}

/// How many weights Keras counts, if the case says it.
fn size(case: &Value) -> Option<u64> {
    let size = |weight: &Value| -> u64 {
        let shape = weight["shape"].as_array().unwrap();
        shape.iter().map(|len| len.as_u64().unwrap()).product()
    };
    let weights = case["weights"].as_array()?;
    assert!(!weights.is_empty(), "a case lists no weights");
    Some(weights.iter().map(size).sum())
}

/// As many weights as Keras counts, and the version in the summary.
fn check_size<A: Element>(case: &Value, model: &Model<A>) -> Result<(), String> {
    let summary = model.summary().to_string();
    if !summary.contains("\nKeras ") {
        return Err(format!("no version in\n{summary}"));
    }
    let Some(expected) = size(case) else {
        return Ok(());
    };
    let found = model.parameter_count().total();
    // A layer in two models counts twice here.
    if found as u64 == expected || case["id"] == "k3_across" {
        return Ok(());
    }
    Err(format!("{found} weights, expected {expected}"))
}
