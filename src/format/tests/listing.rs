//! Compares what is read with what Python read from the same file (`tests/data/format.py`).

use super::support::json;
use crate::format::Arrays;
use alloc::string::ToString;
use alloc::vec::Vec;
use serde_json::Value;

/// Checks every array of a listing: shape, kind, last value and sum.
pub fn check(listing: &str, arrays: &impl Arrays) {
    let listing = json(listing);
    let listed = listing["arrays"].as_object().unwrap();
    let names = arrays.names().unwrap();
    for (name, expected) in listed {
        assert!(names.contains(name), "{name} is missing");
        let tensor = arrays.tensor(name).unwrap();
        let shape: Vec<_> = tensor.shape().iter().map(|&n| Value::from(n)).collect();
        assert_eq!(Value::from(shape), expected["shape"], "{name}");
        assert_eq!(tensor.number().to_string(), expected["kind"], "{name}");
        let numbers = tensor.read::<f64>().unwrap();
        let count: usize = tensor.shape().iter().product();
        assert_eq!(numbers.len(), count, "{name}");
        let last = numbers.last().copied();
        // serde_json may read a decimal number one place off.
        let close = |(x, y): (f64, f64)| (x - y).abs() <= f64::EPSILON * y.abs();
        let expected_last = expected["last"].as_f64();
        assert_eq!(last.is_some(), expected_last.is_some(), "{name}");
        assert!(
            last.zip(expected_last).is_none_or(close),
            "{name}: {last:?}"
        );
        let (sum, expected) = (
            numbers.iter().sum::<f64>(),
            expected["sum"].as_f64().unwrap(),
        );
        let size = numbers.iter().map(|x| x.abs()).sum::<f64>();
        assert!(
            (sum - expected).abs() <= 1e-12 * size,
            "{name}: {sum}, expected {expected}"
        );

        if tensor.number().is_float() {
            let narrow = tensor.read::<f32>().unwrap();
            let rounded = numbers.iter().map(|&x| {
                #[allow(clippy::cast_possible_truncation)] // the rounding that is checked
                let x = x as f32;
                x
            });
            tensor.check_floats().unwrap();
            assert_eq!(narrow, rounded.collect::<Vec<_>>(), "{name}");
        } else {
            assert!(tensor.check_floats().is_err(), "{name}");
            let integers = tensor.read_integers().unwrap();
            let wide: Vec<_> = integers.iter().map(|&n| n as f64).collect();
            assert_eq!(wide, numbers, "{name}");
        }
    }
}
