//! `CellMasks`: what is dropped of a call of a cell.

use crate::Element;
use crate::describe::join;
use alloc::vec::Vec;
use ndarray::{Array, Array2, ArrayBase, ArrayD, Axis, Data, Dimension, stack};

/// The names of the masks of a cell, which are those of Keras' arguments.
pub(super) const DROPOUT: &str = "dropout";
pub(super) const RECURRENT_DROPOUT: &str = "recurrent_dropout";

/// What a call of a cell drops: factors of 0 or 1 / (1 - rate), the same at every timestep. There is no mask, one for all
/// gates, or one for each gate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CellMasks<A> {
    /// (samples, features) each.
    pub input: Vec<Array2<A>>,
    /// (samples, units) each.
    pub recurrent: Vec<Array2<A>>,
}

/// The sizes that the masks of a cell have.
#[derive(Clone, Copy)]
pub(crate) struct MaskSizes {
    pub samples: usize,
    pub features: usize,
    pub units: usize,
    pub gates: usize,
}

impl<A> CellMasks<A> {
    pub(crate) fn is_empty(&self) -> bool {
        self.input.is_empty() && self.recurrent.is_empty()
    }
}

impl<A: Element> CellMasks<A> {
    /// Calls `each` with the path and the numbers of every mask of a cell at this path, (masks, samples, columns).
    pub(crate) fn each(&self, path: &str, each: &mut dyn FnMut(&str, ArrayD<f64>)) {
        for (name, masks) in [(DROPOUT, &self.input), (RECURRENT_DROPOUT, &self.recurrent)] {
            let views: Vec<_> = masks.iter().map(|mask| mask.view()).collect();
            if let Ok(masks) = stack(Axis(0), &views) {
                each(&join(path, name), to_f64(&masks.into_dyn()));
            }
        }
    }
}

/// A mask as it is handed out.
pub(crate) fn to_f64<A: Element, D: Dimension>(mask: &Array<A, D>) -> ArrayD<f64> {
    mask.mapv(Element::as_f64).into_dyn()
}

/// Multiplies numbers with a mask. A number that is dropped is not read, so that NaN does not pass.
pub(crate) fn drop_by<A, S, D>(x: &mut Array<A, D>, mask: &ArrayBase<S, D>)
where
    A: Element,
    S: Data<Elem = A>,
    D: Dimension,
{
    x.zip_mut_with(mask, |x, &mask| {
        *x = if mask == A::zero() { mask } else { *x * mask };
    });
}
