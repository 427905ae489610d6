//! `Weight`: W or R of a recurrent node, read when it is packed.

use super::constants::Constants;
use super::known::unknown;
use super::op::QUANTIZED;
use super::quantized::Scales;
use crate::Element;
use crate::arrays::ToArray;
use crate::error::{Error, Result};
use crate::format::RawArray;
use crate::format::onnx::Node;
use crate::kernel::Matrix;
use alloc::format;
use alloc::vec::Vec;
use ndarray::{Array2, ArrayD, ArrayView2, Axis, Ix2, s};

/// How many rows of a kernel are put together at once.
const ROWS: usize = 64;

/// The weights of all directions.
pub(super) struct Weight<'m, A> {
    numbers: Numbers<'m, A>,
    /// (directions, gates · units, n); the last two the other way round where they are quantised.
    shape: Vec<usize>,
}

enum Numbers<'m, A> {
    /// Of the file.
    Float(RawArray<'m>),
    Quantized(RawArray<'m>, Scales),
    /// What operators made of arrays of the file.
    Made(ArrayD<A>),
}

/// Where W or R is among the inputs.
pub(super) struct Input {
    pub name: &'static str,
    pub index: usize,
    /// Of its scale, where it is quantised; the zero point is the next one.
    pub scale: usize,
}

impl<'m, A: Element> Weight<'m, A> {
    pub fn read(node: &Node, constants: &Constants<'m>, input: Input) -> Result<Self> {
        let Input { name, index, scale } = input;
        let missing = || Error::file(name, "an array", "none");
        let value = node.input(index).ok_or_else(missing)?;
        let within = |error: Error| error.within(name);
        let tensor = constants.tensor(value).map_err(within)?;
        let numbers = match tensor {
            Some(tensor) if node.op_type == QUANTIZED => {
                let scales = Scales::read(node, constants, scale, name, &tensor)?;
                Numbers::Quantized(tensor, scales)
            }
            None if node.op_type == QUANTIZED => {
                return Err(unknown(&format!("{name}: {value}"), "another value"));
            }
            Some(tensor) if tensor.number().is_float() => Numbers::Float(tensor),
            _ => Numbers::Made(constants.array(value).map_err(within)?),
        };
        let shape = match &numbers {
            Numbers::Float(tensor) | Numbers::Quantized(tensor, _) => tensor.shape(),
            Numbers::Made(array) => array.shape(),
        };
        let shape = shape.to_vec();
        Ok(Weight { numbers, shape })
    }

    /// As the file has it.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How many features or units it multiplies, as its shape claims.
    pub fn n(&self) -> usize {
        let axis = match self.numbers {
            Numbers::Quantized(..) => 1,
            _ => self.shape.len().saturating_sub(1),
        };
        self.shape.get(axis).copied().unwrap_or(0)
    }

    /// The shape that the file must have for (directions, gates · units, n).
    pub fn turned(&self, [directions, rows, n]: [usize; 3]) -> [usize; 3] {
        match self.numbers {
            Numbers::Quantized(..) => [directions, n, rows],
            _ => [directions, rows, n],
        }
    }

    /// The kernel of a direction, (n, rows), whose gate `k` is gate `order[k]` of the file. The shape must be right.
    pub fn kernel<'w>(
        &'w self,
        direction: usize,
        order: &'w [usize],
        rows: usize,
    ) -> Kernel<'w, 'm, A> {
        Kernel {
            weight: self,
            direction,
            order,
            rows,
        }
    }

    /// The numbers of a direction, (n, gates · units).
    fn with_direction<T>(&self, d: usize, f: impl FnOnce(ArrayView2<A>) -> T) -> Result<T> {
        Ok(match &self.numbers {
            Numbers::Float(tensor) => {
                let array = tensor.numbers_at(d)?.into_dimensionality::<Ix2>()?;
                f(array.t())
            }
            Numbers::Quantized(tensor, scales) => {
                let mut array = tensor.numbers_at(d)?.into_dimensionality::<Ix2>()?;
                scales.apply(d, &mut array);
                f(array.view())
            }
            Numbers::Made(array) => {
                let array = array.index_axis(Axis(0), d);
                f(array.into_dimensionality::<Ix2>()?.t())
            }
        })
    }
}

/// A kernel as this crate has it, (n, gates · units), of weights that are perhaps still in the file.
pub(super) struct Kernel<'w, 'm, A> {
    weight: &'w Weight<'m, A>,
    direction: usize,
    order: &'w [usize],
    rows: usize,
}

impl<A: Element> Matrix<A> for Kernel<'_, '_, A> {
    fn dim(&self) -> (usize, usize) {
        (self.weight.n(), self.rows)
    }

    fn rows(&self, to: &mut dyn FnMut(ArrayView2<A>)) -> Result<()> {
        self.weight.with_direction(self.direction, |array| {
            let (n, columns) = array.dim();
            let units = columns / self.order.len();
            let mut some = Array2::zeros((ROWS.min(n), columns));
            for start in (0..n).step_by(ROWS) {
                let rows = array.slice(s![start..n.min(start + ROWS), ..]);
                let mut some = some.slice_mut(s![..rows.nrows(), ..]);
                for (gate, from) in self.order.iter().enumerate() {
                    let from = rows.slice(s![.., from * units..(from + 1) * units]);
                    let to = s![.., gate * units..(gate + 1) * units];
                    some.slice_mut(to).assign(&from);
                }
                to(some.view());
            }
        })
    }
}
