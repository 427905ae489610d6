//! Files that lie.

use crate::family::{golden, read};
use recurrent::{Model, keras};
use serde_json::Value;

/// Whether these bytes become a model; weights alone take the configuration of the model that they were made of.
fn load(name: &str, bytes: &[u8], config: &str) -> recurrent::Result<Model<f32>> {
    if name.ends_with(".weights.h5") {
        keras::Reader::new().read_parts(config, bytes)
    } else {
        keras::read(bytes)
    }
}

#[test]
fn golden_files_load_or_say_why_not() {
    let root = golden("adversarial");
    let cases: Value = serde_json::from_slice(&read(&root.join("cases.json"))).unwrap();
    // All files were made of one model, of which some are whole.
    let seed = read(&root.join("nan_weights.keras"));
    let config = recurrent::format::zip::Archive::open(&seed, &recurrent::Limits::default());
    let config = config.unwrap().text("config.json").unwrap();
    let (mut files, mut wrong) = (0, Vec::new());
    for case in cases.as_array().unwrap() {
        let (name, expect) = (
            case["file"].as_str().unwrap(),
            case["expect"].as_str().unwrap(),
        );
        if ![".keras", ".h5"].iter().any(|end| name.ends_with(end)) {
            continue;
        }
        files += 1;
        let start = std::time::Instant::now();
        let result = load(name, &read(&root.join(name)), &config);
        let seconds = start.elapsed().as_secs_f64();
        let said = result
            .as_ref()
            .map_or_else(ToString::to_string, |_| "a model".into());
        println!("{name}: {said} ({seconds:.3} s)");
        let right = match expect {
            "error" => result.is_err(),
            "load" => result.is_ok(),
            _ => true,
        };
        if !right || seconds > 1.0 {
            wrong.push(format!(
                "{name}: {said}, expected {expect}, in {seconds:.3} s"
            ));
        }
    }
    assert!(files >= 40, "{files}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
