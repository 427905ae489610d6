//! The three cells, from their configurations and weights.

use super::Outcome;
use super::compare::same_bits;
use super::family::matrix;
use super::fields::Fields;
use super::weights::{Initialised, Weights};
use ndarray::{Array1, Array2, ArrayD, Ix1, Ix2};
use recurrent::{Element, Gru, GruBias, Lstm, SimpleRnn};

/// Binds the cell of a description to a name, in its own type, and goes on with it.
macro_rules! with_cell {
    ($class:expr, $config:expr, $weights:expr, $cell:ident => $then:expr) => {
        match $class {
            "SimpleRNN" => {
                let $cell = $crate::common::cell::simple_rnn::<A>($config, $weights)?;
                $then
            }
            "LSTM" => {
                let $cell = $crate::common::cell::lstm::<A>($config, $weights)?;
                $then
            }
            "GRU" => {
                let $cell = $crate::common::cell::gru::<A>($config, $weights)?;
                $then
            }
            other => return Err(format!("unknown cell {other:?}").into()),
        }
    };
}
pub(super) use with_cell;

/// The arrays of a cell, given or read back.
struct Arrays<A> {
    kernel: Array2<A>,
    recurrent_kernel: Array2<A>,
    bias: Option<ArrayD<A>>,
}

impl<A: Element> Arrays<A> {
    fn new(mut weights: Weights) -> Outcome<Self> {
        let arrays = Arrays {
            kernel: matrix(&weights.take("kernel")?)?,
            recurrent_kernel: matrix(&weights.take("recurrent_kernel")?)?,
            bias: weights.optional("bias").map(|bias| bias.mapv(A::from_f64)),
        };
        weights.done()?;
        Ok(arrays)
    }

    /// The nearest numbers that f32 has.
    fn rounded(self) -> Self {
        #[allow(clippy::cast_possible_truncation)] // the point of it
        let round = |x: A| A::from_f64((x.as_f64() as f32).into());
        Arrays {
            kernel: self.kernel.mapv(round),
            recurrent_kernel: self.recurrent_kernel.mapv(round),
            bias: self.bias.map(|bias| bias.mapv(round)),
        }
    }

    /// The bias of a cell that has one row of it.
    fn vector(&self) -> Outcome<Option<Array1<A>>> {
        Ok(self
            .bias
            .clone()
            .map(ArrayD::into_dimensionality)
            .transpose()?)
    }

    /// The bias of a GRU; its shape decides.
    fn gru_bias(&self) -> Outcome<GruBias<A>> {
        Ok(match &self.bias {
            None => GruBias::None,
            Some(bias) if bias.ndim() == 1 => bias.clone().into_dimensionality::<Ix1>()?.into(),
            Some(bias) => bias.clone().into_dimensionality::<Ix2>()?.into(),
        })
    }

    fn check_kernels(&self, what: &str, given: &Self) -> Outcome<()> {
        let kernels = [&self.kernel, &self.recurrent_kernel];
        let expected = [&given.kernel, &given.recurrent_kernel];
        for ((name, got), want) in ["kernel", "recurrent_kernel"]
            .iter()
            .zip(kernels)
            .zip(expected)
        {
            same_bits(&format!("{name} {what}"), got, want)?;
        }
        Ok(())
    }

    fn check_bias(&self, what: &str, given: &Self) -> Outcome<()> {
        match (&self.bias, &given.bias) {
            (None, None) => Ok(()),
            (Some(got), Some(want)) => same_bits(&format!("bias {what}"), got, want),
            (got, _) => Err(format!("bias {what}: {:?}", got.as_ref().map(ArrayD::shape)).into()),
        }
    }
}

/// A cell that gives its arrays back.
trait ReadBack<A> {
    fn arrays(&self) -> Arrays<A>;
}

macro_rules! read_back {
    ($($cell:ident, $bias:expr;)*) => {$(
        impl<A: Element> ReadBack<A> for $cell<A> {
            fn arrays(&self) -> Arrays<A> {
                let (kernel, recurrent_kernel) = (self.kernel(), self.recurrent_kernel());
                Arrays { kernel, recurrent_kernel, bias: $bias(self) }
            }
        }
    )*};
}
read_back! {
    SimpleRnn, |cell: &SimpleRnn<A>| Some(cell.bias()?.into_dyn());
    Lstm, |cell: &Lstm<A>| Some(cell.bias()?.into_dyn());
    Gru, |cell: &Gru<A>| match cell.bias() {
        GruBias::None => None,
        GruBias::ResetBefore(bias) => Some(bias.clone().into_dyn()),
        GruBias::ResetAfter(bias) => Some(bias.clone().into_dyn()),
    };
}

/// What is the same for all builders: they have no common trait, but the same setters.
macro_rules! build {
    ($builder:expr, $config:ident, $given:ident, $initialised:expr, $bias:expr) => {{
        $config.ignore(&[
            "kernel_initializer",
            "recurrent_initializer",
            "bias_initializer",
            "seed",
        ]);
        let builder = $builder.activation($config.activation("activation")?);
        let builder = builder.use_bias($config.bool("use_bias")?);
        let rate = |name| $config.optional(name).and_then(serde_json::Value::as_f64);
        let builder = builder.dropout(rate("dropout").unwrap_or(0.0));
        let builder = builder.recurrent_dropout(rate("recurrent_dropout").unwrap_or(0.0));
        let builder = builder.with_isa(super::report::isa());
        let (kernel, recurrent_kernel) = ($given.kernel.clone(), $given.recurrent_kernel.clone());
        let cell = builder
            .clone()
            .from_weights(kernel, recurrent_kernel, $bias)?;
        cell.arrays().check_kernels("read back", &$given)?;
        cell.arrays().check_bias("read back", &$given)?;

        if $initialised != Initialised::Nothing {
            let mut builder = builder.bias_initializer($config.initializer("bias_initializer")?);
            if $initialised == Initialised::All {
                builder = builder.kernel_initializer($config.initializer("kernel_initializer")?);
                builder =
                    builder.recurrent_initializer($config.initializer("recurrent_initializer")?);
            }
            // The data were made in f32: an f64 constant is the same after rounding.
            let made = builder.build()?.arrays().rounded();
            made.check_bias("from the initialiser", &$given)?;
            if $initialised == Initialised::All {
                made.check_kernels("from the initialiser", &$given)?;
            }
        }
        Ok(cell)
    }};
}

pub fn simple_rnn<A: Element>(config: &Fields, weights: Weights) -> Outcome<SimpleRnn<A>> {
    let initialised = weights.initialised;
    let given = Arrays::<A>::new(weights)?;
    let builder = SimpleRnn::builder(given.kernel.nrows(), config.count("units")?);
    build!(builder, config, given, initialised, given.vector()?)
}

pub fn lstm<A: Element>(config: &Fields, weights: Weights) -> Outcome<Lstm<A>> {
    let initialised = weights.initialised;
    let given = Arrays::<A>::new(weights)?;
    let builder = Lstm::builder(given.kernel.nrows(), config.count("units")?)
        .recurrent_activation(config.activation("recurrent_activation")?)
        .unit_forget_bias(config.bool("unit_forget_bias")?);
    build!(builder, config, given, initialised, given.vector()?)
}

pub fn gru<A: Element>(config: &Fields, weights: Weights) -> Outcome<Gru<A>> {
    let initialised = weights.initialised;
    let given = Arrays::<A>::new(weights)?;
    let builder = Gru::builder(given.kernel.nrows(), config.count("units")?)
        .recurrent_activation(config.activation("recurrent_activation")?)
        .reset_after(config.bool("reset_after")?);
    build!(builder, config, given, initialised, given.gru_bias()?)
}
