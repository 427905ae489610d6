//! `examples/predict.rs` with the golden files of Keras: what it writes is what Keras computed.

#[path = "common/data.rs"]
mod data;
#[allow(dead_code)] // which of it is used depends on the test
#[path = "keras/family.rs"]
mod family;
#[allow(dead_code)] // its `main`
#[path = "../examples/predict.rs"]
mod predict;

use data::{ours, tests};
use family::Family;
use ndarray::ArrayD;
use recurrent::{Model, npz};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A directory of this test's own.
fn directory(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("recurrent-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&path).unwrap();
    path
}

fn run(arguments: &[&dyn AsRef<Path>]) -> Result<String, String> {
    let text = |path: &&dyn AsRef<Path>| path.as_ref().to_str().unwrap().to_string();
    let arguments: Vec<String> = arguments.iter().map(text).collect();
    predict::run(&arguments).map_err(|error| error.to_string())
}

/// Saves the arrays of a call as inputs, under these names.
fn save(family: &Family, names: &[String], tensors: &[Value], path: &Path) {
    let arrays = names
        .iter()
        .zip(tensors)
        .map(|(name, tensor)| (name.as_str(), family.tensor(tensor).view()));
    npz::save(path, &arrays.collect::<Vec<_>>()).unwrap();
}

fn differs(family: &Family, expected: &[Value], path: &Path) -> f64 {
    let file = npz::File::load(path).unwrap();
    assert_eq!(file.names().len(), expected.len());
    let mut worst = 0.0_f64;
    for (n, name) in expected.iter().enumerate() {
        let (got, want): (ArrayD<f64>, _) = (
            file.array(&format!("output_{n}")).unwrap(),
            family.tensor(name),
        );
        assert_eq!(got.shape(), want.shape(), "{name}");
        let largest = want.iter().fold(1.0_f64, |most, x| x.abs().max(most));
        let pairs = got.iter().zip(want);
        worst = pairs.fold(worst, |most, (x, y)| most.max((x - y).abs() / largest));
        assert!(!got.iter().any(|x| x.is_nan()), "{name}");
    }
    worst
}

#[test]
fn every_golden_file() {
    let directory = directory("predict");
    let (inputs, outputs) = (directory.join("inputs.npz"), directory.join("outputs.npz"));
    let (mut files, mut several) = (0, BTreeSet::new());
    for root in [
        ours("keras_files"),
        tests().join("data/keras_files"),
        tests().join("data/keras_ops"),
    ] {
        let family = Family::load(root);
        for case in &family.cases {
            // The first call; what later ones give depends on the state that it left.
            let call = &case["calls"][0];
            let (x, y) = (
                call["inputs"].as_array().unwrap(),
                call["outputs"].as_array().unwrap(),
            );
            several.insert((x.len() > 1, y.len() > 1));
            for kind in ["keras", "h5"] {
                let Some(path) = family.file(case, kind) else {
                    continue;
                };
                for manner in ["input", "arr"] {
                    let names: Vec<String> =
                        (0..x.len()).map(|n| format!("{manner}_{n}")).collect();
                    save(&family, &names, x, &inputs);
                    let said = run(&[&path, &inputs, &outputs]).unwrap();
                    assert_eq!(said.lines().count(), x.len() + y.len(), "{said}");
                    let narrow = differs(&family, y, &outputs);
                    run(&[&"--f64", &path, &inputs, &outputs]).unwrap();
                    let bytes = std::fs::read(&outputs).unwrap();
                    assert!(bytes.windows(5).any(|part| part == b"'<f8'"));
                    let wide = differs(&family, y, &outputs);
                    let keras = case["keras_f32_max_abs_diff"].as_f64().unwrap();
                    assert!(
                        narrow <= (10.0 * keras).max(1e-6),
                        "{}: {narrow:.1e}",
                        path.display()
                    );
                    assert!(wide <= 2e-7, "{}: {wide:.1e}", path.display());
                }
                files += 1;
            }
        }
    }
    std::fs::remove_dir_all(directory).unwrap();
    assert!(files >= 60, "{files}");
    assert_eq!(several.len(), 4, "one and several inputs and outputs");
}

#[test]
fn inputs_by_name_whole_numbers_and_the_summary() {
    let directory = directory("predict-names");
    let (inputs, outputs) = (directory.join("inputs.npz"), directory.join("outputs.npz"));
    let family = Family::load(ours("keras_files"));
    let case = |id: &str| family.cases.iter().find(|case| case["id"] == id).unwrap();

    // In the other order, with one more that nobody asks for.
    let seq2seq = case("func_seq2seq");
    let model = family.file(seq2seq, "keras").unwrap();
    let call = &seq2seq["calls"][0];
    let (x, y) = (
        call["inputs"].as_array().unwrap(),
        call["outputs"].as_array().unwrap(),
    );
    let names = ["decoder_input", "encoder_input", "labels"].map(String::from);
    save(
        &family,
        &names,
        &[x[1].clone(), x[0].clone(), x[0].clone()],
        &inputs,
    );
    let said = run(&[&model, &inputs, &outputs]).unwrap();
    assert!(differs(&family, y, &outputs) <= 1e-6);
    assert!(
        said.starts_with("encoder_input   [") && said.contains("output_0        ["),
        "{said}"
    );

    // One is missing.
    save(&family, &names[..1], &x[1..], &inputs);
    let error = run(&[&model, &inputs, &outputs]).unwrap_err();
    let expected = "inputs.npz: found decoder_input; expected encoder_input (None, None, 3), \
                    decoder_input (None, None, 4), or input_0, input_1";
    assert!(error.ends_with(expected), "{error}");

    // Token ids as NumPy's default, int64.
    let tokens = case("seq_embed_mask");
    let model = family.file(tokens, "h5").unwrap();
    let call = &tokens["calls"][0];
    let ids = family.tensor(&call["inputs"][0]);
    let shape = format!("({}, {})", ids.shape()[0], ids.shape()[1]);
    let header = format!("{{'descr': '<i8', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut npy = b"\x93NUMPY\x01\0".to_vec();
    npy.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    npy.extend(header.as_bytes());
    #[allow(clippy::cast_possible_truncation)] // they are whole
    ids.iter()
        .for_each(|&id| npy.extend((id as i64).to_le_bytes()));
    std::fs::write(&inputs, npy).unwrap();
    let said = run(&[&"--summary", &model, &inputs, &outputs]).unwrap();
    assert!(differs(&family, call["outputs"].as_array().unwrap(), &outputs) <= 1e-6);
    let table = run(&[&"--summary", &model]).unwrap();
    assert!(
        table.starts_with("Layer (type)") && table.contains("\nKeras 3.15.1"),
        "{table}"
    );
    assert!(
        said.starts_with(&table) && said.contains("arr_0 "),
        "{said}"
    );
    std::fs::remove_dir_all(directory).unwrap();
}

/// `input_1` is the second array of a file by place, and the first input of many a model.
#[test]
fn places_and_names_are_not_mixed() {
    let mut graph = Model::<f32>::graph();
    let (first, second) = (graph.input("input_1"), graph.input("input_2"));
    let model = graph.finish([first, second]).unwrap();
    let one = ndarray::arr0(1.0_f32).into_dyn();
    let names = |arrays: &[&str]| {
        let arrays: Vec<_> = arrays.iter().map(|name| (*name, one.view())).collect();
        let bytes = npz::write(&arrays).unwrap();
        predict::names(&model, &npz::File::read(bytes).unwrap())
    };
    assert_eq!(
        names(&["input_0", "input_1"]).unwrap(),
        ["input_0", "input_1"]
    );
    assert_eq!(
        names(&["input_2", "input_1"]).unwrap(),
        ["input_1", "input_2"]
    );
    let all = ["input_0", "input_1", "input_2"];
    assert_eq!(names(&all).unwrap(), ["input_1", "input_2"]);
    assert!(names(&["input_1"]).is_err());
}

#[test]
fn wrong_arguments_are_refused() {
    let says = |arguments: &[&str], words: &[&str]| {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let error = predict::run(&arguments).unwrap_err().to_string();
        for word in words {
            assert!(error.contains(word), "{error:?} lacks {word:?}");
        }
    };
    says(&[], &["found 0", "usage: predict"]);
    says(
        &["model.keras", "inputs.npz"],
        &["found 2", "usage: predict"],
    );
    says(&["--f32", "model.keras"], &["--f32", "usage: predict"]);
    says(
        &["none.keras", "a.npz", "b.npz"],
        &["none.keras", "can be read"],
    );
    let model = ours("keras_files").join("models/seq_lstm_dense.keras");
    says(
        &[model.to_str().unwrap(), "none.npz", "b.npz"],
        &["none.npz", "can be read"],
    );
    assert!(
        predict::run(&["-h".to_string()])
            .unwrap()
            .contains("usage: predict")
    );
}
