//! Every reader, given the files of all others: it names what it was given, and what it expects.

use crate::says::says;
use crate::support::{path, read};
use recurrent::{Lstm, Model, Result, keras, npz, onnx, saved, torch};

/// What messages call the formats of the readers.
const KERAS: &str = "expected a `.keras` archive, or an HDF5 file (`.h5`)";
const SAFETENSORS: &str = "expected a safetensors file";
const NPZ: &str = "expected a `.npz` archive or a `.npy` array of NumPy";
const ONNX: &str = "expected a model in ONNX";

/// All readers of files: what each one expects, and whether it takes these bytes.
fn readers(bytes: &[u8]) -> [(&'static str, Result<()>); 6] {
    [
        (KERAS, keras::read::<f32>(bytes).map(drop)),
        (KERAS, keras::Weights::read(bytes).map(drop)),
        (SAFETENSORS, torch::File::read(bytes).map(drop)),
        (SAFETENSORS, saved::read::<Lstm<f32>>(bytes).map(drop)),
        (NPZ, npz::File::read(bytes).map(drop)),
        (ONNX, onnx::File::read(bytes).map(drop)),
    ]
}

/// All readers but those of the file's own format must call it so.
#[track_caller]
fn called(bytes: &[u8], found: &str, own: &str) {
    for (expected, result) in readers(bytes) {
        if expected != own {
            says(result, &[&format!("format: found {found}"), expected]);
        }
    }
}

#[test]
fn files_that_no_reader_reads() {
    for (name, found) in [
        ("lfs", "a Git LFS pointer (run `git lfs pull`),"),
        (
            "page.html",
            "an HTML page, not the file itself (download the raw file),",
        ),
        ("page_without_type.html", "an HTML page"),
        ("error.xml", "XML"),
        ("not_found.txt", "a text that begins \"404: Not Found\","),
        (
            "config.json",
            "JSON without weights (if it is a configuration of Keras: `keras::Reader::load_parts`",
        ),
        (
            "model.safetensors.index.json",
            "the index of a model in several files",
        ),
        (
            "state.pt",
            "a file of `torch.save` (write it with `safetensors.torch.save_file`",
        ),
        ("state_old.pt", "a file of `torch.save`"),
        ("arrays.pkl", "a pickle of Python"),
        ("model.h5.gz", "a compressed file (unpack it first)"),
        ("model.tar", "a tar archive"),
        (
            "saved_model.pb",
            "a SavedModel of TensorFlow (load it in Keras",
        ),
        ("model.tflite", "a TensorFlow Lite model"),
        ("model.gguf", "a GGUF file"),
    ] {
        let bytes = read(&format!("data/field/not_a_model/{name}"));
        called(&bytes, found, "none");
        // The beginning of a long file is enough, and the same message comes of one that is cut.
        if bytes.len() > 512 {
            called(&bytes[..512], found, "none");
        }
    }
    called(b"", "an empty file", "none");
    called(
        &[0; 4096],
        "nothing but zeros (is the download whole?)",
        "none",
    );
    called(b"\xef\xbb\xbf<!doctype HTML>", "an HTML page", "none");
}

#[test]
fn programs_of_pytorch() {
    for name in [
        "model/data/0",
        "model/data/weights/weight_0",
        "model/version",
        "model/constants.pkl",
    ] {
        let mut bytes = b"PK\x03\x04".to_vec();
        bytes.resize(26, 0);
        bytes.extend([u8::try_from(name.len()).unwrap(), 0, 0, 0]);
        bytes.extend(name.as_bytes());
        let found = "a program of PyTorch, as `torch.jit.save` writes (write its `state_dict()`";
        called(&bytes, found, "none");
    }
}

#[test]
fn files_of_another_reader() {
    let keras = "golden/keras_files/models/seq_lstm_dense";
    for (name, found, own) in [
        (
            format!("{keras}.keras"),
            "a `.keras` archive (`keras::load`, feature `keras`)",
            KERAS,
        ),
        (
            format!("{keras}.h5"),
            "an HDF5 file (of Keras: `keras::load`",
            KERAS,
        ),
        (
            "golden/torch/models/t00_lstm.safetensors".into(),
            "a safetensors file (of PyTorch: `torch::File`",
            SAFETENSORS,
        ),
        (
            "golden/onnx/models/o06_lstm_forward.onnx".into(),
            "a model in ONNX (`onnx::File`, feature `onnx`)",
            ONNX,
        ),
        (
            "data/field/not_a_model/arrays.npz".into(),
            "a `.npz` archive of NumPy (`npz::File`, feature `npz`)",
            NPZ,
        ),
        (
            "data/field/not_a_model/array.npy".into(),
            "a `.npy` array of NumPy",
            NPZ,
        ),
    ] {
        let bytes = read(&name);
        called(&bytes, found, own);
        for (expected, result) in readers(&bytes) {
            if expected == own
                && let Err(error) = result
            {
                let message = error.to_string();
                // `saved` and `keras::read` want more than the format.
                assert!(!message.contains("format: "), "{name}: {message}");
            }
        }
    }
}

/// Their own reader is checked in `tests/amp`.
#[test]
fn amplifier_models() {
    for name in ["nam_lstm.nam", "rtneural_lstm_1d.json"] {
        let found = "an amplifier model in JSON (`amp::load`, feature `amp`)";
        called(&read(&format!("data/amps/{name}")), found, "none");
    }
}

#[test]
fn damaged_files_of_a_readers_own_format_are_not_called_another() {
    let keras = "golden/keras_files/models/seq_lstm_dense";
    for (name, own, words) in [
        (format!("{keras}.keras"), KERAS, "is the file whole?"),
        (format!("{keras}.h5"), KERAS, "is the file whole?"),
        (
            "golden/torch/models/t00_lstm.safetensors".into(),
            SAFETENSORS,
            "is the file whole?",
        ),
        (
            "data/field/not_a_model/arrays.npz".into(),
            NPZ,
            "is the file whole?",
        ),
        (
            "golden/onnx/models/o06_lstm_forward.onnx".into(),
            ONNX,
            "is the file whole?",
        ),
    ] {
        let bytes = read(&name);
        for end in [bytes.len() / 2, bytes.len() - 1] {
            for (expected, result) in readers(&bytes[..end]) {
                if expected == own {
                    let message = result.unwrap_err().to_string();
                    assert!(message.contains(words), "{name} of {end}: {message}");
                }
            }
        }
    }
    // No format at all.
    let noise = b"\xfe\x01\x02\x03\xff\xfe\xfd\xfc\xfb\xfa\xf9";
    called(
        noise,
        "bytes of no known format (is the file damaged?)",
        "none",
    );
    // The arrays of a model, without the model.
    let data = read("data/field/onnx/default.onnx.data");
    called(&data, "bytes of no known format", "none");
}

#[test]
fn directories_are_named() {
    let directory = path("data/field");
    says(
        torch::File::load(&directory),
        &["found a directory (name the file in it)"],
    );
    says(npz::File::load(&directory), &["found a directory"]);
    says(onnx::File::load(&directory), &["found a directory"]);
    says(
        saved::load::<Model<f32>>(&directory),
        &["found a directory"],
    );
    says(keras::Weights::load(&directory), &["found a directory"]);
}

#[test]
fn a_configuration_and_its_weights_the_wrong_way_round() {
    let h5 = path("golden/keras_files/models/seq_lstm_dense.weights.h5");
    let json = path("data/field/not_a_model/config.json");
    let reader = keras::Reader::new();
    says(
        reader.load_parts::<f32>(&h5, &json),
        &["found an HDF5 file", "expected JSON"],
    );
    says(
        reader.load_parts::<f32>(&json, &json),
        &["found JSON without weights", KERAS],
    );
}
