//! `Conv1d`: a convolution over the timesteps.

use super::activation::on_last_axis;
use super::padding::{Padding, Windows};
use crate::describe::{Describe, Part, PartMut, Role, Weight};
#[cfg(feature = "saved")]
use crate::describe::{In, Saved};
use crate::error::{Error, Result, check, check_features, check_size, transposed};
use crate::model::{
    AnyLayer, Planned, Shape, Slot, StepShape, Stepwise, Tensor, described, goes_back,
};
use crate::{Activation, Dense, Element};
use alloc::vec;
use alloc::vec::Vec;
use core::marker::PhantomData;
use core::ops::Range;
use ndarray::{Array1, Array2, Array3, ArrayD, ArrayRef, ArrayView2, Ix3, s};

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
    /// One layer for each group, over the flattened window.
    pub(super) groups: Vec<Dense<A>>,
    pub(super) kernel_size: usize,
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

/// The number of windows that share the weights while these are in the cache.
const CHUNK: usize = 64;

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
        let (bias, options) = (bias.into(), self.options);
        let (kernel_size, features, filters) = kernel.dim();
        for (name, found) in [
            ("kernel_size", kernel_size),
            ("filters", filters),
            ("strides", options.strides),
            ("dilation_rate", options.dilation_rate),
            ("groups", options.groups),
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
        if filters % options.groups != 0 {
            let expected = alloc::format!("a divisor of the {filters} filters");
            return Err(Error::value("groups", expected, options.groups));
        }
        check_size("input", &[features, options.groups])?;
        check_size("window", &[kernel_size, options.dilation_rate])?;
        options.activation.check("activation")?;
        if let Some(bias) = &bias {
            if bias.len() == kernel_size && bias.len() != filters {
                let expected = "(kernel_size, features, filters), with a bias of (filters)";
                let (shape, len) = (kernel.dim(), bias.len());
                let found = format_args!("{shape:?} with a bias of ({len})");
                return Err(transposed("kernel", expected, found));
            }
            check("bias", "filters", filters, bias.len())?;
        }
        let each = filters / options.groups;
        let rows = (kernel_size * features, each);
        let group = |group: usize| {
            let part = group * each..(group + 1) * each;
            let kernel = kernel.slice(s![.., .., part.clone()]);
            let kernel = kernel.as_standard_layout().into_owned();
            let bias = bias.as_ref().map(|bias| bias.slice(s![part]).to_owned());
            Dense::from_weights(kernel.into_shape_with_order(rows)?, bias)
        };
        Ok(Conv1d {
            groups: (0..options.groups).map(group).collect::<Result<_>>()?,
            kernel_size,
            options,
        })
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
        self.groups.len() * self.group_features()
    }

    /// The number of filters: the length of the output's last axis.
    pub fn filters(&self) -> usize {
        self.groups.iter().map(Dense::units).sum()
    }

    /// The number of rows of the kernel along the timesteps.
    pub fn span(&self) -> usize {
        (self.kernel_size - 1) * self.options.dilation_rate + 1
    }

    pub(super) fn group_features(&self) -> usize {
        let rows = self.groups.first().map_or(0, Dense::features);
        rows / self.kernel_size
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
        let y = self.sums(x, self.windows(x.dim().1)?)?;
        Ok(on_last_axis(self.options.activation, y))
    }

    /// Where the windows over this number of timesteps lie.
    pub(super) fn windows(&self, timesteps: usize) -> Result<Windows> {
        let Options {
            padding, strides, ..
        } = self.options;
        padding.windows(timesteps, self.span(), strides)
    }

    /// The sums before the activation.
    pub(super) fn sums(&self, x: &ArrayRef<A, Ix3>, windows: Windows) -> Result<Array3<A>> {
        let samples = x.dim().0;
        check_size("output", &[samples, windows.count, self.filters()])?;
        let mut y = Array3::zeros((samples, windows.count, self.filters()));
        if y.is_empty() {
            return Ok(y); // soon, however many samples of nothing there are
        }
        for (x, mut y) in x.outer_iter().zip(y.outer_iter_mut()) {
            for first in (0..windows.count).step_by(CHUNK) {
                let chunk = first..windows.count.min(first + CHUNK);
                for (group, dense) in self.groups.iter().enumerate() {
                    let (features, units) = (self.group_features(), dense.units());
                    let x = x.slice(s![.., group * features..(group + 1) * features]);
                    let sums = dense.forward(&self.gather(&x, windows, chunk.clone()))?;
                    let filters = group * units..(group + 1) * units;
                    y.slice_mut(s![chunk.clone(), filters]).assign(&sums);
                }
            }
        }
        Ok(y)
    }

    /// The flattened numbers of each window, 0 outside the input.
    fn gather(&self, x: &ArrayView2<A>, windows: Windows, of: Range<usize>) -> Array2<A> {
        let (timesteps, features) = x.dim();
        let mut rows = Array2::zeros((of.len(), self.kernel_size * features));
        for (mut row, window) in rows.outer_iter_mut().zip(of) {
            for tap in 0..self.kernel_size {
                if let Some(t) = self.timestep(windows, timesteps, window, tap) {
                    let to = tap * features..(tap + 1) * features;
                    row.slice_mut(s![to]).assign(&x.row(t));
                }
            }
        }
        rows
    }

    /// The timestep that a row of the kernel meets in a window; `None` outside of the input.
    pub(super) fn timestep(
        &self,
        windows: Windows,
        timesteps: usize,
        window: usize,
        tap: usize,
    ) -> Option<usize> {
        let ahead = window * self.options.strides + tap * self.options.dilation_rate;
        ahead.checked_sub(windows.before).filter(|&t| t < timesteps)
    }
}

impl<A: Element> Describe<A> for Conv1d<A> {
    fn class(&self) -> &'static str {
        "conv1d"
    }

    fn parts(&self, each: &mut dyn FnMut(Part<A>)) {
        let Conv1d {
            groups,
            kernel_size: _, // an axis of the kernel
            options,
        } = self;
        each(Part::Option("options", options));
        each(Part::Array("kernel", Role::Trainable, &Kernel(self)));
        if groups.iter().any(|group| group.bias().is_some()) {
            each(Part::Array("bias", Role::Trainable, &Bias(self)));
        }
    }

    fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<A>)) {
        each(PartMut::Array("kernel", &mut |kernel| {
            let bias = self.bias();
            self.replace(kernel.to_owned(), bias);
        }));
        if self.bias().is_some() {
            each(PartMut::Array("bias", &mut |bias| {
                let kernel = Kernel(self).to_array();
                self.replace(kernel, Some(bias.iter().copied().collect()));
            }));
        }
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }
}

/// The kernels of all groups side by side, (`kernel_size`, features / groups, filters).
struct Kernel<'c, A: Element>(&'c Conv1d<A>);

impl<A: Element> Weight<A> for Kernel<'_, A> {
    fn shape(&self) -> Vec<usize> {
        let conv = self.0;
        vec![conv.kernel_size, conv.group_features(), conv.filters()]
    }

    fn to_array(&self) -> ArrayD<A> {
        let kernels: Vec<Array2<A>> = self.0.groups.iter().map(Dense::kernel).collect();
        let numbers = (0..self.0.kernel_size * self.0.group_features()).flat_map(|row| {
            kernels
                .iter()
                .flat_map(move |kernel| kernel.row(row).to_vec())
        });
        ArrayD::from_shape_vec(self.shape(), numbers.collect()).unwrap_or_default()
    }
}

/// The biases of all groups in a row, (filters).
struct Bias<'c, A: Element>(&'c Conv1d<A>);

impl<A: Element> Weight<A> for Bias<'_, A> {
    fn shape(&self) -> Vec<usize> {
        vec![self.0.filters()]
    }

    fn to_array(&self) -> ArrayD<A> {
        self.0.bias().unwrap_or_default().into_dyn()
    }
}

impl<A: Element> Conv1d<A> {
    fn bias(&self) -> Option<Array1<A>> {
        let biases: Option<Vec<Array1<A>>> = self.groups.iter().map(Dense::bias).collect();
        biases.map(|biases| biases.iter().flatten().copied().collect())
    }

    /// Replaces the weights by others of the same shapes.
    fn replace(&mut self, kernel: ArrayD<A>, bias: Option<Array1<A>>) {
        let builder = Conv1dBuilder {
            options: self.options,
            elem: PhantomData,
        };
        let kernel = kernel.into_dimensionality();
        if let Ok(Ok(conv)) = kernel.map(|kernel| builder.from_weights(kernel, bias)) {
            *self = conv;
        }
    }
}

#[cfg(feature = "saved")]
impl<A: Element> Saved for Conv1d<A> {
    type Number = A;

    fn read_from(from: &mut In) -> Result<Self> {
        from.class("conv1d")?;
        let builder = Conv1dBuilder {
            options: from.get("options")?,
            elem: PhantomData,
        };
        builder.from_weights(from.array("kernel")?, from.optional("bias")?)
    }
}

impl<A: Element> AnyLayer<A> for Conv1d<A> {
    fn name(&self) -> &str {
        "conv1d"
    }

    fn forward(&self, input: Tensor<A>) -> Result<Tensor<A>> {
        let x = input.axes("input", "3 (samples, timesteps, features)")?;
        Conv1d::forward(self, &x).map(Tensor::bare)
    }

    fn output_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        let count = |timesteps| {
            let windows = self.windows(timesteps);
            windows.ok().map(|windows| windows.count)
        };
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
            _ if self.kernel_size == 1 => Stepwise::EachTimestep,
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
