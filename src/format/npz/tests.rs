//! NumPy: what it writes is read as it reads it, and what is written here comes back.

use super::File;
use crate::Limits;
use crate::format::tests::listing;
use crate::format::tests::support::{files, get, read, says};
use crate::format::zip::Writer;
use crate::format::{Arrays, npy};
use alloc::vec::Vec;
use ndarray::{Array, ArrayD, ArrayViewD, IxDyn};
use std::{format, vec};

fn write(arrays: &[(&str, ArrayViewD<f64>)], deflate: bool) -> crate::format::Result<Vec<u8>> {
    let arrays = arrays.iter();
    let arrays = arrays.map(|(name, a)| (*name, npy::write(a.shape(), a.iter().copied())));
    super::write(arrays, deflate)
}

#[test]
fn arrays_are_those_of_numpy() {
    for name in files("data/format", ".npz") {
        let bytes = read(&format!("data/format/{name}"));
        let file = File::open(&bytes, &Limits::default()).unwrap();
        listing::check(&format!("data/format/{name}.json"), &file);
    }
}

#[test]
fn fortran_order_is_the_order_of_the_numbers_only() {
    let bytes = read("data/format/stored.npz");
    let file = File::open(&bytes, &Limits::default()).unwrap();
    let tensor = file.tensor("fortran").unwrap();
    assert_eq!(tensor.shape(), [3, 4, 2]);
    assert!(tensor.is_fortran_order());
    assert!(!file.tensor("line").unwrap().is_fortran_order());
}

#[test]
fn written_arrays_come_back() {
    let cube = Array::linspace(-1.0, 1.0, 24)
        .into_shape_with_order((2, 3, 4))
        .unwrap();
    let turned = cube.view().permuted_axes([2, 0, 1]);
    let arrays: [(&str, ArrayD<f64>); 4] = [
        ("cube", cube.clone().into_dyn()),
        ("größe/turned", turned.to_owned().into_dyn()),
        ("scalar", ArrayD::from_elem(IxDyn(&[]), f64::NAN)),
        ("empty", ArrayD::zeros(IxDyn(&[0, 3]))),
    ];
    let views: Vec<_> = arrays
        .iter()
        .map(|(name, array)| (*name, array.view()))
        .collect();
    for deflate in [false, true] {
        let bytes = write(&views, deflate).unwrap();
        assert_eq!(bytes, write(&views, deflate).unwrap());
        let file = File::open(&bytes, &Limits::default()).unwrap();
        for (name, array) in &arrays {
            let back = get::<f64>(&file, name).unwrap();
            assert_eq!(file.tensor(name).unwrap().shape(), array.shape());
            assert!(
                back.iter()
                    .zip(array)
                    .all(|(x, y)| x.to_bits() == y.to_bits()),
                "{name}"
            );
        }
    }
    let bytes = npy::write(&[3], [1.0_f32; 3]);
    let tensor = npy::open(&bytes, &Limits::default()).unwrap();
    assert_eq!(tensor.number(), crate::format::Number::F32);
    assert_eq!(tensor.shape(), [3]);
    assert_eq!(tensor.read::<f32>().unwrap(), [1.0; 3]);
    let cube = cube.view().into_dyn();
    says(
        write(&[("a", cube.clone()), ("a", cube)], false),
        &["two of \"a\""],
    );
}

/// A `.npy` file with this dictionary and this many bytes of numbers.
fn with_header(dict: &str, numbers: usize) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\0".to_vec();
    bytes.extend(u16::try_from(dict.len()).unwrap().to_le_bytes());
    bytes.extend(dict.as_bytes());
    bytes.extend(vec![0; numbers]);
    bytes
}

#[test]
fn headers_that_lie_are_refused() {
    let limits = Limits::default();
    let refused = |dict: &str, words: &[&str]| {
        let bytes = with_header(dict, 24);
        says(
            npy::open(&bytes, &limits).and_then(|tensor| tensor.read::<f32>()),
            words,
        );
    };
    let sound = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
    let bytes = with_header(sound, 24);
    let tensor = npy::open(&bytes, &limits).unwrap();
    tensor.check_floats().unwrap();
    assert_eq!(tensor.read::<f32>().unwrap().len(), 6);
    assert_eq!(tensor.shape(), [2, 3]);
    refused(
        &sound.replace("(2, 3)", "(2, 4)"),
        &["32 bytes for the shape [2, 4]", "24 bytes"],
    );
    refused(
        &sound.replace("(2, 3)", "(4294967296, 4294967296)"),
        &["can be counted"],
    );
    refused(
        &sound.replace("(2, 3)", "(0, 9223372036854775807, 9)"),
        &["can be counted"],
    );
    refused(
        &sound.replace("(2, 3)", "(-1, 3)"),
        &["the length of an axis", "\"-1, 3)"],
    );
    refused(
        &sound.replace("(2, 3)", "(99999999999999999999999,)"),
        &["the length of an axis"],
    );
    refused(
        &sound.replace("(2, 3)", &format!("({})", "1,".repeat(65))),
        &["at most 64 axes"],
    );
    refused(&sound.replace("<f4", "|O"), &["a kind of numbers", "|O"]);
    refused(&sound.replace("<f4", "é4"), &["a kind of numbers"]);
    refused(&sound.replace("False", "false"), &["\"False\"", "false"]);
    refused(&sound.replace("'shape'", "'shapes'"), &["\"shapes\""]);
    refused(
        "{'descr': '<f4', 'shape': (2, 3)}",
        &["fortran_order", "none"],
    );
    refused("{'descr: 1", &["'", "descr: 1"]);
    says(
        npy::open(b"\x93NUMPY\x04\0", &limits).map(drop),
        &["version 1, 2 or 3", "4"],
    );
    says(
        npy::open(b"\x93NUMPY\x02\0\xff\xff\xff\xff", &limits).map(drop),
        &["header of at most"],
    );
}

#[test]
fn bombs_are_not_inflated() {
    let limits = Limits::default();
    let mut writer = Writer::new();
    writer
        .add(
            "lies.npy",
            &with_header(
                "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }",
                1 << 20,
            ),
            true,
        )
        .unwrap();
    writer
        .add(
            "zeros.npy",
            &npy::write(&[1 << 18], vec![0.0_f32; 1 << 18]),
            true,
        )
        .unwrap();
    writer.add("other.txt", b"no array", false).unwrap();
    let bytes = writer.finish().unwrap();
    let mut file = File::open(&bytes, &limits).unwrap();
    says(get::<f32>(&file, "lies"), &["lies.npy", "75 bytes", "[2]"]);
    says(get::<f32>(&file, "other.txt"), &["other.txt", "NUMPY"]);
    says(get::<f32>(&file, "none"), &["\"none\""]);
    assert_eq!(get::<f32>(&file, "zeros").unwrap().len(), 1 << 18);
    let mut limits = limits;
    limits.inflated_bytes = 1 << 20;
    file = File::open(&bytes, &limits).unwrap();
    says(
        get::<f32>(&file, "zeros"),
        &["zeros.npy", "at most 1048576 inflated bytes"],
    );
}
