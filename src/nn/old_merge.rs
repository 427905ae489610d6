//! `OldMerge`: `Add`, `Concatenate` … of Keras up to 3.3, which had other rules for masks.

use crate::Element;
use crate::describe::{Describe, Part, PartMut};
#[cfg(feature = "safetensors")]
use crate::describe::{In, Saved};
use crate::error::{Error, Result, check};
use crate::model::{AnyLayer, Flow, OverTime, Shape, described, each_layer, each_layer_mut, only};
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{Array2, Axis, concatenate};

/// A layer of several inputs whose numbers do not depend on masks. A timestep of its output is real where it is in all
/// inputs that have a mask; from Keras 3.4 on, where it is in any of them.
pub(crate) struct OldMerge<L> {
    pub layer: L,
    /// Whether it puts timesteps one behind the other, and so their masks.
    pub along_time: bool,
}

impl<L> OldMerge<L> {
    fn mask<A>(&self, inputs: &[Flow<A>]) -> Result<Option<Array2<bool>>> {
        if inputs.iter().all(|input| input.mask.is_none()) {
            return Ok(None);
        }
        let mut masks = Vec::new();
        for input in inputs {
            input.check_mask()?;
            let &[samples, timesteps, _] = input.values.shape() else {
                let expected = "3 (samples, timesteps, features), since one is masked";
                return Err(Error::Rank {
                    array: "input",
                    expected,
                    found: input.values.ndim(),
                });
            };
            let all_real = || Array2::from_elem((samples, timesteps), true);
            masks.push(input.mask.clone().unwrap_or_else(all_real));
        }
        if self.along_time {
            let views: Vec<_> = masks.iter().map(|mask| mask.view()).collect();
            return Ok(Some(concatenate(Axis(1), &views)?));
        }
        let mut masks = masks.into_iter();
        let mut all = masks.next();
        for mask in masks {
            if let Some(all) = &mut all {
                check("mask", "samples", all.nrows(), mask.nrows())?;
                check("mask", "timesteps", all.ncols(), mask.ncols())?;
                all.zip_mut_with(&mask, |all, &real| *all &= real);
            }
        }
        Ok(all)
    }
}

impl<A: Element, L: AnyLayer<A>> Describe<A> for OldMerge<L> {
    fn class(&self) -> &'static str {
        "keras_merge"
    }

    fn parts(&self, each: &mut dyn FnMut(Part<A>)) {
        let OldMerge { layer, along_time } = self;
        each(Part::Option("along_time", along_time));
        each_layer(each, "layer", None, layer);
    }

    fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<A>)) {
        each_layer_mut(each, None, &mut self.layer);
    }

    fn duplicate(&self) -> Option<Self> {
        let (layer, along_time) = (self.layer.copied()?, self.along_time);
        Some(OldMerge { layer, along_time })
    }
}

#[cfg(feature = "safetensors")]
impl<L: AnyLayer<L::Number> + Saved> Saved for OldMerge<L> {
    type Number = L::Number;

    fn read_from(from: &mut In) -> Result<Self> {
        from.class("keras_merge")?;
        Ok(OldMerge {
            layer: from.layer("layer")?,
            along_time: from.get("along_time")?,
        })
    }
}

impl<A: Element, L: AnyLayer<A>> AnyLayer<A> for OldMerge<L> {
    fn name(&self) -> &str {
        self.layer.name()
    }

    fn forward(&self, input: Flow<A>) -> Result<Flow<A>> {
        only(self.forward_all(vec![input])?)
    }

    fn forward_all(&self, inputs: Vec<Flow<A>>) -> Result<Vec<Flow<A>>> {
        let mask = self.mask(&inputs)?;
        let bare = |input: Flow<A>| Flow::bare(input.values);
        let mut outputs = self
            .layer
            .forward_all(inputs.into_iter().map(bare).collect())?;
        outputs
            .iter_mut()
            .for_each(|output| output.mask.clone_from(&mask));
        Ok(outputs)
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        self.layer.output_shapes(inputs)
    }

    fn over_time(&self, axes: &[usize]) -> OverTime {
        self.layer.over_time(axes)
    }

    described!();
}
