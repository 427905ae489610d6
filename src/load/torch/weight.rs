//! `Weight`: one weight of a module, not read yet.

use crate::Element;
use crate::arrays::ToArray;
use crate::error::{Error, Result};
use crate::format::RawArray;
use crate::kernel::Matrix;
use crate::load::reorder::reorder;
use alloc::boxed::Box;
use alloc::format;
use ndarray::{Array, Array2, ArrayD, Dimension};

/// A weight, of the shape that its module has for it.
pub(super) enum Weight<'f> {
    /// As it is in the file.
    Plain(RawArray<'f>),
    /// `weight_norm`: g · v/‖v‖.
    Normed { g: RawArray<'f>, v: RawArray<'f> },
}

impl<'f> Weight<'f> {
    /// Of `weight_norm`: lengths `g`, and directions `v`.
    pub fn normed(g: RawArray<'f>, v: RawArray<'f>) -> Result<Self> {
        let (lengths, shape) = (g.shape(), v.shape());
        // One length for each row, or for each column (`dim=1`), or a single one (`dim=None`).
        let kept = |axis: usize| {
            let axes = shape.iter().enumerate();
            axes.map(move |(k, &n)| if k == axis { n } else { 1 })
        };
        let fits = matches!(lengths, [] | [1])
            || (0..shape.len()).any(|axis| lengths.iter().copied().eq(kept(axis)));
        if fits {
            return Ok(Weight::Normed { g, v });
        }
        let rows = shape.first().copied().unwrap_or(1);
        let expected = match shape.len() {
            2 => format!("shape [{rows}, 1], [1, {}] or []", shape[1]),
            _ => format!("shape [{rows}] or []"),
        };
        let found = format!(
            "{lengths:?}, beside directions of the shape {shape:?} ({})",
            v.name()
        );
        Err(Error::file(g.name(), expected, found))
    }

    pub fn name(&self) -> &str {
        match self {
            Weight::Plain(tensor) | Weight::Normed { v: tensor, .. } => tensor.name(),
        }
    }

    pub fn shape(&self) -> &[usize] {
        match self {
            Weight::Plain(tensor) | Weight::Normed { v: tensor, .. } => tensor.shape(),
        }
    }

    /// Its numbers.
    pub fn array<A: Element, D: Dimension>(&self) -> Result<Array<A, D>> {
        let array = match self {
            Weight::Plain(tensor) => tensor.array()?,
            Weight::Normed { g, v } => scaled(&g.array()?, v.array()?),
        };
        Ok(array.into_dimensionality()?)
    }

    /// (gates · units, columns) as the matrix that a cell packs: gate beside gate, block `order[k]` in place of block `k`.
    pub fn matrix<A: Element>(self, order: &'static [usize]) -> Result<Box<dyn Matrix<A> + 'f>> {
        match self {
            Weight::Plain(tensor) => Ok(Box::new(tensor.turned(order)?)),
            Weight::Normed { .. } => {
                let array: Array2<A> = self.array()?;
                Ok(Box::new(reorder(array.view(), order).reversed_axes()))
            }
        }
    }
}

/// g · v/‖v‖, each number rounded once. The norm is over those axes in which `g` has one number.
fn scaled<A: Element>(g: &ArrayD<f64>, v: ArrayD<f64>) -> ArrayD<A> {
    let mut squares = ArrayD::<f64>::zeros(g.raw_dim());
    // In a view that is as large as `v`, a length stands at every place that it is for.
    let place = |at: &ndarray::IxDyn| {
        let mut place = ndarray::IxDyn::zeros(g.ndim());
        for (axis, &length) in g.shape().iter().enumerate() {
            place[axis] = if length == 1 { 0 } else { at[axis] };
        }
        place
    };
    for (at, x) in v.indexed_iter() {
        squares[place(&at)] += x * x;
    }
    let norms = squares.mapv(libm::sqrt);
    ArrayD::from_shape_fn(v.raw_dim(), |at| {
        let place = place(&at);
        A::from_f64(g[&place] * v[&at] / norms[&place])
    })
}
