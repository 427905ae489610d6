//! Gradients of the cells with layer normalisation against central differences, in f64.

use crate::layer_differences::{check_layer, check_several, mask, matrix, numbers, vector};
use recurrent::train::{Adam, Loss, Optimizer, Training};
use recurrent::*;

const SPREAD: Initializer = Initializer::RandomUniform {
    min: -1.0,
    max: 1.0,
};

fn inputs() -> [Tensor<f64>; 2] {
    let x = Tensor::new(&numbers(&[3, 6, 4], 1));
    [x.clone(), x.masked(&mask())]
}

fn norm(gates: usize, beta: bool) -> LayerNorm<f64> {
    LayerNorm::new(
        matrix(2, gates * 3, 5),
        beta.then(|| matrix(2, gates * 3, 6)),
    )
}

fn lstm(norm: LayerNorm<f64>) -> LstmBuilder<f64> {
    let builder = Lstm::builder(4, 3).seed(3).bias_initializer(SPREAD);
    builder.layer_norm(norm)
}

#[test]
fn lstms() {
    let state = |norm: LayerNorm<f64>| norm.state(vector(3, 7), vector(3, 8));
    let norms = [
        norm(4, false),
        state(norm(4, true)).epsilon(0.001),
        state(norm(4, true)).carry_normalised(true),
        norm(4, true).state(vector(3, 7), None),
    ];
    for (n, norm) in norms.into_iter().enumerate() {
        let build = || {
            let builder = lstm(norm.clone()).input_forget(n == 1);
            let builder = builder.use_bias(n != 2);
            Layer::new(builder.build().unwrap()).return_sequences(n > 0)
        };
        check_layer(&format!("lstm {n}"), build, &inputs());
        let all = || build().return_state(true).go_backwards(true);
        check_several("states", all(), &inputs()[1..]);
    }
    // The clip is far from 0 for some sums and close to it for none.
    let clipped = || Layer::new(lstm(norm(4, true)).clip(0.8).build().unwrap());
    check_layer("clipped", clipped, &inputs());
}

#[test]
fn grus() {
    for (beta, bias) in [(false, true), (true, false), (true, true)] {
        let build = || {
            let builder = Gru::builder(4, 3).seed(3).bias_initializer(SPREAD);
            let builder = builder.use_bias(bias).layer_norm(norm(3, beta));
            Layer::new(builder.build().unwrap()).return_sequences(beta)
        };
        check_layer(&format!("gru {beta} {bias}"), build, &inputs());
        check_several("states", build().return_state(true), &inputs()[1..]);
    }
}

#[test]
fn with_other_layers_and_states() {
    let one = || lstm(norm(4, true)).build().unwrap();
    let gru = || {
        let builder = Gru::builder(4, 3).seed(3).bias_initializer(SPREAD);
        builder.layer_norm(norm(3, true)).build().unwrap()
    };
    let both = || Layer::new(Bidirectional::new(one(), gru()).merge_mode(MergeMode::Mul));
    check_layer("both", both, &inputs());
    let states = [1, 2].map(|seed| Tensor::new(&numbers(&[3, 3], seed)));
    let [h, c] = states;
    check_several(
        "from a state",
        Layer::new(one()),
        &[inputs()[1].clone(), h, c],
    );
    let (h, c) = (matrix(1, 3, 4), matrix(1, 3, 5));
    let learned = || {
        let builder = lstm(norm(4, true)).initial_state(LstmState {
            h: h.clone(),
            c: c.clone(),
        });
        Layer::new(builder.build().unwrap())
    };
    check_layer("a learned state", learned, &inputs());
}

/// The gradients know no dropout of a normalised cell, so it is refused.
#[test]
fn dropout_is_refused() {
    let refused = |builder: LstmBuilder<f64>| {
        let model = Model::new().add(Layer::new(builder.build().unwrap()));
        let training = Training::of(model)
            .loss(Loss::mean_squared_error())
            .optimizer(Optimizer::of(Adam::keras(0.01)))
            .build();
        assert!(training.err().unwrap().to_string().contains("lstm"));
    };
    refused(lstm(norm(4, false)).dropout(0.5));
    refused(lstm(norm(4, false)).recurrent_dropout(0.5));
}
