//! The rows of the work table that train: gradients and whole steps.

#![allow(dead_code)] // each bench uses what it needs

use crate::work::input;
use ndarray::{Array, Array1, Array2, Array3, Dimension};
use recurrent::train::{
    Adam, AdamW, Batch, Clip, Loss, Noise, OptimizerBuilder, Training, Upstream,
};
use recurrent::{
    Bidirectional, Dense, Embedding, Gru, Initializer, Isa, Layer, Lstm, Model, Recurrent,
};
use std::hint::black_box;

/// `T1`, `T2`: the gradients of the weights and of the input of an LSTM and a GRU, where the loss is the sum of the outputs.
/// `T6`: `T1` with dropout. `T3` … `T5`: steps of a `Training`.
pub const TRAININGS: [&str; 6] = ["T1", "T2", "T3", "T4", "T5", "T6"];

/// The timesteps of all samples of a call, padding included.
pub fn elements(id: &str) -> usize {
    match id {
        "T3" => 32,
        "T5" => 64 * 28,
        _ => 32 * 100,
    }
}

/// The multiply-adds of a call: three times those of the forward pass. `None` if the row is bound by the wait of one step for
/// another.
pub fn multiply_adds(id: &str) -> Option<usize> {
    let (lstm, gru) = (4 * 256 * (128 + 256), 3 * 256 * (128 + 256));
    let of_real_step = match id {
        "T1" | "T6" => lstm,
        "T2" => gru,
        "T4" => 8 * 128 * (64 + 128) + 8 * 128 * (256 + 128) + 256 * 20,
        "T5" => 4 * 128 * (28 + 128),
        _ => return None,
    };
    let head = if id == "T5" { 64 * 128 * 10 } else { 0 };
    let steps = if id == "T4" {
        lengths().iter().sum()
    } else {
        elements(id)
    };
    Some(3 * (steps * of_real_step + head))
}

/// Lengths evenly from 10 to 100.
fn lengths() -> Vec<usize> {
    (0..32).map(|i| 10 + (90 * i + 15) / 31).collect()
}

/// A call of this row, ready to be made again and again.
pub fn call(id: &str, isa: Isa) -> Box<dyn FnMut() + Send> {
    let lstm = || Lstm::builder(128, 256).with_isa(isa);
    match id {
        "T1" => gradients(lstm().build().expect("a layer"), false),
        "T2" => {
            let gru = Gru::builder(128, 256).with_isa(isa);
            gradients(gru.build().expect("a layer"), false)
        }
        "T3" => online(isa),
        "T4" => tagger(isa),
        "T5" => classifier(isa),
        "T6" => {
            let lstm = lstm().dropout(0.2).recurrent_dropout(0.2);
            gradients(lstm.build().expect("a layer"), true)
        }
        _ => unreachable!("no row {id}"),
    }
}

fn gradients<R>(layer: R, drops: bool) -> Box<dyn FnMut() + Send>
where
    R: Recurrent<Elem = f32> + Send + 'static,
{
    let x = input(32, 100, 128);
    let ones = Array3::ones((32, 100, layer.units()));
    let mut step = 0;
    let mut run = move || {
        let run = layer.run(black_box(&x));
        let pass = if drops {
            step += 1;
            run.record_with(Noise::seed(1).step(step))
        } else {
            run.record()
        };
        let found = pass.expect("a pass").backward(&Upstream::sequences(&ones));
        black_box(found.expect("a gradient")).weights.norm()
    };
    assert!(run() > 0.0);
    Box::new(move || {
        run();
    })
}

fn dense(features: usize, units: usize) -> Dense<f32> {
    let kernel = Initializer::GlorotUniform.matrix(features, units, 1);
    let bias = Array1::zeros(units);
    Dense::from_weights(kernel.expect("a kernel"), bias).expect("a layer")
}

/// Steps of a training on one batch.
fn steps<D, E>(
    mut training: Training<f32>,
    x: Array<f32, D>,
    y: Array<f32, E>,
) -> Box<dyn FnMut() + Send>
where
    D: Dimension + Send + 'static,
    E: Dimension + Send + 'static,
{
    let mut step = move || {
        let step = training.step(&Batch::new(black_box(&x), &y));
        step.expect("a step").loss
    };
    assert!(step() > 0.0);
    Box::new(move || {
        black_box(step());
    })
}

fn online(isa: Isa) -> Box<dyn FnMut() + Send> {
    let lstm = Lstm::builder(1, 16).with_isa(isa).build().expect("a layer");
    let model = Model::new()
        .add(Layer::new(lstm).return_sequences(true))
        .add(dense(16, 1));
    let training = Training::of(model)
        .loss(Loss::mean_squared_error())
        .optimizer(Adam::keras(1e-3))
        .build()
        .expect("a training");
    let wave =
        |shift| Array3::from_shape_fn((1, 32, 1), |(_, t, _)| ((t + shift) as f32 / 5.0).sin());
    let (x, y) = (wave(0), wave(1));
    steps(training, x, y)
}

fn classifier(isa: Isa) -> Box<dyn FnMut() + Send> {
    let lstm = Lstm::builder(28, 128)
        .with_isa(isa)
        .build()
        .expect("a layer");
    let model = Model::new().add(Layer::new(lstm)).add(dense(128, 10));
    let training = Training::of(model)
        .loss(Loss::sparse_categorical_crossentropy().from_logits(true))
        .optimizer(Adam::keras(1e-3))
        .build()
        .expect("a training");
    let x = input(64, 28, 28);
    let y = Array1::from_shape_fn(64, |i| (i % 10) as f32);
    steps(training, x, y)
}

fn tagger(isa: Isa) -> Box<dyn FnMut() + Send> {
    let both = |features, seed| {
        let one = |seed| {
            let lstm = Lstm::builder(features, 128).with_isa(isa).seed(seed);
            lstm.build().expect("a layer")
        };
        Layer::new(Bidirectional::new(one(seed), one(seed + 1))).return_sequences(true)
    };
    let uniform = Initializer::RandomUniform {
        min: -0.05,
        max: 0.05,
    };
    let table = uniform.matrix(5000, 64, 3).expect("a table");
    let model = Model::new()
        .add(
            Embedding::from_weights(table)
                .expect("a layer")
                .mask_zero(true),
        )
        .add(both(64, 1))
        .add(both(256, 3))
        .add(dense(256, 20));
    let optimizer = OptimizerBuilder::from(AdamW::keras(1e-3)).clip(Clip::GlobalNorm(1.0));
    let training = Training::of(model)
        .loss(Loss::sparse_categorical_crossentropy().from_logits(true))
        .optimizer(optimizer)
        .build()
        .expect("a training");
    let lengths = lengths();
    let x = Array2::from_shape_fn((32, 100), |(row, t)| {
        let id = 1 + (row * 37 + t * 101) % 4999;
        if t < lengths[row] { id as f32 } else { 0.0 }
    });
    let y = Array2::from_shape_fn((32, 100), |(row, t)| ((row + t) % 20) as f32);
    steps(training, x, y)
}
