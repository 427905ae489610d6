//! The files that hold the weights of one model, as `model.weights.json` names them.

use super::config::shown;
use crate::error::{Error, Result};
use crate::format::json::Value;
use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::string::String;

/// Their names. A name is that of a file beside it, and no path that could lead elsewhere.
pub fn names(map: &Value, part: &str) -> Result<BTreeSet<String>> {
    let Some(weights) = map.get("weight_map").and_then(Value::as_object) else {
        return Err(Error::file(part, "a \"weight_map\"", shown(map)));
    };
    let mut names = BTreeSet::new();
    for value in weights.values() {
        let files = value
            .as_array()
            .map_or(core::slice::from_ref(value), |list| list);
        for file in files {
            let name = file
                .as_str()
                .filter(|name| !name.contains(['/', '\\', ':', '\0']));
            let Some(name) = name else {
                return Err(Error::file(part, "names of files beside it", shown(file)));
            };
            names.insert(name.to_owned());
        }
    }
    Ok(names)
}
