//! Golden files taken apart, changed, and read again.

use crate::data::ours;
use crate::family::{Family, read};
use recurrent::format::{hdf5, zip};
use recurrent::{Limits, Model, keras};
use serde_json::Value;

/// A golden file's configuration and its weights.
pub fn parts(id: &str) -> (Value, Vec<u8>) {
    let family = Family::load(ours("keras_files"));
    let case = family.cases.iter().find(|case| case["id"] == id).unwrap();
    if let Some(weights) = family.file(case, "weights_h5") {
        let archive = read(&family.file(case, "keras").unwrap());
        let archive = zip::Archive::open(&archive, &Limits::default()).unwrap();
        let config = archive.text("config.json").unwrap();
        return (serde_json::from_str(&config).unwrap(), read(&weights));
    }
    let bytes = read(&family.file(case, "h5").unwrap());
    let file = hdf5::File::open(&bytes, &Limits::default()).unwrap();
    let config = file.root().unwrap().text("model_config").unwrap().unwrap();
    (serde_json::from_str(config).unwrap(), bytes.clone())
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
