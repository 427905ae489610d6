//! The parts of an `Lstm`: its options and its arrays, by name.

use super::{Lstm, Normed};
use crate::Element;
#[cfg(feature = "saved")]
use crate::LstmState;
#[cfg(feature = "saved")]
use crate::cell::layer_norm::LayerNorm;
use crate::describe::{Describe, Part, PartMut, Role, each_array, each_array_mut};
#[cfg(feature = "saved")]
use crate::describe::{In, Saved};
#[cfg(feature = "saved")]
use crate::error::{Error, Result};
#[cfg(feature = "saved")]
use crate::kernel::Matrix;

impl<A: Element> Describe<A> for Lstm<A> {
    fn class(&self) -> &'static str {
        "lstm"
    }

    fn parts(&self, each: &mut dyn FnMut(Part<A>)) {
        let Lstm {
            kernel,
            recurrent_kernel,
            bias,
            functions,
            dropout,
            extras,
            initial_state,
        } = self;
        each(Part::Option("activation", &functions.act));
        each(Part::Option("recurrent_activation", &functions.gate));
        each(Part::Option("output_activation", &functions.out));
        each(Part::Option("clip", &functions.clip));
        each(Part::Option("dropout", &dropout[0]));
        each(Part::Option("recurrent_dropout", &dropout[1]));
        each(Part::Option("input_forget", &self.input_forget()));
        each_array(each, "kernel", Role::Trainable, kernel);
        each_array(each, "recurrent_kernel", Role::Trainable, recurrent_kernel);
        each_array(each, "bias", Role::Trainable, bias);
        if let Some(extras) = extras {
            if let Some(Normed { norm, bias }) = &extras.norm {
                each_array(each, "bias", Role::Trainable, bias);
                norm.parts(each);
            }
            each_array(each, "peepholes", Role::Trainable, &extras.peepholes);
            each_array(each, "projection", Role::Trainable, &extras.projection);
        }
        if let Some(state) = initial_state {
            each_array(each, "initial_h", Role::Trainable, &state.h);
            each_array(each, "initial_c", Role::Trainable, &state.c);
        }
    }

    fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<A>)) {
        each_array_mut(each, "kernel", &mut self.kernel);
        each_array_mut(each, "recurrent_kernel", &mut self.recurrent_kernel);
        each_array_mut(each, "bias", &mut self.bias);
        if let Some(extras) = &mut self.extras {
            if let Some(Normed { norm, bias }) = &mut extras.norm {
                each_array_mut(each, "bias", bias);
                norm.parts_mut(each);
            }
            each_array_mut(each, "peepholes", &mut extras.peepholes);
            each_array_mut(each, "projection", &mut extras.projection);
        }
        if let Some(state) = &mut self.initial_state {
            each_array_mut(each, "initial_h", &mut state.h);
            each_array_mut(each, "initial_c", &mut state.c);
        }
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }
}

#[cfg(feature = "saved")]
impl<A: Element> Saved for Lstm<A> {
    type Number = A;

    fn read_from(from: &mut In) -> Result<Self> {
        from.class("lstm")?;
        let kernel = from.matrix("kernel")?;
        let (features, columns) = Matrix::<A>::dim(&kernel);
        let mut builder = Self::builder(features, columns / 4)
            .activation(from.get("activation")?)
            .recurrent_activation(from.get("recurrent_activation")?)
            .output_activation(from.get("output_activation")?)
            .clip(from.get::<Option<f64>>("clip")?)
            .dropout(from.get_or("dropout", 0.0)?)
            .recurrent_dropout(from.get_or("recurrent_dropout", 0.0)?)
            .input_forget(from.get("input_forget")?);
        builder.peepholes = from.optional("peepholes")?;
        builder.projection = from.optional("projection")?;
        builder.initial_state = match (from.optional("initial_h")?, from.optional("initial_c")?) {
            (Some(h), Some(c)) => Some(LstmState { h, c }),
            (None, None) => None,
            _ => {
                let expected = "both of `initial_h` and `initial_c`, or none";
                return Err(Error::file("initial state", expected, "one of them"));
            }
        };
        builder.layer_norm = LayerNorm::read_from(from)?;
        builder.from_matrices(
            &kernel,
            &from.matrix("recurrent_kernel")?,
            from.optional("bias")?,
        )
    }
}
