//! `cargo run --release --features train --example online -- [LOSS.svg]`: a model for each of a thousand users, which learns
//! from every event as it comes.
//!
//! Each user's values come and go with a period and a shape of their own, under noise. A common model learns from other
//! users first. Then every user has a copy with an optimiser of its own. At each event, one `Training::step` over the last
//! events does both: its outputs are those of the weights before the update, so the last one is what the model foretold of
//! this event; and from now on it knows better. Printed are the time of an update, the memory of a user, and who foretells
//! best: the personal models, the common one with the same events before it, or "as the last time".
//!
//! Under a minute on two cores; `--quick` has twenty users.

#[path = "common/plot.rs"]
mod plot;

use ndarray::{Array3, s};
use recurrent::train::{Adam, Batch, Clip, CosineDecay, Loss, Optimizer, Training};
use recurrent::{Dense, Gru, Initializer, Layer, Model};
use std::error::Error;
use std::f64::consts::TAU;
use std::fs;
use std::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const UNITS: usize = 12;
/// The events that an update looks at.
const WINDOW: usize = 32;
/// The first of them only bring the state to where it should be.
const WARM_UP: usize = 8;
/// How many times each user's model is updated.
const EVENTS: usize = 200;

fn main() -> Result<()> {
    let (quick, picture) = plot::arguments("online");
    let (users, steps, events) = if quick {
        (20, 20, 20)
    } else {
        (1000, 1500, EVENTS)
    };

    // ---- a common model, from others ---------------------------------------------------------------------------------
    let (mut training, mut random) = (training(model()?, 1e-2, steps)?, Random(1));
    let (mut losses, bar) = (Vec::new(), plot::bar(steps + users)?);
    for _ in 0..steps {
        let others: Vec<Vec<f32>> = (0..32)
            .map(|_| Stream::new(&mut random).take(WINDOW + 1).collect())
            .collect();
        let values = |first: usize, count: usize| {
            Array3::from_shape_fn((others.len(), count, 1), |(user, t, _)| {
                others[user][first + t]
            })
        };
        let (x, y) = (values(0, WINDOW), values(1 + WARM_UP, WINDOW - WARM_UP));
        let loss = training.step(&Batch::new(&x, &y).burn_in(WARM_UP))?.loss;
        bar.set_message(format!("common model: {loss:.4}"));
        bar.inc(1);
        losses.push(loss);
    }
    let common = training.into_model();

    // ---- one for each user -------------------------------------------------------------------------------------------
    let before = resident();
    let mut personal = Vec::new();
    for user in 0..users {
        let values: Vec<f32> = Stream::new(&mut Random(1000 + user as u64))
            .take(WINDOW + events)
            .collect();
        personal.push((self::training(copy(&common)?, 1e-2, events)?, values));
    }
    let (mut took, mut errors) = (Vec::new(), [0.0; 3]);
    for (training, values) in &mut personal {
        let series = Array3::from_shape_vec((1, values.len(), 1), values.clone())?;
        for (event, &value) in values.iter().enumerate().skip(WINDOW) {
            let x = series.slice(s![.., event - WINDOW..event, ..]);
            let y = series.slice(s![.., event - WINDOW + WARM_UP + 1..=event, ..]);
            let start = Instant::now();
            let step = training.step(&Batch::new(&x, &y).burn_in(WARM_UP))?;
            took.push(start.elapsed().as_secs_f64() * 1e6);
            // The second half counts: what has been learned by then?
            if event >= WINDOW + events / 2 {
                let foretold = [
                    step.outputs[0].values.last(),
                    common.forward(&x)?.last(),
                    x.last(),
                ]
                .map(Option::<&f32>::copied);
                for (error, foretold) in errors.iter_mut().zip(foretold) {
                    *error += f64::from(foretold.unwrap_or(0.0) - value).powi(2);
                }
            }
        }
        bar.set_message("personal models");
        bar.inc(1);
    }
    bar.finish_and_clear();
    let after = resident();

    // ---- and? --------------------------------------------------------------------------------------------------------
    took.sort_by(f64::total_cmp);
    let part = |percent: usize| took[took.len() * percent / 100];
    println!(
        "{} updates of {users} models: {:.0} µs (median), {:.0} µs (99 %)",
        took.len(),
        part(50),
        part(99)
    );
    let weights = common.parameter_count().total();
    println!(
        "a user: {weights} weights and {} numbers of the optimiser, {:.1} kB",
        2 * weights,
        (3 * weights * size_of::<f32>()) as f64 / 1000.0
    );
    if let (Some(before), Some(after)) = (before, after) {
        let all = after.saturating_sub(before) as f64 / users as f64;
        println!(
            "  with the packed weights, the tape and its events the process grew by {all:.0} kB for each"
        );
    }
    let count = (users * events / 2) as f64;
    let [own, common, last] = errors.map(|error| (error / count).sqrt());
    println!("wrong by (root mean square, second half of the events; the noise alone is {NOISE}):");
    println!(
        "  personal models    {own:.3}\n  common model       {common:.3}\n  as the last time   {last:.3}"
    );
    plot::write(&picture, "mean squared error of the common model", &losses)?;
    if !quick && own >= common {
        return Err("the personal models are no better than the common one".into());
    }
    if losses[losses.len() - 1] >= losses[0] {
        return Err("the loss of the common model did not fall".into());
    }
    Ok(())
}

/// A GRU and a linear layer: after each value, what the next one will be.
fn model() -> recurrent::Result<Model<f32>> {
    let gru = Layer::new(Gru::builder(1, UNITS).seed(1).build()?);
    let head = Initializer::GlorotUniform.matrix(UNITS, 1, 2)?;
    Ok(Model::new()
        .add_as("gru", gru.return_sequences(true).stateful(true))
        .add_as(
            "head",
            Dense::from_weights(head, Initializer::Zeros.vector(1, 0)?)?,
        ))
}

/// Another model with the same weights.
fn copy(of: &Model<f32>) -> recurrent::Result<Model<f32>> {
    let mut copy = model()?;
    for weight in of.weights() {
        copy.set(&weight.path, &of.get(&weight.path)?)?;
    }
    Ok(copy)
}

fn training(model: Model<f32>, rate: f64, steps: usize) -> recurrent::Result<Training<f32>> {
    let rate = CosineDecay::new(rate, steps as u64).alpha(0.2);
    Training::of(model)
        .loss(Loss::mean_squared_error())
        .optimizer(Optimizer::of(Adam::keras(rate)).clip(Clip::GlobalNorm(1.0)))
        .build()
}

/// What the process has of the memory, in kB, where the system says so in a file.
fn resident() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

// ---- users ---------------------------------------------------------------------------------------------------------

/// The standard deviation of what nobody can foretell.
const NOISE: f64 = 0.1;

/// The values of a user: a wave with overtones of the user's own, and noise.
struct Stream {
    random: Random,
    period: f64,
    /// Of the wave and its overtones: how loud, and where it begins.
    parts: [(f64, f64); 3],
    count: u32,
}

impl Stream {
    fn new(random: &mut Random) -> Self {
        Stream {
            period: 5.0 + 10.0 * random.uniform(),
            parts: [1.0, 0.8, 0.6].map(|most| (most * random.uniform(), random.uniform())),
            random: Random(random.next()),
            count: 0,
        }
    }
}

impl Iterator for Stream {
    type Item = f32;

    #[allow(clippy::cast_possible_truncation)] // as near as an f32 can be
    fn next(&mut self) -> Option<f32> {
        let turns = f64::from(self.count) / self.period;
        let parts = self.parts.iter().zip([1.0, 2.0, 3.0]);
        let wave =
            parts.map(|(&(loud, start), times)| loud * (TAU * (times * turns + start)).sin());
        let wave: f64 = wave.sum();
        // The sum of twelve is near a normal distribution.
        let noise: f64 = (0..12).map(|_| self.random.uniform()).sum::<f64>() - 6.0;
        self.count += 1;
        Some((wave + NOISE * noise) as f32)
    }
}

/// `SplitMix64`: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// From 0 to below 1.
    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}
