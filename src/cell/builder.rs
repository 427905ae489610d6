//! The options that the builders of all cells share, and the checks of weights against them.

use super::layout::Sizes;
use crate::error::{Error, Result, check, check_rate, check_size, transposed};
use crate::kernel::{Isa, Matrix, Panels};
use crate::{Activation, Element, Initializer};
use alloc::format;
use core::sync::atomic::{AtomicUsize, Ordering};
use ndarray::Array2;

/// The options that the builders of all cells have.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub(crate) struct Common {
    pub features: usize,
    pub units: usize,
    pub activation: Activation,
    pub use_bias: bool,
    pub clip: Option<f64>,
    /// The rates of dropout: of the inputs, and of the states.
    pub dropout: [f64; 2],
    pub kernel_initializer: Initializer,
    pub recurrent_initializer: Initializer,
    pub bias_initializer: Initializer,
    /// `None` until the layer is built, unless the caller set it.
    pub seed: Option<u64>,
    #[cfg_attr(feature = "serde", serde(skip, default = "Isa::detect"))]
    pub isa: Isa,
}

impl Common {
    pub fn new(features: usize, units: usize) -> Self {
        Common {
            features,
            units,
            activation: Activation::Tanh,
            use_bias: true,
            clip: None,
            dropout: [0.0; 2],
            kernel_initializer: Initializer::GlorotUniform,
            recurrent_initializer: Initializer::Orthogonal { gain: 1.0 },
            bias_initializer: Initializer::Zeros,
            seed: None,
            isa: Isa::detect(),
        }
    }

    /// Draws the kernel and the recurrent kernel of a hidden state of size `h`, and returns them with the seed of the bias.
    /// Each array has a seed of its own.
    pub fn matrices<A: Element>(
        &self,
        gates: usize,
        h: usize,
    ) -> Result<(Array2<A>, Array2<A>, u64)> {
        let columns = self.columns(gates)?;
        let seed = self.seed.unwrap_or_else(next_seed);
        let kernel = self.kernel_initializer;
        let recurrent = self.recurrent_initializer;
        Ok((
            kernel.matrix(self.features, columns, seed)?,
            recurrent.matrix(h, columns, seed.wrapping_add(1))?,
            seed.wrapping_add(2),
        ))
    }

    /// Refuses invalid sizes and activations, and weights of other shapes. `h` is the size of the hidden state.
    pub fn check<A>(
        &self,
        gates: usize,
        (h, axis_of_h): (usize, &'static str),
        kernel: &dyn Matrix<A>,
        recurrent_kernel: &dyn Matrix<A>,
    ) -> Result<()> {
        self.activation.check_gate("activation")?;
        if let Some(clip) = self.clip.filter(|&clip| clip.is_nan() || clip <= 0.0) {
            return Err(Error::value("clip", "a number above 0", clip));
        }
        for (name, rate) in ["dropout", "recurrent_dropout"]
            .into_iter()
            .zip(self.dropout)
        {
            check_rate(name, rate)?;
        }
        let columns = self.columns(gates)?;
        let (features, kernel_columns) = kernel.dim();
        let axis = COLUMNS[gates];
        let of_gates = match gates {
            1 => "units".into(),
            _ => format!("{gates} gates x units"),
        };
        // The recurrent kernel comes first: it alone determines the units, and a wrong one would make the kernel look
        // wrong.
        let (rows, found) = recurrent_kernel.dim();
        if gates > 1 && rows == found.saturating_mul(gates) && found > 0 {
            let expected = format!("(units, {of_gates})");
            return Err(transposed("recurrent_kernel", expected, (rows, found)));
        }
        // In a cell's `from_weights` the number of features is taken from the kernel.
        let may_be = [features, kernel_columns].contains(&self.features);
        if features == columns && kernel_columns != columns && may_be {
            let expected = format!("(features, {of_gates})");
            return Err(transposed("kernel", expected, kernel.dim()));
        }
        check("kernel", "rows (features)", self.features, features)?;
        check("recurrent_kernel", axis_of_h, h, rows)?;
        check("recurrent_kernel", axis, columns, found)?;
        check("kernel", axis, columns, kernel_columns)
    }

    /// Refuses a bias if `use_bias` is false.
    pub fn check_bias(&self, given: bool) -> Result<()> {
        if given && !self.use_bias {
            return Err(Error::value(
                "bias",
                "none, since use_bias is false",
                "an array",
            ));
        }
        Ok(())
    }

    /// Refuses a bias whose length is not gates · units.
    pub fn check_bias_len(&self, gates: usize, found: usize) -> Result<()> {
        let expected = gates * self.units;
        if found == 2 * expected {
            let expected =
                format!("{expected}: PyTorch has two biases, whose sum is that of Keras");
            return Err(Error::value("length of the bias", expected, found));
        }
        let axis = [
            "",
            "units",
            "",
            "numbers (3 gates x units)",
            "numbers (4 gates x units)",
        ][gates];
        check("bias", axis, expected, found)
    }

    /// The sizes of a cell without a projection; the product of `gates` and units does not overflow.
    pub fn sizes(&self, gates: usize) -> Result<Sizes> {
        self.columns(gates)?;
        let Common {
            features, units, ..
        } = *self;
        let h = units;
        Ok(Sizes { features, h, units })
    }

    fn columns(&self, gates: usize) -> Result<usize> {
        if self.units == 0 {
            return Err(Error::value("units", "at least 1", 0));
        }
        // This check also keeps the products below from overflowing.
        check_size(
            "kernel",
            &[self.features.max(self.units), self.units, gates],
        )?;
        Ok(self.units * gates)
    }
}

/// Returns the seed of a layer that was given none. Every layer gets a different one, and a program that builds its layers
/// in the same order gets the same ones in every run.
fn next_seed() -> u64 {
    static BUILT: AtomicUsize = AtomicUsize::new(0);
    // Seeds lie far from each other and from the small numbers that people choose. They are not multiples of the
    // generator's own step: one sequence would then be another one, shifted.
    const STEP: u64 = 0xD1B5_4A32_D192_ED03;
    let built = BUILT.fetch_add(1, Ordering::Relaxed) as u64;
    (built + 1).wrapping_mul(STEP)
}

/// What errors call the columns of a kernel, by the number of gates.
const COLUMNS: [&str; 5] = [
    "",
    "columns (units)",
    "",
    "columns (3 gates x units)",
    "columns (4 gates x units)",
];

/// The setters of every builder, named like Keras' arguments.
macro_rules! common_setters {
    () => {
        /// Sets the activation: of the candidate in a GRU, of the sum in a simple RNN, and of the candidate and the cell
        /// state in an LSTM that has no activation of its own for the latter. The default is Tanh.
        pub fn activation(mut self, activation: crate::Activation) -> Self {
            self.common.activation = activation;
            self
        }

        /// Uses the kernels of this instruction set instead of the machine's best. For tests.
        #[doc(hidden)]
        pub fn with_isa(mut self, isa: crate::Isa) -> Self {
            self.common.isa = isa;
            self
        }

        /// Whether the layer has a bias. Yes by default.
        pub fn use_bias(mut self, use_bias: bool) -> Self {
            self.common.use_bias = use_bias;
            self
        }

        /// Limits each sum to [-clip, clip] before its activation, as ONNX' `clip` does. The default is no limit, as in
        /// Keras. A limit must be above 0.
        pub fn clip(mut self, clip: impl Into<Option<f64>>) -> Self {
            self.common.clip = clip.into();
            self
        }

        /// Sets the rate of dropout of the inputs, from 0 to 1. The default is 0: nothing is dropped.
        ///
        /// In a training, each feature of a sample is replaced by 0 with this probability, and multiplied with
        /// 1 / (1 - rate) otherwise, alike at all timesteps: `(x * d) @ kernel` takes the place of `x @ kernel`. Nothing
        /// is dropped in inference. As in Keras, all gates share the mask `d`, unless there is recurrent dropout: then each
        /// gate has its own. A rate of exactly 1 makes the inputs of a simple RNN 0, and is ignored by an LSTM and a GRU.
        ///
        /// Source: `dropout` of `keras.layers.LSTM`; Gal & Ghahramani, "A Theoretically Grounded Application of Dropout in
        /// Recurrent Neural Networks" (2016).
        pub fn dropout(mut self, rate: f64) -> Self {
            self.common.dropout[0] = rate;
            self
        }

        /// Sets the rate of dropout of the hidden state, from 0 to 1. The default is 0: nothing is dropped.
        ///
        /// In a training, `(h * r) @ recurrent_kernel` takes the place of `h @ recurrent_kernel` at every timestep, with a
        /// mask `r` for each gate. It drops the initial state, too. A GRU carries on the whole `h`, and the cell state of an
        /// LSTM is never dropped. What else holds is said of [`dropout`](Self::dropout).
        ///
        /// Source: `recurrent_dropout` of `keras.layers.LSTM`.
        pub fn recurrent_dropout(mut self, rate: f64) -> Self {
            self.common.dropout[1] = rate;
            self
        }

        /// Sets the initialiser of the kernel. The default is [`GlorotUniform`](crate::Initializer::GlorotUniform).
        pub fn kernel_initializer(mut self, initializer: crate::Initializer) -> Self {
            self.common.kernel_initializer = initializer;
            self
        }

        /// Sets the initialiser of the recurrent kernel. The default is [`Orthogonal`](crate::Initializer::Orthogonal) with
        /// gain 1.
        pub fn recurrent_initializer(mut self, initializer: crate::Initializer) -> Self {
            self.common.recurrent_initializer = initializer;
            self
        }

        /// Sets the initialiser of the bias. The default is [`Zeros`](crate::Initializer::Zeros).
        pub fn bias_initializer(mut self, initializer: crate::Initializer) -> Self {
            self.common.bias_initializer = initializer;
            self
        }

        /// Sets the seed of the random numbers. A seed gives the same weights on every platform. Without one, each layer
        /// that a program builds gets different weights.
        pub fn seed(mut self, seed: u64) -> Self {
            self.common.seed = Some(seed);
            self
        }
    };
}
pub(crate) use common_setters;

/// Implements `Unroll` and `Debug` for a built-in cell: its sizes, its first state and the unrolled pass. The first state
/// is zero, unless `begin` names a method that changes it.
macro_rules! recurrent_of_cell {
    ($cell:ident, $state:ident, [$($array:ident),*] $(, begin: $begin:ident)?) => {
        impl<A: Element> Unroll for $cell<A> {
            type Elem = A;
            type State = $state<A>;

            fn input_size(&self) -> usize {
                self.kernel.rows()
            }

            fn output_size(&self) -> usize {
                self.state_sizes()[0]
            }

            fn zeros(&self, samples: usize) -> $state<A> {
                let [$($array),*] = self.state_sizes();
                let state = $state { $($array: crate::kernel::zeros(samples, $array)),* };
                $(let state = self.$begin(state);)?
                state
            }

            fn multiply_adds(&self) -> Option<usize> {
                let inputs = self.input_size().saturating_add(self.output_size());
                Some(inputs.saturating_mul(self.kernel.len()))
            }

            fn shares_steps(&self) -> bool {
                shares(&self.kernel, self.output_size()) > 1
            }

            fn check_state(&self, state: &$state<A>, samples: usize) -> Result<()> {
                let [$($array),*] = self.state_sizes();
                $(check_array(concat!("state.", stringify!($array)), &state.$array, samples, $array)?;)*
                Ok(())
            }

            fn unroll(
                &self,
                pass: Pass<A>,
                state: &mut Self::State,
                sink: Sink<A>,
            ) -> Result<()> {
                unroll_by_steps(self, pass, state, sink)
            }

            fn stepping(&self, samples: usize) -> Option<alloc::boxed::Box<dyn Stepping<Self>>> {
                Some(alloc::boxed::Box::new(Known {
                    scratch: self.scratch(samples),
                    may_fail: false,
                }))
            }
        }

        #[cfg(feature = "train")]
        impl<A: Element> $cell<A> {
            pub(super) fn functions(&self) -> &crate::kernel::Chosen {
                &self.functions
            }

            pub(super) fn isa(&self) -> crate::kernel::Isa {
                self.kernel.isa()
            }
        }

        impl<A: Element> core::fmt::Debug for $cell<A> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                crate::describe::debug::<A>(self, stringify!($cell), f)
            }
        }
    };
}
pub(crate) use recurrent_of_cell;

/// The approximate number of bytes of projected inputs that stay in the cache until they are used.
const AHEAD: usize = 256 * 1024;

/// One sample with at most this many features is cheaper to project within the step.
const FEW: usize = 4;

/// How many timesteps of `samples` samples are projected together, ahead of the steps. 0 means that each step projects its
/// own.
pub(crate) fn block<A: Element>(kernel: &Panels<A>, samples: usize) -> usize {
    if samples == 1 && kernel.rows() <= FEW {
        return 0;
    }
    let step = samples * kernel.len() * size_of::<A>();
    (AHEAD / step.max(1)).max(1)
}

/// The number of bytes of a recurrent kernel for which one more thread pays off: a step reads all of them.
const SHARE: usize = 512 * 1024;

/// The number of threads that may share the step of one sample.
pub(crate) fn shares<A: Element>(kernel: &Panels<A>, units: usize) -> usize {
    units * kernel.len() * size_of::<A>() / SHARE
}

/// Implements the methods of `Advance` that are alike for the three cells.
macro_rules! causal_of_cell {
    () => {
        type Scratch = Workspace<A>;

        fn block(&self, samples: usize) -> usize {
            block(&self.kernel, samples)
        }

        fn share(&self, scratch: &mut Workspace<A>, threads: usize) {
            scratch.share(threads.min(shares(&self.kernel, self.output_size())));
        }

        fn prepare(
            &self,
            x: &ArrayView3<A>,
            steps: impl Iterator<Item = (usize, usize)>,
            scratch: &mut Workspace<A>,
        ) {
            let Weights { kernel, bias } = self.input_weights();
            scratch.project(kernel, bias, x, steps);
        }

        #[inline]
        fn advance(
            &self,
            x: ArrayView2<A>,
            rows: &Rows,
            state: &mut Self::State,
            scratch: &mut Workspace<A>,
        ) -> Result<()> {
            if rows.active().count() > 0 {
                let input = Input::of_step(&x, self.input_weights());
                self.step(&input, rows.active(), state, scratch);
            }
            Ok(())
        }

        fn advance_through(
            &self,
            x: &ArrayView2<A>,
            mut outputs: Option<&mut ArrayViewMut2<A>>,
            state: &mut Self::State,
            scratch: &mut Workspace<A>,
        ) -> bool {
            let steps = x.nrows();
            let to = outputs.as_deref_mut();
            let Some(through) =
                Through::new(steps, self.output_size(), to).filter(|_| Self::is_simple(self))
            else {
                return false;
            };
            let input = Input {
                x,
                weights: self.input_weights(),
                through: Some(through),
            };
            self.step(&input, &Active::all(1), state, scratch);
            if let Some(outputs) = outputs {
                state.h.row_mut(0).assign(&outputs.row(steps - 1));
            }
            true
        }

        fn output<'s>(&self, state: &'s Self::State) -> ArrayView2<'s, A> {
            state.h.view()
        }
    };
}
pub(crate) use causal_of_cell;
