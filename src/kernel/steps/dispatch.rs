//! `Kernels`: the steps of all cells, compiled for every number type and instruction set. This is the only file that names
//! all of them.

use super::activations::Map;
use super::cell::{Cell, With};
use super::functions::{Chosen, Defaults};
use super::gru::{GruCandidate, GruGates, GruStep};
use super::lstm::{LstmStep, LstmVariantStep};
use super::simple_rnn::SimpleRnnStep;
use crate::activation::Activation;
use crate::kernel::packed::Products;
use crate::kernel::vectors::{Isa, Lanes};

macro_rules! kernels {
    ($($name:ident($step:ident)),*) => {
        /// A number type that layers compute in.
        ///
        /// The kernels are methods of the two number types, so that they are compiled once with this crate, and not again
        /// in every crate that uses a layer.
        pub trait Kernels: Products {
            #[doc(hidden)]
            fn activate(values: &mut [Self], activation: Activation, isa: Isa);
            #[doc(hidden)]
            fn lstm_variant(step: LstmVariantStep<Self>, of: &Chosen);
            $(
                #[doc(hidden)]
                fn $name(step: $step<Self>, of: &Chosen);
            )*
        }
        kernels!(f32: $($name($step)),*);
        kernels!(f64: $($name($step)),*);
    };
    ($elem:ty: $($name:ident($step:ident)),*) => {
        impl Kernels for $elem {
            fn activate(values: &mut [Self], activation: Activation, isa: Isa) {
                isa.run(&mut Map { values, activation });
            }
            fn lstm_variant(step: LstmVariantStep<Self>, of: &Chosen) {
                // The variant always looks its functions up, so that it is compiled only once.
                match step.plain() {
                    Some(step) => Self::lstm(step, of),
                    None => run(step, of),
                }
            }
            $(
                fn $name(step: $step<Self>, of: &Chosen) {
                    if of.are_defaults {
                        run(step, Defaults);
                    } else {
                        run(step, of);
                    }
                }
            )*
        }
    };
}

kernels! {
    simple_rnn(SimpleRnnStep),
    lstm(LstmStep),
    gru(GruStep),
    gru_gates(GruGates),
    gru_candidate(GruCandidate)
}

/// Runs a step with the instruction set that its weights were packed for.
#[inline(always)]
fn run<A: Lanes, C, F>(cell: C, functions: F)
where
    With<C, F>: Cell<A>,
{
    let mut with = With { cell, functions };
    with.step().panels.isa().run(&mut with);
}
