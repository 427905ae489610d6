//! `Conv2d`: a convolution over the height and the width of images.

use super::convolution::{Convolution, convolve};
use super::filters::Filters;
use super::padding::Padding;
use super::slide::Slide;
use crate::error::{Error, Result, check, check_size};
use crate::model::{
    AnyLayer, Planned, Shape, StepShape, Stepwise, Tensor, described, each, goes_back,
};
use crate::{Activation, Element};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use core::marker::PhantomData;
use ndarray::{Array1, Array4, ArrayRef, Ix4};

/// A convolution over the height and the width of images:
///
/// ```text
/// y[i, j] = activation(Σab x[i · strides + a · dilation_rate - before, j · … + b · … - …] @ kernel[a, b] + bias)
/// ```
/// with x = 0 outside of the input.
///
/// | array | shape |
/// | --- | --- |
/// | input | (samples, height, width, channels) |
/// | kernel | (`kernel_size` along the height, along the width, channels / groups, filters) |
/// | bias | (filters) |
/// | output | (samples, rows, columns, filters); [`Padding`] says how many rows and columns, and what `before` is |
///
/// With groups, each group reads its own part of the channels and gives its own part of the filters; with as many groups
/// as channels it is a depthwise convolution. No mask passes on, as in Keras. A window gives the same bits in any batch.
/// For a convolution of every image of a video, wrap it in a [`TimeDistributed`](crate::TimeDistributed). Source:
/// `keras.layers.Conv2D`, `data_format="channels_last"`.
///
/// ```
/// use ndarray::{Array4, array};
/// use recurrent::Conv2d;
/// let sums = Array4::ones((1, 2, 1, 1)); // the sum of two neighbours in a row
/// let conv = Conv2d::builder().from_weights(sums, None)?;
/// let image = array![[[[1.0], [2.0], [4.0]], [[1.0], [1.0], [1.0]]]];
/// assert_eq!(conv.forward(&image)?, array![[[[3.0], [6.0]], [[2.0], [2.0]]]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Conv2d<A: Element> {
    pub(super) filters: Filters<A>,
    options: Options,
}

/// Builds a [`Conv2d`]; the setters are named like Keras' arguments. Pairs are of the height and the width.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields, bound = "A: Element"))]
#[must_use = "a builder makes no layer until `from_weights` ends it"]
pub struct Conv2dBuilder<A> {
    options: Options,
    elem: PhantomData<A>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
struct Options {
    strides: [usize; 2],
    dilation_rate: [usize; 2],
    groups: usize,
    padding: Padding,
    activation: Activation,
}

impl<A: Element> Conv2dBuilder<A> {
    /// Sets the distances between the starts of two windows, along the height and the width; 1 by default.
    pub fn strides(mut self, strides: [usize; 2]) -> Self {
        self.options.strides = strides;
        self
    }

    /// Sets the distances between two rows and two columns of the kernel; 1 by default. They cannot be combined with
    /// strides.
    pub fn dilation_rate(mut self, dilation_rate: [usize; 2]) -> Self {
        self.options.dilation_rate = dilation_rate;
        self
    }

    /// Sets the number of groups into which channels and filters are split; 1 by default.
    pub fn groups(mut self, groups: usize) -> Self {
        self.options.groups = groups;
        self
    }

    /// Sets how the windows lie at the borders: [`Padding::Valid`], the default, or [`Padding::Same`].
    pub fn padding(mut self, padding: Padding) -> Self {
        self.options.padding = padding;
        self
    }

    /// Sets the activation of the sums; linear by default. [`Activation::Softmax`] goes over the filters.
    pub fn activation(mut self, activation: Activation) -> Self {
        self.options.activation = activation;
        self
    }

    /// Builds a layer with these weights: `kernel` (height, width, channels / groups, filters), `bias` (filters) or
    /// `None`.
    #[allow(clippy::wrong_self_convention)] // ends a chain of options: from these weights
    pub fn from_weights(
        self,
        kernel: Array4<A>,
        bias: impl Into<Option<Array1<A>>>,
    ) -> Result<Conv2d<A>> {
        let options = self.options;
        let (strides, dilation_rate) = (options.strides, options.dilation_rate);
        for (name, found) in [("strides", strides), ("dilation_rate", dilation_rate)] {
            if found.contains(&0) {
                return Err(Error::value(name, "at least 1", format!("{found:?}")));
            }
        }
        if strides != [1, 1] && dilation_rate != [1, 1] {
            let expected = "1 together with strides";
            let found = format!("{dilation_rate:?}");
            return Err(Error::value("dilation_rate", expected, found));
        }
        if options.padding == Padding::Causal {
            return Err(Error::value("padding", "Valid or Same", "Causal"));
        }
        let (height, width, ..) = kernel.dim();
        check_size("window", &[height, dilation_rate[0]])?;
        check_size("window", &[width, dilation_rate[1]])?;
        options.activation.check("activation")?;
        let layout = "(height, width, channels, filters)";
        let filters =
            Filters::from_weights(&kernel.into_dyn(), bias.into(), options.groups, layout)?;
        Ok(Conv2d { filters, options })
    }
}

impl<A: Element> Conv2d<A> {
    /// Starts the options of a layer.
    pub fn builder() -> Conv2dBuilder<A> {
        Conv2dBuilder {
            options: Options {
                strides: [1, 1],
                dilation_rate: [1, 1],
                groups: 1,
                padding: Padding::Valid,
                activation: Activation::Linear,
            },
            elem: PhantomData,
        }
    }

    /// The number of channels: the length of the input's last axis.
    pub fn channels(&self) -> usize {
        self.filters.features()
    }

    /// The number of filters: the length of the output's last axis.
    pub fn filters(&self) -> usize {
        self.filters.count()
    }

    #[cfg(feature = "train")]
    pub(super) fn activation(&self) -> Activation {
        self.options.activation
    }

    /// Computes (samples, height, width, channels) to (samples, rows, columns, filters). Returns an error if the channels
    /// do not fit, or if an image without padding is smaller than the kernel.
    pub fn forward(&self, x: &ArrayRef<A, Ix4>) -> Result<Array4<A>> {
        let (_, height, width, channels) = x.dim();
        check("input", "channels", self.channels(), channels)?;
        let slides = [self.slide(0, height)?, self.slide(1, width)?];
        let activation = self.options.activation;
        convolve(&self.filters, &x.view(), slides, activation)
    }

    /// The windows along the height (0) or the width (1).
    pub(super) fn slide(&self, axis: usize, len: usize) -> Result<Slide> {
        let Options {
            strides,
            dilation_rate,
            padding,
            ..
        } = self.options;
        let distances = [strides[axis], dilation_rate[axis]];
        let size = self.filters.kernel_size()[axis];
        Slide::dilated(["height", "width"][axis], padding, len, size, distances)
    }
}

crate::describe::describe!(Conv2d<A>, "conv2d", Conv2dBuilder, filters);

impl<A: Element> AnyLayer<A> for Conv2d<A> {
    fn name(&self) -> &str {
        "conv2d"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        let x = input.axes("input", "4 (samples, height, width, channels)")?;
        Conv2d::forward(self, &x).map(Tensor::bare)
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let count = |axis: usize, len| Some(self.slide(axis, len).ok()?.windows.count);
        vec![Shape::of_image(inputs, count).with_last(Some(self.filters()))]
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        Stepwise::WholeSequence(
            "it reads whole images (TimeDistributed applies it to each of a video)",
        )
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        let [input] = inputs else {
            return Ok(None); // a call reports what is wrong
        };
        let &[samples, height, width, channels] = input.axes.as_slice() else {
            return Ok(None);
        };
        check("input", "channels", self.channels(), channels)?;
        let slides = [self.slide(0, height)?, self.slide(1, width)?];
        if samples == 0 || slides.iter().any(|slide| slide.windows.count == 0) {
            return Ok(None);
        }
        let mut room = Convolution::new(&self.filters, slides, self.options.activation)?;
        each(self, inputs, move |of: &Self, inputs, output| {
            let x = &inputs.first()?.numbers;
            room.write(&of.filters, samples, x, &mut output.numbers);
            output.set_mask(None);
            Ok(())
        })
    }

    goes_back!();
    described!();
}
