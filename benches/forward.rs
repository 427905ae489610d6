//! Whole calls and stream steps, by the ids of the work table: `cargo bench --bench forward`.
//!
//! Throughput is in timesteps x samples, so `elem/s` reads per timestep: 1 Melem/s is 1 µs for each. `A0` is the article's
//! layer (pure overhead), `S*` one step of a stream, `Q*` whole sequences with all outputs and the last state.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ndarray::{Array3, s};
use recurrent::{Bidirectional, Causal, Gru, Initializer, Lstm, Recurrent, SimpleRnn};
use std::hint::black_box;
use std::time::Duration;

type Gate = recurrent::Result<()>;

/// (samples, timesteps, features) of numbers in [-1, 1).
fn input(samples: usize, timesteps: usize, features: usize) -> Array3<f32> {
    let spread = Initializer::RandomUniform {
        min: -1.0,
        max: 1.0,
    };
    let flat = spread
        .matrix(samples * timesteps, features, 42)
        .expect("a small matrix");
    flat.into_shape_with_order((samples, timesteps, features))
        .expect("the same size")
}

fn lstm(features: usize, units: usize) -> Lstm<f32> {
    Lstm::builder(features, units)
        .build()
        .expect("a layer of these sizes")
}

fn gru(features: usize, units: usize) -> Gru<f32> {
    Gru::builder(features, units)
        .build()
        .expect("a layer of these sizes")
}

/// One timestep after the other.
fn step<R: Causal<Elem = f32>>(c: &mut Criterion, id: &str, layer: &R) {
    let x = input(1, 64, layer.features());
    let mut live = layer.stream(1);
    let mut t = 0;
    let mut group = c.benchmark_group("forward");
    group.throughput(Throughput::Elements(1));
    group.bench_function(BenchmarkId::from_parameter(id), |b| {
        b.iter(|| {
            t = (t + 1) % 64;
            let x = x.slice(s![0, t, ..]);
            let h = live
                .push_slice(black_box(x.as_slice().expect("a row")))
                .expect("a step");
            assert!(h[0].is_finite());
        });
    });
    group.finish();
}

/// All outputs and the last state, into memory that is there.
fn sequences<R: Recurrent<Elem = f32>>(
    c: &mut Criterion,
    id: &str,
    layer: &R,
    (samples, timesteps): (usize, usize),
    lengths: Option<&[usize]>,
) {
    let x = input(samples, timesteps, layer.features());
    let mut y = Array3::zeros((samples, timesteps, layer.units()));
    let mut group = c.benchmark_group("forward");
    group
        .measurement_time(Duration::from_secs(3))
        .sample_size(20);
    group.throughput(Throughput::Elements((samples * timesteps) as u64));
    group.bench_function(BenchmarkId::from_parameter(id), |b| {
        b.iter(|| {
            let run = layer.run(black_box(&x));
            let run = match lengths {
                Some(lengths) => run.lengths(lengths),
                None => run,
            };
            black_box(run.sequences_and_state_into(y.view_mut()).expect("a pass"));
        });
    });
    assert!(y.iter().all(|y| y.is_finite()) && y.iter().any(|&y| y != 0.0));
    group.finish();
}

/// The article's layer, with its result allocated and without.
fn article(c: &mut Criterion) {
    let (layer, x) = (lstm(2, 1), input(1, 3, 2));
    let mut y = Array3::zeros((1, 3, 1));
    let mut group = c.benchmark_group("forward");
    group.throughput(Throughput::Elements(3));
    group.bench_function("A0", |b| {
        b.iter(|| layer.run(black_box(&x)).sequences_and_state());
    });
    group.bench_function("A0_into", |b| {
        b.iter(|| -> Gate { layer.run(black_box(&x)).sequences_into(y.view_mut()) });
    });
    assert!(y.iter().all(|y| y.is_finite()));
    group.finish();
}

fn forward(c: &mut Criterion) {
    article(c);
    step(c, "S1", &lstm(1, 16));
    step(c, "S2", &lstm(1, 40));
    step(c, "S3", &gru(64, 96));
    step(c, "S4", &lstm(128, 128));
    step(c, "S5", &lstm(512, 512));
    sequences(c, "Q1", &lstm(64, 128), (1, 100), None);
    sequences(c, "Q2", &lstm(512, 512), (1, 250), None);
    sequences(c, "Q3", &lstm(128, 256), (32, 100), None);
    sequences(c, "Q4", &lstm(512, 512), (128, 50), None);
    sequences(c, "Q5", &gru(128, 256), (32, 100), None);
    sequences(
        c,
        "Q6",
        &Bidirectional::new(lstm(256, 256), lstm(256, 256)),
        (8, 200),
        None,
    );
    let stack = lstm(128, 256).then(lstm(256, 256)).then(lstm(256, 256));
    sequences(c, "Q7", &stack, (16, 100), None);
    let rnn = SimpleRnn::builder(128, 256)
        .build()
        .expect("a layer of these sizes");
    sequences(c, "Q8", &rnn, (32, 100), None);
    let lengths: Vec<usize> = (0..32).map(|i| 10 + (90 * i + 15) / 31).collect();
    sequences(c, "Q9", &lstm(128, 256), (32, 100), Some(&lengths));
}

criterion_group!(benches, forward);
criterion_main!(benches);
