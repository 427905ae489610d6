//! Members of archives as NumPy wrote them, and as nobody would.

use super::{File, write, write_npy};
use crate::Limits;
use crate::format::tests::support::read;
use crate::format::zip::{Archive, Writer};
use alloc::string::ToString;
use ndarray::ArrayD;

#[test]
fn numbers_that_are_wider_than_in_the_file() {
    // A thousand deflated zeros of one byte each.
    let header = "{'descr': '|b1', 'fortran_order': False, 'shape': (1000,), }\n";
    let mut numbers = b"\x93NUMPY\x01\0".to_vec();
    numbers.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    numbers.extend(header.as_bytes());
    numbers.resize(numbers.len() + 1000, 0);
    let mut writer = Writer::new();
    writer.add("a.npy", &numbers, true).unwrap();
    let limits = Limits {
        inflated_bytes: 4000,
        ..Limits::default()
    };
    let bytes = writer.finish().unwrap();
    let file = File::read_within(&bytes, &limits).unwrap();
    assert_eq!(file.array::<f32>("a").unwrap().len(), 1000);
    for found in [
        file.array::<f64>("a").map(drop),
        file.integers("a").map(drop),
    ] {
        let message = "a: found 8000 bytes, expected at most 4000 inflated bytes";
        assert_eq!(found.unwrap_err().to_string(), message);
    }
}

/// NumPy's own bytes of the same array, with the same version of the header.
#[test]
fn written_as_numpy_writes() {
    let bytes = read("data/format/versions.npz");
    let archive = Archive::open(&bytes, &Limits::default()).unwrap();
    let theirs = archive.read("version2.npy").unwrap();
    let array: ArrayD<f32> = File::read(&*theirs).unwrap().array("arr_0").unwrap();
    assert_eq!(array.shape(), [2, 3]);
    assert_eq!(write_npy(array.view()), *theirs);
    let ours = write(&[("version2", array.view())]).unwrap();
    let archive = Archive::open(&ours, &Limits::default()).unwrap();
    assert_eq!(archive.read("version2.npy").unwrap(), theirs);
}
