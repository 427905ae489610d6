//! `Lstm`: long short-term memory, a cell state with an input, a forget and an output gate.

mod parts;
mod steps;

use super::builder::{Common, common_setters, recurrent_of_cell, shares};
use super::layer_norm::LayerNorm;
use crate::error::{Error, Result, check, transposed};
use crate::kernel::{Chosen, Matrix, Panels};
use crate::pass::{Pass, Sink};
use crate::state::check_array;
use crate::unroll::{Advance, Known, Stepping, Unroll, unroll_by_steps};
use crate::{Activation, Element, LstmState};
use alloc::boxed::Box;
use ndarray::{Array1, Array2, Axis, s};

/// Long short-term memory: an input, a forget and an output gate control the cell state `c`.
///
/// ```text
/// i = s(x @ Ki + h @ Ri + bi)        s = recurrent_activation, a = activation
/// f = s(x @ Kf + h @ Rf + bf)
/// g = a(x @ Kc + h @ Rc + bc)
/// o = s(x @ Ko + h @ Ro + bo)
/// c' = f * c + i * g
/// h' = o * a(c')                     output = h'
/// ```
/// | array | shape | column blocks |
/// | --- | --- | --- |
/// | kernel | (features, 4·units) | i, f, c, o |
/// | `recurrent_kernel` | (units, 4·units) | i, f, c, o |
/// | bias | (4·units) | i, f, c, o |
///
/// Source: Hochreiter & Schmidhuber, "Long Short-Term Memory" (1997), with the forget gate of Gers et al. (2000);
/// `keras.layers.LSTM`. The [builder](LstmBuilder) has an option for each extension of PyTorch and ONNX.
///
/// ```
/// use ndarray::{Array2, array};
/// use recurrent::{Lstm, Recurrent};
/// let lstm = Lstm::from_weights(
///     Array2::from_elem((2, 4), 0.1), // kernel: 2 features, 4 gates x 1 unit
///     Array2::from_elem((1, 4), 0.1), // recurrent_kernel
///     array![0.0, 1.0, 0.0, 0.0],     // bias: the forget gate starts open
/// )?;
/// let (h, state) = lstm.run(&array![[[0.1, 0.2], [0.3, 0.1]]]).last_and_state()?;
/// assert_eq!(h, state.h);
/// assert_eq!(state.c.dim(), (1, 1));
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone)]
pub struct Lstm<A> {
    kernel: Panels<A>,
    recurrent_kernel: Panels<A>,
    bias: Option<Panels<A>>,
    functions: Chosen,
    /// The rates of dropout: of the inputs, and of the states.
    dropout: [f64; 2],
    /// Boxed, so that an LSTM without extensions stays small.
    extras: Option<Box<Extras<A>>>,
    /// The state of one sample before its first timestep; zero if there is none.
    initial_state: Option<Box<LstmState<A>>>,
}

/// The extensions that Keras does not have.
#[derive(Clone)]
struct Extras<A> {
    /// Shape (3, units), one row each for i, f, o.
    peepholes: Option<Array2<A>>,
    input_forget: bool,
    projection: Option<Panels<A>>,
    norm: Option<Normed<A>>,
}

/// The layer normalisation, and the bias, which is added after it.
#[derive(Clone)]
struct Normed<A> {
    norm: LayerNorm<A>,
    bias: Option<Array1<A>>,
}

impl<A: Element> Lstm<A> {
    /// Starts a builder for a layer with `features` inputs and `units` of cell state.
    pub fn builder(features: usize, units: usize) -> LstmBuilder<A> {
        LstmBuilder {
            common: Common::new(features, units),
            recurrent_activation: Activation::Sigmoid,
            unit_forget_bias: true,
            output_activation: None,
            input_forget: false,
            peepholes: None,
            projection: None,
            initial_state: None,
            layer_norm: None,
        }
    }

    /// Makes a layer from weights, with Keras' default activations (Tanh, Sigmoid).
    ///
    /// The shapes are `kernel` (features, 4·units), `recurrent_kernel` (units, 4·units) and `bias` (4·units), or `None`.
    /// The gates are in the order i, f, c, o. Returns an error if the shapes do not fit together.
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

    /// Makes a layer with other weights, and the options, peepholes, projection and initial state of this one. Returns an
    /// error if the shapes differ from those of this layer.
    pub fn with_weights(
        &self,
        kernel: Array2<A>,
        recurrent_kernel: Array2<A>,
        bias: impl Into<Option<Array1<A>>>,
    ) -> Result<Self> {
        let mut builder = Self::builder(self.input_size(), self.memory_units())
            .activation(self.functions.act)
            .recurrent_activation(self.functions.gate)
            .output_activation(self.functions.out)
            .input_forget(self.input_forget())
            .clip(self.functions.clip)
            .dropout(self.dropout[0])
            .recurrent_dropout(self.dropout[1])
            .use_bias(self.bias().is_some());
        builder.layer_norm = self.layer_norm().cloned();
        (builder.peepholes, builder.projection) = (self.peepholes(), self.projection());
        builder.initial_state = self.initial_state().cloned();
        builder.from_weights(kernel, recurrent_kernel, bias)
    }

    /// The kernel as it was given, (features, 4·units).
    pub fn kernel(&self) -> Array2<A> {
        self.kernel.unpack()
    }

    /// The recurrent kernel as it was given, (units, 4·units), or (size, 4·units) with a projection.
    pub fn recurrent_kernel(&self) -> Array2<A> {
        self.recurrent_kernel.unpack()
    }

    /// The bias as it was given, (4·units), or `None` if the layer has no bias.
    pub fn bias(&self) -> Option<Array1<A>> {
        if let Some(normed) = self.normed() {
            return normed.bias.clone();
        }
        self.bias
            .as_ref()
            .map(|bias| bias.unpack().remove_axis(Axis(0)))
    }

    fn normed(&self) -> Option<&Normed<A>> {
        self.extras.as_ref()?.norm.as_ref()
    }

    /// The layer normalisation; `None` if the layer has none.
    pub fn layer_norm(&self) -> Option<&LayerNorm<A>> {
        Some(&self.normed()?.norm)
    }

    /// The activation of the candidate. It is also the activation of the cell state, unless
    /// [`output_activation`](Self::output_activation) was set.
    pub fn activation(&self) -> Activation {
        self.functions.act
    }

    /// The activation of the cell state in the output, `out` in `h' = o * out(c')`.
    pub fn output_activation(&self) -> Activation {
        self.functions.out
    }

    /// The activation of the three gates.
    pub fn recurrent_activation(&self) -> Activation {
        self.functions.gate
    }

    /// The bound of the sums: each is limited to [-clip, clip] before its activation. `None` means no bound.
    pub fn clip(&self) -> Option<f64> {
        self.functions.clip
    }

    /// The rate of dropout of the inputs in a training.
    pub fn dropout(&self) -> f64 {
        self.dropout[0]
    }

    /// The rate of dropout of the hidden state in a training.
    pub fn recurrent_dropout(&self) -> f64 {
        self.dropout[1]
    }

    /// Whether the input and forget gates are coupled, `f = 1 - i`.
    pub fn input_forget(&self) -> bool {
        self.extras.as_ref().is_some_and(|x| x.input_forget)
    }

    /// The peephole weights, (3, units), with rows i, f, o; `None` if the layer has none.
    pub fn peepholes(&self) -> Option<Array2<A>> {
        self.extras.as_ref()?.peepholes.clone()
    }

    /// The projection of the output, (units, size); `None` if the layer has none.
    pub fn projection(&self) -> Option<Array2<A>> {
        let projection = self.extras.as_ref()?.projection.as_ref();
        projection.map(Panels::unpack)
    }

    /// The state of one sample before its first timestep; `None` if the layer starts from zero.
    pub fn initial_state(&self) -> Option<&LstmState<A>> {
        self.initial_state.as_deref()
    }

    /// The units of the cell state. With a projection, the output has another size.
    fn memory_units(&self) -> usize {
        self.kernel.units()
    }
}

/// Builds an [`Lstm`]. The setters are named like Keras' arguments.
///
/// ```
/// use ndarray::{Array2, Array3};
/// use recurrent::{Lstm, Recurrent};
/// // PyTorch's proj_size: 4 units of memory, 2 of output.
/// let lstm = Lstm::<f32>::builder(3, 4).projection(Array2::from_elem((4, 2), 0.5)).build()?;
/// let (h, state) = lstm.run(&Array3::ones((1, 5, 3))).last_and_state()?;
/// assert_eq!((h.dim(), state.c.dim()), ((1, 2), (1, 4)));
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields, bound = "A: Element"))]
#[must_use = "a builder makes no layer until `from_weights` or `build` ends it"]
pub struct LstmBuilder<A> {
    pub(super) common: Common,
    recurrent_activation: Activation,
    unit_forget_bias: bool,
    output_activation: Option<Activation>,
    input_forget: bool,
    #[cfg_attr(feature = "serde", serde(with = "crate::bits::option"))]
    peepholes: Option<Array2<A>>,
    #[cfg_attr(feature = "serde", serde(with = "crate::bits::option"))]
    projection: Option<Array2<A>>,
    #[cfg_attr(feature = "serde", serde(default))]
    initial_state: Option<LstmState<A>>,
    layer_norm: Option<LayerNorm<A>>,
}

impl<A: Element> LstmBuilder<A> {
    common_setters!();

    /// Sets the activation of the three gates. The default is Sigmoid; files of Keras 2.2 and earlier mean
    /// [`Activation::HARD_SIGMOID_KERAS2`] by default.
    pub fn recurrent_activation(mut self, activation: Activation) -> Self {
        self.recurrent_activation = activation;
        self
    }

    /// Whether [`build`](Self::build) sets the forget gate's bias to ones, whatever the bias initialiser. Yes by default,
    /// as in Keras.
    pub fn unit_forget_bias(mut self, unit_forget_bias: bool) -> Self {
        self.unit_forget_bias = unit_forget_bias;
        self
    }

    /// Sets the activation of the cell state in the output, `h' = o * out(c')`. The default is the activation of the
    /// candidate, as in Keras. (ONNX: the third of a direction's `activations`.)
    pub fn output_activation(mut self, activation: Activation) -> Self {
        self.output_activation = Some(activation);
        self
    }

    /// Couples the input and forget gates: `f = 1 - i`. The weights of the forget gate are then ignored. No by default.
    /// (ONNX: `input_forget`; Greff et al., "LSTM: A Search Space Odyssey", 2017.)
    pub fn input_forget(mut self, input_forget: bool) -> Self {
        self.input_forget = input_forget;
        self
    }

    /// Adds peepholes, through which the gates see the cell state. The array is (3, units), with rows i, f, o.
    ///
    /// They add `Pi * c` and `Pf * c` to the sums of i and f, and `Po * c'` to the sum of o. None by default. (ONNX: `P`,
    /// in the order i, o, f; Gers & Schmidhuber, "Recurrent Nets that Time and Count", 2000.)
    pub fn peepholes(mut self, peepholes: Array2<A>) -> Self {
        self.peepholes = Some(peepholes);
        self
    }

    /// Projects the output: `h' = (o * a(c')) @ projection`, with a projection of shape (units, size).
    ///
    /// The hidden state then has `size` columns, the cell state has `units`, and the recurrent kernel is (size, 4·units).
    /// None by default. (PyTorch: `proj_size`, with `weight_hr` transposed; Sak et al., "Long Short-Term Memory Based
    /// Recurrent Neural Network Architectures", 2014.)
    pub fn projection(mut self, projection: Array2<A>) -> Self {
        self.projection = Some(projection);
        self
    }

    /// Sets the state that every sample starts from, of one sample: `h` (1, units), or (1, size) with a projection, and `c`
    /// (1, units). Zeros by default, as in Keras.
    ///
    /// It belongs to the layer, as a weight does: it is listed, counted and saved with the kernels. Calls, streams and
    /// sessions start from it, and a reset leads back to it. [`Run::initial_state`](crate::Run::initial_state) replaces it
    /// for one call. (PyTorch: an `h_0` and a `c_0` that are parameters of the module.)
    ///
    /// ```
    /// use ndarray::{Array3, array};
    /// use recurrent::{Lstm, LstmState, Recurrent};
    /// let first = LstmState { h: array![[0.1, 0.2]], c: array![[0.3, 0.4]] };
    /// let lstm = Lstm::<f32>::builder(1, 2).initial_state(first.clone()).build()?;
    /// assert_eq!(lstm.zero_state(1), first);
    /// let (_, state) = lstm.run(&Array3::zeros((1, 0, 1))).last_and_state()?; // no timesteps
    /// assert_eq!(state, first);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn initial_state(mut self, state: LstmState<A>) -> Self {
        self.initial_state = Some(state);
        self
    }

    /// Normalises the sums of the inputs and those of the hidden state, and perhaps the cell state: see [`LayerNorm`]. None
    /// by default. It goes with neither peepholes nor a projection.
    pub fn layer_norm(mut self, norm: LayerNorm<A>) -> Self {
        self.layer_norm = Some(norm);
        self
    }

    /// Makes a layer whose weights come from the initialisers. Returns an error if a size or an option is invalid.
    pub fn build(self) -> Result<Lstm<A>> {
        let (kernel, recurrent_kernel, seed) = self.common.matrices(4, self.state_size().0)?;
        let bias = if self.common.use_bias {
            let Common {
                bias_initializer,
                units,
                ..
            } = self.common;
            let mut bias = bias_initializer.vector(4 * units, seed)?;
            if self.unit_forget_bias {
                bias.slice_mut(s![units..2 * units]).fill(A::one());
            }
            Some(bias)
        } else {
            None
        };
        self.from_weights(kernel, recurrent_kernel, bias)
    }

    /// The number of rows of the recurrent kernel, and the name of that axis in errors.
    pub(super) fn state_size(&self) -> (usize, &'static str) {
        match &self.projection {
            Some(projection) => (projection.ncols(), "rows (size of the projection)"),
            None => (self.common.units, "rows (units)"),
        }
    }

    /// Makes a layer with these weights and the options of the builder.
    ///
    /// The shapes are `kernel` (features, 4·units), `recurrent_kernel` (units, 4·units), or (size, 4·units) with a
    /// projection, and `bias` (4·units), or `None`. The gates are in the order i, f, c, o. Returns an error if a shape or
    /// an option is invalid.
    #[allow(clippy::wrong_self_convention)] // a builder's last call, which takes the weights
    pub fn from_weights(
        self,
        kernel: Array2<A>,
        recurrent_kernel: Array2<A>,
        bias: impl Into<Option<Array1<A>>>,
    ) -> Result<Lstm<A>> {
        self.from_matrices(&kernel, &recurrent_kernel, bias.into())
    }

    /// [`from_weights`](Self::from_weights) for matrices that may still be in a file.
    #[allow(clippy::wrong_self_convention)] // as in `from_weights`
    pub(crate) fn from_matrices(
        self,
        kernel: &dyn Matrix<A>,
        recurrent_kernel: &dyn Matrix<A>,
        bias: Option<Array1<A>>,
    ) -> Result<Lstm<A>> {
        let common = &self.common;
        // The projection is checked before the kernels, since it decides the size of the hidden state.
        if let Some(projection) = &self.projection
            && projection.ncols() == common.units
            && projection.nrows() != common.units
        {
            return Err(transposed("projection", "(units, size)", projection.dim()));
        }
        common.check(4, self.state_size(), kernel, recurrent_kernel)?;
        self.recurrent_activation
            .check_gate("recurrent_activation")?;
        let out = self.output_activation.unwrap_or(common.activation);
        out.check_gate("output_activation")?;
        common.check_bias(bias.is_some())?;
        if let Some(bias) = &bias {
            common.check_bias_len(4, bias.len())?;
        }
        let units = common.units;
        let isa = common.isa.for_units::<A>(units);
        if let Some(peepholes) = &self.peepholes {
            check("peepholes", "rows (i, f, o)", 3, peepholes.nrows())?;
            check("peepholes", "columns (units)", units, peepholes.ncols())?;
        }
        if let Some(projection) = &self.projection {
            check("projection", "rows (units)", units, projection.nrows())?;
            if projection.ncols() == 0 {
                return Err(Error::value("projection", "a size of at least 1", 0));
            }
        }
        if let Some(LstmState { h, c }) = &self.initial_state {
            check_array("initial_state.h", h, 1, self.state_size().0)?;
            check_array("initial_state.c", c, 1, units)?;
        }
        if let Some(norm) = &self.layer_norm {
            norm.check(4, units)?;
            if self.peepholes.is_some() || self.projection.is_some() {
                let expected = "none, with peepholes or a projection";
                return Err(Error::value("layer_norm", expected, "one"));
            }
        }
        let functions = Chosen::new(
            self.recurrent_activation,
            common.activation,
            out,
            common.clip,
        );
        let projection = self.projection;
        let (bias, bias_after) = match self.layer_norm {
            Some(_) => (None, bias),
            None => (bias, None),
        };
        let norm = self.layer_norm.map(|norm| Normed {
            norm,
            bias: bias_after,
        });
        let is_plain = norm.is_none();
        let extras = Extras {
            norm,
            peepholes: self.peepholes.map(|p| p.as_standard_layout().into_owned()),
            input_forget: self.input_forget,
            projection: projection.map(|p| Panels::pack(p.view(), 1, isa)),
        };
        let is_plain = is_plain
            && !extras.input_forget
            && extras.peepholes.is_none()
            && extras.projection.is_none();
        let [kernel] = Panels::read(kernel, [4], isa)?;
        let [recurrent_kernel] = Panels::read(recurrent_kernel, [4], isa)?;
        Ok(Lstm {
            kernel,
            recurrent_kernel,
            bias: bias.map(|bias| Panels::pack_vector(bias.view(), 4, isa)),
            functions,
            dropout: self.common.dropout,
            extras: (!is_plain).then(|| Box::new(extras)),
            initial_state: self.initial_state.map(Box::new),
        })
    }
}

recurrent_of_cell!(Lstm, LstmState, [h, c], begin: begin);
