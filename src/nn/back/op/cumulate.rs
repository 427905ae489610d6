//! Sums and products of all numbers up to each, backwards.

use crate::Element;
use crate::error::Result;
use crate::nn::axis::place_in_sample;
use crate::nn::op::Binary;
use ndarray::{ArrayD, Axis, Zip};

/// The gradient of `x`. A number is in its own result and in all after it, the last of which comes first in the sum.
pub(super) fn back_over<A: Element>(
    of: Binary,
    axis: isize,
    x: &ArrayD<A>,
    d: &ArrayD<A>,
) -> Result<ArrayD<A>> {
    let axis = Axis(place_in_sample(axis, x.ndim())?);
    let mut dx = d.clone();
    if of == Binary::Add {
        dx.invert_axis(axis);
        dx.accumulate_axis_inplace(axis, |&after, d| *d += after);
        dx.invert_axis(axis);
        return Ok(dx.as_standard_layout().into_owned());
    }
    Zip::from(dx.lanes_mut(axis))
        .and(x.lanes(axis))
        .for_each(|mut dx, x| {
            // Products without one number, so that a 0 among them is no matter.
            let mut before = A::one();
            for j in 0..x.len() {
                let (mut product, mut sum) = (before, A::zero());
                for i in j..x.len() {
                    if i > j {
                        product *= x[i];
                    }
                    sum += dx[i] * product;
                }
                before *= x[j];
                dx[j] = sum;
            }
        });
    Ok(dx)
}
