//! `cargo run --release --features keras,npz --example forecast`: how many sunspots next year?
//!
//! After every month an LSTM says the mean of the twelve months to come. It was trained in Keras by
//! `examples/train/forecast.py` with what was known by the end of 1919, and saved with `stateful=True`. Here the later
//! years come in one after the other, as chunks of twelve months; a `Session` carries the state from chunk to chunk, so
//! that nothing is read twice, and not a bit differs from one call over everything. Model and months (1749 to 2008):
//! `examples/data/sunspots`, see the NOTICE there.

use ndarray::Array3;
use recurrent::{Model, Session, keras, npz};
use std::error::Error;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const FIRST: usize = 1749;
/// The first year that the model was not trained with.
const HELD_BACK: usize = 1920;

fn main() -> Result<()> {
    let (model, months) = (model()?, months()?);
    println!("{}", model.summary());

    // All that was known at first, then a year at a time.
    let (known, to_come) = months.split_at(12 * (HELD_BACK - FIRST));
    let said = listen(&model, [known].into_iter().chain(to_come.chunks(12)))?;

    let (forecasts, truth) = yearly(&months, &said);
    plot(&truth, &forecasts);
    println!(
        "Wrong by (root mean square), {} years that the model never saw:",
        truth.len()
    );
    println!("  forecast              {:5.1}", error(&forecasts, &truth));
    for back in [1, 11] {
        let before = &means(&months)[HELD_BACK - FIRST - back..];
        println!(
            "  as {back:2} year(s) before  {:5.1}",
            error(before, &truth)
        );
    }
    let next = said.last().map_or(0.0, |&y| spots(y));
    println!("And {} will have {next:.0}.", FIRST + months.len() / 12);

    let at_once = model.forward(&scaled(&months))?;
    if !at_once.iter().eq(&said) {
        return Err("chunks joined by their state give other numbers than one call".into());
    }
    println!("{} chunks, the same bits as in one call.", 1 + truth.len());
    Ok(())
}

/// What the model says after every month; the months come in these chunks.
pub fn listen<'a>(
    model: &Model<f32>,
    chunks: impl IntoIterator<Item = &'a [f32]>,
) -> Result<Vec<f32>> {
    let mut session = Session::new(model);
    let mut said = Vec::new();
    for chunk in chunks {
        said.extend(session.forward(&scaled(chunk))?); // (1, timesteps, 1)
    }
    Ok(said)
}

// ---- numbers -------------------------------------------------------------------------------------------------------

/// One sample of one feature, as the model has learned it: many spots scatter more than few, their root does not.
fn scaled(months: &[f32]) -> Array3<f32> {
    Array3::from_shape_fn((1, months.len(), 1), |(_, t, _)| months[t].sqrt() / 10.0)
}

/// And back.
fn spots(said: f32) -> f32 {
    (10.0 * said.max(0.0)).powi(2)
}

fn means(months: &[f32]) -> Vec<f32> {
    let mean = |year: &[f32]| year.iter().sum::<f32>() / 12.0;
    months.chunks(12).map(mean).collect()
}

/// For each year held back what was said of it at the end of the year before, and what came.
pub fn yearly(months: &[f32], said: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let years = HELD_BACK - FIRST..months.len() / 12;
    let forecasts = years.clone().map(|year| spots(said[12 * year - 1]));
    (forecasts.collect(), means(months)[years].to_vec())
}

/// Root mean square of what they differ by.
pub fn error(forecasts: &[f32], truth: &[f32]) -> f32 {
    let squares = forecasts.iter().zip(truth).map(|(a, b)| (a - b).powi(2));
    (squares.sum::<f32>() / truth.len() as f32).sqrt()
}

/// A column for each year: what came as `o`, what was forecast as `+`, `@` for both.
fn plot(truth: &[f32], forecasts: &[f32]) {
    println!("Sunspots, yearly mean: o came, + was forecast a year before, @ both");
    for low in (0..200_u8).step_by(15).rev().map(f32::from) {
        let line = low..low + 15.0;
        let mark = |(came, said)| match (line.contains(came), line.contains(said)) {
            (true, true) => '@',
            (true, false) => 'o',
            (false, true) => '+',
            (false, false) => ' ',
        };
        let columns: String = truth.iter().zip(forecasts).map(mark).collect();
        println!("{low:5} |{}", columns.trim_end());
    }
    let years = (HELD_BACK..HELD_BACK + truth.len()).step_by(10);
    let years: Vec<String> = years.map(|year| format!("{year:<10}")).collect();
    println!("       {}\n", years.concat().trim_end());
}

// ---- files ---------------------------------------------------------------------------------------------------------

fn path(name: &str) -> Result<String> {
    let path = format!(
        "{}/examples/data/sunspots/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    if std::fs::exists(&path)? {
        return Ok(path);
    }
    Err(format!("{path} is missing: it is in the repository, not in the published package").into())
}

/// Reads the model.
pub fn model() -> Result<Model<f32>> {
    Ok(keras::load(path("model.keras")?)?)
}

/// The mean number of spots in every month since January 1749.
pub fn months() -> Result<Vec<f32>> {
    let months = npz::File::load(path("sunspots.npz")?)?.array("months")?;
    Ok(months.into_iter().collect())
}
