//! `Dropout`: the rates of a cell. `CellMasks`: what is dropped of a call of a cell.

use super::draw::Draw;
use crate::Element;
use alloc::vec::Vec;
use ndarray::Array2;

/// What a call of a cell drops: factors of 0 or 1 / (1 - rate), the same at every timestep. There is no mask, one for all
/// gates, or one for each gate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CellMasks<A> {
    /// (samples, features) each.
    pub input: Vec<Array2<A>>,
    /// (samples, units) each.
    pub recurrent: Vec<Array2<A>>,
}

impl<A> CellMasks<A> {
    pub(crate) fn is_empty(&self) -> bool {
        self.input.is_empty() && self.recurrent.is_empty()
    }
}

/// The sizes that the masks of a cell have.
#[derive(Clone, Copy)]
pub(crate) struct MaskSizes {
    pub samples: usize,
    pub features: usize,
    pub units: usize,
    pub gates: usize,
}

impl<A: Element> CellMasks<A> {
    /// Draws masks as Keras does: with recurrent dropout, each gate has masks of its own.
    pub(crate) fn draw(rates: [f64; 2], of: MaskSizes, draw: &Draw) -> Self {
        let [input, recurrent] = rates;
        let gates = if recurrent > 0.0 { of.gates } else { 1 };
        let masks = |rate: f64, size: usize, kind: u64| -> Vec<Array2<A>> {
            let count = if rate > 0.0 { gates } else { 0 };
            let masks = (0..)
                .zip(0..count)
                .map(|(gate, _): (u64, usize)| draw.mask(&[kind, gate], rate, (of.samples, size)));
            masks.collect()
        };
        CellMasks {
            input: masks(input, of.features, 0),
            recurrent: masks(recurrent, of.units, 1),
        }
    }
}
