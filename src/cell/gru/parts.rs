//! The parts of a `Gru`: its options and its arrays, by name.

use super::{Gru, GruBias, RecurrentKernel};
use crate::Element;
#[cfg(feature = "saved")]
use crate::HiddenState;
#[cfg(feature = "saved")]
use crate::cell::layer_norm::LayerNorm;
use crate::describe::{Assign, Describe, Part, PartMut, Role, Weight, each_array, each_array_mut};
#[cfg(feature = "saved")]
use crate::describe::{In, Saved};
#[cfg(feature = "saved")]
use crate::error::Result;
#[cfg(feature = "saved")]
use crate::kernel::Matrix;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::{ArrayD, ArrayViewD, Axis};

impl<A: Element> Describe<A> for Gru<A> {
    fn class(&self) -> &'static str {
        "gru"
    }

    fn parts(&self, each: &mut dyn FnMut(Part<A>)) {
        let Gru {
            kernel,
            recurrent_kernel,
            bias,
            start: _, // packed from the bias
            functions,
            dropout,
            initial_state,
        } = self;
        each(Part::Option("activation", &functions.act));
        each(Part::Option("recurrent_activation", &functions.gate));
        each(Part::Option("clip", &functions.clip));
        each(Part::Option("dropout", &dropout[0]));
        each(Part::Option("recurrent_dropout", &dropout[1]));
        each(Part::Option("reset_after", &self.reset_after()));
        each_array(each, "kernel", Role::Trainable, kernel);
        let name = "recurrent_kernel";
        each(Part::Array(name, Role::Trainable, recurrent_kernel));
        match bias {
            GruBias::None => {}
            GruBias::ResetBefore(bias) => each_array(each, "bias", Role::Trainable, bias),
            GruBias::ResetAfter(bias) => each_array(each, "bias", Role::Trainable, bias),
        }
        if let Some(norm) = self.layer_norm() {
            norm.parts(each);
        }
        if let Some(state) = initial_state {
            each_array(each, "initial_h", Role::Trainable, &state.h);
        }
    }

    fn parts_mut(&mut self, each: &mut dyn FnMut(PartMut<A>)) {
        each_array_mut(each, "kernel", &mut self.kernel);
        each_array_mut(each, "recurrent_kernel", &mut self.recurrent_kernel);
        if self.bias != GruBias::None {
            each(PartMut::Array("bias", &mut |numbers| {
                match &mut self.bias {
                    GruBias::None => {}
                    GruBias::ResetBefore(bias) => Assign::assign(bias, numbers),
                    GruBias::ResetAfter(bias) => Assign::assign(bias, numbers),
                }
                self.pack_bias();
            }));
        }
        if let RecurrentKernel::Normed { norm, .. } = &mut self.recurrent_kernel {
            norm.parts_mut(each);
        }
        if let Some(state) = &mut self.initial_state {
            each_array_mut(each, "initial_h", &mut state.h);
        }
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }
}

impl<A: Element> Weight<A> for RecurrentKernel<A> {
    fn shape(&self) -> Vec<usize> {
        let units = match self {
            RecurrentKernel::ResetAfter { all, .. } | RecurrentKernel::Normed { all, .. } => {
                all.units()
            }
            RecurrentKernel::ResetBefore { gates, .. } => gates.units(),
        };
        vec![units, 3 * units]
    }

    fn to_array(&self) -> ArrayD<A> {
        self.unpack().into_dyn()
    }
}

impl<A: Element> Assign<A> for RecurrentKernel<A> {
    fn assign(&mut self, numbers: ArrayViewD<A>) {
        match self {
            RecurrentKernel::ResetAfter { all, .. } | RecurrentKernel::Normed { all, .. } => {
                all.repack(numbers);
            }
            RecurrentKernel::ResetBefore { gates, candidate } => {
                let (of_gates, of_candidate) = numbers.split_at(Axis(1), 2 * gates.units());
                gates.repack(of_gates);
                candidate.repack(of_candidate);
            }
        }
    }
}

#[cfg(feature = "saved")]
impl<A: Element> Saved for Gru<A> {
    type Number = A;

    fn read_from(from: &mut In) -> Result<Self> {
        from.class("gru")?;
        let kernel = from.matrix("kernel")?;
        let (features, columns) = Matrix::<A>::dim(&kernel);
        let reset_after = from.get("reset_after")?;
        let bias = if reset_after {
            from.optional("bias")?
                .map_or(GruBias::None, GruBias::ResetAfter)
        } else {
            from.optional("bias")?
                .map_or(GruBias::None, GruBias::ResetBefore)
        };
        let mut builder = Self::builder(features, columns / 3);
        builder.layer_norm = LayerNorm::read_from(from)?;
        let initial = from.optional("initial_h")?;
        builder.initial_state = initial.map(|h| HiddenState { h });
        builder
            .activation(from.get("activation")?)
            .recurrent_activation(from.get("recurrent_activation")?)
            .clip(from.get::<Option<f64>>("clip")?)
            .dropout(from.get_or("dropout", 0.0)?)
            .recurrent_dropout(from.get_or("recurrent_dropout", 0.0)?)
            .reset_after(reset_after)
            .from_matrices(&kernel, &from.matrix("recurrent_kernel")?, bias)
    }
}
