//! `Lstm`: a memory cell behind three gates.

use super::builder::{Common, block, causal_of_cell, common_setters, recurrent_of_cell};
use crate::error::{Result, check};
use crate::kernel::activate::Chosen;
use crate::kernel::{Input, Panels, Workspace};
use crate::mask::Rows;
use crate::recurrent::{Causal, Recurrent, unroll_by_steps};
use crate::state::{check_array, make_contiguous};
use crate::{Activation, Element, LstmState};
use core::marker::PhantomData;
use ndarray::{Array1, Array2, ArrayView2, ArrayView3, Axis, s};

/// Long short-term memory: input, forget and output gates around a memory cell `c`.
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
/// `keras.layers.LSTM`.
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
}

impl<A: Element> Lstm<A> {
    /// Options and initialisers for a layer of these sizes.
    pub fn builder(features: usize, units: usize) -> LstmBuilder<A> {
        LstmBuilder {
            common: Common::new(features, units),
            recurrent_activation: Activation::Sigmoid,
            unit_forget_bias: true,
            elem: PhantomData,
        }
    }

    /// A layer with Keras' default activations (Tanh, Sigmoid) and these weights: `kernel` (features, 4·units),
    /// `recurrent_kernel` (units, 4·units), `bias` (4·units) or `None`; gates in the order i, f, c, o.
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

    /// The same options with other weights.
    pub fn with_weights(
        &self,
        kernel: Array2<A>,
        recurrent_kernel: Array2<A>,
        bias: impl Into<Option<Array1<A>>>,
    ) -> Result<Self> {
        Self::builder(self.features(), self.units())
            .activation(self.functions.act)
            .recurrent_activation(self.functions.gate)
            .use_bias(self.bias.is_some())
            .from_weights(kernel, recurrent_kernel, bias)
    }

    /// The kernel as it was given, (features, 4·units).
    pub fn kernel(&self) -> Array2<A> {
        self.kernel.unpack()
    }

    /// The recurrent kernel as it was given, (units, 4·units).
    pub fn recurrent_kernel(&self) -> Array2<A> {
        self.recurrent_kernel.unpack()
    }

    /// The bias as it was given, (4·units).
    pub fn bias(&self) -> Option<Array1<A>> {
        self.bias
            .as_ref()
            .map(|bias| bias.unpack().remove_axis(Axis(0)))
    }

    /// What is applied to the candidate and to the memory.
    pub fn activation(&self) -> Activation {
        self.functions.act
    }

    /// What is applied to the gates.
    pub fn recurrent_activation(&self) -> Activation {
        self.functions.gate
    }

    fn describe(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Lstm")
            .field("features", &self.features())
            .field("units", &self.units())
            .field("activation", &self.functions.act)
            .field("recurrent_activation", &self.functions.gate)
            .field("use_bias", &self.bias.is_some())
            .finish()
    }
}

/// Builds a [`Lstm`]; the setters are named like Keras' arguments.
#[derive(Clone, Debug)]
pub struct LstmBuilder<A> {
    common: Common,
    recurrent_activation: Activation,
    unit_forget_bias: bool,
    elem: PhantomData<A>,
}

impl<A: Element> LstmBuilder<A> {
    common_setters!();

    /// The activation of the three gates; Sigmoid by default, [`Activation::HARD_SIGMOID_KERAS2`] in files of Keras 2.2
    /// and before.
    pub fn recurrent_activation(mut self, activation: Activation) -> Self {
        self.recurrent_activation = activation;
        self
    }

    /// Whether the forget gate's bias starts at ones, whatever the bias initialiser; yes by default, as in Keras.
    pub fn unit_forget_bias(mut self, unit_forget_bias: bool) -> Self {
        self.unit_forget_bias = unit_forget_bias;
        self
    }

    /// A layer whose weights come from the initialisers.
    pub fn build(self) -> Result<Lstm<A>> {
        let (kernel, recurrent_kernel) = self.common.matrices(4)?;
        let bias = if self.common.use_bias {
            let Common {
                bias_initializer,
                units,
                ..
            } = self.common;
            let mut bias = bias_initializer.vector(4 * units, self.common.bias_seed())?;
            if self.unit_forget_bias {
                bias.slice_mut(s![units..2 * units]).fill(A::one());
            }
            Some(bias)
        } else {
            None
        };
        self.from_weights(kernel, recurrent_kernel, bias)
    }

    /// A layer with these weights: `kernel` (features, 4·units), `recurrent_kernel` (units, 4·units), `bias`
    /// (4·units) or `None`; gates in the order i, f, c, o.
    #[allow(clippy::wrong_self_convention)] // ends a chain of options: from these weights
    pub fn from_weights(
        self,
        kernel: Array2<A>,
        recurrent_kernel: Array2<A>,
        bias: impl Into<Option<Array1<A>>>,
    ) -> Result<Lstm<A>> {
        let (common, bias) = (self.common, bias.into());
        common.check(4, &kernel, &recurrent_kernel)?;
        self.recurrent_activation
            .check_gate("recurrent_activation")?;
        common.check_bias(bias.is_some())?;
        if let Some(bias) = &bias {
            check(
                "bias",
                "numbers (4 gates x units)",
                4 * common.units,
                bias.len(),
            )?;
        }
        let isa = common.isa;
        Ok(Lstm {
            kernel: Panels::pack(kernel.view(), 4, isa),
            recurrent_kernel: Panels::pack(recurrent_kernel.view(), 4, isa),
            bias: bias.map(|bias| Panels::pack(bias.view().insert_axis(Axis(0)), 4, isa)),
            functions: Chosen::new(self.recurrent_activation, common.activation),
        })
    }
}

recurrent_of_cell!(Lstm, "lstm", 4, LstmState, [h, c]);

impl<A: Element> Lstm<A> {
    fn bias_rows(&self) -> usize {
        usize::from(self.bias.is_some())
    }

    /// Where the sums of the inputs start.
    fn start(&self) -> Option<&Panels<A>> {
        self.bias.as_ref()
    }

    fn step(
        &self,
        input: &Input<A>,
        rows: &Rows,
        state: &mut LstmState<A>,
        scratch: &mut Workspace<A>,
    ) {
        let LstmState { h, c } = state;
        scratch.lstm(input, &self.recurrent_kernel, rows, (h, c), &self.functions);
    }
}

impl<A: Element> Causal for Lstm<A> {
    fn scratch(&self, samples: usize) -> Workspace<A> {
        Workspace::new(samples, &self.kernel, &self.recurrent_kernel)
    }

    fn settle(&self, state: &mut LstmState<A>) {
        make_contiguous(&mut state.h);
        make_contiguous(&mut state.c);
    }

    causal_of_cell!();
}
