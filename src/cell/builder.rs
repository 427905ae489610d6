//! What the builders of all cells share: sizes, initialisers, and the check of weights against them.

use crate::error::{Error, Result, check, check_size, transposed};
use crate::kernel::{Isa, Matrix, Panels};
use crate::{Activation, Element, Initializer};
use alloc::format;
use core::sync::atomic::{AtomicUsize, Ordering};
use ndarray::Array2;

/// The options that every cell has.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub(crate) struct Common {
    pub features: usize,
    pub units: usize,
    pub activation: Activation,
    pub use_bias: bool,
    pub clip: Option<f64>,
    pub kernel_initializer: Initializer,
    pub recurrent_initializer: Initializer,
    pub bias_initializer: Initializer,
    /// None until the layer is built, unless it was given.
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
            kernel_initializer: Initializer::GlorotUniform,
            recurrent_initializer: Initializer::Orthogonal { gain: 1.0 },
            bias_initializer: Initializer::Zeros,
            seed: None,
            isa: Isa::detect(),
        }
    }

    /// The kernel and the recurrent kernel, from a state of size `h`, that the initialisers give, and the seed of the bias:
    /// each array has a sequence of its own.
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

    /// Refuses sizes and activations with which no cell can be, and weights of other sizes; `h` is what the state has.
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
        let columns = self.columns(gates)?;
        let (features, kernel_columns) = kernel.dim();
        let axis = COLUMNS[gates];
        let of_gates = match gates {
            1 => "units".into(),
            _ => format!("{gates} gates x units"),
        };
        // The square one first: it alone tells the units, so a wrong one would make the other look wrong.
        let (rows, found) = recurrent_kernel.dim();
        if gates > 1 && rows == found.saturating_mul(gates) && found > 0 {
            let expected = format!("(units, {of_gates})");
            return Err(transposed("recurrent_kernel", expected, (rows, found)));
        }
        // `from_weights` of a cell takes the number of features from the kernel itself.
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

    /// Refuses a bias that is there although it was said that there is none.
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

    /// Refuses a bias (gates · units) of another length.
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

    fn columns(&self, gates: usize) -> Result<usize> {
        if self.units == 0 {
            return Err(Error::value("units", "at least 1", 0));
        }
        // Also bounds the products below.
        check_size(
            "kernel",
            &[self.features.max(self.units), self.units, gates],
        )?;
        Ok(self.units * gates)
    }
}

/// The seed of a layer that was given none: another one for each layer, the same in every run of a program that builds its
/// layers in one order.
fn next_seed() -> u64 {
    static BUILT: AtomicUsize = AtomicUsize::new(0);
    // Far from each other, from the small numbers that people choose, and no multiple of the generator's own step: its
    // sequences would be each other's, moved by one.
    const STEP: u64 = 0xD1B5_4A32_D192_ED03;
    let built = BUILT.fetch_add(1, Ordering::Relaxed) as u64;
    (built + 1).wrapping_mul(STEP)
}

/// What the columns of a kernel are, by the number of gates.
const COLUMNS: [&str; 5] = [
    "",
    "columns (units)",
    "",
    "columns (3 gates x units)",
    "columns (4 gates x units)",
];

/// The setters that every builder has, named like Keras' arguments.
macro_rules! common_setters {
    () => {
        /// The activation of the candidate (and of the output); Tanh by default.
        pub fn activation(mut self, activation: crate::Activation) -> Self {
            self.common.activation = activation;
            self
        }

        /// For tests: the kernels of this instruction set instead of the machine's best.
        #[doc(hidden)]
        pub fn with_isa(mut self, isa: crate::Isa) -> Self {
            self.common.isa = isa;
            self
        }

        /// Whether there is a bias; yes by default.
        pub fn use_bias(mut self, use_bias: bool) -> Self {
            self.common.use_bias = use_bias;
            self
        }

        /// Holds the sums that go into the activations between minus this and this, as ONNX' `clip` does; none by
        /// default, as in Keras.
        pub fn clip(mut self, clip: impl Into<Option<f64>>) -> Self {
            self.common.clip = clip.into();
            self
        }

        /// How the kernel is filled; `GlorotUniform` by default.
        pub fn kernel_initializer(mut self, initializer: crate::Initializer) -> Self {
            self.common.kernel_initializer = initializer;
            self
        }

        /// How the recurrent kernel is filled; Orthogonal by default.
        pub fn recurrent_initializer(mut self, initializer: crate::Initializer) -> Self {
            self.common.recurrent_initializer = initializer;
            self
        }

        /// How the bias is filled; Zeros by default.
        pub fn bias_initializer(mut self, initializer: crate::Initializer) -> Self {
            self.common.bias_initializer = initializer;
            self
        }

        /// Where the random numbers start. The same seed gives the same weights on every platform. Without one, every layer
        /// that a program builds gets other weights.
        pub fn seed(mut self, seed: u64) -> Self {
            self.common.seed = Some(seed);
            self
        }
    };
}
pub(crate) use common_setters;

/// What every built-in cell says as a layer: sizes, one zero state, the unrolled pass.
macro_rules! recurrent_of_cell {
    ($cell:ident, $state:ident, [$($array:ident),*]) => {
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
                $state { $($array: crate::kernel::zeros(samples, $array)),* }
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

        impl<A: Element> core::fmt::Debug for $cell<A> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                crate::describe::debug::<A>(self, stringify!($cell), f)
            }
        }
    };
}
pub(crate) use recurrent_of_cell;

/// About how many bytes of projected inputs stay in the cache until they are used.
const AHEAD: usize = 256 * 1024;

/// Up to so many features of one sample are cheaper projected within the step.
const FEW: usize = 4;

/// How many timesteps of so many samples are projected together, before the steps; none if the steps do it.
pub(crate) fn block<A: Element>(kernel: &Panels<A>, samples: usize) -> usize {
    if samples == 1 && kernel.rows() <= FEW {
        return 0;
    }
    let step = samples * kernel.len() * size_of::<A>();
    (AHEAD / step.max(1)).max(1)
}

/// So many bytes of a recurrent kernel are worth a thread of their own: a step reads all of them.
const SHARE: usize = 512 * 1024;

/// How many threads may share the step of one sample.
pub(crate) fn shares<A: Element>(kernel: &Panels<A>, units: usize) -> usize {
    units * kernel.len() * size_of::<A>() / SHARE
}

/// What the three cells do alike as causal layers; `advance` is theirs.
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

        fn advance(
            &self,
            x: ArrayView2<A>,
            rows: &Rows,
            state: &mut Self::State,
            scratch: &mut Workspace<A>,
        ) -> Result<()> {
            if rows.active().count() > 0 {
                let input = Input {
                    x: &x,
                    weights: self.input_weights(),
                    through: None,
                };
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
