//! `cargo run --release --features train,keras,npz --example fine_tune`: a model of Keras learns what one user's data is like.
//!
//! The model of `examples/forecast.rs` knows the sunspots as the great observatories count them. A small telescope shows about two
//! of ten. Its owner has thirty years of counts: the head of the model learns them, the rest stays. The model then forecasts the
//! years after, streams month by month, and goes back into a file that Keras loads. `--quick` trains for a moment only.

#[allow(dead_code)]
#[path = "forecast.rs"]
mod forecast;

use ndarray::Array3;
use recurrent::keras::{self, Reader};
use recurrent::train::{Adam, Batch, Go, Loss};
use recurrent::{Model, Session};
use std::error::Error;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The months of the user: from 1920 on, of which thirty years are known.
const FIRST: usize = 12 * (1920 - 1749);
const KNOWN: usize = 12 * 30;

fn main() -> Result<()> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let counts: Vec<f32> = forecast::months()?[FIRST..]
        .iter()
        .map(|month| 0.2 * month)
        .collect();
    let root = env!("CARGO_MANIFEST_DIR");
    let original = format!("{root}/examples/data/sunspots/model.keras");
    let before: Model<f32> = keras::load(&original)?;

    // What the layers of the file say of training (frozen ones, penalties) holds; the task is ours. Three cycles of the sun are
    // too few to train the memory with: the forecasts get worse.
    let mut training = Reader::new()
        .load_training(&original)?
        .freeze(["memory"])
        .loss(Loss::mean_squared_error())
        .optimizer(Adam::keras(1e-3))
        .build()?;
    let (x, y) = (scaled(&counts[..KNOWN - 12]), coming(&counts[..KNOWN]));
    let history = training
        .fit(&Batch::new(&x, &y))
        .epochs(if quick { 2 } else { 30 })
        .windows(60) // five years a step; the state goes on
        .each_epoch(|end| {
            if end.epoch.epoch % 10 == 0 {
                println!("{}", end.epoch);
            }
            Go::On
        })
        .run()?;
    let tuned = training.into_model();

    println!("Wrong by (root mean square), in the years after:");
    let errors = [error(&before, &counts)?, error(&tuned, &counts)?];
    println!("  before  {:5.2}\n  after   {:5.2}", errors[0], errors[1]);
    let losses = history.get("loss").unwrap_or_default();
    if errors[1] > errors[0] || losses.last() > losses.first() {
        return Err("the model did not get better".into());
    }

    // Live, a month at a time: the same bits.
    let mut live = tuned.stream(1)?;
    let all = tuned.forward(&scaled(&counts))?;
    for (t, month) in counts.iter().enumerate() {
        let said = live.push_slice(&[month.sqrt() / 10.0])?;
        if said != [all[[0, t, 0]]] {
            return Err("the stream says something else".into());
        }
    }

    // And back: Keras loads the copy as it loads the original.
    let copy = std::env::temp_dir().join("recurrent_fine_tuned.keras");
    let written = keras::save_into(&original, &tuned, &copy)?;
    let again: Model<f32> = keras::load(&copy)?;
    if again.forward(&scaled(&counts))? != all {
        return Err("the copy says something else".into());
    }
    println!(
        "{}: {} arrays written",
        copy.display(),
        written.datasets.len()
    );
    Ok(())
}

/// As the model has learned it: many spots scatter more than few, their root does not.
fn scaled(counts: &[f32]) -> Array3<f32> {
    Array3::from_shape_fn((1, counts.len(), 1), |(_, t, _)| counts[t].sqrt() / 10.0)
}

/// After each month the mean of the next twelve, as far as it is known.
fn coming(counts: &[f32]) -> Array3<f32> {
    let years: Vec<f32> = counts[1..]
        .windows(12)
        .map(|year| year.iter().sum::<f32>() / 12.0)
        .collect();
    scaled(&years)
}

/// The error of the forecasts in the years that the training did not see.
fn error(model: &Model<f32>, counts: &[f32]) -> Result<f32> {
    let said = Session::new(model).forward(&scaled(counts))?;
    let expected = coming(counts);
    let spots = |root: f32| (10.0 * root.max(0.0)).powi(2);
    let pairs = said.iter().zip(&expected).skip(KNOWN);
    let squares: Vec<f32> = pairs
        .map(|(a, b)| (spots(*a) - spots(*b)).powi(2))
        .collect();
    Ok((squares.iter().sum::<f32>() / squares.len() as f32).sqrt())
}
