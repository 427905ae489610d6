//! Weights written into copies of the files that they came from: every file of this folder, and what real Keras computes with
//! some of the copies.

use crate::data::tests;
use crate::family::{Family, read};
use crate::inside;
use recurrent::{Element, Model, keras};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// All whole models of the test data, by their paths inside of it.
fn files() -> BTreeMap<String, PathBuf> {
    fn add(folder: &Path, all: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                add(&path, all);
            } else if path
                .extension()
                .is_some_and(|end| end == "keras" || end == "h5")
            {
                all.push(path);
            }
        }
    }
    let mut all = Vec::new();
    for folder in ["data", "golden"] {
        add(&tests().join(folder), &mut all);
    }
    let named = all.into_iter().map(|path| {
        let inside = path.strip_prefix(tests()).unwrap();
        (inside.display().to_string(), path)
    });
    named.collect()
}

/// Gives every weight other numbers, as a training would. Those that must not be negative are not.
fn train<A: Element>(model: &mut Model<A>) {
    let mut number = 0;
    for weight in model.weights() {
        let is_count = weight.path.ends_with("/count");
        let trained = model.get(&weight.path).unwrap().mapv(|x| {
            number += 1;
            if is_count {
                return x + A::one();
            }
            let more = A::from_f64(f64::from(number % 61 + 1) / 256.0);
            if x < A::zero() { x - more } else { x + more }
        });
        model.set(&weight.path, &trained).unwrap();
    }
}

fn bits<A: Element>(model: &Model<A>) -> Vec<u64> {
    let paths = model.weights().into_iter().map(|weight| weight.path);
    let all = paths.flat_map(|path| model.get(&path).unwrap());
    all.map(Element::bits).collect()
}

/// What cannot be written: texts that the message has, by the end of the file's name.
const REFUSED: [(&str, &str); 2] = [
    // The sum of two biases.
    (
        "k2_cudnn.h5",
        "bidirectional_1/forward/bias: found one that was computed from several of its numbers, or is not in it, expected a \
         weight whose numbers the file has (or one that did not change)",
    ),
    // A layer of two models, which got two kernels here.
    (
        "k3_across.keras",
        "inner/in_both/kernel: found 0.33648705, expected 0.28961205 as in in_both/kernel, since the file has both in one place",
    ),
];

#[test]
fn every_file_takes_other_weights() {
    let (mut written, mut refused) = (0, Vec::new());
    for (name, path) in files() {
        let bytes = read(&path);
        let Ok(model) = keras::read::<f32>(&bytes) else {
            continue;
        };
        if model.weights().is_empty() {
            continue;
        }
        let (copy, report) = keras::write_into(&bytes, &model).unwrap();
        assert!(copy == bytes, "{name}: an untouched model");
        assert!(report.datasets.is_empty(), "{name}");
        let mut trained = model;
        train(&mut trained);
        match keras::write_into(&bytes, &trained) {
            Ok((copy, report)) => {
                written += 1;
                let again: Model<f32> = keras::read(&copy).unwrap();
                let half = name.contains("float16");
                assert!(half || bits(&again) == bits(&trained), "{name}");
                assert!(!report.datasets.is_empty(), "{name}");
                // The copy is as good an original, and has nothing left to be written.
                let (same, report) = keras::write_into(&copy, &again).unwrap();
                assert!(same == copy && report.datasets.is_empty(), "{name}");
                assert_ne!(report.optimizer, keras::OptimizerVariables::Kept, "{name}");
            }
            Err(error) => refused.push((name, error.to_string())),
        }
    }
    println!("{written} files written, {} refused", refused.len());
    for (name, message) in &refused {
        let known = REFUSED
            .iter()
            .any(|(file, says)| name.ends_with(file) && message.contains(says));
        println!("{name}: {message}");
        assert!(known, "{name}: {message}");
    }
    assert_eq!(refused.len(), REFUSED.len());
    assert!(written >= 150, "only {written}");
}

/// Copies that real Keras has loaded (`make_out.py`): the file, and that with its configuration if it has none.
const LOADED: [(&str, &str); 13] = [
    ("data/keras_files/models/k3_cells.h5", ""),
    ("data/keras_files/models/k3_cells.keras", ""),
    ("data/keras_files/models/k3_compiled.h5", ""),
    ("data/keras_files/models/k3_compiled.keras", ""),
    (
        "data/keras_files/models/k3_compiled.weights.h5",
        "data/keras_files/models/k3_compiled.keras",
    ),
    ("data/keras_files/models/k3_frozen.keras", ""),
    ("data/keras_files/models/k3_nested.h5", ""),
    ("golden/keras_files/models/func_bidi.keras", ""),
    ("data/keras_files/models/k2_cells.h5", ""),
    ("data/keras_files/models/k2_compiled.h5", ""),
    ("data/keras_files/models/k2_compiled.keras", ""),
    ("data/keras_files/models/k2_frozen.keras", ""),
    ("data/keras_files/models/k2_nested.h5", ""),
];

/// FNV-1a of 64 bits: which bytes a copy has.
fn sum(bytes: &[u8]) -> String {
    let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, &byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{sum:016x}")
}

/// The copies are those that real Keras has loaded, byte by byte, and compute what it computed with them. With `RECURRENT_OUT`
/// they are written into that folder, for `make_out.py`.
#[test]
fn keras_loads_the_copies() {
    let folder = std::env::var_os("RECURRENT_OUT").map(PathBuf::from);
    let family = folder
        .is_none()
        .then(|| Family::load(tests().join("data/out")));
    for (original, config) in LOADED {
        let bytes = read(&tests().join(original));
        let reader = keras::Reader::new();
        let (copy, again) = if config.is_empty() {
            let mut model: Model<f32> = reader.read(&bytes).unwrap();
            train(&mut model);
            let (copy, _) = reader.write_into(&bytes, &model).unwrap();
            let again: Model<f32> = reader.read(&copy).unwrap();
            (copy, again)
        } else {
            let config = inside::text(&read(&tests().join(config)), "config.json");
            let mut model: Model<f32> = reader.read_parts(&config, &bytes).unwrap();
            train(&mut model);
            let (copy, _) = reader.write_parts_into(&config, &bytes, &model).unwrap();
            let again: Model<f32> = reader.read_parts(&config, &copy).unwrap();
            (copy, again)
        };
        let name = original.rsplit('/').next().unwrap();
        if let Some(folder) = &folder {
            std::fs::write(folder.join(name), &copy).unwrap();
            continue;
        }
        let family = family.as_ref().unwrap();
        let case = family.cases.iter().find(|case| case["id"] == name);
        let case = case.unwrap_or_else(|| panic!("no case {name}"));
        assert_eq!(case["fnv"], *sum(&copy), "{name}: other bytes");
        family.check(case, &again).unwrap();
    }
}

/// Files that are cut off or damaged give an error, and no copy that reads otherwise.
#[test]
fn damaged_originals_are_refused() {
    for file in ["k3_compiled.keras", "k2_compiled.h5", "k3_compiled.h5"] {
        let bytes = read(&tests().join("data/keras_files/models").join(file));
        let mut model: Model<f32> = keras::read(&bytes).unwrap();
        train(&mut model);
        for length in (0..bytes.len()).step_by(bytes.len() / 50) {
            assert!(keras::write_into(&bytes[..length], &model).is_err());
        }
        let (mut refused, mut number) = (0, 0_u64);
        for _ in 0..300 {
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let at = usize::try_from(number >> 33).unwrap() % bytes.len();
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (number >> 30 & 7);
            match keras::write_into(&damaged, &model) {
                Ok((copy, _)) => {
                    assert_eq!(bits(&keras::read::<f32>(&copy).unwrap()), bits(&model));
                }
                Err(_) => refused += 1,
            }
        }
        println!("{file}: {refused} of 300 refused");
    }
}

#[test]
fn another_model_is_refused() {
    let read = |file: &str| read(&tests().join("data/keras_files/models").join(file));
    let other: Model<f32> = keras::read(&read("k3_cells.keras")).unwrap();
    let error = keras::write_into(&read("k3_compiled.keras"), &other).unwrap_err();
    let message = error.to_string();
    assert!(
        message.starts_with("weights of the model: found "),
        "{message}"
    );
    assert!(
        message.contains("expected embedding/embeddings [7, 3], as in the file"),
        "{message}"
    );
}

#[test]
fn a_copy_appears_as_a_whole() {
    let original = tests().join("data/keras_files/models/k3_compiled.keras");
    let mut model: Model<f32> = keras::load(&original).unwrap();
    train(&mut model);
    let folder = std::env::temp_dir().join(format!("recurrent_out_{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let copy = folder.join("tuned.keras");
    let written = keras::save_into(&original, &model, &copy).unwrap();
    assert_eq!(written.optimizer, keras::OptimizerVariables::Dropped);
    assert_eq!(bits(&keras::load::<f32>(&copy).unwrap()), bits(&model));
    // Over itself, and from a file that is no model.
    assert!(
        keras::save_into(&copy, &model, &copy)
            .unwrap()
            .datasets
            .is_empty()
    );
    std::fs::write(folder.join("text"), "no model").unwrap();
    assert!(keras::save_into(folder.join("text"), &model, folder.join("none")).is_err());
    assert!(keras::save_into(&folder, &model, folder.join("none")).is_err());
    let left = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(left, 2, "nothing but the two files");
    std::fs::remove_dir_all(&folder).unwrap();
}
