//! Every file of a family, in every form, in both precisions: it loads, and computes what Keras computed.

use crate::family::{Family, golden, read, tests};
use recurrent::{Element, Model, keras};
use serde_json::Value;
use std::path::Path;

#[test]
fn golden_files() {
    check_family(&Family::load(golden("keras_files")), 30);
}

#[test]
fn files_of_our_own() {
    check_family(&Family::load(tests().join("data/keras_files")), 150);
}

/// The text of the configuration in a file.
fn config(path: &Path) -> String {
    use recurrent::Limits;
    use recurrent::format::{hdf5, zip};
    let (bytes, limits) = (read(path), Limits::default());
    if bytes.starts_with(b"PK") {
        return zip::Archive::open(&bytes, &limits)
            .unwrap()
            .text("config.json")
            .unwrap();
    }
    let file = hdf5::File::open(&bytes, &limits).unwrap();
    file.root()
        .unwrap()
        .text("model_config")
        .unwrap()
        .unwrap()
        .to_string()
}

/// Every form of a case: its name, and the model in it.
fn forms<A: Element>(family: &Family, case: &Value) -> Vec<(String, recurrent::Result<Model<A>>)> {
    let mut models = Vec::new();
    for kind in ["keras", "h5"] {
        let Some(path) = family.file(case, kind) else {
            continue;
        };
        models.push((kind.to_string(), keras::load(&path)));
        models.push((format!("{kind} from bytes"), keras::read(&read(&path))));
        // What two models share is told by `.keras` only.
        let tells = kind == "keras" || case["id"] != "k3_across";
        if let Some(weights) = family.file(case, "weights_h5").filter(|_| tells) {
            let mut reader = keras::Reader::new();
            // Keras 2 says its version beside the configuration, not in it.
            let by = case["written_by"].as_str().unwrap();
            if let Some(version) = by.rsplit(' ').next().filter(|version| *version < "3") {
                reader = reader.version(version.parse().unwrap());
            }
            let model = reader.read_parts(&config(&path), &read(&weights));
            models.push((format!("configuration of {kind} and weights"), model));
        }
    }
    models
}

fn check_family(family: &Family, least: usize) {
    let (mut files, mut wrong) = (0, Vec::new());
    for case in &family.cases {
        let id = case["id"].as_str().unwrap();
        check_case::<f32>(family, case, &mut files, &mut wrong);
        check_case::<f64>(family, case, &mut files, &mut wrong);
        assert!(
            case["weights"].as_array().is_none_or(|all| !all.is_empty()),
            "{id}"
        );
    }
    println!("{}: {files} models", family.root.display());
    assert!(
        wrong.is_empty(),
        "{} of {files} wrong\n  {}",
        wrong.len(),
        wrong.join("\n  ")
    );
    assert!(files >= least, "{files}");
}

fn check_case<A: Element>(
    family: &Family,
    case: &Value,
    files: &mut usize,
    wrong: &mut Vec<String>,
) {
    for (form, model) in forms::<A>(family, case) {
        *files += 1;
        let checked = model.map_err(|error| error.to_string());
        let checked = checked.and_then(|model| {
            check_size(case, &model)?;
            family.check(case, &model)
        });
        if let Err(error) = checked {
            wrong.push(format!(
                "{} {form} f{}: {error}",
                case["id"],
                8 * size_of::<A>()
            ));
        }
    }
}

/// As many weights as Keras counts, and the version in the summary.
fn check_size<A: Element>(case: &Value, model: &Model<A>) -> Result<(), String> {
    let summary = model.summary().to_string();
    if !summary.contains("\nKeras ") {
        return Err(format!("no version in\n{summary}"));
    }
    let Some(weights) = case["weights"].as_array() else {
        return Ok(());
    };
    let size = |weight: &Value| -> u64 {
        let shape = weight["shape"].as_array().unwrap();
        shape.iter().map(|len| len.as_u64().unwrap()).product()
    };
    let expected: u64 = weights.iter().map(size).sum();
    let found = model.parameters().total();
    // A layer in two models counts twice here.
    if found as u64 == expected || case["id"] == "k3_across" {
        return Ok(());
    }
    Err(format!("{found} weights, expected {expected}"))
}
