//! Steps of whole models, and beside each the same layers written out by hand as a stream and a head.
//!
//! The models are read from a file first, so that their layers are those that readers make.

use ndarray::{Array1, Array2};
use recurrent::{
    Activation, Causal, Dense, Gru, Layer, LayerNormalization, Lstm, Model, Recurrent,
};
use recurrent::{Initializer, Session};
use std::hint::black_box;
use std::sync::Arc;

/// `M1`: LSTM(16), Dense(1), 1 feature. `M2`: two GRU(64), layer normalization, Dense(1, sigmoid), 40 features. Alone a
/// `ModelStream`; `_stream` by hand, `_session` by `Session::step`.
pub const MODELS: [&str; 6] = [
    "M1",
    "M1_stream",
    "M1_session",
    "M2",
    "M2_stream",
    "M2_session",
];

/// One step of this row, ready to be taken again and again.
pub fn call(id: &str) -> Box<dyn FnMut() + Send> {
    match id {
        "M1" => live(m1(), 1),
        "M1_session" => session(m1(), 1),
        "M1_stream" => {
            let (mut stream, head, mut y) = (lstm().into_stream(1), dense(16), Vec::new());
            pushed(1, move |x| {
                let h = stream.push_slice(x).expect("a step");
                head.forward_row(h, &mut y).expect("a row");
                y[0]
            })
        }
        "M2" => live(m2(), 40),
        "M2_session" => session(m2(), 40),
        "M2_stream" => {
            let stack = gru(40, 1).then(gru(64, 2));
            let (mut stream, mut y) = (stack.into_stream(1), Vec::new());
            let head = dense(64)
                .with_activation(Activation::Sigmoid)
                .expect("a head");
            let mut normal = vec![0.0; 64];
            pushed(40, move |x| {
                let h = stream.push_slice(x).expect("a step");
                normalise(h, &mut normal);
                head.forward_row(&normal, &mut y).expect("a row");
                y[0]
            })
        }
        _ => unreachable!("no row {id}"),
    }
}

fn lstm() -> Lstm<f32> {
    Lstm::builder(1, 16).build().expect("a layer")
}

fn gru(features: usize, seed: u64) -> Gru<f32> {
    let gru = Gru::builder(features, 64).seed(seed);
    gru.build().expect("a layer")
}

fn dense(features: usize) -> Dense<f32> {
    let kernel = Initializer::GlorotUniform.matrix(features, 1, 3);
    let bias = Array1::from_elem(1, 0.5);
    Dense::from_weights(kernel.expect("a kernel"), bias).expect("a layer")
}

fn m1() -> Model<f32> {
    read(Model::new().add(Layer::new(lstm())).add(dense(16)))
}

fn m2() -> Model<f32> {
    let norm = LayerNormalization::from_weights(Array1::ones(64), Array1::zeros(64));
    let head = dense(64).with_activation(Activation::Sigmoid);
    let model = Model::new()
        .add(Layer::new(gru(40, 1)).return_sequences(true))
        .add(Layer::new(gru(64, 2)))
        .add(norm.expect("a layer"))
        .add(head.expect("a layer"));
    read(model)
}

fn read(model: Model<f32>) -> Model<f32> {
    let bytes = recurrent::saved::write(&model).expect("a file");
    recurrent::saved::read(&bytes).expect("a model")
}

/// As a `LayerNormalization` of ones and zeros does it.
fn normalise(x: &[f32], y: &mut [f32]) {
    let count = x.len() as f32;
    let mean = x.iter().sum::<f32>() / count;
    let squares = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>();
    let scale = 1.0 / (squares / count + 1e-3).sqrt();
    for (y, x) in y.iter_mut().zip(x) {
        *y = x * scale - mean * scale;
    }
}

fn live(model: Model<f32>, features: usize) -> Box<dyn FnMut() + Send> {
    let mut live = model.into_stream(1).expect("a stream");
    pushed(features, move |x| live.push_slice(x).expect("a step")[0])
}

fn session(model: Model<f32>, features: usize) -> Box<dyn FnMut() + Send> {
    let mut session = Session::new(Arc::new(model));
    let mut now = Array2::zeros((1, features));
    pushed(features, move |x| {
        now.as_slice_mut().expect("a new array").copy_from_slice(x);
        session.step(&now).expect("a step")[[0, 0]]
    })
}

fn pushed(
    features: usize,
    mut push: impl FnMut(&[f32]) -> f32 + Send + 'static,
) -> Box<dyn FnMut() + Send> {
    let (min, max) = (-1.0, 1.0);
    let x = Initializer::RandomUniform { min, max }.matrix(64, features, 42);
    let (x, mut t) = (x.expect("an input"), 0);
    let mut step = move || {
        let x = x.as_slice().expect("a new array");
        let y = push(black_box(&x[t * features..(t + 1) * features]));
        t = (t + 1) % 64;
        black_box(y).is_finite()
    };
    assert!(step());
    Box::new(move || {
        step();
    })
}
