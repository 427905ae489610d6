//! `cargo run --release --features train,keras,npz --example train_forecast`: learns to forecast sunspots, from nothing.
//!
//! After every month an LSTM says the mean of the twelve months to come. It learns that from what was known by the end of 1919,
//! from pieces of 40 years that are drawn anew for every step, and is asked about the 89 years after. The model of
//! `examples/forecast.rs` was trained by Keras in the same way, and is asked, too. A picture of the loss is written to a file,
//! whose name may be given. `--quick` takes a few steps only. The environment variable `SEED` starts from other numbers.

#[allow(dead_code)]
#[path = "forecast.rs"]
mod forecast;
#[path = "common/plot.rs"]
mod plot;

use ndarray::{Array2, Array3};
use recurrent::train::{Adam, Clip, CosineDecay, Examples, Go, Loss, Optimizer, Training};
use recurrent::{Dense, Dropout, Initializer, Layer, Lstm, Model};
use std::error::Error;
use std::path::PathBuf;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The months that were known by the end of 1919.
const KNOWN: usize = 12 * (1920 - 1749);
/// The months of a piece, and how many of them are there to get going.
const MONTHS: usize = 480;
const GOING: usize = 60;
const BATCH: usize = 16;
const STEPS_OF_EPOCH: u64 = 100;

fn main() -> Result<()> {
    let (quick, picture) = plot::arguments("train_forecast");
    let seed: u64 = std::env::var("SEED").map_or(Ok(1749), |seed| seed.parse())?;
    let epochs = if quick { 1 } else { 10 };

    let months = forecast::months()?;
    let learned = train(&months[..KNOWN], seed, epochs, &picture)?;
    let of_keras = forecast::model()?;
    println!("Wrong by (root mean square), years that no model was trained with:");
    let mut errors = Vec::new();
    for (name, model) in [("trained here", &learned), ("trained by Keras", &of_keras)] {
        let said = forecast::listen(model, [&months[..]])?;
        let (forecasts, truth) = forecast::yearly(&months, &said);
        errors.push(forecast::error(&forecasts, &truth));
        println!("  {name:20} {:5.1}", errors[errors.len() - 1]);
        if errors.len() == 2 {
            let years: Vec<f32> = months
                .chunks(12)
                .map(|year| year.iter().sum::<f32>() / 12.0)
                .collect();
            let before = &years[years.len() - truth.len() - 1..years.len() - 1];
            errors.push(forecast::error(before, &truth));
            println!("  as the year before   {:5.1}", errors[2]);
        }
    }
    if !quick && errors[0] > errors[2] {
        return Err("the forecast is worse than saying the year before".into());
    }
    Ok(())
}

/// Trains a model with these months.
fn train(months: &[f32], seed: u64, epochs: u64, picture: &PathBuf) -> Result<Model<f32>> {
    let x: Vec<f32> = months.iter().map(|month| month.sqrt() / 10.0).collect();
    let coming: Vec<f32> = months[1..]
        .windows(12)
        .map(|year| (year.iter().sum::<f32>() / 12.0).sqrt() / 10.0)
        .collect();
    let head = Initializer::GlorotUniform.matrix(24, 1, seed + 1)?;
    let model = Model::new()
        .add_as(
            "memory",
            Layer::new(Lstm::builder(1, 24).seed(seed).build()?)
                .return_sequences(true)
                .stateful(true),
        )
        .add(Dropout::new(0.2)?)
        .add_as(
            "next_year",
            Dense::from_weights(head, ndarray::Array1::zeros(1))?,
        );
    let steps = epochs * STEPS_OF_EPOCH;
    let rate =
        CosineDecay::new(0.0, steps.saturating_sub(100).max(1)).warmup(100.min(steps), 0.005);
    let mut training = Training::of(model)
        .loss(Loss::mean_squared_error())
        .optimizer(Optimizer::of(Adam::keras(rate)).clip(Clip::Norm(1.0)))
        .seed(seed)
        .build()?;
    // The first months of a piece are there to get going.
    let weights = Array2::from_shape_fn((BATCH, MONTHS), |(_, t)| f32::from(u8::from(t >= GOING)));
    let mut random = Random(seed);
    let batches = move |_| {
        let batches: Vec<Examples<f32>> = (0..STEPS_OF_EPOCH)
            .map(|_| {
                let (mut past, mut future) = (
                    Array3::zeros((BATCH, MONTHS, 1)),
                    Array3::zeros((BATCH, MONTHS, 1)),
                );
                for row in 0..BATCH {
                    let start = random.below(coming.len() - MONTHS);
                    let height = 0.8 + 0.4 * random.uniform(); // of another star's cycle, so to say
                    for t in 0..MONTHS {
                        past[[row, t, 0]] = x[start + t] * height + 0.03 * random.normal();
                        future[[row, t, 0]] = coming[start + t] * height;
                    }
                }
                Examples::new(&past, &future).sample_weights(&weights)
            })
            .collect();
        batches
    };
    let (mut losses, bar) = (Vec::new(), plot::bar(usize::try_from(steps)?)?);
    let fit = training.fit_batches(batches).epochs(epochs);
    fit.each_step(|end| {
        losses.push(end.result.loss);
        bar.set_message(format!("loss {:.4}", end.result.loss));
        bar.inc(1);
        Go::On
    })
    .run()?;
    bar.finish_and_clear();
    plot::write(picture, "loss of the forecast, with dropout", &losses)?;
    Ok(training.into_model())
}

/// Random numbers: those of a linear congruential generator (Knuth's MMIX).
struct Random(u64);

impl Random {
    /// 24 bits.
    fn next(&mut self) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 40).unwrap_or_default()
    }

    fn uniform(&mut self) -> f32 {
        self.next() as f32 / 2_f32.powi(24)
    }

    fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next()).unwrap_or_default() % count
    }

    /// Nearly: the sum of twelve uniform numbers.
    fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.uniform()).sum::<f32>() - 6.0
    }
}
