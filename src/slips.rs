//! Compile errors for calls that are often written but do not exist: each message says what to write instead.
//!
//! Each is a hidden method in an impl whose bound never holds. No program can call it, and a trait of yours can have a
//! method of the same name, which is found as usual. The compiler prints the message of the trait in the bound. If it does
//! not know the type of the numbers yet, it prints only the trait's name, so the name gives the advice as well.

use crate::{Cell, Deep, Element, Gru, Lstm, Recurrent, Rnn, SimpleRnn, Stacked};

/// The advice for Keras' `LSTM(32)`.
#[diagnostic::on_unimplemented(
    message = "a layer is made from its features and its units, by a builder: there is no `new`",
    label = "write `builder(features, units).build()?`, or `from_weights(kernel, recurrent_kernel, bias)?`",
    note = "Keras' `LSTM(32)` learns the number of features from its first input; here it is an argument: \
            `Lstm::<f32>::builder(features, 32).build()?`",
    note = "from trained weights: `Lstm::from_weights(kernel, recurrent_kernel, bias)?`"
)]
pub trait UseBuilderWithFeaturesAndUnits {}

/// The advice for Keras' `layer(x)`.
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
