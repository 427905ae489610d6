//! `AnyLayer`: the trait of every layer of a model.

#[cfg(feature = "train")]
use super::phase::{BackwardCall, Phase, RecordCall};
use super::value::{Inputs, StepShape, Value};
use super::{Shape, Slot, Tensor};
use crate::Element;
#[cfg(feature = "train")]
use crate::backward::Tape;
#[cfg(feature = "saved")]
use crate::describe::OwnParts;
use crate::describe::{Describe, ParameterCount};
#[cfg(feature = "train")]
use crate::error::Error;
use crate::error::{Result, wrong_inputs};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::any::Any;
#[cfg(feature = "train")]
use ndarray::ArrayD;
use ndarray::{ArrayViewD, ArrayViewMutD};

/// A layer of a [`Model`](crate::Model): one of this crate's layers, or your own.
///
/// Implemented by [`Layer`](crate::Layer) (any recurrent layer with its flags), by all layers listed at the crate's
/// root, by `Model` itself, and by `Box<dyn AnyLayer<A>>` and `Arc<dyn AnyLayer<A>>`. A `Box` or an `Arc` of a concrete
/// layer can be added to a model as well: see [`IntoLayer`](crate::IntoLayer).
///
/// Only two methods are required. The others have defaults: [`forward_all`](Self::forward_all) takes several inputs or
/// returns several outputs, [`output_shapes`](Self::output_shapes) and [`parameter_count`](Self::parameter_count) feed
/// the summary, and [`stepwise`](Self::stepwise) allows the layer to be stepped.
///
/// ```
/// use ndarray::{Array3, array};
/// use recurrent::{AnyLayer, Tensor, Gru, Layer, Model, Result};
///
/// /// Scales its input; masks pass through.
/// struct Scale(f32);
/// impl AnyLayer<f32> for Scale {
///     fn name(&self) -> &str { "scale" }
///     fn forward(&self, mut input: Tensor<f32>) -> Result<Tensor<f32>> {
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
    /// The kind of the layer, in Keras' words. Errors and summaries print it.
    fn name(&self) -> &str;

    /// Computes the output and the mask that goes with it: the mask of the input, another one, or none.
    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>>;

    /// Computes all outputs from all inputs. The default takes one input and returns one output.
    fn forward_all(&self, inputs: Vec<Tensor<A>>) -> Result<Vec<Tensor<A>>> {
        Ok(vec![self.forward(one_input(inputs)?)?])
    }

    /// The number of outputs.
    fn output_count(&self) -> usize {
        1
    }

    /// The shapes of the outputs, as far as the shapes of the inputs determine them. It must not fail: an input that
    /// does not fit is an error when the layer runs.
    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let _ = inputs;
        vec![Shape::unknown(); self.output_count()]
    }

    /// The number of learned parameters: by default, of all numbers in [`own_weights`](Self::own_weights).
    fn parameter_count(&self) -> ParameterCount {
        if let Some(layer) = self.described() {
            return layer.count_parameters();
        }
        let mut count = 0;
        self.own_weights(&mut |_, array| count += array.len());
        ParameterCount::trainable(count)
    }

    /// Whether a mask on the input changes the output.
    fn uses_mask(&self) -> bool {
        false
    }

    /// Whether the layer can be fed one timestep at a time, as [`Session::step`](crate::Session::step) does. Timesteps
    /// are axis 1; `axes` is the number of axes of each input.
    fn stepwise(&self, axes: &[usize]) -> Stepwise {
        let _ = axes;
        Stepwise::WholeSequence("it does not say that it works timestep by timestep")
    }

    /// What a file keeps of a layer of your own, so that a model that has it can be saved. The default keeps nothing, so
    /// saving is an error that names the layer. `saved::Reader::layer` makes the layer again.
    ///
    /// ```
    /// use ndarray::{Array1, array};
    /// use recurrent::{AnyLayer, Model, OwnLayer, OwnParts, Result, Tensor, saved};
    ///
    /// struct Scale {
    ///     by: f32,
    ///     gain: Array1<f32>,
    /// }
    ///
    /// impl Scale {
    ///     fn read(file: &OwnLayer<f32>) -> Result<Self> {
    ///         Ok(Scale { by: file.number("by")?, gain: file.array(0)? })
    ///     }
    /// }
    ///
    /// impl AnyLayer<f32> for Scale {
    ///     fn name(&self) -> &str { "scale" }
    ///     fn forward(&self, mut input: Tensor<f32>) -> Result<Tensor<f32>> {
    ///         input.values = input.values * &self.gain * self.by;
    ///         Ok(input)
    ///     }
    ///     fn own_parts(&self) -> Option<OwnParts<f32>> {
    ///         Some(OwnParts::new("Scale").number("by", self.by).array("gain", &self.gain))
    ///     }
    /// }
    ///
    /// let model = Model::new().add(Scale { by: 0.5, gain: array![1.0, 4.0] });
    /// let bytes = saved::write(&model)?;
    /// let again: Model<f32> = saved::Reader::new().layer("Scale", Scale::read).read(&bytes)?;
    /// assert_eq!(again.forward(&array![[2.0, 3.0]])?, array![[1.0, 6.0]].into_dyn());
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    #[cfg(feature = "saved")]
    fn own_parts(&self) -> Option<OwnParts<A>> {
        None
    }

    /// Calls `each` with the name and the numbers of every weight of a layer of your own that learns. The model lists, reads
    /// and replaces them by these names ([`Model::weights`](crate::Model::weights)), and the feature `train` trains them.
    /// None by default. Implement [`own_weights_mut`](Self::own_weights_mut) with it.
    fn own_weights(&self, each: &mut dyn FnMut(&'static str, ArrayViewD<A>)) {
        let _ = each;
    }

    /// Calls `each` with the same weights, to be changed.
    fn own_weights_mut(&mut self, each: &mut dyn FnMut(&'static str, ArrayViewMutD<A>)) {
        let _ = each;
    }

    /// Computes all outputs from a kept state, and returns the new state with them. To write a layer that keeps state,
    /// implement [`Cell`](crate::Cell) and wrap it in an [`Rnn`](crate::Rnn).
    #[doc(hidden)]
    fn call(&self, inputs: Vec<Tensor<A>>, kept: Option<&Slot>) -> Result<Called<A>> {
        let _ = kept;
        self.forward_all(inputs).map(|flows| (flows, None))
    }

    /// The stepper of this layer for inputs of these shapes; `None` if the whole layer is called at every step.
    #[doc(hidden)]
    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let _ = inputs;
        Ok(None)
    }

    /// The axes of one timestep of one sample of an input, as far as the weights determine them.
    #[doc(hidden)]
    fn step_features(&self, input: usize) -> Option<Vec<usize>> {
        let _ = input;
        None
    }

    /// Computes all outputs for a training, and keeps on the tape what [`backward`](Self::backward) needs beside the inputs
    /// and the outputs. By default it keeps nothing.
    #[cfg(feature = "train")]
    fn record(&self, call: RecordCall<A>) -> Result<Called<A>> {
        self.call(call.inputs.to_vec(), call.kept)
    }

    /// Adds the gradients of the weights to those of the call, and returns the gradient with respect to each input, in its
    /// shape; `None` is zero. Implement [`has_backward`](Self::has_backward) with it, and [`own_weights`](Self::own_weights)
    /// if the layer has weights. [`check_gradient`](crate::train::check_gradient) compares it with central differences.
    ///
    /// Returns an error by default: a model with such a layer cannot be trained.
    ///
    /// ```
    /// use ndarray::{Array1, Array2, ArrayD, ArrayViewD, ArrayViewMutD, Axis, array};
    /// use recurrent::train::{BackwardCall, check_gradient};
    /// use recurrent::{AnyLayer, Model, Result, Tensor};
    ///
    /// /// y = gain · x, with a gain for each feature of (samples, features).
    /// struct Gains(Array1<f64>);
    /// impl AnyLayer<f64> for Gains {
    ///     fn name(&self) -> &str { "gains" }
    ///     fn forward(&self, mut input: Tensor<f64>) -> Result<Tensor<f64>> {
    ///         input.values *= &self.0;
    ///         Ok(input)
    ///     }
    ///     fn own_weights(&self, each: &mut dyn FnMut(&'static str, ArrayViewD<f64>)) {
    ///         each("gain", self.0.view().into_dyn());
    ///     }
    ///     fn own_weights_mut(&mut self, each: &mut dyn FnMut(&'static str, ArrayViewMutD<f64>)) {
    ///         each("gain", self.0.view_mut().into_dyn());
    ///     }
    ///     fn has_backward(&self) -> bool { true }
    ///     fn backward(&self, mut call: BackwardCall<f64>) -> Result<Vec<Option<ArrayD<f64>>>> {
    ///         let Some(d) = &call.upstream[0] else { return Ok(vec![None]) };
    ///         // The gradient is `None` while the weight is frozen.
    ///         if let Some(gain) = call.weights.array("gain") {
    ///             *gain += &(d * &call.inputs[0].values).sum_axis(Axis(0));
    ///         }
    ///         Ok(vec![Some(d * &self.0)])
    ///     }
    /// }
    ///
    /// let mut model = Model::new().add(Gains(array![0.5, -2.0]));
    /// let x = array![[1.0, 2.0], [3.0, 4.0]];
    /// let found = check_gradient(&mut model, &[Tensor::new(&x)], &[])?;
    /// assert!(found.worst < 1e-7 && found.count == 6, "{found:?}"); // 4 numbers of the input, 2 of the gain
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    #[cfg(feature = "train")]
    fn backward(&self, call: BackwardCall<A>) -> Result<Vec<Option<ArrayD<A>>>> {
        let _ = call;
        let expected = "one with a backward pass";
        Err(Error::value("layer to train", expected, self.name()))
    }

    /// Whether the layer has a [`backward`](Self::backward). No by default.
    #[cfg(feature = "train")]
    fn has_backward(&self) -> bool {
        false
    }

    /// The activation in which the layer ends, and what computes the scores that it takes.
    #[cfg(feature = "train")]
    #[doc(hidden)]
    fn scores(&self) -> Option<(crate::Activation, &dyn Scores<A>)> {
        None
    }

    /// Calls `each` with the path of every array that the recorded call moves without a gradient, and how it moves.
    #[cfg(feature = "train")]
    #[doc(hidden)]
    fn moved(&self, tape: &Tape, phase: &Phase, each: &mut Moves<A>) {
        let _ = (tape, phase, each);
    }

    /// Calls `each` with the path and the numbers of every mask, or other noise, that the recorded call drew.
    #[cfg(feature = "train")]
    #[doc(hidden)]
    fn drawn(&self, tape: &Tape, phase: &Phase, each: &mut dyn FnMut(&str, ArrayD<f64>)) {
        let _ = (tape, phase, each);
    }

    /// The layer that a `Box`, an `Arc` or a wrapper like them contains.
    #[doc(hidden)]
    fn inside(&self) -> Option<&dyn AnyLayer<A>> {
        None
    }

    /// The state of one sample before the first call.
    #[doc(hidden)]
    fn fresh(&self) -> Option<Slot> {
        None
    }

    /// The description of this layer's parts. A layer of your own has none: see [`own_weights`](Self::own_weights).
    #[doc(hidden)]
    fn described(&self) -> Option<&dyn Describe<A>> {
        None
    }

    #[doc(hidden)]
    fn described_mut(&mut self) -> Option<&mut dyn Describe<A>> {
        None
    }

    /// The recurrent layer with its flags, if this is one.
    #[doc(hidden)]
    fn without_flags(&self) -> Option<&dyn Any> {
        None
    }

    /// A copy of the layer, if it can be cloned.
    #[doc(hidden)]
    fn copied(&self) -> Option<Self>
    where
        Self: Sized,
    {
        None
    }

    #[doc(hidden)]
    fn boxed_copy(&self) -> Option<Box<dyn AnyLayer<A>>> {
        None
    }

    /// A copy of the layer that also returns what it computes and keeps to itself: its final state, its scores. These
    /// outputs follow its own. `None` if there is nothing more.
    #[doc(hidden)]
    fn with_all_outputs(&self) -> Option<Box<dyn AnyLayer<A>>> {
        None
    }
}

/// Takes the path of an array, such as a moving average, and what moves it.
#[cfg(feature = "train")]
pub type Moves<'m, A> = dyn FnMut(&str, &dyn Fn(&mut ArrayD<A>)) + 'm;

/// The scores of a layer that ends in an activation: what the activation is applied to.
#[cfg(feature = "train")]
pub trait Scores<A> {
    fn of(&self, x: &ArrayD<A>) -> Result<ArrayD<A>>;
}

/// A layer of a model that has a description of its parts.
macro_rules! described {
    () => {
        fn described(&self) -> Option<&dyn crate::describe::Describe<A>> {
            Some(self)
        }

        fn described_mut(&mut self) -> Option<&mut dyn crate::describe::Describe<A>> {
            Some(self)
        }

        fn copied(&self) -> Option<Self> {
            crate::describe::Describe::<A>::duplicate(self)
        }

        fn boxed_copy(&self) -> Option<alloc::boxed::Box<dyn AnyLayer<A>>> {
            Some(alloc::boxed::Box::new(AnyLayer::<A>::copied(self)?))
        }
    };
}
pub(crate) use described;

/// A layer of a model whose `back_over` goes back over a recorded call.
macro_rules! goes_back {
    () => {
        #[cfg(feature = "train")]
        fn backward(
            &self,
            call: crate::model::BackwardCall<A>,
        ) -> Result<Vec<Option<ndarray::ArrayD<A>>>> {
            self.back_over(call)
        }

        #[cfg(feature = "train")]
        fn has_backward(&self) -> bool {
            true
        }
    };
}
pub(crate) use goes_back;

/// Takes single steps of one call of a layer. It owns the scratch memory of a step. Each step borrows the layer and the
/// state, so a stepper can be stored beside the model, however the model is owned.
pub trait Stepper<A: Element>: Send {
    /// Takes one step between values of the planned shapes.
    fn step(
        &mut self,
        layer: &dyn AnyLayer<A>,
        slot: &mut Option<Slot>,
        inputs: Inputs<'_, A>,
        outputs: &mut [Value<A>],
    ) -> Result<()>;

    /// Checks a state that came from elsewhere, and converts it to the form that steps use.
    fn admit(&self, layer: &dyn AnyLayer<A>, slot: &mut Slot) -> Result<()> {
        let _ = (layer, slot);
        Ok(())
    }
}

/// The stepper of a call, and what is known about the call before the first step.
pub struct Planned<A> {
    pub stepper: Box<dyn Stepper<A>>,
    pub outputs: Vec<StepShape>,
    /// The state before the first step; `None` if the layer keeps no state.
    pub fresh: Option<Slot>,
    /// Whether a step can refuse its input values.
    pub may_fail: bool,
}

/// The outputs of a layer, and the state to keep.
pub type Called<A> = (Vec<Tensor<A>>, Option<Slot>);

/// How a layer treats time, which decides whether it can be fed one timestep at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stepwise {
    /// Each timestep is computed independently of the others.
    EachTimestep,
    /// Each timestep depends on the earlier ones, through a kept state.
    #[doc(hidden)]
    Carries,
    /// The layer needs the whole sequence at once; the text says why.
    WholeSequence(&'static str),
}

impl Stepwise {
    /// The time dependence of a layer that works along its last axis.
    pub(crate) fn of_last_axis(axes: &[usize]) -> Self {
        match axes {
            [0..=2] => Stepwise::WholeSequence("its features are the timesteps"),
            _ => Stepwise::EachTimestep,
        }
    }
}

/// The only input.
pub(crate) fn one_input<A>(inputs: Vec<Tensor<A>>) -> Result<Tensor<A>> {
    let found = inputs.len();
    let mut inputs = inputs.into_iter();
    match (inputs.next(), found) {
        (Some(input), 1) => Ok(input),
        _ => Err(wrong_inputs("1", found)),
    }
}
