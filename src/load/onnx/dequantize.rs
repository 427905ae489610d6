//! What DequantizeLinear makes of whole numbers.

use super::arrays;
use crate::error::{Error, Result};
use alloc::format;
use alloc::vec::Vec;
use ndarray::{ArrayD, Axis};

/// The number that a quantised one stands for: rounded to a `f32`, as the operators of ONNX give it.
#[allow(clippy::cast_possible_truncation)] // that is the rounding
pub(super) fn real(q: f64, zero: f64, scale: f64) -> f64 {
    f64::from(((q - zero) * scale) as f32)
}

/// The array that DequantizeLinear makes: with one scale, or with one for each place of an axis.
pub(super) fn dequantize(
    mut x: ArrayD<f64>,
    scale: &ArrayD<f64>,
    zero: Option<&ArrayD<f64>>,
    axis: i64,
) -> Result<ArrayD<f64>> {
    let refuse = |expected: &str, found: &[usize]| {
        Err(Error::file("scale", expected, format!("shape {found:?}")))
    };
    if let Some(zero) = zero
        && zero.shape() != scale.shape()
    {
        return refuse("the shape of the zero point", scale.shape());
    }
    let zeros: Vec<f64> = match zero {
        Some(zero) => zero.iter().copied().collect(),
        None => alloc::vec![0.0; scale.len()],
    };
    let scales: Vec<f64> = scale.iter().copied().collect();
    if let ([scale], [zero], 0 | 1) = (&scales[..], &zeros[..], scale.ndim()) {
        x.mapv_inplace(|q| real(q, *zero, *scale));
        return Ok(x);
    }
    let axis = arrays::axis(axis, x.ndim())?;
    if scale.ndim() != 1 || scale.len() != x.len_of(Axis(axis)) {
        return refuse(
            "one number, or one for each place of the axis",
            scale.shape(),
        );
    }
    let places = x.axis_iter_mut(Axis(axis)).zip(scales.iter().zip(&zeros));
    for (mut place, (&scale, &zero)) in places {
        place.mapv_inplace(|q| real(q, zero, scale));
    }
    Ok(x)
}
