//! `OldMerge`: `Add`, `Concatenate` and others with the mask rules of Keras up to 3.3.

use crate::Element;
use crate::describe::{Describe, Part, PartMut};
#[cfg(feature = "saved")]
use crate::describe::{In, Saved};
use crate::error::{Error, Result, check};
use crate::model::{
    AnyLayer, Inputs, Planned, Shape, Slot, StepShape, Stepper, Stepwise, Tensor, Value, described,
    each_layer, each_layer_mut, lent, only, only_output, plan,
};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::marker::PhantomData;
use ndarray::{Array2, Axis, concatenate};

/// A layer of several inputs whose numbers do not depend on masks. A timestep of its output is real where it is real in
/// all inputs that have a mask; since Keras 3.4, where it is real in any of them.
pub(crate) struct OldMerge<L> {
    pub layer: L,
    /// Whether it joins the timesteps of its inputs, and so their masks.
    pub along_time: bool,
}

impl<L> OldMerge<L> {
    fn mask<A>(&self, inputs: &[Tensor<A>]) -> Result<Option<Array2<bool>>> {
        if inputs.iter().all(|input| input.mask.is_none()) {
            return Ok(None);
        }
        let mut masks = Vec::new();
        for input in inputs {
            input.check_mask()?;
            let [samples, timesteps, _] = three(input.values.shape())?;
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

/// The axes of an input.
fn three(shape: &[usize]) -> Result<[usize; 3]> {
    shape.try_into().map_err(|_| Error::Rank {
        array: "input",
        expected: "3 (samples, timesteps, features), since one is masked",
        found: shape.len(),
    })
}

/// The stepper of the layer inside, which sees no mask.
struct Steps<A, L>(Box<dyn Stepper<A>>, PhantomData<fn(L)>);

impl<A: Element, L: AnyLayer<A>> Stepper<A> for Steps<A, L> {
    fn step(
        &mut self,
        layer: &dyn AnyLayer<A>,
        slot: &mut Option<Slot>,
        inputs: Inputs<'_, A>,
        outputs: &mut [Value<A>],
    ) -> Result<()> {
        let layer: &OldMerge<L> = lent(layer)?;
        self.0.step(&layer.layer, slot, inputs.bare(), outputs)?;
        let output = only_output(outputs)?;
        if inputs.masks().all(|mask| mask.is_none()) {
            output.set_mask(None);
            return Ok(());
        }
        let mut shapes = inputs.iter().map(|input| three(&input.shape.axes));
        shapes.try_for_each(|shape| shape.map(drop))?;
        let all = output.mask_mut();
        all.fill(true);
        for mask in inputs.masks().flatten() {
            all.iter_mut()
                .zip(mask)
                .for_each(|(all, &real)| *all &= real);
        }
        Ok(())
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

#[cfg(feature = "saved")]
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

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        only(self.forward_all(vec![input])?)
    }

    fn forward_all(&self, inputs: Vec<Tensor<A>>) -> Result<Vec<Tensor<A>>> {
        let mask = self.mask(&inputs)?;
        let bare = |input: Tensor<A>| Tensor::bare(input.values);
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

    fn stepwise(&self, axes: &[usize]) -> Stepwise {
        self.layer.stepwise(axes)
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        if self.along_time {
            return Ok(None);
        }
        let inner = plan(&self.layer, inputs)?;
        let refuses = inputs.iter().any(|input| input.axes.len() != 3);
        Ok(Some(Planned {
            stepper: Box::new(Steps(inner.stepper, PhantomData::<fn(L)>)),
            may_fail: inner.may_fail || refuses,
            ..inner
        }))
    }

    #[cfg(feature = "train")]
    fn record(&self, call: crate::model::RecordCall<A>) -> Result<crate::model::Called<A>> {
        let mask = self.mask(call.inputs)?;
        let (mut outputs, slot) = self.layer.record(crate::model::RecordCall {
            inputs: &bare(call.inputs),
            ..call
        })?;
        for output in &mut outputs {
            output.mask.clone_from(&mask);
        }
        Ok((outputs, slot))
    }

    #[cfg(feature = "train")]
    fn backward(
        &self,
        call: crate::model::BackwardCall<A>,
    ) -> Result<Vec<Option<ndarray::ArrayD<A>>>> {
        self.layer.backward(crate::model::BackwardCall {
            inputs: &bare(call.inputs),
            ..call
        })
    }

    #[cfg(feature = "train")]
    fn has_backward(&self) -> bool {
        self.layer.has_backward()
    }

    #[cfg(feature = "train")]
    fn moved(
        &self,
        tape: &crate::backward::Tape,
        phase: &crate::model::Phase,
        each: &mut crate::model::Moves<A>,
    ) {
        self.layer.moved(tape, phase, each);
    }

    #[cfg(feature = "train")]
    fn drawn(
        &self,
        tape: &crate::backward::Tape,
        phase: &crate::model::Phase,
        each: &mut dyn FnMut(&str, ndarray::ArrayD<f64>),
    ) {
        self.layer.drawn(tape, phase, each);
    }

    described!();
}

/// The numbers without their masks.
#[cfg(feature = "train")]
fn bare<A: Element>(inputs: &[Tensor<A>]) -> Vec<Tensor<A>> {
    let bare = |input: &Tensor<A>| Tensor::bare(input.values.clone());
    inputs.iter().map(bare).collect()
}
