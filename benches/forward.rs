//! Whole calls and single steps in `f32`, on the shapes of a fixed work table (`common/work.rs`).
//!
//! Run: `cargo bench --bench forward`, one row with `-- S1` or `-- Q3`, each row once and untimed with `-- --test`. To
//! compare with a change, `-- --save-baseline before`, then `-- --baseline before`. The machine should do nothing else.
//!
//! Read: `time` is one call, the middle number the estimate. `thrpt` counts timesteps × samples, so it reads per
//! timestep of one sample: 1 Melem/s is 1 µs for each. `Q9` counts its padding, too: next to `Q3` it shows what a mask
//! saves. `M1` and `M2` are steps of whole models (`common/models.rs`): `cargo bench --bench
//! forward -- M`. `T1` to `T6` train (`common/training.rs`). How far each row is from the limits of the machine: `cargo bench --bench bounds`.

#[path = "common/models.rs"]
mod models;
#[path = "common/training.rs"]
mod training;
#[path = "common/work.rs"]
mod work;

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use recurrent::Isa;
use std::time::Duration;

fn forward(c: &mut Criterion) {
    let g = &mut c.benchmark_group("forward");
    g.warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .sample_size(30);
    for row in work::ROWS {
        if row.elements() > 50 {
            // Calls of up to seconds: fewer samples, each of as many calls as the others.
            g.sample_size(10).sampling_mode(SamplingMode::Flat);
        }
        g.throughput(Throughput::Elements(row.elements() as u64));
        g.bench_function(row.id, |b| b.iter(row.call(Isa::detect(), 1)));
    }
    g.sample_size(30).sampling_mode(SamplingMode::Auto);
    g.throughput(Throughput::Elements(1));
    for id in models::MODELS {
        g.bench_function(id, |b| b.iter(models::call(id)));
    }
    g.sample_size(10).sampling_mode(SamplingMode::Flat);
    for id in training::TRAININGS {
        g.throughput(Throughput::Elements(training::elements(id) as u64));
        g.bench_function(id, |b| b.iter(training::call(id, Isa::detect())));
    }
}

criterion_group!(benches, forward);
criterion_main!(benches);
