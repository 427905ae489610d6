//! Files that lie: cut at every length, changed in every byte, and beyond their limits.

use crate::says::says;
use crate::states::live_model;
use ndarray::Array3;
use recurrent::*;

/// Whether it is read or not, it does not panic; what is read can be run, or says why not.
fn read(bytes: &[u8]) -> bool {
    let Ok(model) = saved::read::<Model<f32>>(bytes) else {
        return false;
    };
    let _ = (
        model.summary().to_string(),
        model.forward(&Array3::zeros((1, 3, 2))),
    );
    true
}

#[test]
fn files_that_are_cut_or_changed() {
    let bytes = saved::write(&live_model()).unwrap();
    assert!(read(&bytes));
    for end in 0..bytes.len() {
        assert!(!read(&bytes[..end]), "cut at {end}");
    }
    let header = 8 + usize::try_from(u64::from_le_bytes(*bytes.first_chunk().unwrap())).unwrap();
    let mut refused = 0;
    for at in 0..header {
        for change in [1, 2, 4, 16, 32, 0x80] {
            let mut bytes = bytes.clone();
            bytes[at] ^= change;
            refused += usize::from(!read(&bytes));
        }
    }
    // Most changes are seen; the others are of numbers and names.
    assert!(refused > 5 * header, "{refused} of {}", 6 * header);
}

#[test]
fn limits_hold() {
    let bytes = saved::write(&live_model()).unwrap();
    let within = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        saved::read_within::<Model<f32>>(&bytes, &limits)
    };
    assert!(within(|_| {}).is_ok());
    says(
        within(|limits| limits.depth = 6),
        &["metadata", "JSON nested at most 6 deep"],
    );
    says(
        within(|limits| limits.text_bytes = 100),
        &["at most 100 bytes"],
    );
    says(
        within(|limits| limits.entries = 3),
        &["safetensors file: found 107, expected at most 48 values"],
    );
    says(
        within(|limits| limits.file_bytes = 10),
        &["at most 10 bytes"],
    );
}
