//! safetensors: golden files, files that lie, and what is written here.

use super::{File, Writer};
use crate::Limits;
use crate::format::tests::support::{get, json, read, says};
use crate::format::{Arrays, Float, Number, Result};
use alloc::vec::Vec;
use ndarray::{Array, ArrayD, ArrayViewD, IxDyn};
use std::{format, vec};

/// A file of these arrays, with these texts.
fn write<A: Float>(arrays: &[(&str, ArrayViewD<A>)], texts: &[(&str, &str)]) -> Result<Vec<u8>> {
    let mut file = Writer::default();
    for (name, array) in arrays {
        file.add(name, array.shape(), array.iter().copied())?;
    }
    file.finish(texts)
}

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
            let golden = golden.as_str().unwrap();
            let shape = tensors.tensor(golden).unwrap().shape().to_vec();
            assert_eq!(file.tensor(name).unwrap().shape(), shape);
            let golden = get::<f32>(&tensors, golden).unwrap();
            assert_eq!(get::<f32>(&file, name).unwrap(), golden);
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
    tensor.check_floats().unwrap();
    let wide = tensor.read::<f64>().unwrap().into_iter();
    #[allow(clippy::cast_possible_truncation)] // the rounding that is checked
    let rounded: Vec<_> = wide.map(|x| x as f32).collect();
    assert_eq!(tensor.read::<f32>().unwrap(), rounded);
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
        let back = get::<f32>(&file, name).unwrap();
        assert_eq!(file.tensor(name).unwrap().shape(), array.shape());
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
    assert_eq!(
        get::<f64>(&file, "wide").unwrap(),
        *wide.as_slice().unwrap()
    );
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

/// A file of this header and this many bytes of numbers.
fn file(header: &str, numbers: usize) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    [&length, header.as_bytes(), &vec![0; numbers]].concat()
}

#[test]
fn headers_that_say_two_things() {
    let open = |header: &str| File::open(file(header, 24), &Limits::default()).map(drop);
    let wide = r#""a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}"#;
    let tall = r#""a":{"dtype":"F32","shape":[3,2],"data_offsets":[0,24]}"#;
    assert!(open(&format!("{{{wide}}}")).is_ok());
    assert!(open(&format!(r#"{{"__metadata__":null,{wide}}}"#)).is_ok());
    says(
        open(&format!("{{{wide},{tall}}}")),
        &["safetensors file: found two of \"a\"", "a sound header"],
    );
    let texts = r#""__metadata__":{"recurrent":"1","recurrent":"2"}"#;
    says(
        open(&format!("{{{texts},{wide}}}")),
        &["two of \"recurrent\""],
    );
}

#[test]
fn arrays_whose_sizes_overflow_together() {
    // Eight of 2^61 - 1 bytes, up to 2^64 - 8.
    let each = u64::MAX / 8;
    let arrays = (0..8).map(|n| {
        let (start, end) = (each * n, each * (n + 1));
        format!(r#""{n}":{{"dtype":"U8","shape":[{each}],"data_offsets":[{start},{end}]}}"#)
    });
    let header = format!("{{{}}}", arrays.collect::<Vec<_>>().join(","));
    says(
        File::open(file(&header, 0), &Limits::default()).map(drop),
        &[
            "0: found one up to 2305843009213693951",
            "in the 0 bytes after the header",
        ],
    );
}

#[test]
fn headers_of_very_many_values() {
    let shape = vec!["1"; 4 << 20].join(",");
    let header = format!(r#"{{"a":{{"dtype":"U8","shape":[{shape}],"data_offsets":[0,1]}}}}"#);
    says(
        File::open(file(&header, 1), &Limits::default()).map(drop),
        &["safetensors file: found 41943", "at most 1048576 values"],
    );
    let shape = vec!["1"; 65].join(",");
    let header = format!(r#"{{"a":{{"dtype":"F32","shape":[{shape}],"data_offsets":[0,4]}}}}"#);
    let bytes = file(&header, 4);
    let file = File::open(&bytes, &Limits::default()).unwrap();
    says(
        file.tensor("a").map(drop),
        &["a: found 65, expected at most 64 axes"],
    );
}
