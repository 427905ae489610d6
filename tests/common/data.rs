//! Where the golden data are: those of the project, and those that the families run from.
#![allow(dead_code)] // each test program uses a part

use serde_json::Value;
use std::path::{Path, PathBuf};

/// The folder `tests`.
pub fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// The project's golden data of a family. A test that needs a certain case or file takes it from here, whatever set the
/// families run from.
pub fn ours(family: &str) -> PathBuf {
    tests().join("golden").join(family)
}

/// The folder that a family runs from: that of the set in `RECURRENT_GOLDEN`, or ours where that is not set. `None` if the
/// other set does not have the family.
pub fn chosen(family: &str) -> Option<PathBuf> {
    let Some(set) = other_set() else {
        return Some(ours(family));
    };
    let folders = std::fs::read_dir(&set)
        .unwrap_or_else(|error| panic!("RECURRENT_GOLDEN={}: {error}", set.display()));
    let has_cases = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.is_ok_and(|entry| entry.path().join("cases.json").is_file())
    };
    // A wrong folder must not look like a set without failures.
    assert!(
        folders.into_iter().any(has_cases),
        "RECURRENT_GOLDEN={}: found no FAMILY/cases.json, expected a set of golden data",
        set.display()
    );
    let folder = set.join(family);
    folder.is_dir().then_some(folder)
}

/// How many cases a family must have: `ours` in our set, any number in another.
pub fn least(ours: usize) -> usize {
    if other_set().is_some() { 0 } else { ours }
}

fn other_set() -> Option<PathBuf> {
    let set = std::env::var_os("RECURRENT_GOLDEN").filter(|set| !set.is_empty());
    set.map(PathBuf::from)
}

/// Whether any text in a value is one of these. A key whose value mentions a tensor belongs to the data, and no test may
/// pass over it.
pub fn mentions(value: &Value, is_one: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => is_one(text),
        Value::Array(list) => list.iter().any(|item| mentions(item, is_one)),
        Value::Object(object) => object.values().any(|item| mentions(item, is_one)),
        _ => false,
    }
}
