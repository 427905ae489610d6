//! Paths and readings that all formats share.
#![allow(dead_code)] // which of them are used depends on the features

use crate::format::{Arrays, Float, Result};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
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

/// The floating-point numbers of the array of that name.
pub fn get<A: Float>(arrays: &impl Arrays, name: &str) -> Result<Vec<A>> {
    let tensor = arrays.tensor(name)?;
    tensor.check_floats()?;
    tensor.read()
}

/// Reads every array in every way, and gives back the sum of what could be read.
pub fn read_all(arrays: &impl Arrays) -> Result<f64> {
    let mut sum = 0.0;
    for name in arrays.names()? {
        let tensor = arrays.tensor(&name)?;
        sum += tensor.read::<f64>()?.iter().sum::<f64>();
        if tensor.number().is_float() {
            sum += f64::from(tensor.read::<f32>()?.iter().sum::<f32>());
        }
    }
    Ok(sum)
}

/// Asserts that it is refused, in these words.
#[track_caller]
pub fn says<T>(result: Result<T>, words: &[&str]) {
    let message = match result {
        Ok(_) => panic!("no error, expected one with {words:?}"),
        Err(error) => error.to_string(),
    };
    for word in words {
        assert!(message.contains(word), "{message:?} lacks {word:?}");
    }
}
