//! Layers that contain other layers: a model as one layer of another, and layers behind a pointer.

use super::any_layer::Planned;
use super::of_user::{OfUser, OfUserMut};
use super::value::StepShape;
use super::{AnyLayer, Called, Kept, Model, Shape, Slot, Stepwise, Tensor, described};
use crate::Element;
use crate::describe::{Describe, ParameterCount, Part, PartMut};
use crate::error::Result;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

impl<A: Element> AnyLayer<A> for Model<A> {
    fn name(&self) -> &str {
        "model"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        self.forward_tensor(input)
    }

    fn forward_all(&self, inputs: Vec<Tensor<A>>) -> Result<Vec<Tensor<A>>> {
        self.forward_all(inputs)
    }

    fn output_count(&self) -> usize {
        self.outputs.len()
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let shapes = self.shapes(Some(inputs));
        self.outputs.iter().map(|&at| shapes[at].clone()).collect()
    }

    fn uses_mask(&self) -> bool {
        self.layers().any(AnyLayer::uses_mask)
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::Carries
    }

    fn call(&self, inputs: Vec<Tensor<A>>, kept: Option<&Slot>) -> Result<Called<A>> {
        let kept = kept.map(Slot::get::<Kept>).transpose()?;
        let (flows, states) = self.run_from(inputs, kept)?;
        Ok((flows, states.into_slot()))
    }

    #[cfg(feature = "train")]
    fn record(&self, call: super::RecordCall<A>) -> Result<Called<A>> {
        super::backward::record_nested(self, call)
    }

    #[cfg(feature = "train")]
    fn backward(&self, call: super::BackwardCall<A>) -> Result<Vec<Option<ndarray::ArrayD<A>>>> {
        super::backward::back_over_nested(self, call)
    }

    #[cfg(feature = "train")]
    fn has_backward(&self) -> bool {
        self.layers().all(AnyLayer::has_backward)
    }

    #[cfg(feature = "train")]
    fn moved(
        &self,
        tape: &crate::backward::Tape,
        phase: &super::Phase,
        each: &mut super::any_layer::Moves<A>,
    ) {
        if let Ok(tape) = tape.get() {
            self.moved_by(tape, phase, each);
        }
    }

    #[cfg(feature = "train")]
    fn drawn(
        &self,
        tape: &crate::backward::Tape,
        phase: &super::Phase,
        each: &mut dyn FnMut(&str, ndarray::ArrayD<f64>),
    ) {
        if let Ok(tape) = tape.get() {
            self.drawn_by(tape, phase, each);
        }
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        self.plan_nested(inputs)
    }

    fn step_features(&self, input: usize) -> Option<Vec<usize>> {
        self.features_of_step(input)
    }

    fn fresh(&self) -> Option<Slot> {
        self.fresh_states().into_slot()
    }

    described!();
}

/// Pointers to a layer without its concrete type are layers.
///
/// Pointers to a concrete layer are not: then `forward` of an `Arc<Model>` would be the method of this trait and not
/// that of the model. They can be added to a model through [`IntoLayer`](super::IntoLayer).
macro_rules! by_owner {
    ($($owner:ty, $me:ident => { $alone:expr, $copy:expr };)*) => {$(
        impl<A: Element> AnyLayer<A> for $owner {
            fn name(&self) -> &str {
                (**self).name()
            }
            fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
                (**self).forward(input)
            }
            fn forward_all(&self, inputs: Vec<Tensor<A>>) -> Result<Vec<Tensor<A>>> {
                (**self).forward_all(inputs)
            }
            fn output_count(&self) -> usize {
                (**self).output_count()
            }
            fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
                (**self).output_shapes(inputs)
            }
            fn parameter_count(&self) -> ParameterCount {
                (**self).parameter_count()
            }
            fn uses_mask(&self) -> bool {
                (**self).uses_mask()
            }
            fn stepwise(&self, axes: &[usize]) -> Stepwise {
                (**self).stepwise(axes)
            }
            fn call(&self, inputs: Vec<Tensor<A>>, kept: Option<&Slot>) -> Result<Called<A>> {
                (**self).call(inputs, kept)
            }
            fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
                (**self).stepper(inputs)
            }
            fn step_features(&self, input: usize) -> Option<Vec<usize>> {
                (**self).step_features(input)
            }
            #[cfg(feature = "train")]
            fn record(&self, call: super::RecordCall<A>) -> Result<Called<A>> {
                (**self).record(call)
            }

            #[cfg(feature = "train")]
            fn backward(
                &self,
                call: super::BackwardCall<A>,
            ) -> Result<Vec<Option<ndarray::ArrayD<A>>>> {
                (**self).backward(call)
            }

            #[cfg(feature = "train")]
            fn has_backward(&self) -> bool {
                (**self).has_backward()
            }
            #[cfg(feature = "train")]
            fn moved(
                &self,
                tape: &crate::backward::Tape,
                phase: &super::Phase,
                each: &mut super::any_layer::Moves<A>,
            ) {
                (**self).moved(tape, phase, each);
            }
            #[cfg(feature = "train")]
            fn drawn(
                &self,
                tape: &crate::backward::Tape,
                phase: &super::Phase,
                each: &mut dyn FnMut(&str, ndarray::ArrayD<f64>),
            ) {
                (**self).drawn(tape, phase, each);
            }
            #[cfg(feature = "train")]
            fn scores(&self) -> Option<(crate::Activation, &dyn super::any_layer::Scores<A>)> {
                (**self).scores()
            }
            fn inside(&self) -> Option<&dyn AnyLayer<A>> {
                Some(&**self)
            }
            fn fresh(&self) -> Option<Slot> {
                (**self).fresh()
            }
            #[cfg(feature = "saved")]
            fn own_parts(&self) -> Option<crate::OwnParts<A>> {
                (**self).own_parts()
            }
            fn own_weights(&self, each: &mut dyn FnMut(&'static str, ndarray::ArrayViewD<A>)) {
                (**self).own_weights(each);
            }
            fn own_weights_mut(
                &mut self,
                each: &mut dyn FnMut(&'static str, ndarray::ArrayViewMutD<A>),
            ) {
                let $me = self;
                let layer: Option<&mut dyn AnyLayer<A>> = $alone;
                layer.into_iter().for_each(|layer| layer.own_weights_mut(each));
            }
            fn described(&self) -> Option<&dyn Describe<A>> {
                (**self).described()
            }
            fn described_mut(&mut self) -> Option<&mut dyn Describe<A>> {
                let $me = self;
                let layer: Option<&mut dyn AnyLayer<A>> = $alone;
                layer?.described_mut()
            }
            fn copied(&self) -> Option<Self> {
                let $me = self;
                $copy
            }
            fn boxed_copy(&self) -> Option<Box<dyn AnyLayer<A>>> {
                (**self).boxed_copy()
            }
            fn with_all_outputs(&self) -> Option<Box<dyn AnyLayer<A>>> {
                (**self).with_all_outputs()
            }
        }
    )*};
}
by_owner!(
    Box<dyn AnyLayer<A>>, owner => { Some(&mut **owner), owner.boxed_copy() };
    Box<dyn AnyLayer<A> + Send + Sync>, owner => { Some(&mut **owner), no_copy(owner) };
    Arc<dyn AnyLayer<A>>, owner => { alone(owner), Some(Arc::clone(owner)) };
    Arc<dyn AnyLayer<A> + Send + Sync>,
        owner => { Arc::get_mut(owner).map(|layer| layer as _), Some(Arc::clone(owner)) };
);

fn no_copy<L>(_: &L) -> Option<L> {
    None
}

/// A layer that others share is copied before it is changed.
fn alone<A: Element>(layer: &mut Arc<dyn AnyLayer<A>>) -> Option<&mut dyn AnyLayer<A>> {
    if Arc::get_mut(layer).is_none()
        && let Some(copy) = layer.boxed_copy()
    {
        *layer = copy.into();
    }
    Arc::get_mut(layer)
}

/// A layer whose kind is known only at run time.
impl<A: Element> Describe<A> for Box<dyn AnyLayer<A>> {
    fn class(&self) -> &'static str {
        self.described().map_or("own", Describe::class)
    }

    fn parts(&self, each: &mut dyn FnMut(Part<A>)) {
        match self.described() {
            Some(layer) => layer.parts(each),
            None => OfUser(&**self).parts(each),
        }
    }

    fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<A>)) {
        if self.described().is_none() {
            OfUserMut(&mut **self).parts_mut(each);
        } else if let Some(layer) = self.described_mut() {
            layer.parts_mut(each);
        }
    }

    fn duplicate(&self) -> Option<Self> {
        self.boxed_copy()
    }
}
