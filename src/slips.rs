//! What is often written and does not exist: the compiler then says what to write instead.
//!
//! Each slip is a hidden method in an impl whose bound never holds. No program can call it, and a method of the same name
//! in a trait of yours is found as if this one were not there. The message is that of the trait in the bound. Where the
//! type of the numbers is not known yet, the compiler prints the name of the trait only, so the name says it, too.

use crate::{Cell, Deep, Element, Gru, Lstm, Recurrent, Rnn, SimpleRnn, Stacked};

/// Instead of Keras' `LSTM(32)`.
#[diagnostic::on_unimplemented(
    message = "a layer is made from its features and its units, by a builder: there is no `new`",
    label = "write `builder(features, units).build()?`, or `from_weights(kernel, recurrent_kernel, bias)?`",
    note = "Keras' `LSTM(32)` learns the number of features from its first input; here it is an argument: \
            `Lstm::<f32>::builder(features, 32).build()?`",
    note = "from trained weights: `Lstm::from_weights(kernel, recurrent_kernel, bias)?`"
)]
pub trait UseBuilderWithFeaturesAndUnits {}

/// Instead of Keras' `layer(x)`.
#[diagnostic::on_unimplemented(
    message = "a recurrent layer without flags has no `forward`: call `run` and say what it returns",
    label = "write `run(&x).last()?` or `run(&x).sequences()?`",
    note = "with the state: `run(&x).last_and_state()?`, `run(&x).sequences_and_state()?` (and `use recurrent::Recurrent`)",
    note = "with Keras' flags: `Layer::new(lstm).return_sequences(true).forward(&x)?`"
)]
pub trait UseRunAndLastOrSequences {}

macro_rules! no_new {
    ($($cell:ident),*) => {$(
        #[doc(hidden)]
        impl<A: Element> $cell<A>
        where
            $cell<A>: UseBuilderWithFeaturesAndUnits,
        {
            #[allow(clippy::new_ret_no_self)] // it cannot be called
            pub fn new(_units: usize) {}
        }
    )*};
}
no_new!(SimpleRnn, Lstm, Gru);

macro_rules! no_forward {
    ($([$($generics:tt)*] $layer:ty),*) => {$(
        #[doc(hidden)]
        impl<$($generics)*> $layer
        where
            $layer: UseRunAndLastOrSequences,
        {
            pub fn forward<X>(&self, _x: X) {}
        }
    )*};
}
no_forward!(
    [A: Element] SimpleRnn<A>,
    [A: Element] Lstm<A>,
    [A: Element] Gru<A>,
    [C: Cell] Rnn<C>,
    [R: Recurrent] Deep<R>,
    [L: Recurrent, U: Recurrent] Stacked<L, U>
);
