//! `Identity`: a layer that does nothing.

use crate::Element;
use crate::error::Result;
use crate::model::{AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, in_place};
use alloc::string::String;
use alloc::vec::Vec;

/// Returns its input and mask unchanged. Source: `keras.layers.Identity`.
///
/// ```
/// use ndarray::array;
/// use recurrent::{Identity, Model};
/// let model = Model::<f32>::new().add(Identity::of("nothing"));
/// assert_eq!(model.forward(&array![[1.0, 2.0]])?, array![[1.0, 2.0]].into_dyn());
/// assert_eq!(format!("{model:?}"), r#"["nothing"]"#);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    kind: String,
}

impl Identity {
    /// A layer of the kind "identity".
    pub fn new() -> Self {
        Self::of("identity")
    }

    /// A layer that does nothing and has this kind as its name.
    pub fn of(kind: impl Into<String>) -> Self {
        Identity { kind: kind.into() }
    }
}

impl Default for Identity {
    fn default() -> Self {
        Self::new()
    }
}
crate::describe::describe!(Identity, "identity", { kind } => Ok(Identity { kind }));

impl<A: Element> AnyLayer<A> for Identity {
    fn name(&self) -> &str {
        &self.kind
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        Ok(input)
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        inputs.to_vec()
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::EachTimestep
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        in_place(self, inputs, |_, _| {})
    }

    #[cfg(feature = "train")]
    fn backward(
        &self,
        call: crate::model::BackwardCall<A>,
    ) -> Result<Vec<Option<ndarray::ArrayD<A>>>> {
        Ok(call.upstream.to_vec())
    }

    /// What Keras' `ActivityRegularization` adds to the loss of a training is not there.
    #[cfg(feature = "train")]
    fn has_backward(&self) -> bool {
        self.kind != "activity_regularization"
    }

    described!();
}
