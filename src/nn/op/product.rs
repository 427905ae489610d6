//! `Product`: of matrices, as in `keras.ops.matmul`.

use super::arithmetic::Constant;
use crate::Element;
use crate::error::{Error, Result, check, check_size, wrong_inputs};
use crate::nn::attend::product;
use alloc::format;
use alloc::vec::Vec;
use ndarray::{ArrayD, ArrayView2, ArrayViewD, Axis, Dimension, IxDyn};

/// The product of the matrices in the last two axes of two operands, each of which is an input or a constant. The axes before
/// are aligned at the last one, and those of length 1 are repeated. Source: `keras.ops.matmul`, `tf.matmul`.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub(crate) struct Product {
    pub operands: [Option<Constant>; 2],
    /// Which matrices are transposed before.
    pub transposed: [bool; 2],
}

impl Product {
    pub fn compute<A: Element>(&self, inputs: Vec<ArrayD<A>>) -> Result<ArrayD<A>> {
        let found = inputs.len();
        let mut inputs = inputs.into_iter();
        let missing = || wrong_inputs("one more", found);
        let operands = self.operands.iter().zip(self.transposed);
        let operands = operands.map(|(constant, is_transposed)| {
            let mut x = match constant {
                Some(constant) => constant.array()?,
                None => inputs.next().ok_or_else(missing)?,
            };
            let axes = x.ndim();
            if axes < 2 {
                return Err(Error::Rank {
                    array: "operand",
                    expected: "at least 2 (..., rows, columns)",
                    found: axes,
                });
            }
            if is_transposed {
                x.swap_axes(axes - 2, axes - 1);
            }
            Ok(x)
        });
        let operands: Vec<ArrayD<A>> = operands.collect::<Result<_>>()?;
        let [a, b] = operands.as_slice() else {
            return Err(missing());
        };
        self.check_samples([a.ndim(), b.ndim()])?;
        let last = |x: &ArrayD<A>| [x.shape()[x.ndim() - 2], x.shape()[x.ndim() - 1]];
        let ([rows, inner], [found, columns]) = (last(a), last(b));
        check("second operand", "rows", inner, found)?;
        let before = |x: &ArrayD<A>| x.shape()[..x.ndim() - 2].to_vec();
        let outer = super::arithmetic::common_shape(&[&before(a), &before(b)])?;
        let shape = [outer.as_slice(), &[rows, columns]].concat();
        check_size("output", &shape)?;
        let mut y = ArrayD::zeros(IxDyn(&shape));
        if y.is_empty() {
            return Ok(y);
        }
        let spread = |x: &'_ ArrayD<A>| -> Result<Vec<usize>> {
            let shape = [outer.as_slice(), &last(x)].concat();
            check_size("operand", &shape)?;
            Ok(shape)
        };
        let (of_a, of_b) = (spread(a)?, spread(b)?);
        let a = super::arithmetic::spread(a, &of_a)?;
        let b = super::arithmetic::spread(b, &of_b)?;
        // One product for every index of the axes before.
        for at in ndarray::indices(outer.as_slice()) {
            let (a, b) = (matrix(&a, at.slice())?, matrix(&b, at.slice())?);
            let mut y = y.view_mut();
            for &index in at.slice() {
                y.index_axis_inplace(Axis(0), index);
            }
            y.assign(&product(&a, &b));
        }
        Ok(y)
    }

    /// Refuses products that would add up samples.
    fn check_samples(&self, axes: [usize; 2]) -> Result<()> {
        let is_left = self.operands[1].is_some() && !self.transposed[0];
        let least = if is_left { 2 } else { 3 };
        for (constant, found) in self.operands.iter().zip(axes) {
            if constant.is_none() && found < least {
                return Err(Error::value(
                    "number of axes of an operand",
                    format!("at least {least}, so that samples stay apart"),
                    found,
                ));
            }
        }
        Ok(())
    }
}

/// The matrix at these indices of the axes before.
fn matrix<'x, A>(x: &ArrayViewD<'x, A>, at: &[usize]) -> Result<ArrayView2<'x, A>> {
    let mut x = x.clone();
    for &index in at {
        x.index_axis_inplace(Axis(0), index);
    }
    Ok(x.into_dimensionality()?)
}
