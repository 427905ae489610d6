//! `cargo run --release --features train --example train_audio -- [LOSS.svg]`: learns to sound like an overdriven amplifier.
//!
//! The teacher is an amplifier of four lines (see [`amplifier`]) that is played plucked strings: how it distorts depends on
//! what was played a moment ago, so a curve alone cannot do the same. The pupil is what plug-ins of the kind run: an LSTM
//! and a linear layer, with the input added. It learns from windows of 2048 samples that hand on their state, with the loss
//! of its literature: the energy of the error by that of the signal (A. Wright et al., "Real-Time Guitar Amplifier
//! Emulation with Deep Learning", 2020), written here as a custom loss. Then it is played live.
//!
//! A minute or two on two cores; `--quick` learns for a moment only.

#[path = "common/plot.rs"]
mod plot;

use ndarray::{Array3, ArrayD, ArrayRef, ArrayViewD, Ix3, s};
use recurrent::train::{Adam, Batch, Clip, CosineDecay, Loss, Optimizer, Target, Training};
use recurrent::{Dense, Initializer, Layer, Lstm, Merge, Model};
use std::error::Error;
use std::f64::consts::TAU;
use std::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Samples in a second.
const RATE: usize = 44_100;
/// Half a second.
const SEGMENT: usize = RATE / 2;
/// Segments that are learned side by side.
const PARALLEL: usize = 20;
/// Samples at the start of a segment that only bring the state to where it should be.
const WARM_UP: usize = 1000;
/// Samples that a step learns from: no gradient reaches farther back.
const WINDOW: usize = 2048;
/// What the ear hears of an error: `e[t] - 0.85 e[t - 1]`, less of the lows.
const EMPHASIS: f32 = 0.85;

fn main() -> Result<()> {
    let (quick, picture) = plot::arguments("train_audio");
    let (seconds, epochs, parallel) = if quick { (1, 2, 2) } else { (30, 32, PARALLEL) };
    let dry = guitar(seconds * RATE, 1);
    let wet = amplifier(&dry);

    // ---- learn -------------------------------------------------------------------------------------------------------
    let mut order: Vec<usize> = (0..dry.len() / SEGMENT).collect();
    let windows = if quick {
        3
    } else {
        (SEGMENT - WARM_UP) / WINDOW
    };
    let steps = epochs * (order.len() / parallel) * windows;
    let rate = CosineDecay::new(5e-3, steps as u64).alpha(0.01);
    let mut training = Training::of(model(16)?)
        .loss(Loss::of(error_to_signal))
        .optimizer(Optimizer::of(Adam::keras(rate)).clip(Clip::GlobalNorm(1.0)))
        .build()?;
    let (bar, start) = (plot::bar(steps)?, Instant::now());
    let (mut losses, mut random) = (Vec::new(), Random(7));
    for _ in 0..epochs {
        random.shuffle(&mut order);
        for rows in order.chunks_exact(parallel) {
            let (x, y) = (segments(&dry, rows), segments(&wet, rows));
            let mut state = None;
            for window in 0..windows {
                let from = WARM_UP + window * WINDOW;
                let to = from + WINDOW;
                let y = y.slice(s![.., from..to, ..]);
                let step = match state.take() {
                    None => {
                        let x = x.slice(s![.., ..to, ..]);
                        training.step(&Batch::new(&x, &y).burn_in(WARM_UP))?
                    }
                    Some(state) => {
                        let x = x.slice(s![.., from..to, ..]);
                        training.step(&Batch::new(&x, &y).initial_state(state))?
                    }
                };
                state = Some(step.state);
                losses.push(step.loss);
                bar.set_message(format!("error to signal {:.4}", step.loss));
                bar.inc(1);
            }
        }
    }
    bar.finish_and_clear();
    let learned = start.elapsed().as_secs_f64();
    println!(
        "{} steps in {learned:.0} s, {:.0} ns for a sample",
        losses.len(),
        1e9 * learned / (losses.len() * parallel * WINDOW) as f64
    );
    plot::write(&picture, "error to signal, with pre-emphasis", &losses)?;
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    let epoch = losses.len() / epochs;
    let (first, last) = (
        mean(&losses[..epoch]),
        mean(&losses[losses.len() - epoch..]),
    );
    if last >= first {
        return Err(format!("the loss rose from {first} to {last}").into());
    }

    // ---- and play what it never heard --------------------------------------------------------------------------------
    let model = training.into_model();
    let dry = guitar(if quick { RATE / 4 } else { 5 * RATE }, 2);
    let x = Array3::from_shape_vec((1, dry.len(), 1), dry.clone())?;
    let y = Array3::from_shape_vec((1, dry.len(), 1), amplifier(&dry))?;
    let played = model.forward(&x)?;
    let error = |played: &ArrayD<f32>| -> Result<f64> {
        Ok(100.0 * error_to_signal(played.view(), &Target::new(&y))?.0)
    };
    println!(
        "strings that it never heard: {:.2} % of the energy is wrong; of the dry sound {:.0} %",
        error(&played)?,
        error(&x.into_dyn())?
    );
    if !quick && error(&played)? > 1.0 {
        return Err("more than 1 % is wrong".into());
    }

    let mut live = model.stream(1)?;
    let start = Instant::now();
    let mut heard = Vec::with_capacity(dry.len());
    for &sample in &dry {
        heard.push(live.push_slice(&[sample])?[0]);
    }
    let took = start.elapsed().as_secs_f64() / dry.len() as f64;
    if !heard.iter().eq(&played) {
        return Err("live it gives other numbers than in one call".into());
    }
    println!(
        "live, the same bits: {:.2} µs for a sample, {:.0} times real time",
        1e6 * took,
        1.0 / (took * RATE as f64)
    );
    Ok(())
}

/// An LSTM and a linear layer, which say what is to be added to the input.
fn model(units: usize) -> recurrent::Result<Model<f32>> {
    let lstm = Layer::new(Lstm::builder(1, units).seed(1).build()?);
    let lstm = lstm.return_sequences(true).stateful(true);
    let head = Initializer::GlorotUniform.matrix(units, 1, 2)?;
    let head = Dense::from_weights(head, Initializer::Zeros.vector(1, 0)?)?;
    let mut graph = Model::graph();
    let x = graph.input_of("x", [None, None, Some(1)]);
    let h = graph.add("lstm", lstm, [x])?;
    let change = graph.add("head", head, [h])?;
    let y = graph.add("skip", Merge::Add, [change, x])?;
    graph.finish([y])
}

/// `Σ f[t]² / Σ s[t]²`, of all samples together: f is the error and s the signal, both with [`EMPHASIS`]. The first
/// timestep has none before it and does not count. The gradient is that of the sum, for the sum is linear in f.
fn error_to_signal(
    y_pred: ArrayViewD<f32>,
    target: &Target<f32>,
) -> recurrent::Result<(f64, ArrayD<f32>)> {
    let y = target.y_true.view().into_dimensionality::<Ix3>()?;
    let e = &y_pred.into_dimensionality::<Ix3>()? - &y;
    let filter = |x: &ArrayRef<f32, Ix3>| {
        let before = x.slice(s![.., ..-1, ..]).mapv(|x| EMPHASIS * x);
        &x.slice(s![.., 1.., ..]) - &before
    };
    let energy = |x: &Array3<f32>| x.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
    let (f, signal) = (filter(&e), energy(&filter(&y)) + 1e-6);
    #[allow(clippy::cast_possible_truncation)] // the gradient is in f32
    let df = f.mapv(|f| (2.0 * f64::from(f) / signal) as f32);
    let mut gradient = Array3::zeros(e.raw_dim());
    gradient.slice_mut(s![.., 1.., ..]).assign(&df);
    gradient
        .slice_mut(s![.., ..-1, ..])
        .scaled_add(-EMPHASIS, &df);
    Ok((energy(&f) / signal, gradient.into_dyn()))
}

/// These segments of a sound, (segments, samples, 1).
fn segments(sound: &[f32], rows: &[usize]) -> Array3<f32> {
    Array3::from_shape_fn((rows.len(), SEGMENT, 1), |(row, t, _)| {
        sound[rows[row] * SEGMENT + t]
    })
}

// ---- the teacher ---------------------------------------------------------------------------------------------------

/// A stage that clips softly, and more on one side the louder it was in the last ten milliseconds: its bias sags.
#[allow(clippy::cast_possible_truncation)] // sound is in f32
fn amplifier(dry: &[f32]) -> Vec<f32> {
    let (mut before, mut envelope) = (0.0, 0.0);
    let stage = |&x: &f32| {
        let x = f64::from(x);
        let bright = x - 0.5 * before; // pre-emphasis
        envelope += (bright.abs() - envelope) / (0.01 * RATE as f64); // a pole
        before = x;
        let (gain, bias) = (6.0, 0.2 - 2.0 * envelope);
        (0.7 * ((gain * bright + bias).tanh() - bias.tanh())) as f32
    };
    dry.iter().map(stage).collect()
}

/// Plucked strings: single notes, chords and silence, soft and loud. A note is ten harmonics, of which the higher ones
/// die away sooner.
#[allow(clippy::cast_possible_truncation)] // sound is in f32
fn guitar(samples: usize, seed: u64) -> Vec<f32> {
    let (mut sound, mut random) = (vec![0.0; samples], Random(seed));
    let (mut at, mut is_first) = (0, true);
    while at < samples {
        let strings = [0, 1, 1, 2, 3, 4][random.below(6)];
        let strings = strings.max(usize::from(is_first)); // silence is for later
        is_first = false;
        let level = 0.8 * 10.0_f64.powf(-1.3 * random.uniform()) / (strings.max(1) as f64).sqrt();
        for _ in 0..strings {
            let pitch = 82.4 * 2.0_f64.powf(random.below(30) as f64 / 12.0); // from the low E on
            let pluck = 0.1 + 0.3 * random.uniform(); // where, as a share of the string
            for harmonic in 1..=10 {
                let n = f64::from(harmonic);
                let loud = level * (TAU / 2.0 * n * pluck).sin() / n;
                let (turn, decay) = (TAU * n * pitch / RATE as f64, (1.5 + n) / RATE as f64);
                let note = sound.iter_mut().skip(at).take(RATE).enumerate();
                note.for_each(|(t, y)| {
                    let t = t as f64;
                    let edges = (t / 60.0).min((RATE as f64 - t) / 2000.0).min(1.0); // no clicks
                    *y += (edges * loud * (-decay * t).exp() * (turn * t).sin()) as f32;
                });
            }
        }
        at += RATE / 5 + random.below(RATE / 2);
    }
    sound
}

/// A linear congruential generator (D. Knuth, MMIX): small, and the same everywhere.
struct Random(u64);

impl Random {
    /// From 0 to below 1.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // from 0 to below end
    fn below(&mut self, end: usize) -> usize {
        (self.uniform() * end as f64) as usize
    }

    fn shuffle(&mut self, of: &mut [usize]) {
        for i in (1..of.len()).rev() {
            of.swap(i, self.below(i + 1));
        }
    }
}
