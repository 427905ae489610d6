//! `recurrent::npz`: what a program reads and writes. The numbers of each kind are checked in `npz`.

use crate::says::says;
use crate::support::{files, json, path};
use ndarray::{ArrayD, arr0, array};
use recurrent::{Limits, npz};
use std::time::{Duration, Instant};

#[test]
fn every_array_of_numpy_by_name() {
    for name in files("data/format", ".npz") {
        let listing = json(&format!("data/format/{name}.json"));
        let listed = listing["arrays"].as_object().unwrap();
        let file = npz::File::load(path(&format!("data/format/{name}"))).unwrap();
        assert_eq!(file.names(), listed.keys().cloned().collect::<Vec<_>>());
        for (array, expected) in listed {
            let shape: Vec<_> = file.shape(array).unwrap();
            assert_eq!(serde_json::json!(shape), expected["shape"], "{array}");
            let numbers: ArrayD<f64> = file.array(array).unwrap();
            let (sum, size) = (numbers.sum(), numbers.mapv(f64::abs).sum());
            let wanted = expected["sum"].as_f64().unwrap();
            assert!((sum - wanted).abs() <= 1e-12 * size, "{array}: {sum}");
            let kind = expected["kind"].as_str().unwrap();
            if kind.contains("int") || kind == "bool" {
                let whole = file.integers(array).unwrap().mapv(|n| n as f64);
                assert_eq!(whole, numbers, "{array}");
            } else {
                says(file.integers(array), &[array, "whole numbers", kind]);
            }
        }
    }
}

#[test]
fn fortran_order_is_the_order_of_the_numbers_only() {
    let file = npz::File::load(path("data/format/stored.npz")).unwrap();
    let array = file.array::<f32>("fortran").unwrap();
    assert_eq!(array.shape(), [3, 4, 2]);
    assert_eq!(array.strides(), [1, 3, 12]);
}

#[test]
fn errors_name_the_file() {
    let name = path("data/format/stored.npz");
    let file = npz::File::load(&name).unwrap();
    let name = name.display().to_string();
    says(
        file.array::<f32>("none"),
        &[&name, ": npz file: found", "an array \"none\""],
    );
    says(file.shape("none"), &[&name]);
    let file = npz::File::read(npz::write::<f32>(&[]).unwrap())
        .unwrap()
        .named("weights");
    says(file.integers("none"), &["weights: npz file: found none"]);
}

#[test]
fn many_arrays_take_one_reading_of_the_directory() {
    let array = array![1.0_f32].into_dyn();
    let names: Vec<String> = (0..10_000).map(|n| n.to_string()).collect();
    let arrays: Vec<_> = names.iter().map(|name| (&**name, array.view())).collect();
    let bytes = npz::write(&arrays).unwrap();
    let file = npz::File::read(&bytes).unwrap();
    let start = Instant::now();
    for name in file.names() {
        assert_eq!(file.array::<f32>(name).unwrap(), array);
    }
    let time = start.elapsed();
    assert!(time < Duration::from_secs(5), "{time:?}");
}

#[test]
fn members_that_are_packed_in_another_way() {
    let array = array![1.0_f32].into_dyn();
    let mut bytes = npz::write(&[("a", array.view())]).unwrap();
    let entry = bytes
        .windows(4)
        .position(|four| four == b"PK\x01\x02")
        .unwrap();
    bytes[entry + 10] = 12; // bzip2
    let file = npz::File::read(bytes).unwrap();
    says(
        file.array::<f32>("a"),
        &["a.npy: found method 12, expected a member that is stored (0) or deflated (8)"],
    );
}

#[test]
fn written_arrays_come_back() {
    let (a, b) = (array![[1.5, f64::NAN]].into_dyn(), arr0(-0.0).into_dyn());
    let arrays = [("a", a.view()), ("a-b", b.view())];
    let path = std::env::temp_dir().join(format!("recurrent-{}.npz", std::process::id()));
    npz::save(&path, &arrays).unwrap();
    let saved = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(saved, npz::write(&arrays).unwrap());
    let packed = npz::write_compressed(&arrays).unwrap();
    assert_ne!(saved, packed);
    for bytes in [saved, packed] {
        let file = npz::File::read(bytes).unwrap();
        assert_eq!(file.names(), ["a", "a-b"]);
        assert_eq!(format!("{file:?}"), r#"{"a", "a-b"}"#);
        let back: ArrayD<f64> = file.array("a").unwrap();
        assert!(
            back.shape() == [1, 2]
                && back[[0, 0]].to_bits() == 1.5_f64.to_bits()
                && back[[0, 1]].is_nan()
        );
        let back: ArrayD<f32> = file.array("a-b").unwrap();
        assert!(back.ndim() == 0 && back.first().unwrap().to_bits() == (-0.0_f32).to_bits());
    }
    let nowhere = std::env::temp_dir().join("no such directory/a.npz");
    says(
        npz::save(&nowhere, &arrays),
        &["no such directory", "can be written"],
    );
}

#[test]
fn what_is_not_there_is_said() {
    let file = npz::File::load(path("data/format/stored.npz")).unwrap();
    says(
        file.array::<f32>("lines"),
        &["\"lines\"", "big_f4, ", "line, "],
    );
    says(file.shape("line.npy"), &["\"line.npy\""]);
    let empty = npz::write::<f32>(&[]).unwrap();
    let nothing = npz::File::read(&empty).unwrap();
    says(nothing.integers("x"), &["found none", "\"x\""]);
    says(
        npz::File::load(path("data/format/none.npz")),
        &["none.npz", "can be read"],
    );
    says(
        npz::File::load(path("data/format/layouts_v110.h5")),
        &["layouts_v110.h5", "found an HDF5 file", "a `.npz` archive"],
    );
}

#[test]
fn limits_hold_for_all_arrays_together() {
    let zeros = ArrayD::<f32>::zeros(vec![1 << 10]);
    let bytes = npz::write_compressed(&[("a", zeros.view()), ("b", zeros.view())]).unwrap();
    let mut limits = Limits::default();
    limits.inflated_bytes = 2 * (128 + 4096);
    let file = npz::File::read_within(&bytes, &limits).unwrap();
    for _ in 0..3 {
        assert_eq!(file.array::<f32>("a").unwrap(), zeros);
    }
    limits.inflated_bytes -= 1;
    says(
        npz::File::read_within(&bytes, &limits),
        &["8447 inflated bytes", "8448 bytes"],
    );
    limits.file_bytes = 100;
    let found = format!("{} bytes", bytes.len());
    says(
        npz::File::read_within(&bytes, &limits),
        &["at most 100 bytes", &found],
    );
    says(
        npz::File::load_within(path("data/format/stored.npz"), &limits),
        &["at most 100 bytes"],
    );
}
