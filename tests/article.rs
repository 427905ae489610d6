//! The numbers of a well-known article: "How to use return_state or return_sequences in Keras" (Chengwei Zhang,
//! dlology.com), and what today's Keras 3 gives for the same code.
//!
//! One unit, all kernels 0.1, three timesteps of two features. The article ran Keras 2.1, whose gates had the hard sigmoid
//! 0.2x + 0.5 and whose GRU applied the reset gate before the product. The numbers of `keras3_*` and of the `SimpleRnn`
//! are those of `tests/golden/article/tensors.safetensors` (Keras 3.15.1), to 8 digits.

#![allow(clippy::unreadable_literal)] // the numbers as they were published

use approx::assert_abs_diff_eq;
use ndarray::{Array3, array};
use recurrent::{Activation, Gru, Initializer, Lstm, Recurrent, Result, SimpleRnn};

const TENTH: Initializer = Initializer::Constant(0.1);

/// The four cases of `return_sequences` and `return_state`: the shape of each, and its numbers. Returns the state.
fn four_cases<R: Recurrent<Elem = f64>>(layer: &R, expected: [f64; 3]) -> Result<R::State> {
    let x = array![[[0.1, 0.2], [0.3, 0.1], [0.2, 0.3]]];
    let last = array![[expected[2]]];
    let sequences = Array3::from_shape_fn((1, 3, 1), |(_, t, _)| expected[t]);

    let h = layer.run(&x).last()?;
    assert_eq!(h.dim(), (1, 1));
    assert_abs_diff_eq!(h, last, epsilon = 1e-8);

    let (h, _) = layer.run(&x).last_and_state()?;
    assert_eq!(h.dim(), (1, 1));
    assert_abs_diff_eq!(h, last, epsilon = 1e-8);

    let hs = layer.run(&x).sequences()?;
    assert_eq!(hs.dim(), (1, 3, 1));
    assert_abs_diff_eq!(hs, sequences, epsilon = 1e-8);

    let (hs, state) = layer.run(&x).sequences_and_state()?;
    assert_eq!(hs.dim(), (1, 3, 1));
    assert_abs_diff_eq!(hs, sequences, epsilon = 1e-8);
    Ok(state)
}

#[test]
fn lstm_of_the_article() -> Result<()> {
    let lstm = Lstm::builder(2, 1)
        .recurrent_activation(Activation::HARD_SIGMOID_KERAS2)
        .kernel_initializer(TENTH)
        .recurrent_initializer(TENTH)
        .build()?;
    let state = four_cases(&lstm, [0.00767819, 0.01597687, 0.02480672])?;
    assert_abs_diff_eq!(state.h, array![[0.02480672]], epsilon = 1e-8);
    assert_abs_diff_eq!(state.c, array![[0.04864851]], epsilon = 1e-8);
    Ok(())
}

#[test]
fn gru_of_the_article() -> Result<()> {
    let gru = Gru::builder(2, 1)
        .recurrent_activation(Activation::HARD_SIGMOID_KERAS2)
        .reset_after(false)
        .kernel_initializer(TENTH)
        .recurrent_initializer(TENTH)
        .build()?;
    let state = four_cases(&gru, [0.01481556, 0.02755804, 0.03920874])?;
    assert_abs_diff_eq!(state.h, array![[0.03920874]], epsilon = 1e-8);
    Ok(())
}

#[test]
fn simple_rnn_then_and_now() -> Result<()> {
    let rnn = SimpleRnn::builder(2, 1)
        .kernel_initializer(TENTH)
        .recurrent_initializer(TENTH)
        .build()?;
    let state = four_cases(&rnn, [0.02999100, 0.04297262, 0.05424397])?;
    assert_abs_diff_eq!(state.h, array![[0.05424397]], epsilon = 1e-8);
    Ok(())
}

/// The defaults of Keras 3, which are those of this crate: the logistic sigmoid, and `reset_after`.
#[test]
fn keras3_defaults() -> Result<()> {
    let lstm = Lstm::builder(2, 1)
        .kernel_initializer(TENTH)
        .recurrent_initializer(TENTH)
        .build()?;
    let state = four_cases(&lstm, [0.00772376, 0.01633997, 0.02572775])?;
    assert_abs_diff_eq!(state.c, array![[0.05020291]], epsilon = 1e-8);

    let gru = Gru::builder(2, 1)
        .kernel_initializer(TENTH)
        .recurrent_initializer(TENTH)
        .build()?;
    four_cases(&gru, [0.01477059, 0.02748179, 0.03910856])?;
    Ok(())
}

/// The article's code in Keras 3 with "`hard_sigmoid`", which has another slope there: x/6 + 0.5.
#[test]
fn keras3_hard_sigmoid() -> Result<()> {
    let lstm = Lstm::builder(2, 1)
        .recurrent_activation(Activation::HARD_SIGMOID)
        .kernel_initializer(TENTH)
        .recurrent_initializer(TENTH)
        .build()?;
    let state = four_cases(&lstm, [0.00764787, 0.01562852, 0.02390237])?;
    assert_abs_diff_eq!(state.c, array![[0.04703163]], epsilon = 1e-8);

    let gru = Gru::builder(2, 1)
        .recurrent_activation(Activation::HARD_SIGMOID)
        .kernel_initializer(TENTH)
        .recurrent_initializer(TENTH)
        .build()?;
    four_cases(&gru, [0.01484555, 0.02760880, 0.03927530])?;
    Ok(())
}
