//! `AnyLayer`: a layer of a model, of whatever kind.

use super::stepper::{Planned, StepShape};
use super::{Flow, Shape, Slot};
use crate::Element;
use crate::error::{Error, Result};
use alloc::vec;
use alloc::vec::Vec;
use core::any::Any;

/// A layer of a [`Model`](crate::Model), of whatever kind: those of this crate, and your own.
///
/// Given are [`Layer`](crate::Layer) (any recurrent layer with its flags), all layers listed at the crate's root, a
/// `Model` itself, and `Box<dyn AnyLayer<A>>` and `Arc<dyn AnyLayer<A>>`. A `Box` or an `Arc` of a layer of known kind goes
/// into a model as well: see [`IntoLayer`](crate::IntoLayer).
///
/// Two methods make a layer. The others say more about it, and have defaults: [`forward_all`](Self::forward_all) takes
/// several inputs or gives several outputs, [`output_shapes`](Self::output_shapes) and [`parameters`](Self::parameters)
/// are what a summary prints, and [`over_time`](Self::over_time) lets the layer be stepped.
///
/// ```
/// use ndarray::{Array3, array};
/// use recurrent::{AnyLayer, Flow, Gru, Layer, Model, Result};
///
/// /// Scales its input; masks pass through.
/// struct Scale(f32);
/// impl AnyLayer<f32> for Scale {
///     fn name(&self) -> &str { "scale" }
///     fn forward(&self, mut input: Flow<f32>) -> Result<Flow<f32>> {
///         input.values *= self.0;
///         Ok(input)
///     }
/// }
///
/// let model = Model::new().add(Scale(0.5)).add(Layer::new(Gru::builder(2, 3).build()?));
/// assert_eq!(model.forward(&Array3::zeros((4, 5, 2)))?.shape(), [4, 3]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no layer of a `Model<{A}>`",
    note = "a recurrent layer goes in with its flags: `.add(Layer::new(lstm).return_sequences(true))`",
    note = "layers of `f32` go into a `Model<f32>`, those of `f64` into a `Model<f64>`",
    note = "an `Arc` or a `Box` of a layer inside another layer has to be an `Arc<dyn AnyLayer<{A}>>` or a `Box<dyn AnyLayer<{A}>>`",
    note = "a layer of your own is one when it implements `AnyLayer`"
)]
pub trait AnyLayer<A: Element>: Any + Send + Sync {
    /// What kind of layer it is, in Keras' words: what errors and summaries call it.
    fn name(&self) -> &str;

    /// Computes the output, and says which mask goes on: the one that came in, another, or none.
    fn forward(&self, input: Flow<A>) -> Result<Flow<A>>;

    /// The same with several inputs or outputs; a layer that has not said more takes one and gives one.
    fn forward_all(&self, inputs: Vec<Flow<A>>) -> Result<Vec<Flow<A>>> {
        Ok(vec![self.forward(one_input(inputs)?)?])
    }

    /// How many outputs there are.
    fn output_count(&self) -> usize {
        1
    }

    /// The shapes of the outputs, as far as those of the inputs decide them. It must not refuse: what cannot be is seen
    /// when the layer runs.
    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let _ = inputs;
        vec![Shape::unknown(); self.output_count()]
    }

    /// How many numbers it has learned.
    fn parameters(&self) -> Parameters {
        Parameters::default()
    }

    /// Whether a mask that comes in changes the output.
    fn uses_mask(&self) -> bool {
        false
    }

    /// Whether it can be fed one timestep at a time, as [`Session::step`](crate::Session::step) does. Timesteps are axis
    /// 1; `axes` is the number of axes of each input.
    fn over_time(&self, axes: &[usize]) -> OverTime {
        let _ = axes;
        OverTime::Whole("it does not say that it works timestep by timestep")
    }

    /// The same from a kept state, with the state at the end. A layer of your own that keeps state is a
    /// [`Cell`](crate::Cell) in an [`Rnn`](crate::Rnn).
    #[doc(hidden)]
    fn call(&self, inputs: Vec<Flow<A>>, kept: Option<&Slot>) -> Result<Called<A>> {
        let _ = kept;
        self.forward_all(inputs).map(|flows| (flows, None))
    }

    /// What takes single steps of it, with inputs of these shapes; `None` if it is called anew at every step.
    #[doc(hidden)]
    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let _ = inputs;
        Ok(None)
    }

    /// The axes of one timestep of one sample of an input, as far as its weights tell.
    #[doc(hidden)]
    fn step_features(&self, input: usize) -> Option<Vec<usize>> {
        let _ = input;
        None
    }

    /// The layer that an owner of one stands for.
    #[doc(hidden)]
    fn inside(&self) -> Option<&dyn AnyLayer<A>> {
        None
    }

    /// The state of one sample before the first call.
    #[doc(hidden)]
    fn fresh(&self) -> Option<Slot> {
        None
    }

    /// Says in a file what it is.
    #[doc(hidden)]
    #[cfg(feature = "safetensors")]
    fn save_to(&self, to: &mut crate::describe::Out) -> Result<()> {
        let _ = to;
        Err(crate::describe::not_ours(self.name()))
    }
}

/// A layer of a model that is saved as it is saved alone.
macro_rules! saved_as_alone {
    () => {
        #[cfg(feature = "safetensors")]
        fn save_to(&self, to: &mut crate::describe::Out) -> Result<()> {
            crate::describe::Saved::write_to(self, to)
        }
    };
}
pub(crate) use saved_as_alone;

/// The outputs of a layer, and the state to keep.
pub type Called<A> = (Vec<Flow<A>>, Option<Slot>);

/// How a layer treats time, and so whether it can be fed one timestep at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OverTime {
    /// Every timestep by itself.
    Each,
    /// Each timestep with what it remembers of the earlier ones.
    #[doc(hidden)]
    Carries,
    /// It needs the whole sequence at once, for this reason.
    Whole(&'static str),
}

impl OverTime {
    /// Of a layer that works along its last axis.
    pub(crate) fn of_last_axis(axes: &[usize]) -> Self {
        match axes {
            [0..=2] => OverTime::Whole("its features are the timesteps"),
            _ => OverTime::Each,
        }
    }
}

/// How many numbers a layer or a model has learned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// Learned by gradients.
    pub trainable: usize,
    /// Learned otherwise: moving averages.
    pub non_trainable: usize,
}

impl Parameters {
    /// All learned by gradients.
    pub fn trainable(trainable: usize) -> Self {
        Parameters {
            trainable,
            non_trainable: 0,
        }
    }

    /// Both kinds.
    pub fn total(self) -> usize {
        self.trainable + self.non_trainable
    }
}

impl core::iter::Sum for Parameters {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Parameters::default(), |sum, part| Parameters {
            trainable: sum.trainable + part.trainable,
            non_trainable: sum.non_trainable + part.non_trainable,
        })
    }
}

/// The only input.
pub(crate) fn one_input<A>(inputs: Vec<Flow<A>>) -> Result<Flow<A>> {
    let found = inputs.len();
    let mut inputs = inputs.into_iter();
    match (inputs.next(), found) {
        (Some(input), 1) => Ok(input),
        _ => Err(wrong_inputs("1", found)),
    }
}

/// Says that a layer takes another number of inputs.
pub(crate) fn wrong_inputs(expected: impl alloc::string::ToString, found: usize) -> Error {
    Error::value("number of inputs", expected, found)
}
