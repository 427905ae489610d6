//! Paths that all formats share.
#![allow(dead_code)] // which of them are used depends on the features

use serde_json::Value;
use std::path::{Path, PathBuf};

/// A file of `tests/`.
pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

pub fn read(name: &str) -> Vec<u8> {
    let path = path(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn json(name: &str) -> Value {
    serde_json::from_slice(&read(name)).unwrap()
}

/// The files of a directory of `tests/` whose names end so, sorted; there must be some.
pub fn files(directory: &str, end: &str) -> Vec<String> {
    let entries = std::fs::read_dir(path(directory)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(end)).collect();
    names.sort();
    assert!(!names.is_empty(), "no {end} in {directory}");
    names
}
