//! `Gru`: a gated recurrent unit with an update and a reset gate, in both forms of the reset gate.

mod parts;
mod steps;

use super::builder::{Common, common_setters, recurrent_of_cell, shares};
use super::layer_norm::LayerNorm;
use crate::error::{Error, Result, check, transposed};
use crate::kernel::{Chosen, Matrix, Panels};
use crate::pass::{Pass, Sink};
use crate::state::check_array;
use crate::unroll::{Advance, Known, Stepping, Unroll, unroll_by_steps};
use crate::{Activation, Element, HiddenState};
use alloc::boxed::Box;
use alloc::format;
use core::marker::PhantomData;
use ndarray::{Array1, Array2, Axis, concatenate};

/// A gated recurrent unit, in both forms of the reset gate.
///
/// ```text
/// reset_after = true  (Keras 3, PyTorch, cuDNN)         s = recurrent_activation, a = activation
///     z = s(x @ Kz + b0z + h @ Rz + b1z)
///     r = s(x @ Kr + b0r + h @ Rr + b1r)
///     g = a(x @ Kh + b0h + r * (h @ Rh + b1h))
/// reset_after = false (Keras 2.1 and before, the paper, ONNX by default)
///     z = s(x @ Kz + bz + h @ Rz)
///     r = s(x @ Kr + br + h @ Rr)
///     g = a(x @ Kh + bh + (r * h) @ Rh)
/// h' = z * h + (1 - z) * g                              output = h'
/// ```
/// | array | shape | column blocks |
/// | --- | --- | --- |
/// | kernel | (features, 3·units) | z, r, h |
/// | `recurrent_kernel` | (units, 3·units) | z, r, h |
/// | bias with `reset_after` | (2, 3·units): row 0 for the input, row 1 for the hidden state | z, r, h |
/// | bias without `reset_after` | (3·units) | z, r, h |
///
/// Source: Cho et al., "Learning Phrase Representations using RNN Encoder–Decoder" (2014); `keras.layers.GRU`.
///
/// ```
/// use ndarray::{Array1, Array2, array};
/// use recurrent::{Gru, Recurrent};
/// let (kernel, recurrent_kernel) = (Array2::from_elem((2, 3), 0.1), Array2::from_elem((1, 3), 0.1));
/// let after = Gru::from_weights(kernel.clone(), recurrent_kernel.clone(), Array2::zeros((2, 3)))?;
/// let before = Gru::from_weights(kernel, recurrent_kernel, Array1::zeros(3))?;
/// assert!(after.reset_after() && !before.reset_after()); // the shape of the bias decides
/// let h = after.run(&array![[[0.1, 0.2], [0.3, 0.1]]]).last()?;
/// assert_eq!(h.dim(), (1, 1));
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Clone)]
pub struct Gru<A> {
    kernel: Panels<A>,
    recurrent_kernel: RecurrentKernel<A>,
    /// The bias as it was given. `start` and `inner` are packed from it.
    bias: GruBias<A>,
    /// The bias of the inputs. With `reset_after`, the gates' part of the second row is added to it.
    start: Option<Panels<A>>,
    functions: Chosen,
    /// The rates of dropout: of the inputs, and of the states.
    dropout: [f64; 2],
    initial_state: Option<Box<HiddenState<A>>>,
}

/// The recurrent kernel, in the layout that the form of the reset gate needs.
#[derive(Clone)]
enum RecurrentKernel<A> {
    /// One product gives z, r and h. `inner` packs the second row of the bias; only the candidate's part is read, since r
    /// multiplies it.
    ResetAfter {
        all: Panels<A>,
        inner: Option<Panels<A>>,
    },
    /// The sums of the inputs and of the state are normalised apart.
    Normed {
        all: Panels<A>,
        norm: alloc::boxed::Box<LayerNorm<A>>,
    },
    /// The candidate has panels of its own, since its product needs r.
    ResetBefore {
        gates: Panels<A>,
        candidate: Panels<A>,
    },
}

impl<A: Element> RecurrentKernel<A> {
    fn unpack(&self) -> Array2<A> {
        match self {
            RecurrentKernel::ResetAfter { all, .. } | RecurrentKernel::Normed { all, .. } => {
                all.unpack()
            }
            RecurrentKernel::ResetBefore { gates, candidate } => {
                concatenate![Axis(1), gates.unpack(), candidate.unpack()]
            }
        }
    }
}

/// The bias of a [`Gru`]. Its shape determines the form of the reset gate.
#[derive(Clone, Debug, PartialEq)]
pub enum GruBias<A> {
    /// No bias: Keras' `use_bias=False`.
    None,
    /// Shape (3·units): the reset gate acts before the product with the recurrent kernel, Keras' `reset_after=False`.
    ResetBefore(Array1<A>),
    /// Shape (2, 3·units), row 0 for the input and row 1 for the hidden state: Keras' `reset_after=True`.
    ResetAfter(Array2<A>),
}

impl<A> From<Array1<A>> for GruBias<A> {
    fn from(bias: Array1<A>) -> Self {
        GruBias::ResetBefore(bias)
    }
}

impl<A> From<Array2<A>> for GruBias<A> {
    fn from(bias: Array2<A>) -> Self {
        GruBias::ResetAfter(bias)
    }
}

impl<A> From<Option<Array2<A>>> for GruBias<A> {
    /// Lets `None` mean no bias, as it does for the other cells.
    fn from(bias: Option<Array2<A>>) -> Self {
        bias.map_or(GruBias::None, GruBias::ResetAfter)
    }
}

impl<A: Element> Gru<A> {
    /// Starts a builder for a layer with `features` inputs and `units` of hidden state.
    pub fn builder(features: usize, units: usize) -> GruBuilder<A> {
        GruBuilder {
            common: Common::new(features, units),
            recurrent_activation: Activation::Sigmoid,
            reset_after: None,
            layer_norm: None,
            initial_state: None,
            elem: PhantomData,
        }
    }

    /// Makes a layer from weights, with Keras' default activations (Tanh, Sigmoid).
    ///
    /// The shapes are `kernel` (features, 3·units) and `recurrent_kernel` (units, 3·units), with the gates in the order z,
    /// r, h. A `bias` of shape (2, 3·units) means `reset_after=True`, and one of shape (3·units) means `reset_after=False`.
    /// Without a bias (`None`) the layer has `reset_after=True`, as in Keras 3. Returns an error if the shapes do not fit
    /// together.
    pub fn from_weights(
        kernel: Array2<A>,
        recurrent_kernel: Array2<A>,
        bias: impl Into<GruBias<A>>,
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
        bias: impl Into<GruBias<A>>,
    ) -> Result<Self> {
        let mut builder = Self::builder(self.input_size(), self.output_size());
        builder.layer_norm = self.layer_norm().cloned();
        builder.initial_state = self.initial_state().cloned();
        builder
            .activation(self.functions.act)
            .recurrent_activation(self.functions.gate)
            .clip(self.functions.clip)
            .dropout(self.dropout[0])
            .recurrent_dropout(self.dropout[1])
            .reset_after(self.reset_after())
            .use_bias(self.bias != GruBias::None)
            .from_weights(kernel, recurrent_kernel, bias)
    }

    /// The kernel as it was given, (features, 3·units).
    pub fn kernel(&self) -> Array2<A> {
        self.kernel.unpack()
    }

    /// The recurrent kernel as it was given, (units, 3·units).
    pub fn recurrent_kernel(&self) -> Array2<A> {
        self.recurrent_kernel.unpack()
    }

    /// The bias as it was given, with both rows if it has two.
    pub fn bias(&self) -> &GruBias<A> {
        &self.bias
    }

    /// Whether the reset gate acts after the product with the recurrent kernel, as in Keras 3.
    pub fn reset_after(&self) -> bool {
        !matches!(self.recurrent_kernel, RecurrentKernel::ResetBefore { .. })
    }

    /// The layer normalisation; `None` if the layer has none.
    pub fn layer_norm(&self) -> Option<&LayerNorm<A>> {
        match &self.recurrent_kernel {
            RecurrentKernel::Normed { norm, .. } => Some(norm),
            _ => None,
        }
    }

    /// The activation of the candidate.
    pub fn activation(&self) -> Activation {
        self.functions.act
    }

    /// The activation of the update and the reset gate.
    pub fn recurrent_activation(&self) -> Activation {
        self.functions.gate
    }

    /// The bound of the sums: each is limited to [-clip, clip] before its activation. `None` means no bound.
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

/// Builds a [`Gru`]. The setters are named like Keras' arguments.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields, bound = "A: Element"))]
#[must_use = "a builder makes no layer until `from_weights` or `build` ends it"]
pub struct GruBuilder<A> {
    pub(super) common: Common,
    pub(super) recurrent_activation: Activation,
    pub(super) reset_after: Option<bool>,
    pub(super) layer_norm: Option<LayerNorm<A>>,
    #[cfg_attr(feature = "serde", serde(default))]
    initial_state: Option<HiddenState<A>>,
    elem: PhantomData<A>,
}

impl<A: Element> GruBuilder<A> {
    common_setters!();

    /// Sets the state that every sample starts from, of one sample: `h` (1, units). Zeros by default, as in Keras.
    ///
    /// It belongs to the layer, as a weight does: it is listed, counted and saved with the kernels. Calls, streams and
    /// sessions start from it, and a reset leads back to it. [`Run::initial_state`](crate::Run::initial_state) replaces it
    /// for one call.
    ///
    /// ```
    /// use recurrent::{HiddenState, Recurrent, Gru};
    /// let first = HiddenState { h: ndarray::array![[0.1, 0.2]] };
    /// let layer = Gru::<f32>::builder(1, 2).initial_state(first.clone()).build()?;
    /// assert_eq!(layer.zero_state(1), first);
    /// # Ok::<(), recurrent::Error>(())
    /// ```
    pub fn initial_state(mut self, state: HiddenState<A>) -> Self {
        self.initial_state = Some(state);
        self
    }

    /// Sets the activation of both gates. The default is Sigmoid; files of Keras 2.2 and earlier mean
    /// [`Activation::HARD_SIGMOID_KERAS2`] by default.
    pub fn recurrent_activation(mut self, activation: Activation) -> Self {
        self.recurrent_activation = activation;
        self
    }

    /// Whether the reset gate acts after the product with the recurrent kernel. Yes by default, as in Keras 3.
    pub fn reset_after(mut self, reset_after: bool) -> Self {
        self.reset_after = Some(reset_after);
        self
    }

    /// Normalises the sums of the inputs and those of the hidden state: see [`LayerNorm`]. None by default. It goes only with
    /// `reset_after`.
    pub fn layer_norm(mut self, norm: LayerNorm<A>) -> Self {
        self.layer_norm = Some(norm);
        self
    }

    /// Makes a layer whose weights come from the initialisers. Returns an error if a size or an option is invalid.
    pub fn build(self) -> Result<Gru<A>> {
        let (kernel, recurrent_kernel, seed) = self.common.matrices(3, self.common.units)?;
        let Common {
            bias_initializer,
            units,
            use_bias,
            ..
        } = self.common;
        let bias = match (use_bias, self.reset_after.unwrap_or(true)) {
            (false, _) => GruBias::None,
            (true, true) => bias_initializer.matrix(2, 3 * units, seed)?.into(),
            (true, false) => bias_initializer.vector(3 * units, seed)?.into(),
        };
        self.from_weights(kernel, recurrent_kernel, bias)
    }

    /// Makes a layer with these weights and the options of the builder.
    ///
    /// The shapes are `kernel` (features, 3·units), `recurrent_kernel` (units, 3·units), with the gates in the order z, r,
    /// h, and `bias` (2, 3·units) with `reset_after`, (3·units) without it. Returns an error if a shape or an option is
    /// invalid.
    #[allow(clippy::wrong_self_convention)] // a builder's last call, which takes the weights
    pub fn from_weights(
        self,
        kernel: Array2<A>,
        recurrent_kernel: Array2<A>,
        bias: impl Into<GruBias<A>>,
    ) -> Result<Gru<A>> {
        self.from_matrices(&kernel, &recurrent_kernel, bias.into())
    }

    /// [`from_weights`](Self::from_weights) for matrices that may still be in a file.
    #[allow(clippy::wrong_self_convention)] // as in `from_weights`
    pub(crate) fn from_matrices(
        self,
        kernel: &dyn Matrix<A>,
        recurrent_kernel: &dyn Matrix<A>,
        bias: GruBias<A>,
    ) -> Result<Gru<A>> {
        let common = self.common;
        if let Some(state) = &self.initial_state {
            check_array("initial_state.h", &state.h, 1, common.units)?;
        }
        common.check(3, (common.units, "rows (units)"), kernel, recurrent_kernel)?;
        self.recurrent_activation
            .check_gate("recurrent_activation")?;
        common.check_bias(bias != GruBias::None)?;
        let units = common.units;
        let reset_after = match &bias {
            GruBias::None => self.reset_after.unwrap_or(true),
            GruBias::ResetBefore(bias) => {
                check_flat(&common, bias.len())?;
                false
            }
            GruBias::ResetAfter(bias) => {
                check_rows(3 * units, bias.dim())?;
                true
            }
        };
        if self.reset_after.is_some_and(|wanted| wanted != reset_after) {
            let (expected, found) = if reset_after {
                (
                    "of shape (3 x units), since reset_after is false",
                    "of shape (2, 3 x units)",
                )
            } else {
                (
                    "of shape (2, 3 x units), since reset_after is true",
                    "of shape (3 x units)",
                )
            };
            return Err(Error::value("bias", expected, found));
        }
        let isa = common.isa.for_units::<A>(common.units);
        if let Some(norm) = &self.layer_norm {
            norm.check(3, units)?;
            if norm.has_state() {
                let expected = "without a cell state, which a GRU does not have";
                return Err(Error::value("layer_norm", expected, "with one"));
            }
            if !reset_after {
                let expected = "none, since reset_after is false";
                return Err(Error::value("layer_norm", expected, "one"));
            }
        }
        let recurrent_kernel = if let Some(norm) = self.layer_norm {
            let [all] = Panels::read(recurrent_kernel, [3], isa)?;
            let norm = alloc::boxed::Box::new(norm);
            RecurrentKernel::Normed { all, norm }
        } else if reset_after {
            let [all] = Panels::read(recurrent_kernel, [3], isa)?;
            RecurrentKernel::ResetAfter { all, inner: None }
        } else {
            let [gates, candidate] = Panels::read(recurrent_kernel, [2, 1], isa)?;
            RecurrentKernel::ResetBefore { gates, candidate }
        };
        let [kernel] = Panels::read(kernel, [3], isa)?;
        let mut gru = Gru {
            kernel,
            recurrent_kernel,
            start: None,
            bias,
            functions: Chosen::new(
                self.recurrent_activation,
                common.activation,
                Activation::Tanh,
                common.clip,
            ),
            dropout: common.dropout,
            initial_state: self.initial_state.map(Box::new),
        };
        gru.pack_bias();
        Ok(gru)
    }
}

/// Refuses a bias with one axis whose length is not 3·units.
fn check_flat(common: &Common, found: usize) -> Result<()> {
    let columns = 3 * common.units;
    if found == 2 * columns {
        let expected = format!(
            "(2, {columns}), a row with the input and one with the state, as Keras' reset_after has them: \
             `bias.into_shape_with_order((2, {columns}))?`"
        );
        return Err(Error::value("bias", expected, format!("({found})")));
    }
    common.check_bias_len(3, found)
}

/// Refuses a bias with two axes whose shape is not (2, 3·units).
fn check_rows(columns: usize, found: (usize, usize)) -> Result<()> {
    let (rows, len) = found;
    if found == (columns, 2) && found != (2, columns) {
        return Err(transposed("bias", "(2, 3 gates x units)", found));
    }
    let numbers = rows.saturating_mul(len);
    if rows == 1 || len == 1 {
        let flat = format!("`bias.into_flat()` for ({columns}), which is reset_after=False");
        let two =
            format!("`bias.into_shape_with_order((2, {columns}))?`, as Keras' reset_after has it");
        let expected = match numbers {
            _ if numbers == columns => Some(flat),
            _ if numbers == 2 * columns => Some(two),
            _ => None,
        };
        if let Some(expected) = expected {
            return Err(Error::value("bias", expected, format!("{found:?}")));
        }
    }
    check("bias", "rows (input, state)", 2, rows)?;
    check("bias", "columns (3 gates x units)", columns, len)
}

recurrent_of_cell!(Gru, HiddenState, [h], begin: begin);
