//! `SimpleRnn`: a fully connected recurrent layer whose output is its hidden state.

use super::builder::{Common, block, causal_of_cell, common_setters, recurrent_of_cell, shares};
use crate::describe::{Describe, Part, PartMut, Role, each_array, each_array_mut};
#[cfg(feature = "saved")]
use crate::describe::{In, Saved};
use crate::error::Result;
use crate::kernel::{
    Active, Chosen, Input, Matrix, Panels, Through, Weights, Workspace, make_contiguous,
};
use crate::mask::Rows;
use crate::pass::{Pass, Sink};
use crate::state::check_array;
use crate::unroll::{Advance, Known, Stepping, Unroll, unroll_by_steps};
use crate::{Activation, Element, HiddenState};
use alloc::boxed::Box;
use core::marker::PhantomData;
use ndarray::{Array1, Array2, ArrayView2, ArrayView3, ArrayViewMut2, Axis};

/// A fully connected recurrent layer whose output is fed back as its hidden state.
///
/// ```text
/// h' = activation(x @ kernel + h @ recurrent_kernel + bias)          output = h'
/// ```
/// | array | shape |
/// | --- | --- |
/// | kernel | (features, units) |
/// | `recurrent_kernel` | (units, units) |
/// | bias | (units) |
///
/// Source: Elman, "Finding structure in time" (1990); `keras.layers.SimpleRNN`.
///
/// ```
/// use ndarray::array;
/// use recurrent::{Recurrent, SimpleRnn};
/// let rnn = SimpleRnn::from_weights(array![[0.1], [0.1]], array![[0.1]], array![0.0])?;
/// let (h, state) = rnn.run(&array![[[0.1, 0.2], [0.3, 0.1]]]).last_and_state()?;
/// assert_eq!(h, state.h);
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone)]
pub struct SimpleRnn<A> {
    kernel: Panels<A>,
    recurrent_kernel: Panels<A>,
    bias: Option<Panels<A>>,
    functions: Chosen,
    /// The rates of dropout: of the inputs, and of the states.
    dropout: [f64; 2],
    initial_state: Option<Box<HiddenState<A>>>,
}

impl<A: Element> SimpleRnn<A> {
    /// Starts a builder for a layer with `features` inputs and `units` of hidden state.
    pub fn builder(features: usize, units: usize) -> SimpleRnnBuilder<A> {
        SimpleRnnBuilder {
            common: Common::new(features, units),
            initial_state: None,
            elem: PhantomData,
        }
    }

    /// Makes a layer from weights, with Keras' default activation (Tanh).
    ///
    /// The shapes are `kernel` (features, units), `recurrent_kernel` (units, units) and `bias` (units), or `None`. Returns
    /// an error if the shapes do not fit together.
    pub fn from_weights(
        kernel: Array2<A>,
        recurrent_kernel: Array2<A>,
        bias: impl Into<Option<Array1<A>>>,
    ) -> Result<Self> {
        Self::builder(kernel.nrows(), recurrent_kernel.nrows()).from_weights(
            kernel,
            recurrent_kernel,
            bias,
        )
    }

    /// Makes a layer with other weights and the options of this one. Returns an error if the shapes differ from those of
    /// this layer.
    pub fn with_weights(
        &self,
        kernel: Array2<A>,
        recurrent_kernel: Array2<A>,
        bias: impl Into<Option<Array1<A>>>,
    ) -> Result<Self> {
        let mut builder = Self::builder(self.input_size(), self.output_size());
        builder.initial_state = self.initial_state().cloned();
        builder
            .activation(self.functions.act)
            .clip(self.functions.clip)
            .dropout(self.dropout[0])
            .recurrent_dropout(self.dropout[1])
            .use_bias(self.bias.is_some())
            .from_weights(kernel, recurrent_kernel, bias)
    }

    /// The kernel as it was given, (features, units).
    pub fn kernel(&self) -> Array2<A> {
        self.kernel.unpack()
    }

    /// The recurrent kernel as it was given, (units, units).
    pub fn recurrent_kernel(&self) -> Array2<A> {
        self.recurrent_kernel.unpack()
    }

    /// The bias as it was given, (units), or `None` if the layer has no bias.
    pub fn bias(&self) -> Option<Array1<A>> {
        self.bias
            .as_ref()
            .map(|bias| bias.unpack().remove_axis(Axis(0)))
    }

    /// The activation of the sum.
    pub fn activation(&self) -> Activation {
        self.functions.act
    }

    /// The bound of the sum: it is limited to [-clip, clip] before the activation. `None` means no bound.
    pub fn clip(&self) -> Option<f64> {
        self.functions.clip
    }

    /// The state that every sample starts from, of one sample; `None` if that is zero.
    pub fn initial_state(&self) -> Option<&HiddenState<A>> {
        self.initial_state.as_deref()
    }

    /// The rate of dropout of the inputs in a training.
    pub fn dropout(&self) -> f64 {
        self.dropout[0]
    }

    /// The rate of dropout of the hidden state in a training.
    pub fn recurrent_dropout(&self) -> f64 {
        self.dropout[1]
    }
}

/// Builds a [`SimpleRnn`]. The setters are named like Keras' arguments.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields, bound = "A: Element"))]
#[must_use = "a builder makes no layer until `from_weights` or `build` ends it"]
pub struct SimpleRnnBuilder<A> {
    pub(super) common: Common,
    #[cfg_attr(feature = "serde", serde(default))]
    initial_state: Option<HiddenState<A>>,
    elem: PhantomData<A>,
}

impl<A: Element> SimpleRnnBuilder<A> {
    common_setters!();

    /// Sets the state that every sample starts from, of one sample: `h` (1, units). Zeros by default, as in Keras.
    ///
    /// It belongs to the layer, as a weight does: it is listed, counted and saved with the kernels. Calls, streams and
    /// sessions start from it, and a reset leads back to it. [`Run::initial_state`](crate::Run::initial_state) replaces it
    /// for one call.
    ///
    /// ```
    /// use recurrent::{HiddenState, Recurrent, SimpleRnn};
    /// let first = HiddenState { h: ndarray::array![[0.1, 0.2]] };
    /// let layer = SimpleRnn::<f32>::builder(1, 2).initial_state(first.clone()).build()?;
    /// assert_eq!(layer.zero_state(1), first);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn initial_state(mut self, state: HiddenState<A>) -> Self {
        self.initial_state = Some(state);
        self
    }

    /// Makes a layer whose weights come from the initialisers. Returns an error if a size or an option is invalid.
    pub fn build(self) -> Result<SimpleRnn<A>> {
        let (kernel, recurrent_kernel, seed) = self.common.matrices(1, self.common.units)?;
        let bias = if self.common.use_bias {
            let Common {
                bias_initializer,
                units,
                ..
            } = self.common;
            Some(bias_initializer.vector(units, seed)?)
        } else {
            None
        };
        self.from_weights(kernel, recurrent_kernel, bias)
    }

    /// Makes a layer with these weights and the options of the builder.
    ///
    /// The shapes are `kernel` (features, units), `recurrent_kernel` (units, units) and `bias` (units), or `None`. Returns
    /// an error if a shape or an option is invalid.
    #[allow(clippy::wrong_self_convention)] // a builder's last call, which takes the weights
    pub fn from_weights(
        self,
        kernel: Array2<A>,
        recurrent_kernel: Array2<A>,
        bias: impl Into<Option<Array1<A>>>,
    ) -> Result<SimpleRnn<A>> {
        self.from_matrices(&kernel, &recurrent_kernel, bias.into())
    }

    /// [`from_weights`](Self::from_weights) for matrices that may still be in a file.
    #[allow(clippy::wrong_self_convention)] // as in `from_weights`
    pub(crate) fn from_matrices(
        self,
        kernel: &dyn Matrix<A>,
        recurrent_kernel: &dyn Matrix<A>,
        bias: Option<Array1<A>>,
    ) -> Result<SimpleRnn<A>> {
        let common = self.common;
        if let Some(state) = &self.initial_state {
            check_array("initial_state.h", &state.h, 1, common.units)?;
        }
        common.check(1, (common.units, "rows (units)"), kernel, recurrent_kernel)?;
        common.check_bias(bias.is_some())?;
        if let Some(bias) = &bias {
            common.check_bias_len(1, bias.len())?;
        }
        let isa = common.isa.for_units::<A>(common.units);
        let [kernel] = Panels::read(kernel, [1], isa)?;
        let [recurrent_kernel] = Panels::read(recurrent_kernel, [1], isa)?;
        Ok(SimpleRnn {
            kernel,
            recurrent_kernel,
            bias: bias.map(|bias| Panels::pack_vector(bias.view(), 1, isa)),
            functions: Chosen::new(
                Activation::Sigmoid,
                common.activation,
                Activation::Tanh,
                common.clip,
            ),
            dropout: common.dropout,
            initial_state: self.initial_state.map(Box::new),
        })
    }
}

impl<A: Element> Describe<A> for SimpleRnn<A> {
    fn class(&self) -> &'static str {
        "simple_rnn"
    }

    fn parts(&self, each: &mut dyn FnMut(Part<A>)) {
        let SimpleRnn {
            kernel,
            recurrent_kernel,
            bias,
            functions,
            dropout,
            initial_state,
        } = self;
        each(Part::Option("activation", &functions.act));
        each(Part::Option("clip", &functions.clip));
        each(Part::Option("dropout", &dropout[0]));
        each(Part::Option("recurrent_dropout", &dropout[1]));
        each_array(each, "kernel", Role::Trainable, kernel);
        each_array(each, "recurrent_kernel", Role::Trainable, recurrent_kernel);
        each_array(each, "bias", Role::Trainable, bias);
        if let Some(state) = initial_state {
            each_array(each, "initial_h", Role::Trainable, &state.h);
        }
    }

    fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<A>)) {
        each_array_mut(each, "kernel", &mut self.kernel);
        each_array_mut(each, "recurrent_kernel", &mut self.recurrent_kernel);
        each_array_mut(each, "bias", &mut self.bias);
        if let Some(state) = &mut self.initial_state {
            each_array_mut(each, "initial_h", &mut state.h);
        }
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }
}

#[cfg(feature = "saved")]
impl<A: Element> Saved for SimpleRnn<A> {
    type Number = A;

    fn read_from(from: &mut In) -> Result<Self> {
        from.class("simple_rnn")?;
        let kernel = from.matrix("kernel")?;
        let (features, columns) = Matrix::<A>::dim(&kernel);
        let mut builder = Self::builder(features, columns);
        let initial = from.optional("initial_h")?;
        builder.initial_state = initial.map(|h| HiddenState { h });
        builder
            .activation(from.get("activation")?)
            .clip(from.get::<Option<f64>>("clip")?)
            .dropout(from.get_or("dropout", 0.0)?)
            .recurrent_dropout(from.get_or("recurrent_dropout", 0.0)?)
            .from_matrices(
                &kernel,
                &from.matrix("recurrent_kernel")?,
                from.optional("bias")?,
            )
    }
}

recurrent_of_cell!(SimpleRnn, HiddenState, [h], begin: begin);

impl<A: Element> SimpleRnn<A> {
    /// The state before the first timestep, made of the zero state.
    fn begin(&self, mut zeros: HiddenState<A>) -> HiddenState<A> {
        if let Some(first) = &self.initial_state {
            let rows = zeros.h.outer_iter_mut();
            rows.for_each(|mut to| to.assign(&first.h.row(0)));
        }
        zeros
    }

    fn state_sizes(&self) -> [usize; 1] {
        [self.kernel.units()]
    }

    /// The kernel that inputs are multiplied with, and the bias that their sums start from.
    fn input_weights(&self) -> Weights<'_, A> {
        let (kernel, bias) = (&self.kernel, self.bias.as_ref());
        Weights { kernel, bias }
    }

    /// Whether a step is a single product whose output is the state that the next step starts from.
    fn is_simple(_: &Self) -> bool {
        true
    }

    #[inline]
    fn step(
        &self,
        input: &Input<A>,
        active: &Active,
        state: &mut HiddenState<A>,
        scratch: &mut Workspace<A>,
    ) {
        let (kernel, of) = (&self.recurrent_kernel, &self.functions);
        scratch.simple_rnn(input, kernel, active, &mut state.h, |step| {
            A::simple_rnn(step, of);
        });
    }
}

impl<A: Element> Advance for SimpleRnn<A> {
    fn scratch(&self, samples: usize) -> Workspace<A> {
        Workspace::new(samples, &self.kernel, &self.recurrent_kernel)
    }

    fn settle(&self, state: &mut HiddenState<A>) {
        make_contiguous(&mut state.h);
    }

    causal_of_cell!();
}
