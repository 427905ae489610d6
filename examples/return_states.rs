//! `cargo run --example return_states`: Keras' two flags, case by case, with the numbers of a well-known article
//! ("Difference Between Return Sequences and Return States for LSTMs in Keras"), and today's beside them.
//!
//! One unit; all weights 0.1; the forget gate's bias 1. One sample of three timesteps with two features.

use ndarray::{Array3, array};
use recurrent::Initializer::Constant;
use recurrent::{Activation, Gru, Layer, Lstm, Output, Recurrent, Result};

fn main() -> Result<()> {
    let x: Array3<f32> = array![[[0.1, 0.2], [0.3, 0.1], [0.2, 0.3]]];
    println!("input (samples, timesteps, features) = {:?}\n", x.dim());

    // ---- the article's LSTM: Keras 2.1, whose gates are clip(0.2x + 0.5, 0, 1) -------------------------------------
    let lstm = Lstm::builder(2, 1)
        .recurrent_activation(Activation::HARD_SIGMOID_KERAS2)
        .kernel_initializer(Constant(0.1))
        .recurrent_initializer(Constant(0.1))
        .build()?;
    println!("LSTM as in Keras 2.1");

    let h = lstm.run(&x).last()?;
    println!(
        "  last                 h  {:?}     {:.8}",
        h.dim(),
        h[[0, 0]]
    );

    let (h, state) = lstm.run(&x).last_and_state()?;
    println!(
        "  last_and_state       h  {:?}     {:.8}",
        h.dim(),
        h[[0, 0]]
    );
    println!(
        "                 state.h  {:?}     {:.8}",
        state.h.dim(),
        state.h[[0, 0]]
    );
    println!(
        "                 state.c  {:?}     {:.8}",
        state.c.dim(),
        state.c[[0, 0]]
    );

    let hs = lstm.run(&x).sequences()?;
    println!("  sequences            h  {:?}  {}", hs.dim(), numbers(&hs));

    let (hs, state) = lstm.run(&x).sequences_and_state()?;
    println!("  sequences_and_state  h  {:?}  {}", hs.dim(), numbers(&hs));
    println!(
        "                 state.c  {:?}     {:.8}",
        state.c.dim(),
        state.c[[0, 0]]
    );

    // ---- the same with the flags as values: the variant tells the shape ---------------------------------------------
    let layer = Layer::new(lstm).return_sequences(true).return_state(true);
    match layer.forward(&x)? {
        Output::SequencesAndState(hs, state) => {
            println!(
                "  Layer::forward       Output::SequencesAndState, c = {:.8}",
                state.c[[0, 0]]
            );
            assert_eq!(hs.dim(), (1, 3, 1));
        }
        other => println!("  Layer::forward       {:?}", other.returns()),
    }

    // ---- the article's GRU: hard sigmoid, reset before the product ---------------------------------------------------
    let gru = Gru::builder(2, 1)
        .recurrent_activation(Activation::HARD_SIGMOID_KERAS2)
        .reset_after(false)
        .kernel_initializer(Constant(0.1))
        .recurrent_initializer(Constant(0.1))
        .build()?;
    println!("\nGRU as in Keras 2.1");
    let (hs, state) = gru.run(&x).sequences_and_state()?;
    println!("  sequences_and_state  h  {:?}  {}", hs.dim(), numbers(&hs));
    println!(
        "                 state.h  {:?}     {:.8}",
        state.h.dim(),
        state.h[[0, 0]]
    );

    // ---- today: sigmoid gates, and in the GRU the reset after the product ---------------------------------------------
    println!("\nThe same weights with the defaults of Keras 3");
    let lstm = Lstm::builder(2, 1)
        .kernel_initializer(Constant(0.1))
        .recurrent_initializer(Constant(0.1))
        .build()?;
    let (hs, state) = lstm.run(&x).sequences_and_state()?;
    println!("  LSTM                 h  {:?}  {}", hs.dim(), numbers(&hs));
    println!(
        "                 state.c  {:?}     {:.8}",
        state.c.dim(),
        state.c[[0, 0]]
    );
    let gru = Gru::builder(2, 1)
        .kernel_initializer(Constant(0.1))
        .recurrent_initializer(Constant(0.1))
        .build()?;
    let hs = gru.run(&x).sequences()?;
    println!("  GRU                  h  {:?}  {}", hs.dim(), numbers(&hs));
    Ok(())
}

fn numbers(hs: &Array3<f32>) -> String {
    hs.iter()
        .map(|h| format!("{h:.8}"))
        .collect::<Vec<_>>()
        .join("  ")
}
