//! Comparing arrays: with the reference data within a tolerance, with each other bit for bit.

use super::Outcome;
use super::roles::Named;
use ndarray::{Array, ArrayD, Dimension};
use recurrent::Element;

/// `f32` and `f64`, and how far each may be from reference data that is rounded to f32.
pub trait Precision: Element {
    const NAME: &'static str;

    /// For outputs up to 1; `keras` is the difference of Keras' own f32 run.
    fn tolerance(keras: f64) -> f64;
}

impl Precision for f32 {
    const NAME: &'static str = "f32";
    fn tolerance(keras: f64) -> f64 {
        (10.0 * keras).max(1e-6)
    }
}

impl Precision for f64 {
    const NAME: &'static str = "f64";
    fn tolerance(_: f64) -> f64 {
        2e-7
    }
}

/// An output as the reference data have it.
pub struct Expected {
    pub role: String,
    pub shape: Vec<usize>,
    pub values: ArrayD<f64>,
}

/// The largest absolute value, at least 1: what tolerances are multiplied by.
pub fn scale<'a>(arrays: impl IntoIterator<Item = &'a ArrayD<f64>>) -> f64 {
    arrays
        .into_iter()
        .flatten()
        .fold(1.0, |largest, x| x.abs().max(largest))
}

/// Compares one output with its reference and returns the largest difference.
pub fn compare<A: Element>(
    role: &str,
    got: &ArrayD<A>,
    want: &ArrayD<f64>,
    tolerance: f64,
) -> Outcome<f64> {
    if got.shape() != want.shape() {
        return Err(format!(
            "{role} has shape {:?}, expected {:?}",
            got.shape(),
            want.shape()
        )
        .into());
    }
    let differences = got
        .iter()
        .zip(want)
        .map(|(got, want)| (got.as_f64() - want).abs());
    // `max` would drop a NaN.
    let worst = differences.fold(
        0.0,
        |worst, d| if d > worst || d.is_nan() { d } else { worst },
    );
    if worst <= tolerance {
        Ok(worst)
    } else {
        Err(format!("{role} differs by {worst:.2e}, tolerance {tolerance:.2e}").into())
    }
}

/// Compares all outputs of a call, in Keras' order, and returns the largest difference or all that is wrong.
pub fn compare_all<A: Element>(got: &Named<A>, want: &[Expected], tolerance: f64) -> Outcome<f64> {
    let roles: Vec<_> = got.iter().map(|(role, _)| role).collect();
    // The two outputs of merge_mode null have one name, whether they are sequences or the last; their shape tells.
    let rename = |role: &str| role.replace("ward_last_output", "ward_sequences");
    let expected: Vec<_> = want.iter().map(|output| rename(&output.role)).collect();
    if !roles.iter().copied().eq(&expected) {
        return Err(format!("outputs {roles:?}, expected {expected:?}").into());
    }
    let (mut worst, mut wrong) = (0.0_f64, Vec::new());
    for ((role, got), want) in got.iter().zip(want) {
        if want.values.shape() != want.shape {
            return Err(
                format!("{role} of the data has not its own shape {:?}", want.shape).into(),
            );
        }
        match compare(role, got, &want.values, tolerance) {
            Ok(difference) => worst = worst.max(difference),
            Err(e) => wrong.push(e.to_string()),
        }
    }
    if wrong.is_empty() {
        Ok(worst)
    } else {
        Err(wrong.join("; ").into())
    }
}

/// Compares the outputs that the case holds, by their names; it need not hold all.
#[cfg(any(feature = "onnx", feature = "torch"))]
pub fn compare_held<A: Element>(
    mut got: Named<A>,
    want: &[Expected],
    tolerance: f64,
) -> Outcome<f64> {
    if want.is_empty() {
        return Err("the case holds no outputs".into());
    }
    let place = |role: &str| want.iter().position(|output| output.role == role);
    got.retain(|(role, _)| place(role).is_some());
    got.sort_by_key(|(role, _)| place(role));
    compare_all(
        &got,
        want,
        tolerance * scale(want.iter().map(|output| &output.values)),
    )
}

/// Refuses two arrays that differ in shape or in any bit. (Every f32 keeps its sign of zero as an f64.)
pub fn same_bits<A: Element, D: Dimension>(
    what: &str,
    got: &Array<A, D>,
    want: &Array<A, D>,
) -> Outcome<()> {
    if got.shape() != want.shape() {
        return Err(format!(
            "{what}: shape {:?}, expected {:?}",
            got.shape(),
            want.shape()
        )
        .into());
    }
    let bits = |x: &A| x.as_f64().to_bits();
    match got
        .iter()
        .zip(want)
        .find(|(got, want)| bits(got) != bits(want))
    {
        None => Ok(()),
        Some((got, want)) => Err(format!("{what}: {got} and {want} are not the same bits").into()),
    }
}

/// The same for lists of arrays.
pub fn same_bits_all<A: Element>(what: &str, got: &Named<A>, want: &Named<A>) -> Outcome<()> {
    for ((role, got), (expected, want)) in got.iter().zip(want) {
        if role != expected {
            return Err(format!("{what}: {role} instead of {expected}").into());
        }
        same_bits(&format!("{what}, {role}"), got, want)?;
    }
    if got.len() == want.len() {
        Ok(())
    } else {
        Err(format!("{what}: not as many arrays").into())
    }
}
