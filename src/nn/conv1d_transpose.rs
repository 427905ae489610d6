//! `Conv1dTranspose`: a transposed convolution along the timesteps.

use super::padding::Padding;
use super::transposed::{Spread, Transposed};
use crate::error::{Result, check};
use crate::model::{AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, goes_back};
use crate::{Activation, Element};
use alloc::vec;
use alloc::vec::Vec;
use core::marker::PhantomData;
use ndarray::{Array1, Array3, ArrayRef, Axis, Ix3};

/// A transposed convolution along the timesteps: every timestep is spread to a window of the output, and the windows are
/// added up.
///
/// ```text
/// y = activation(Σ kernel[a] · x[t] at t · strides + a - before, + bias)
/// ```
/// | array | shape |
/// | --- | --- |
/// | input | (samples, timesteps, features) |
/// | kernel | (`kernel_size`, filters, features) |
/// | bias | (filters) |
/// | output | (samples, longer timesteps, filters) |
///
/// No mask passes on, as in Keras. Source: `keras.layers.Conv1DTranspose`, `data_format="channels_last"`, without
/// `dilation_rate`.
///
/// ```
/// use ndarray::{Array3, array};
/// use recurrent::Conv1dTranspose;
/// let conv = Conv1dTranspose::builder().strides(2).from_weights(Array3::ones((2, 1, 1)), None)?;
/// assert_eq!(conv.forward(&array![[[1.0], [2.0]]])?, array![[[1.0], [1.0], [2.0], [2.0]]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Conv1dTranspose<A: Element> {
    weights: Transposed<A>,
    options: Options,
}

/// Builds a [`Conv1dTranspose`]; the setters are named like Keras' arguments.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields, bound = "A: Element"))]
#[must_use = "a builder makes no layer until `from_weights` ends it"]
pub struct Conv1dTransposeBuilder<A> {
    options: Options,
    elem: PhantomData<A>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
struct Options {
    strides: usize,
    output_padding: Option<usize>,
    padding: Padding,
    activation: Activation,
}

impl<A: Element> Conv1dTransposeBuilder<A> {
    /// Sets the distance between what two neighbours are spread to; 1 by default.
    pub fn strides(mut self, strides: usize) -> Self {
        self.options.strides = strides;
        self
    }

    /// Sets how much longer the output is than it has to be, less than the strides. `None`, the default, is as Keras does it.
    pub fn output_padding(mut self, output_padding: impl Into<Option<usize>>) -> Self {
        self.options.output_padding = output_padding.into();
        self
    }

    /// Sets what is cut off at the borders: nothing ([`Padding::Valid`], the default), or so much that the output is
    /// `strides` times as long ([`Padding::Same`]).
    pub fn padding(mut self, padding: Padding) -> Self {
        self.options.padding = padding;
        self
    }

    /// Sets the activation of the sums; linear by default. [`Activation::Softmax`] goes over the filters.
    pub fn activation(mut self, activation: Activation) -> Self {
        self.options.activation = activation;
        self
    }

    /// Builds a layer with these weights: `kernel` (`kernel_size`, filters, features), `bias` (filters) or `None`.
    #[allow(clippy::wrong_self_convention)] // ends a chain of options: from these weights
    pub fn from_weights(
        self,
        kernel: Array3<A>,
        bias: impl Into<Option<Array1<A>>>,
    ) -> Result<Conv1dTranspose<A>> {
        let options = self.options;
        let output_padding = options.output_padding.as_ref().map(core::slice::from_ref);
        super::transposed::check_options(
            core::slice::from_ref(&options.strides),
            output_padding,
            options.padding,
        )?;
        options.activation.check("activation")?;
        let weights = Transposed::from_weights(&kernel.into_dyn(), bias.into())?;
        Ok(Conv1dTranspose { weights, options })
    }
}

impl<A: Element> Conv1dTranspose<A> {
    /// Starts the options of a layer.
    pub fn builder() -> Conv1dTransposeBuilder<A> {
        Conv1dTransposeBuilder {
            options: Options {
                strides: 1,
                output_padding: None,
                padding: Padding::Valid,
                activation: Activation::Linear,
            },
            elem: PhantomData,
        }
    }

    /// The number of features: the length of the input's last axis.
    pub fn features(&self) -> usize {
        self.weights.features()
    }

    /// The number of filters: the length of the output's last axis.
    pub fn filters(&self) -> usize {
        self.weights.count()
    }

    /// Computes (samples, timesteps, features) to (samples, longer timesteps, filters). Returns an error if the features do
    /// not fit.
    pub fn forward(&self, x: &ArrayRef<A, Ix3>) -> Result<Array3<A>> {
        check("input", "features", self.features(), x.dim().2)?;
        let to = [Spread::of_one(), self.along(x.dim().1)?];
        let x = x.view().insert_axis(Axis(1));
        let y = self.weights.spread(&x, to, self.options.activation)?;
        Ok(y.index_axis_move(Axis(1), 0))
    }

    /// Where the timesteps are spread to.
    pub(super) fn along(&self, timesteps: usize) -> Result<Spread> {
        let Options {
            strides,
            output_padding,
            padding,
            ..
        } = self.options;
        let lens = [timesteps, self.weights.kernel_size()[0], strides];
        Spread::new("number of timesteps", padding, lens, output_padding)
    }

    #[cfg(feature = "train")]
    pub(super) fn weights(&self) -> &Transposed<A> {
        &self.weights
    }

    #[cfg(feature = "train")]
    pub(super) fn activation(&self) -> Activation {
        self.options.activation
    }
}

crate::describe::describe!(
    Conv1dTranspose<A>,
    "conv1d_transpose",
    Conv1dTransposeBuilder,
    weights
);

impl<A: Element> AnyLayer<A> for Conv1dTranspose<A> {
    fn name(&self) -> &str {
        "conv1d_transpose"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        let x = input.axes("input", "3 (samples, timesteps, features)")?;
        Conv1dTranspose::forward(self, &x).map(Tensor::bare)
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let count = |timesteps| Some(self.along(timesteps).ok()?.len);
        let input = inputs
            .first()
            .unwrap_or(&Shape::unknown())
            .with_timesteps(count);
        vec![input.with_last(Some(self.filters()))]
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::WholeSequence("it makes other timesteps")
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let [samples, timesteps, features] = *inputs.first().map_or(&[][..], |of| &of.axes) else {
            return Ok(None); // a call reports what is wrong
        };
        check("input", "features", self.features(), features)?;
        let to = [Spread::of_one(), self.along(timesteps)?];
        let sizes = ([samples, 1, timesteps], to);
        let activation = self.options.activation;
        self.weights
            .plan(self, inputs, sizes, activation, |of: &Self| &of.weights)
    }

    goes_back!();
    described!();
}
