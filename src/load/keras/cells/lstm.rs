//! `LstmArguments`: what a file says of an `LSTM`.

use super::form::{
    ARGUMENTS, Form, bias_of, check_gates, columns, dropout, recurrent_activation, units_of, wants,
};
use crate::error::Result;
use crate::load::keras::arguments::{Arguments, same};
use crate::load::keras::config::Config;
use crate::load::keras::context::{Context, Overrides};
use crate::load::keras::gates::{self, wants_of_gates};
use crate::load::keras::plan::{Arrays, Wanted, next, next_matrix};
use crate::{Activation, Element, Lstm, LstmBuilder};
use alloc::vec::Vec;
use ndarray::{Ix1, Ix2};

const GATES: usize = 4;

/// The arguments of an `LSTM`, from a configuration or from the shapes of its arrays.
pub struct LstmArguments {
    units: usize,
    activation: Activation,
    recurrent_activation: Activation,
    use_bias: bool,
    dropout: [f64; 2],
    form: Form,
}

impl Arguments for LstmArguments {
    const CLASS: &'static str = "LSTM";

    /// Those of `LSTM`, `LSTMCell` and `CuDNNLSTM`.
    fn read(context: &Context, class: &str, config: &Config) -> Result<Self> {
        let units = config.count("units")?;
        if class == "CuDNNLSTM" {
            columns(config, units, 2 * GATES)?;
            return Ok(Self::of_cudnn(units));
        }
        columns(config, units, GATES)?;
        Ok(LstmArguments {
            units,
            activation: context.activation(config, "activation", Activation::Tanh)?,
            recurrent_activation: recurrent_activation(context, config)?,
            use_bias: config.bool_or("use_bias", true)?,
            dropout: dropout(config)?,
            form: Form::read(context, config)?,
        })
    }

    /// Those of the version for arrays of these shapes.
    fn of_shapes(context: &Context, shapes: &[&[usize]]) -> Result<Self> {
        let form = Form::of_shapes(shapes, GATES);
        let units = units_of(shapes, form.gates(GATES))?;
        let use_bias = form == Form::GateByGate || bias_of(shapes)?.is_some();
        if form == Form::CuDnn {
            return Ok(Self::of_cudnn(units));
        }
        Ok(LstmArguments {
            units,
            activation: Activation::Tanh,
            recurrent_activation: context.recurrent_activation(ARGUMENTS)?,
            use_bias,
            dropout: [0.0; 2],
            form,
        })
    }

    fn wants(&self) -> Vec<Wanted> {
        // `columns` has refused products that are too large.
        let columns = self.units.saturating_mul(GATES);
        let bias = match self.form {
            Form::GateByGate => return wants_of_gates(&gates::LSTM_KERAS1, self.units),
            Form::Joined => columns,
            Form::CuDnn => columns.saturating_mul(2),
        };
        let bias = self.use_bias.then(|| [Some(bias)].into());
        wants((self.units, columns), bias)
    }

    fn check_overrides(&self, overrides: &Overrides) -> Result<()> {
        check_gates(self.recurrent_activation, overrides)
    }
}

impl LstmArguments {
    fn of_cudnn(units: usize) -> Self {
        LstmArguments {
            units,
            activation: Activation::Tanh,
            recurrent_activation: Activation::Sigmoid,
            use_bias: true,
            dropout: [0.0; 2],
            form: Form::CuDnn,
        }
    }

    /// The layer; `set` may change its options.
    pub fn make<A: Element>(
        &self,
        arrays: &mut Arrays,
        set: impl FnOnce(LstmBuilder<A>) -> LstmBuilder<A>,
    ) -> Result<Lstm<A>> {
        let builder = |features| {
            let builder = Lstm::builder(features, self.units)
                .activation(self.activation)
                .recurrent_activation(self.recurrent_activation)
                .use_bias(self.use_bias)
                .dropout(self.dropout[0])
                .recurrent_dropout(self.dropout[1]);
            set(builder)
        };
        match self.form {
            Form::Joined => {
                let (kernel, recurrent_kernel) = (next_matrix(arrays)?, next_matrix(arrays)?);
                let bias = self.use_bias.then(|| next::<A, Ix1>(arrays)).transpose()?;
                builder(kernel.dim().0).from_matrices(&*kernel, &*recurrent_kernel, bias)
            }
            Form::GateByGate => {
                let (kernel, recurrent_kernel, bias) =
                    gates::joined(arrays, &gates::LSTM_FROM_KERAS1)?;
                builder(kernel.nrows()).from_weights(kernel, recurrent_kernel, bias)
            }
            Form::CuDnn => {
                let (kernel, recurrent_kernel) = (next::<A, Ix2>(arrays)?, next::<A, Ix2>(arrays)?);
                let (kernel, recurrent_kernel) =
                    gates::from_cudnn(kernel, recurrent_kernel, GATES)?;
                let rows = gates::cudnn_bias(next::<A, Ix1>(arrays)?)?;
                let bias = &rows.row(0) + &rows.row(1);
                builder(kernel.nrows()).from_weights(kernel, recurrent_kernel, bias)
            }
        }
    }

    /// Refuses a layer whose options are not these.
    pub fn check<A: Element>(&self, made: &Lstm<A>) -> Result<()> {
        same("activation", self.activation, made.activation())?;
        // Keras has one argument for both.
        same(
            "output_activation",
            self.activation,
            made.output_activation(),
        )?;
        let (said, set) = (self.recurrent_activation, made.recurrent_activation());
        same("recurrent_activation", said, set)
    }
}
