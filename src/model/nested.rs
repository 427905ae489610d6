//! Layers that stand for layers: a whole model as one layer of another, and layers behind a pointer.

use super::stepper::{Planned, StepShape};
use super::{
    AnyLayer, Called, Flow, Kept, Model, OverTime, Parameters, Shape, Slot, saved_as_alone,
};
use crate::Element;
use crate::error::Result;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

impl<A: Element> AnyLayer<A> for Model<A> {
    fn name(&self) -> &str {
        "model"
    }

    fn forward(&self, input: Flow<A>) -> Result<Flow<A>> {
        self.run(input)
    }

    fn forward_all(&self, inputs: Vec<Flow<A>>) -> Result<Vec<Flow<A>>> {
        self.run_all(inputs)
    }

    fn output_count(&self) -> usize {
        self.outputs.len()
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let shapes = self.shapes(Some(inputs));
        self.outputs.iter().map(|&at| shapes[at].clone()).collect()
    }

    fn parameters(&self) -> Parameters {
        Model::parameters(self)
    }

    fn uses_mask(&self) -> bool {
        self.layers().any(AnyLayer::uses_mask)
    }

    fn over_time(&self, _: &[usize]) -> OverTime {
        OverTime::Carries
    }

    fn call(&self, inputs: Vec<Flow<A>>, kept: Option<&Slot>) -> Result<Called<A>> {
        let kept = kept.map(Slot::get::<Kept>).transpose()?;
        let (flows, states) = self.run_from(inputs, kept)?;
        Ok((flows, states.into_slot()))
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

    saved_as_alone!();
}

/// Owners of a layer whose kind is known only when the program runs are layers.
///
/// Those of a known kind are not: `forward` of an `Arc<Model>` would be the one of this trait and no longer that of the
/// model. They go into a model as an [`IntoLayer`](super::IntoLayer).
macro_rules! by_owner {
    ($($owner:ty),*) => {$(
        impl<A: Element> AnyLayer<A> for $owner {
            fn name(&self) -> &str {
                (**self).name()
            }
            fn forward(&self, input: Flow<A>) -> Result<Flow<A>> {
                (**self).forward(input)
            }
            fn forward_all(&self, inputs: Vec<Flow<A>>) -> Result<Vec<Flow<A>>> {
                (**self).forward_all(inputs)
            }
            fn output_count(&self) -> usize {
                (**self).output_count()
            }
            fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
                (**self).output_shapes(inputs)
            }
            fn parameters(&self) -> Parameters {
                (**self).parameters()
            }
            fn uses_mask(&self) -> bool {
                (**self).uses_mask()
            }
            fn over_time(&self, axes: &[usize]) -> OverTime {
                (**self).over_time(axes)
            }
            fn call(&self, inputs: Vec<Flow<A>>, kept: Option<&Slot>) -> Result<Called<A>> {
                (**self).call(inputs, kept)
            }
            fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
                (**self).stepper(inputs)
            }
            fn step_features(&self, input: usize) -> Option<Vec<usize>> {
                (**self).step_features(input)
            }
            fn inside(&self) -> Option<&dyn AnyLayer<A>> {
                Some(&**self)
            }
            fn fresh(&self) -> Option<Slot> {
                (**self).fresh()
            }
            #[cfg(feature = "safetensors")]
            fn save_to(&self, to: &mut crate::describe::Out) -> Result<()> {
                (**self).save_to(to)
            }
        }
    )*};
}
by_owner!(
    Box<dyn AnyLayer<A>>,
    Box<dyn AnyLayer<A> + Send + Sync>,
    Arc<dyn AnyLayer<A>>,
    Arc<dyn AnyLayer<A> + Send + Sync>
);
