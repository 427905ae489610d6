//! `cargo run --example return_states`: what Keras' two flags return, case by case, with the numbers of a well-known
//! article ("How to use return_state or return_sequences in Keras", Chengwei Zhang, dlology.com), and today's beside
//! them.
//!
//! One unit, all kernels 0.1, the forget gate's bias 1; one sample of three timesteps with two features.

use ndarray::{Array, Array3, Dimension, array};
use recurrent::Initializer::Constant;
use recurrent::{Activation, Gru, Layer, Lstm, Output, Recurrent, Result};

/// One line of the table: what it is, its shape, its numbers. The last number stands under t = 2.
fn row<D: Dimension>(name: &str, y: &Array<f32, D>) {
    let shape = format!("{:?}", y.dim());
    let numbers: Vec<String> = y.iter().map(|y| format!("{y:.8}")).collect();
    println!("  {name:<32}{shape:<11}{:>34}", numbers.join("  "));
}

fn main() -> Result<()> {
    let x: Array3<f32> = array![[[0.1, 0.2], [0.3, 0.1], [0.2, 0.3]]];
    println!("                                  shape           t = 0       t = 1       t = 2");

    // ---- the four cases --------------------------------------------------------------------------------------------
    // The article ran Keras 2.1, whose gates were clip(0.2x + 0.5, 0, 1): that has to be asked for. The forget gate's
    // bias of 1 is the default, then and now.
    let lstm = Lstm::builder(2, 1)
        .recurrent_activation(Activation::HARD_SIGMOID_KERAS2)
        .kernel_initializer(Constant(0.1))
        .recurrent_initializer(Constant(0.1))
        .build()?;
    println!("LSTM of the article");

    // return_sequences=False, return_state=False: (samples, units)
    let h = lstm.run(&x).last()?;
    row("last", &h);

    // return_state=True: Keras gives h twice, since the last output is the state's h unless a mask comes in.
    let (h, state) = lstm.run(&x).last_and_state()?;
    row("last_and_state", &h);
    row("                      state.h", &state.h);
    row("                      state.c", &state.c);

    // return_sequences=True: (samples, timesteps, units)
    let hs = lstm.run(&x).sequences()?;
    row("sequences", &hs);

    // both
    let (hs, state) = lstm.run(&x).sequences_and_state()?;
    row("sequences_and_state", &hs);
    row("                      state.h", &state.h);
    row("                      state.c", &state.c);

    // ---- the same with flags ---------------------------------------------------------------------------------------
    // Where a file or a user decides, the flags are values. Then no type can tell the shape: the variant does.
    println!("\nLayer: return_sequences, return_state");
    for (sequences, state) in [(false, false), (false, true), (true, false), (true, true)] {
        let layer = Layer::new(&lstm)
            .return_sequences(sequences)
            .return_state(state);
        let flags = format!("{sequences}, {state}");
        match layer.forward(&x)? {
            Output::Last(h) => row(&format!("{flags:<14}Last"), &h),
            Output::LastAndState(h, _) => row(&format!("{flags:<14}LastAndState"), &h),
            Output::Sequences(hs) => row(&format!("{flags:<14}Sequences"), &hs),
            Output::SequencesAndState(hs, state) => {
                row(&format!("{flags:<14}SequencesAndState"), &hs);
                row("                      state.c", &state.c);
            }
        }
    }

    // ---- then and now ----------------------------------------------------------------------------------------------
    // Keras 3 gives other numbers for the article's code: its gates are sigmoids, and its GRU resets after the product
    // with the recurrent kernel. Both are the defaults here.
    println!("\nThen (hard sigmoid; GRU: reset_after=false) and now");
    row("LSTM  then", &hs);
    let now = Lstm::builder(2, 1)
        .kernel_initializer(Constant(0.1))
        .recurrent_initializer(Constant(0.1))
        .build()?;
    row("      now", &now.run(&x).sequences()?);

    let then = Gru::builder(2, 1)
        .recurrent_activation(Activation::HARD_SIGMOID_KERAS2)
        .reset_after(false)
        .kernel_initializer(Constant(0.1))
        .recurrent_initializer(Constant(0.1))
        .build()?;
    row("GRU   then", &then.run(&x).sequences()?);
    let now = Gru::builder(2, 1)
        .kernel_initializer(Constant(0.1))
        .recurrent_initializer(Constant(0.1))
        .build()?;
    row("      now", &now.run(&x).sequences()?);
    Ok(())
}
