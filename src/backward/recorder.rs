//! `Recorder`: how a call is recorded.

use super::draw::Draw;
use super::dropout::{CellMasks, MaskSizes};
use crate::Element;
use crate::error::{Error, Result, check};
use alloc::vec::Vec;

/// How a call of a recurrent layer is recorded.
pub struct Recorder<A> {
    /// `zero_output_for_mask` for the last output; that of the pass is for the sequences.
    pub(crate) zero_last: bool,
    masks: Masks<A>,
}

/// Where the masks of dropout come from.
enum Masks<A> {
    /// Nothing is dropped, as in inference.
    None,
    Drawn(Draw),
    /// The masks of each cell, the next one last.
    Given(Vec<CellMasks<A>>),
}

impl<A: Element> Recorder<A> {
    /// Records a call as in inference.
    pub(crate) fn new(zero_last: bool) -> Self {
        Recorder {
            zero_last,
            masks: Masks::None,
        }
    }

    /// Drops by the rates of each cell, with these random numbers.
    pub(crate) fn drawing(mut self, draw: Draw) -> Self {
        self.masks = Masks::Drawn(draw);
        self
    }

    /// Drops by these masks: one entry for each cell, forward before backward, the lowest layer first.
    pub(crate) fn given(mut self, mut masks: Vec<CellMasks<A>>) -> Self {
        masks.reverse();
        self.masks = Masks::Given(masks);
        self
    }

    /// Records with an inner layer, whose random numbers are those of this name.
    pub(crate) fn inside<T>(
        &mut self,
        name: &str,
        zero_last: bool,
        record: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let outer = self.zero_last;
        let draw = match self.masks {
            Masks::Drawn(draw) => Some(draw),
            Masks::None | Masks::Given(_) => None,
        };
        self.zero_last = zero_last;
        if let Some(draw) = draw {
            self.masks = Masks::Drawn(draw.inside(name));
        }
        let recorded = record(self);
        self.zero_last = outer;
        if let Some(draw) = draw {
            self.masks = Masks::Drawn(draw);
        }
        recorded
    }

    /// The masks of the next cell, which has these rates of dropout.
    pub(crate) fn masks(&mut self, rates: [f64; 2], of: MaskSizes) -> Result<CellMasks<A>> {
        let masks = match &mut self.masks {
            Masks::None => CellMasks::default(),
            Masks::Drawn(draw) => CellMasks::draw(rates, of, draw),
            Masks::Given(list) => {
                let next = list.pop();
                next.ok_or_else(|| Error::value("masks", "one entry for each cell", "too few"))?
            }
        };
        let sizes = [(&masks.input, of.features), (&masks.recurrent, of.units)];
        for (list, size) in sizes {
            if ![0, 1, of.gates].contains(&list.len()) {
                let expected = alloc::format!("1, or one for each of {} gates", of.gates);
                return Err(Error::value("number of masks", expected, list.len()));
            }
            for mask in list {
                check("mask of dropout", "samples", of.samples, mask.nrows())?;
                check("mask of dropout", "columns", size, mask.ncols())?;
            }
        }
        Ok(masks)
    }
}
