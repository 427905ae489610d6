//! safetensors: golden files, files that lie, and what is written here.

use crate::support::{json, read, says};
use ndarray::{Array, ArrayD, IxDyn};
use recurrent::Limits;
use recurrent::format::safetensors::{File, write};
use recurrent::format::{Arrays, Number};

#[test]
fn golden_state_dicts() {
    let limits = Limits::default();
    let tensors = read("golden/torch/tensors.safetensors");
    let tensors = File::open(&tensors, &limits).unwrap();
    let mut checked = 0;
    for case in json("golden/torch/cases.json").as_array().unwrap() {
        for (name, shape) in case["shapes"].as_object().unwrap() {
            assert_eq!(
                serde_json::json!(tensors.tensor(name).unwrap().shape()),
                *shape
            );
        }
        let Some(file) = case["state_dict"].as_str() else {
            continue;
        };
        let bytes = read(&format!("golden/torch/{file}"));
        let file = File::open(&bytes, &limits).unwrap();
        let weights = case["weights"].as_object().unwrap();
        assert_eq!(
            file.names().unwrap(),
            weights.keys().cloned().collect::<Vec<_>>()
        );
        for (name, golden) in weights {
            let golden = tensors.get::<f32>(golden.as_str().unwrap()).unwrap();
            assert_eq!(file.get::<f32>(name).unwrap(), golden);
            checked += 1;
        }
    }
    assert!(checked > 60, "{checked}");
}

#[test]
fn golden_gradients_are_wide() {
    let bytes = read("golden/gradients/tensors.safetensors");
    let file = File::open(&bytes, &Limits::default()).unwrap();
    let name = file.names().unwrap().swap_remove(0);
    let tensor = file.tensor(&name).unwrap();
    assert_eq!(tensor.number(), Number::F64);
    let wide = tensor.array::<f64>().unwrap();
    #[allow(clippy::cast_possible_truncation)] // the rounding that is checked
    let rounded = wide.mapv(|x| x as f32);
    assert_eq!(tensor.array::<f32>().unwrap(), rounded);
}

#[test]
fn written_arrays_come_back() {
    let cube = Array::linspace(-1.0f32, 1.0, 24)
        .into_shape_with_order((2, 3, 4))
        .unwrap();
    let arrays: [(&str, ArrayD<f32>); 4] = [
        ("cube", cube.clone().into_dyn()),
        ("a \"name\"\\\n", cube.permuted_axes([2, 0, 1]).into_dyn()),
        ("größe", ArrayD::from_elem(IxDyn(&[]), f32::NAN)),
        ("empty", ArrayD::zeros(IxDyn(&[0, 3]))),
    ];
    let views: Vec<_> = arrays
        .iter()
        .map(|(name, array)| (*name, array.view()))
        .collect();
    let texts = [("format", "recurrent"), ("quote", "\" \\ \u{1} ü")];
    let bytes = write(&views, &texts).unwrap();
    assert_eq!(bytes, write(&views, &texts).unwrap());
    let file = File::open(&bytes, &Limits::default()).unwrap();
    for (key, text) in texts {
        assert_eq!(file.text(key), Some(text));
    }
    assert_eq!(file.text("none"), None);
    assert_eq!(file.names().unwrap().len(), 4);
    for (name, array) in &arrays {
        let back = file.get::<f32>(name).unwrap();
        assert_eq!(back.shape(), array.shape());
        assert!(
            back.iter()
                .zip(array)
                .all(|(x, y)| x.to_bits() == y.to_bits()),
            "{name}"
        );
    }
    let wide = Array::linspace(0.1, 0.7, 7).into_dyn();
    let bytes = write(&[("wide", wide.view())], &[]).unwrap();
    let file = File::open(&bytes, &Limits::default()).unwrap();
    assert_eq!(file.get::<f64>("wide").unwrap(), wide);
    let wide = wide.view();
    says(
        write(&[("a", wide.clone()), ("a", wide.clone())], &[]),
        &["different names", "\"a\""],
    );
    says(write(&[("__metadata__", wide)], &[]), &["__metadata__"]);
}

#[test]
fn limits_hold() {
    let bytes = read("golden/torch/models/t00_lstm.safetensors");
    let limits = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        File::open(&bytes, &limits).map(drop)
    };
    assert!(limits(|_| ()).is_ok());
    says(
        limits(|limits| limits.file_bytes = 1111),
        &["1112 bytes", "at most 1111"],
    );
    says(
        limits(|limits| limits.text_bytes = 100),
        &["header of at most 100 bytes"],
    );
    says(
        limits(|limits| limits.entries = 3),
        &["4", "at most 3 arrays"],
    );
}
