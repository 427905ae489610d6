//! `Kernels`: the steps of all cells, compiled for every number type and instruction set. This is the only file that names
//! all of them.

use super::activations::Map;
#[cfg(feature = "train")]
use super::back::{Backwards, GruBack, LstmBack, SimpleRnnBack};
use super::cell::{Cell, With};
use super::functions::{Chosen, Defaults};
#[cfg(feature = "train")]
use super::gru::GruKeeping;
use super::gru::{GruCandidate, GruGates, GruStep};
#[cfg(feature = "train")]
use super::lstm::LstmKeeping;
use super::lstm::{LstmStep, LstmVariantStep};
use super::simple_rnn::SimpleRnnStep;
use crate::activation::Activation;
#[cfg(feature = "train")]
use crate::kernel::packed::AddProduct;
use crate::kernel::packed::Products;
#[cfg(feature = "train")]
use crate::kernel::vectors::Op;
use crate::kernel::vectors::{Isa, Lanes};

macro_rules! kernels {
    ($($(#[$when:meta])* $name:ident($step:ident)),*) => {
        /// A number type that layers compute in.
        ///
        /// The kernels are methods of the two number types, so that they are compiled once with this crate, and not again
        /// in every crate that uses a layer.
        pub trait Kernels: Products {
            #[doc(hidden)]
            fn activate(values: &mut [Self], activation: Activation, isa: Isa);
            #[cfg(feature = "train")]
            #[doc(hidden)]
            fn add_product(work: AddProduct<Self>);
            #[cfg(feature = "train")]
            #[doc(hidden)]
            fn simple_rnn_back(step: SimpleRnnBack<Self>, of: &Chosen, isa: Isa);
            #[cfg(feature = "train")]
            #[doc(hidden)]
            fn lstm_back(step: LstmBack<Self>, of: &Chosen, isa: Isa);
            #[cfg(feature = "train")]
            #[doc(hidden)]
            fn gru_back(step: GruBack<Self>, of: &Chosen, isa: Isa);
            #[doc(hidden)]
            fn lstm_variant(step: LstmVariantStep<Self>, of: &Chosen);
            $(
                $(#[$when])*
                #[doc(hidden)]
                fn $name(step: $step<Self>, of: &Chosen);
            )*
        }
        kernels!(f32: $($(#[$when])* $name($step)),*);
        kernels!(f64: $($(#[$when])* $name($step)),*);
    };
    ($elem:ty: $($(#[$when:meta])* $name:ident($step:ident)),*) => {
        impl Kernels for $elem {
            fn activate(values: &mut [Self], activation: Activation, isa: Isa) {
                isa.run(&mut Map { values, activation });
            }
            #[cfg(feature = "train")]
            fn add_product(mut work: AddProduct<Self>) {
                work.isa().run(&mut work);
            }
            #[cfg(feature = "train")]
            fn simple_rnn_back(step: SimpleRnnBack<Self>, of: &Chosen, isa: Isa) {
                run_back(step, of, isa);
            }
            #[cfg(feature = "train")]
            fn lstm_back(step: LstmBack<Self>, of: &Chosen, isa: Isa) {
                run_back(step, of, isa);
            }
            #[cfg(feature = "train")]
            fn gru_back(step: GruBack<Self>, of: &Chosen, isa: Isa) {
                run_back(step, of, isa);
            }
            fn lstm_variant(step: LstmVariantStep<Self>, of: &Chosen) {
                // The variant always looks its functions up, so that it is compiled only once.
                match step.plain() {
                    Some(step) => Self::lstm(step, of),
                    None => run(step, of),
                }
            }
            $(
                $(#[$when])*
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
    gru_candidate(GruCandidate),
    #[cfg(feature = "train")]
    lstm_keeping(LstmKeeping),
    #[cfg(feature = "train")]
    gru_keeping(GruKeeping)
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

/// Goes back over a step.
#[cfg(feature = "train")]
fn run_back<A: Lanes, S>(step: S, of: &Chosen, isa: Isa)
where
    Backwards<S, Defaults>: Op<A>,
    for<'a> Backwards<S, &'a Chosen>: Op<A>,
{
    if of.are_defaults {
        let functions = Defaults;
        isa.run(&mut Backwards { step, functions });
    } else {
        let functions = of;
        isa.run(&mut Backwards { step, functions });
    }
}
