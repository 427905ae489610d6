//! Whole calls and single steps in `f32`, on the shapes of a fixed work table.
//!
//! Run: `cargo bench --bench forward`, one row with `-- S1` or `-- Q3`, each row once and untimed with `-- --test`. To
//! compare with a change, `-- --save-baseline before`, then `-- --baseline before`. The machine should do nothing else.
//!
//! Read: `time` is one call, the middle number the estimate. `thrpt` counts timesteps × samples, so it reads per
//! timestep of one sample: 1 Melem/s is 1 µs for each. `Q9` counts its padding, too: next to `Q3` it shows what a mask
//! saves.
//!
//! | ids | what one call is |
//! | --- | --- |
//! | `A0`, `A0_into` | the layer of the README, pure overhead; its result allocated, or into memory that is there |
//! | `S1`–`S5` | one timestep of a stream that keeps its state, one sample |
//! | `Q1`–`Q9` | a whole sequence: all outputs, into memory that is there, and the last state |

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use ndarray::Array3;
use recurrent::{Bidirectional, Causal, Gru, Initializer, Lstm, Recurrent, SimpleRnn};
use std::hint::black_box;
use std::time::Duration;

// ---- the table -----------------------------------------------------------------------------------------------------

fn forward(c: &mut Criterion) {
    let g = &mut c.benchmark_group("forward");
    g.warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .sample_size(30);

    article(g, &lstm(2, 1));

    //   id    layer (features, units)
    step(g, "S1", &lstm(1, 16)); //    tiny audio model
    step(g, "S2", &lstm(1, 40)); //    guitar amplifier
    step(g, "S3", &gru(64, 96)); //    noise suppression
    step(g, "S4", &lstm(128, 128)); // voice activity
    step(g, "S5", &lstm(512, 512)); // big

    let rnn = SimpleRnn::builder(128, 256).build().expect("a layer");
    let both = Bidirectional::new(lstm(256, 256), lstm(256, 256));
    let three = lstm(128, 256).then(lstm(256, 256)).then(lstm(256, 256));
    let padded: Vec<usize> = (0..32).map(|i| 10 + (90 * i + 15) / 31).collect(); // evenly from 10 to 100

    // Calls of up to seconds: fewer samples, each of as many calls as the others.
    g.sample_size(10).sampling_mode(SamplingMode::Flat);

    //        id    layer           (samples, timesteps, units of the output)
    sequences(g, "Q1", &lstm(64, 128), (1, 100, 128), None);
    sequences(g, "Q2", &lstm(512, 512), (1, 250, 512), None);
    sequences(g, "Q3", &lstm(128, 256), (32, 100, 256), None);
    sequences(g, "Q4", &lstm(512, 512), (128, 50, 512), None);
    sequences(g, "Q5", &gru(128, 256), (32, 100, 256), None);
    sequences(g, "Q6", &both, (8, 200, 512), None);
    sequences(g, "Q7", &three, (16, 100, 256), None);
    sequences(g, "Q8", &rnn, (32, 100, 256), None);
    sequences(g, "Q9", &lstm(128, 256), (32, 100, 256), Some(&padded));
}

criterion_group!(benches, forward);
criterion_main!(benches);

// ---- layers and inputs ---------------------------------------------------------------------------------------------

fn lstm(features: usize, units: usize) -> Lstm<f32> {
    Lstm::builder(features, units).build().expect("a layer")
}

fn gru(features: usize, units: usize) -> Gru<f32> {
    Gru::builder(features, units).build().expect("a layer")
}

/// (samples, timesteps, features) of numbers in [-1, 1), always the same.
fn input(samples: usize, timesteps: usize, features: usize) -> Array3<f32> {
    let (min, max) = (-1.0, 1.0);
    let numbers = Initializer::RandomUniform { min, max };
    let numbers = numbers.matrix(samples * timesteps, features, 42);
    let shape = (samples, timesteps, features);
    let numbers = numbers.expect("an input");
    numbers.into_shape_with_order(shape).expect("an input")
}

// ---- what is timed -------------------------------------------------------------------------------------------------
// Each result is looked at once, outside the timed loop and only if the row is run at all.

fn finite<'a>(y: impl IntoIterator<Item = &'a f32>) -> bool {
    y.into_iter().all(|y| y.is_finite())
}

fn article(g: &mut BenchmarkGroup<WallTime>, layer: &Lstm<f32>) {
    let x = input(1, 3, 2);
    g.throughput(Throughput::Elements(3));
    g.bench_function("A0", |b| {
        b.iter(|| layer.run(black_box(&x)).sequences_and_state());
        let (y, state) = layer.run(&x).sequences_and_state().expect("a pass");
        assert!(y.dim() == (1, 3, 1) && state.c.dim() == (1, 1) && finite(&y));
    });
    g.bench_function("A0_into", |b| {
        let mut y = Array3::from_elem((1, 3, 1), f32::NAN);
        b.iter(|| layer.run(black_box(&x)).sequences_into(y.view_mut()));
        assert!(finite(&y));
    });
}

fn step<R: Causal<Elem = f32>>(g: &mut BenchmarkGroup<WallTime>, id: &str, layer: &R) {
    let x = input(1, 64, layer.features());
    let x = x.as_slice().expect("a new array");
    g.throughput(Throughput::Elements(1));
    g.bench_function(id, |b| {
        let mut live = layer.stream(1);
        let mut steps = x.chunks_exact(layer.features()).cycle();
        let mut step = || steps.next().expect("a cycle has no end");
        b.iter(|| {
            black_box(live.push_slice(black_box(step())).expect("a step"));
        });
        let y = live.push_slice(step()).expect("a step");
        assert!(y.len() == layer.units() && finite(y));
    });
}

/// All outputs have this shape, or the call is an error.
fn sequences<R: Recurrent<Elem = f32>>(
    g: &mut BenchmarkGroup<WallTime>,
    id: &str,
    layer: &R,
    (samples, timesteps, units): (usize, usize, usize),
    lengths: Option<&[usize]>,
) {
    let x = input(samples, timesteps, layer.features());
    g.throughput(Throughput::Elements((samples * timesteps) as u64));
    g.bench_function(id, |b| {
        let mut y = Array3::from_elem((samples, timesteps, units), f32::NAN);
        b.iter(|| {
            let run = layer.run(black_box(&x));
            let run = match lengths {
                Some(lengths) => run.lengths(lengths),
                None => run,
            };
            run.sequences_and_state_into(y.view_mut()).expect("a pass")
        });
        assert!(finite(&y)); // nothing is left of the NaN that it was filled with
    });
}
