//! `Recorder`: how a call is recorded.

use super::dropout::{CellMasks, DROPOUT, MaskSizes, RECURRENT_DROPOUT};
use super::keep::Keep;
use super::noise::Noise;
use crate::Element;
use crate::describe::join;
use crate::error::{Error, Result};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use ndarray::{Array2, Array3, ArrayD, Axis, Ix2, Ix3};

/// How a call of a recurrent layer is recorded.
pub struct Recorder<'a> {
    /// `zero_output_for_mask` for the last output; that of the pass is for the sequences.
    pub(crate) zero_last: bool,
    /// What is kept for the backward pass.
    pub(crate) keep: Keep,
    /// Where masks of dropout come from. Without it nothing is dropped, as in inference.
    noise: Option<Noise<'a>>,
    /// The path of the layer.
    path: String,
}

impl<'a> Recorder<'a> {
    /// Records a call as in inference.
    pub(crate) fn new(zero_last: bool) -> Self {
        Recorder {
            zero_last,
            keep: Keep::default(),
            noise: None,
            path: String::new(),
        }
    }

    /// Keeps this for the backward pass.
    pub(crate) fn keeping(mut self, keep: Keep) -> Self {
        self.keep = keep;
        self
    }

    /// Drops by the rates of each layer, or by given masks. The layer has this path.
    pub(crate) fn dropping(mut self, noise: Noise<'a>, path: &str) -> Self {
        (self.noise, self.path) = (Some(noise), path.into());
        self
    }

    /// Records with an inner layer of this name.
    pub(crate) fn inside<T>(
        &mut self,
        name: &str,
        zero_last: bool,
        record: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let inner = join(&self.path, name);
        let outer = (self.zero_last, core::mem::replace(&mut self.path, inner));
        self.zero_last = zero_last;
        let recorded = record(self);
        (self.zero_last, self.path) = outer;
        recorded
    }

    /// The masks of this cell, which has these rates of dropout. With recurrent dropout each gate has masks of its own.
    pub(crate) fn masks<A: Element>(
        &self,
        [input, recurrent]: [f64; 2],
        of: MaskSizes,
    ) -> Result<CellMasks<A>> {
        let gates = if recurrent > 0.0 { of.gates } else { 1 };
        Ok(CellMasks {
            input: self.of_cell(DROPOUT, input, gates, of.features, of)?,
            recurrent: self.of_cell(RECURRENT_DROPOUT, recurrent, gates, of.units, of)?,
        })
    }

    /// The masks of a cell for its inputs or its states: none, one, or one for each gate.
    fn of_cell<A: Element>(
        &self,
        name: &str,
        rate: f64,
        gates: usize,
        size: usize,
        of: MaskSizes,
    ) -> Result<Vec<Array2<A>>> {
        let Some((noise, path)) = self.source(name) else {
            return Ok(Vec::new());
        };
        if let Some(mask) = noise.given_at(&path) {
            let fits = mask.ndim() == 3 && [1, of.gates].contains(&mask.len_of(Axis(0)));
            if !fits || mask.shape()[1..] != [of.samples, size] {
                let gates = if of.gates > 1 {
                    format!("1 or {}", of.gates)
                } else {
                    "1".into()
                };
                let expected = format!("({gates}, {}, {size})", of.samples);
                return Err(wrong_shape(&path, expected, mask));
            }
            let masks = mask.outer_iter().map(|mask| {
                let mask = mask.mapv(A::from_f64);
                Ok(mask.into_dimensionality::<Ix2>()?)
            });
            return masks.collect();
        }
        // As in Keras: gates ignore a rate of 1.
        if rate <= 0.0 || of.gates > 1 && rate >= 1.0 {
            return Ok(Vec::new());
        }
        let draw = noise.draw(&path);
        let gates = (0..).zip(0..gates);
        let masks = gates.map(|(gate, _)| draw.at(gate).mask(rate, (of.samples, size)));
        Ok(masks.collect())
    }

    /// The mask between two layers of a stack, (samples, timesteps, units), if something is dropped there.
    pub(crate) fn between<A: Element>(
        &self,
        name: &str,
        rate: f64,
        dim: (usize, usize, usize),
    ) -> Result<Option<Array3<A>>> {
        let Some((noise, path)) = self.source(name) else {
            return Ok(None);
        };
        if let Some(mask) = noise.given_at(&path) {
            if mask.shape() != [dim.0, dim.1, dim.2] {
                return Err(wrong_shape(&path, format!("{dim:?}"), mask));
            }
            let mask = mask.mapv(A::from_f64);
            return Ok(Some(mask.into_dimensionality::<Ix3>()?));
        }
        Ok((rate > 0.0).then(|| noise.draw(&path).mask(rate, dim)))
    }

    /// Where a mask comes from, and its path.
    fn source(&self, name: &str) -> Option<(&Noise<'a>, String)> {
        Some((self.noise.as_ref()?, join(&self.path, name)))
    }
}

fn wrong_shape(path: &str, expected: String, mask: &ArrayD<f64>) -> Error {
    let found = format!("{:?} of {path:?}", mask.shape());
    Error::value("shape of a given mask", expected, found)
}
