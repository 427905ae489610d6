//! `GruArguments`: what a file says of a `GRU`.

use super::form::{
    ARGUMENTS, Form, bias_of, check_gates, columns, dropout, recurrent_activation, units_of, wants,
};
use crate::error::Result;
use crate::load::keras::arguments::{Arguments, same};
use crate::load::keras::config::Config;
use crate::load::keras::context::{Context, Overrides};
use crate::load::keras::gates::{self, wants_of_gates};
use crate::load::keras::plan::{Arrays, Wanted, next, next_matrix};
use crate::{Activation, Element, Gru, GruBias, GruBuilder};
use alloc::vec::Vec;
use ndarray::{Ix1, Ix2};

const GATES: usize = 3;

/// The arguments of a `GRU`, from a configuration or from the shapes of its arrays.
pub struct GruArguments {
    units: usize,
    activation: Activation,
    recurrent_activation: Activation,
    reset_after: bool,
    use_bias: bool,
    dropout: [f64; 2],
    form: Form,
}

impl Arguments for GruArguments {
    const CLASS: &'static str = "GRU";

    /// Those of `GRU`, `GRUCell` and `CuDNNGRU`.
    fn read(context: &Context, class: &str, config: &Config) -> Result<Self> {
        let units = config.count("units")?;
        if class == "CuDNNGRU" {
            columns(config, units, 2 * GATES)?;
            return Ok(Self::of_cudnn(units));
        }
        columns(config, units, GATES)?;
        Ok(GruArguments {
            units,
            activation: context.activation(config, "activation", Activation::Tanh)?,
            recurrent_activation: recurrent_activation(context, config)?,
            use_bias: config.bool_or("use_bias", true)?,
            dropout: dropout(config)?,
            reset_after: match config.optional("reset_after") {
                Some(_) => config.flag("reset_after")?,
                None => context.reset_after(config.part())?,
            },
            form: Form::read(context, config)?,
        })
    }

    /// Those of the version for arrays of these shapes; the shape of the bias tells the form of the reset gate.
    fn of_shapes(context: &Context, shapes: &[&[usize]]) -> Result<Self> {
        let form = Form::of_shapes(shapes, GATES);
        let units = units_of(shapes, form.gates(GATES))?;
        if form == Form::CuDnn {
            return Ok(Self::of_cudnn(units));
        }
        let bias = match form {
            Form::GateByGate => Some(1),
            _ => bias_of(shapes)?.map(<[usize]>::len),
        };
        Ok(GruArguments {
            units,
            activation: Activation::Tanh,
            recurrent_activation: context.recurrent_activation(ARGUMENTS)?,
            use_bias: bias.is_some(),
            dropout: [0.0; 2],
            reset_after: match bias {
                Some(axes) => axes != 1,
                None => context.reset_after(ARGUMENTS)?,
            },
            form,
        })
    }

    fn wants(&self) -> Vec<Wanted> {
        // `columns` has refused products that are too large.
        let columns = self.units.saturating_mul(GATES);
        let bias = match self.form {
            Form::GateByGate => return wants_of_gates(&gates::GRU_KERAS1, self.units),
            Form::CuDnn => [Some(columns.saturating_mul(2))].into(),
            Form::Joined if self.reset_after => [Some(2), Some(columns)].into(),
            Form::Joined => [Some(columns)].into(),
        };
        wants((self.units, columns), self.use_bias.then_some(bias))
    }

    fn check_overrides(&self, overrides: &Overrides) -> Result<()> {
        check_gates(self.recurrent_activation, overrides)?;
        match overrides.reset_after {
            Some(set) => same("reset_after", self.reset_after, set),
            None => Ok(()),
        }
    }
}

impl GruArguments {
    fn of_cudnn(units: usize) -> Self {
        GruArguments {
            units,
            activation: Activation::Tanh,
            recurrent_activation: Activation::Sigmoid,
            reset_after: true,
            use_bias: true,
            dropout: [0.0; 2],
            form: Form::CuDnn,
        }
    }

    /// The layer; `set` may change its options.
    pub fn make<A: Element>(
        &self,
        arrays: &mut Arrays,
        set: impl FnOnce(GruBuilder<A>) -> GruBuilder<A>,
    ) -> Result<Gru<A>> {
        let builder = |features| {
            let builder = Gru::builder(features, self.units)
                .activation(self.activation)
                .recurrent_activation(self.recurrent_activation)
                .reset_after(self.reset_after)
                .use_bias(self.use_bias)
                .dropout(self.dropout[0])
                .recurrent_dropout(self.dropout[1]);
            set(builder)
        };
        match self.form {
            Form::Joined => {
                let (kernel, recurrent_kernel) = (next_matrix(arrays)?, next_matrix(arrays)?);
                let bias = match (self.use_bias, self.reset_after) {
                    (false, _) => GruBias::None,
                    (true, true) => next::<A, Ix2>(arrays)?.into(),
                    (true, false) => next::<A, Ix1>(arrays)?.into(),
                };
                builder(kernel.dim().0).from_matrices(&*kernel, &*recurrent_kernel, bias)
            }
            Form::GateByGate => {
                let (kernel, recurrent_kernel, bias) =
                    gates::joined(arrays, &gates::GRU_FROM_KERAS1)?;
                builder(kernel.nrows()).from_weights(kernel, recurrent_kernel, bias)
            }
            Form::CuDnn => {
                let (kernel, recurrent_kernel) = (next::<A, Ix2>(arrays)?, next::<A, Ix2>(arrays)?);
                let (kernel, recurrent_kernel) =
                    gates::from_cudnn(kernel, recurrent_kernel, GATES)?;
                let bias = gates::cudnn_bias(next::<A, Ix1>(arrays)?)?;
                builder(kernel.nrows()).from_weights(kernel, recurrent_kernel, bias)
            }
        }
    }

    /// Refuses a layer whose options are not these.
    pub fn check<A: Element>(&self, made: &Gru<A>) -> Result<()> {
        same("activation", self.activation, made.activation())?;
        let (said, set) = (self.recurrent_activation, made.recurrent_activation());
        same("recurrent_activation", said, set)?;
        same("reset_after", self.reset_after, made.reset_after())
    }
}
