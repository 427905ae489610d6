//! Weights that are whole numbers of 8 bits, with scales and zero points: (q - zero) · scale.

use super::constants::Constants;
use super::dequantize::real;
use super::known::unknown;
use super::op::Op;
use crate::Element;
use crate::arrays::ToArray;
use crate::error::{Error, Result};
use crate::format::onnx::Node;
use crate::format::{Number, RawArray};
use alloc::format;
use ndarray::{Array2, ArrayD, Axis};

/// The scales and zero points of W or R of a DynamicQuantizeLSTM: one for each direction, or one for each of its columns.
pub(super) struct Scales {
    scale: ArrayD<f64>,
    zero: ArrayD<f64>,
}

impl Scales {
    /// Those of the inputs `index` and `index + 1`, of an array of that kind whose shape is (directions, n, columns).
    pub fn read(
        node: &Node,
        constants: &Constants,
        index: usize,
        name: &str,
        of: &RawArray,
    ) -> Result<Self> {
        if !matches!(of.number(), Number::I8 | Number::U8) {
            return Err(Error::file(name, "int8 or uint8", of.number()));
        }
        let &[directions, _, columns] = of.shape() else {
            let expected = "3 axes: directions, features or units, gates x units";
            return Err(Error::file(name, expected, format!("{:?}", of.shape())));
        };
        let get = |index, what| {
            let part = format!("{name}_{what}");
            let Some(value) = node.input(index) else {
                return Err(Error::file(part, "an array", "none"));
            };
            let tensor = constants.tensor(value).map_err(|e| e.within(&part))?;
            tensor.ok_or_else(|| unknown(&format!("{part}: {value}"), "another value"))
        };
        let check = |tensor: &RawArray, what| {
            if tensor.shape() == [directions] || tensor.shape() == [directions, columns] {
                return Ok(());
            }
            let gates = Op::Lstm.gates();
            let expected = format!(
                "shape [{directions}], or [{directions}, {columns}]: {directions} directions, {gates} gates of {} units",
                columns / gates
            );
            let found = format!("{:?}", tensor.shape());
            Err(Error::file(format!("{name}_{what}"), expected, found))
        };
        let (scale, zero) = (get(index, "scale")?, get(index + 1, "zero_point")?);
        check(&scale, "scale")?;
        check(&zero, "zero_point")?;
        if zero.number() != of.number() {
            let expected = format!("{}, as {name}", of.number());
            let part = format!("{name}_zero_point");
            return Err(Error::file(part, expected, zero.number()));
        }
        Ok(Scales {
            scale: scale.array()?,
            zero: zero.numbers()?,
        })
    }

    /// Makes the numbers of a direction, (n, columns), what they stand for.
    pub fn apply<A: Element>(&self, direction: usize, array: &mut Array2<A>) {
        let at = |of: &ArrayD<f64>, column: usize| {
            let of = of.index_axis(Axis(0), direction);
            let one = of.iter().nth(if of.ndim() == 0 { 0 } else { column });
            one.copied().unwrap_or_default()
        };
        for (column, mut numbers) in array.columns_mut().into_iter().enumerate() {
            let (zero, scale) = (at(&self.zero, column), at(&self.scale, column));
            // Whole numbers of 8 bits are exact in each type.
            let widened = |q: A| q.to_f64().unwrap_or(f64::NAN);
            numbers.mapv_inplace(|q| A::from_f64(real(widened(q), zero, scale)));
        }
    }
}
