//! Golden files taken apart, changed, and read again.

use crate::data::ours;
use crate::family::{Family, read};
use crate::inside;
use recurrent::{Model, keras};
use serde_json::Value;

/// A golden file's configuration and its weights.
pub fn parts(id: &str) -> (Value, Vec<u8>) {
    let family = Family::load(ours("keras_files"));
    let case = family.cases.iter().find(|case| case["id"] == id).unwrap();
    if let Some(weights) = family.file(case, "weights_h5") {
        let archive = read(&family.file(case, "keras").unwrap());
        let config = inside::text(&archive, "config.json");
        return (serde_json::from_str(&config).unwrap(), read(&weights));
    }
    let bytes = read(&family.file(case, "h5").unwrap());
    let config = inside::attribute(&bytes, "model_config").unwrap();
    (serde_json::from_str(&config).unwrap(), bytes)
}

pub fn load(config: &Value, weights: &[u8]) -> recurrent::Result<Model<f32>> {
    keras::Reader::new().read_parts(&config.to_string(), weights)
}

/// The configuration of the layer of this name.
pub fn layer<'c>(config: &'c mut Value, name: &str) -> &'c mut Value {
    let layers = config["config"]["layers"].as_array_mut().unwrap();
    let found = layers
        .iter_mut()
        .find(|layer| layer["config"]["name"] == name);
    found.unwrap_or_else(|| panic!("no layer {name}"))
}
