//! `Conv1d`: a convolution over the timesteps.

use super::convolution::{Convolution, convolve};
use super::filters::Filters;
use super::padding::Padding;
use super::slide::{Slide, span};
use crate::error::{Error, Result, check_features, check_size};
use crate::model::{
    AnyLayer, Planned, Shape, Slot, StepShape, Stepwise, Tensor, described, goes_back,
};
use crate::{Activation, Element};
use alloc::vec;
use alloc::vec::Vec;
use core::marker::PhantomData;
use ndarray::{Array1, Array3, ArrayRef, Axis, Ix3};

/// A convolution over the timesteps:
///
/// ```text
/// y[t] = activation(Σj x[t · strides + j · dilation_rate - before] @ kernel[j] + bias)       x = 0 outside of the input
/// ```
/// | array | shape |
/// | --- | --- |
/// | input | (samples, timesteps, features) |
/// | kernel | (`kernel_size`, features / groups, filters) |
/// | bias | (filters) |
/// | output | (samples, windows, filters); [`Padding`] says how many windows, and what `before` is |
///
/// With groups, each group reads its own part of the features and gives its own part of the filters. No mask passes on,
/// as in Keras, and masked timesteps are read like all others. A window gives the same bits in any batch. Source:
/// `keras.layers.Conv1D`, `data_format="channels_last"`.
///
/// ```
/// use ndarray::{Array3, array};
/// use recurrent::{Conv1d, Padding};
/// let sums = Array3::ones((2, 1, 1)); // the sum of two timesteps
/// let conv = Conv1d::builder().padding(Padding::Causal).from_weights(sums, None)?;
/// assert_eq!(conv.forward(&array![[[1.0], [2.0], [4.0]]])?, array![[[1.0], [3.0], [6.0]]]);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Conv1d<A: Element> {
    pub(super) filters: Filters<A>,
    options: Options,
}

/// Builds a [`Conv1d`]; the setters are named like Keras' arguments.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields, bound = "A: Element"))]
#[must_use = "a builder makes no layer until `from_weights` ends it"]
pub struct Conv1dBuilder<A> {
    options: Options,
    elem: PhantomData<A>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
struct Options {
    strides: usize,
    dilation_rate: usize,
    groups: usize,
    padding: Padding,
    activation: Activation,
}

impl<A: Element> Conv1dBuilder<A> {
    /// Sets the distance between the starts of two windows, in timesteps; 1 by default.
    pub fn strides(mut self, strides: usize) -> Self {
        self.options.strides = strides;
        self
    }

    /// Sets the distance between two rows of the kernel, in timesteps; 1 by default. It cannot be combined with
    /// strides.
    pub fn dilation_rate(mut self, dilation_rate: usize) -> Self {
        self.options.dilation_rate = dilation_rate;
        self
    }

    /// Sets the number of groups into which features and filters are split; 1 by default.
    pub fn groups(mut self, groups: usize) -> Self {
        self.options.groups = groups;
        self
    }

    /// Sets how the windows lie at both ends; [`Padding::Valid`] by default.
    pub fn padding(mut self, padding: Padding) -> Self {
        self.options.padding = padding;
        self
    }

    /// Sets the activation of the sums; linear by default. [`Activation::Softmax`] goes over the filters.
    pub fn activation(mut self, activation: Activation) -> Self {
        self.options.activation = activation;
        self
    }

    /// Builds a layer with these weights: `kernel` (`kernel_size`, features / groups, filters), `bias` (filters) or
    /// `None`.
    #[allow(clippy::wrong_self_convention)] // ends a chain of options: from these weights
    pub fn from_weights(
        self,
        kernel: Array3<A>,
        bias: impl Into<Option<Array1<A>>>,
    ) -> Result<Conv1d<A>> {
        let options = self.options;
        for (name, found) in [
            ("strides", options.strides),
            ("dilation_rate", options.dilation_rate),
        ] {
            if found == 0 {
                return Err(Error::value(name, "at least 1", 0));
            }
        }
        if options.strides > 1 && options.dilation_rate > 1 {
            let expected = "1 together with strides";
            return Err(Error::value(
                "dilation_rate",
                expected,
                options.dilation_rate,
            ));
        }
        check_size("window", &[kernel.dim().0, options.dilation_rate])?;
        options.activation.check("activation")?;
        let layout = "(kernel_size, features, filters)";
        let filters =
            Filters::from_weights(&kernel.into_dyn(), bias.into(), options.groups, layout)?;
        Ok(Conv1d { filters, options })
    }
}

impl<A: Element> Conv1d<A> {
    /// Starts the options of a layer.
    pub fn builder() -> Conv1dBuilder<A> {
        Conv1dBuilder {
            options: Options {
                strides: 1,
                dilation_rate: 1,
                groups: 1,
                padding: Padding::Valid,
                activation: Activation::Linear,
            },
            elem: PhantomData,
        }
    }

    /// The number of features: the length of the input's last axis.
    pub fn features(&self) -> usize {
        self.filters.features()
    }

    /// The number of filters: the length of the output's last axis.
    pub fn filters(&self) -> usize {
        self.filters.count()
    }

    /// The number of rows of the kernel along the timesteps.
    pub fn span(&self) -> usize {
        span(self.kernel_size(), self.options.dilation_rate)
    }

    pub(super) fn kernel_size(&self) -> usize {
        self.filters.kernel_size().iter().product()
    }

    pub(super) fn dilation_rate(&self) -> usize {
        self.options.dilation_rate
    }

    pub(super) fn activation(&self) -> Activation {
        self.options.activation
    }

    /// Computes (samples, timesteps, features) to (samples, windows, filters). Returns an error if the features do not
    /// fit.
    pub fn forward(&self, x: &ArrayRef<A, Ix3>) -> Result<Array3<A>> {
        check_features(self.features(), x.dim())?;
        let slides = [Slide::of_one(), self.slide(x.dim().1)?];
        let x = x.view().insert_axis(Axis(1));
        let y = convolve(&self.filters, &x, slides, self.options.activation)?;
        Ok(y.index_axis_move(Axis(1), 0))
    }

    pub(super) fn slide(&self, timesteps: usize) -> Result<Slide> {
        let Options {
            strides,
            dilation_rate,
            padding,
            ..
        } = self.options;
        let distances = [strides, dilation_rate];
        Slide::dilated(
            "number of timesteps",
            padding,
            timesteps,
            self.kernel_size(),
            distances,
        )
    }

    /// The room for samples of this number of timesteps; `None` if they have no window.
    pub(super) fn room(&self, timesteps: usize) -> Result<Option<Convolution<A>>> {
        let slides = [Slide::of_one(), self.slide(timesteps)?];
        if slides[1].windows.count == 0 {
            return Ok(None);
        }
        Convolution::new(&self.filters, slides, self.options.activation).map(Some)
    }
}

crate::describe::describe!(Conv1d<A>, "conv1d", Conv1dBuilder, filters);

impl<A: Element> AnyLayer<A> for Conv1d<A> {
    fn name(&self) -> &str {
        "conv1d"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        let x = input.axes("input", "3 (samples, timesteps, features)")?;
        Conv1d::forward(self, &x).map(Tensor::bare)
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let count = |timesteps| self.slide(timesteps).ok().map(|slide| slide.windows.count);
        let input = inputs
            .first()
            .unwrap_or(&Shape::unknown())
            .with_timesteps(count);
        vec![input.with_last(Some(self.filters()))]
    }

    fn stepwise(&self, _: &[usize]) -> Stepwise {
        match self.options.padding {
            _ if self.options.strides > 1 => {
                Stepwise::WholeSequence("its strides leave timesteps out")
            }
            _ if self.kernel_size() == 1 => Stepwise::EachTimestep,
            Padding::Causal => Stepwise::Carries,
            Padding::Valid | Padding::Same => Stepwise::WholeSequence(
                "its windows read later timesteps: its padding is not causal",
            ),
        }
    }

    fn stepper(&self, inputs: &[StepShape]) -> Result<Option<Planned<A>>> {
        self.plan_steps(inputs)
    }

    fn step_features(&self, _: usize) -> Option<Vec<usize>> {
        Some(vec![self.features()])
    }

    fn fresh(&self) -> Option<Slot> {
        self.past(1).ok().map(Slot::new)
    }

    goes_back!();
    described!();
}
