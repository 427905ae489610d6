//! `Conv2dTranspose`: a transposed convolution over the height and the width of images.

use super::padding::Padding;
use super::transposed::{Spread, Transposed};
use crate::error::{Result, check};
use crate::model::{AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, goes_back};
use crate::{Activation, Element};
use alloc::vec;
use alloc::vec::Vec;
use core::marker::PhantomData;
use ndarray::{Array1, Array4, ArrayRef, Ix4};

/// A transposed convolution over the height and the width of images: every pixel is spread to a window of the output, and the
/// windows are added up.
///
/// ```text
/// y = activation(Σ kernel[a, b] · x[i, j] at [i · strides + a - before, j · strides + b - before] + bias)
/// ```
/// | array | shape |
/// | --- | --- |
/// | input | (samples, height, width, channels) |
/// | kernel | (`kernel_size` along the height, along the width, filters, channels) |
/// | bias | (filters) |
/// | output | (samples, rows, columns, filters) |
///
/// No mask passes on, as in Keras. Source: `keras.layers.Conv2DTranspose`, `data_format="channels_last"`, without
/// `dilation_rate`.
///
/// ```
/// use ndarray::{Array4, array};
/// use recurrent::Conv2dTranspose;
/// let twice = Array4::ones((1, 2, 1, 1));
/// let conv = Conv2dTranspose::builder().strides([1, 2]).from_weights(twice, None)?;
/// assert_eq!(conv.forward(&array![[[[1.0], [2.0]]]])?, array![[[[1.0], [1.0], [2.0], [2.0]]]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Conv2dTranspose<A: Element> {
    weights: Transposed<A>,
    options: Options,
}

/// Builds a [`Conv2dTranspose`]; the setters are named like Keras' arguments.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields, bound = "A: Element"))]
#[must_use = "a builder makes no layer until `from_weights` ends it"]
pub struct Conv2dTransposeBuilder<A> {
    options: Options,
    elem: PhantomData<A>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
struct Options {
    strides: [usize; 2],
    output_padding: Option<[usize; 2]>,
    padding: Padding,
    activation: Activation,
}

impl<A: Element> Conv2dTransposeBuilder<A> {
    /// Sets the distances, along the height and the width, between what two neighbours are spread to; 1 by default.
    pub fn strides(mut self, strides: [usize; 2]) -> Self {
        self.options.strides = strides;
        self
    }

    /// Sets how much longer the output is than it has to be, less than the strides. `None`, the default, is as Keras does it.
    pub fn output_padding(mut self, output_padding: impl Into<Option<[usize; 2]>>) -> Self {
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

    /// Builds a layer with these weights: `kernel` (height, width, filters, channels), `bias` (filters) or `None`.
    #[allow(clippy::wrong_self_convention)] // ends a chain of options: from these weights
    pub fn from_weights(
        self,
        kernel: Array4<A>,
        bias: impl Into<Option<Array1<A>>>,
    ) -> Result<Conv2dTranspose<A>> {
        let options = self.options;
        let output_padding = options.output_padding.as_ref().map(|more| &more[..]);
        super::transposed::check_options(&options.strides, output_padding, options.padding)?;
        options.activation.check("activation")?;
        let weights = Transposed::from_weights(&kernel.into_dyn(), bias.into())?;
        Ok(Conv2dTranspose { weights, options })
    }
}

impl<A: Element> Conv2dTranspose<A> {
    /// Starts the options of a layer.
    pub fn builder() -> Conv2dTransposeBuilder<A> {
        Conv2dTransposeBuilder {
            options: Options {
                strides: [1, 1],
                output_padding: None,
                padding: Padding::Valid,
                activation: Activation::Linear,
            },
            elem: PhantomData,
        }
    }

    /// The number of channels: the length of the input's last axis.
    pub fn channels(&self) -> usize {
        self.weights.features()
    }

    /// The number of filters: the length of the output's last axis.
    pub fn filters(&self) -> usize {
        self.weights.count()
    }

    /// Computes (samples, height, width, channels) to (samples, rows, columns, filters). Returns an error if the channels
    /// do not fit.
    pub fn forward(&self, x: &ArrayRef<A, Ix4>) -> Result<Array4<A>> {
        let (_, height, width, channels) = x.dim();
        check("input", "channels", self.channels(), channels)?;
        let to = [self.along(0, height)?, self.along(1, width)?];
        self.weights.spread(&x.view(), to, self.options.activation)
    }

    /// Where pixels are spread to along the height (0) or the width (1).
    pub(super) fn along(&self, axis: usize, len: usize) -> Result<Spread> {
        let Options {
            strides,
            output_padding,
            padding,
            ..
        } = self.options;
        let lens = [len, self.weights.kernel_size()[axis], strides[axis]];
        let more = output_padding.map(|more| more[axis]);
        Spread::new(["height", "width"][axis], padding, lens, more)
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
    Conv2dTranspose<A>,
    "conv2d_transpose",
    Conv2dTransposeBuilder,
    weights
);

impl<A: Element> AnyLayer<A> for Conv2dTranspose<A> {
    fn name(&self) -> &str {
        "conv2d_transpose"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        let x = input.axes("input", "4 (samples, height, width, channels)")?;
        Conv2dTranspose::forward(self, &x).map(Tensor::bare)
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let count = |axis: usize, len| Some(self.along(axis, len).ok()?.len);
        vec![Shape::of_image(inputs, count).with_last(Some(self.filters()))]
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::WholeSequence(
            "it reads whole images (TimeDistributed applies it to each of a video)",
        )
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let [samples, height, width, channels] = *inputs.first().map_or(&[][..], |of| &of.axes)
        else {
            return Ok(None); // a call reports what is wrong
        };
        check("input", "channels", self.channels(), channels)?;
        let to = [self.along(0, height)?, self.along(1, width)?];
        let sizes = ([samples, height, width], to);
        let activation = self.options.activation;
        self.weights
            .plan(self, inputs, sizes, activation, |of: &Self| &of.weights)
    }

    goes_back!();
    described!();
}
