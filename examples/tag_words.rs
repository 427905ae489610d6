//! `cargo run --release --features keras --example tag_words -- thevoiceofonecryinginthewilderness`: puts the spaces back.
//!
//! Two bidirectional LSTMs, one above the other, say at every letter whether a word ends there. They were trained in Keras
//! by `examples/train/tag_words.py`, with all of the King James Bible but the books that are read here. Verses of a batch
//! have different lengths: what follows their end is 0, which the model's own `Embedding` leaves out. Model and text:
//! `examples/data/kjv`, see the NOTICE there.

use ndarray::Array2;
use recurrent::{Model, keras};
use std::error::Error;
use std::{env, fs};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const BATCH: usize = 32;

fn main() -> Result<()> {
    let model = model()?;
    let given: Vec<String> = env::args().skip(1).collect();
    for text in &given {
        let (letters, _) = tagged(text);
        let found = ends(&model, &[&letters])?.swap_remove(0);
        println!("{}", spaced(&letters, &found, &found));
    }
    if !given.is_empty() {
        return Ok(());
    }

    println!("{}", model.summary());
    let verses: Vec<_> = held_back()?.lines().map(tagged).collect();
    let mut found = Vec::new();
    for batch in verses.chunks(BATCH) {
        let letters: Vec<&[u8]> = batch.iter().map(|(letters, _)| &letters[..]).collect();
        found.extend(ends(&model, &letters)?);
    }
    println!("Of what the model never saw (~ a space it missed, | one that should not be):");
    let (mut right, mut put, mut there, mut whole) = (0, 0, 0, 0);
    for (at, ((letters, truth), found)) in verses.iter().zip(&found).enumerate() {
        if at % 50 == 0 {
            println!("  {}", spaced(letters, found, truth));
        }
        // That a word ends where the verse does is no news.
        for (&found, &truth) in found.iter().zip(truth).rev().skip(1) {
            right += usize::from(found && truth);
            put += usize::from(found);
            there += usize::from(truth);
        }
        whole += usize::from(found == truth);
    }
    let percent = |part, of| 100.0 * part as f64 / of as f64;
    println!(
        "{there} spaces: F1 {:.2} % (precision {:.2} %, recall {:.2} %); {whole} of {} verses without a mistake",
        percent(2 * right, put + there),
        percent(right, put),
        percent(right, there),
        verses.len()
    );
    Ok(())
}

/// The letters of a text, a = 1 to z = 26, and for each whether a word ends there.
pub fn tagged(text: &str) -> (Vec<u8>, Vec<bool>) {
    let (mut letters, mut ends) = (Vec::new(), Vec::new());
    for word in text.to_lowercase().split([' ', '-']) {
        letters.extend(
            word.bytes()
                .filter(u8::is_ascii_lowercase)
                .map(|letter| letter - b'a' + 1),
        );
        ends.resize(letters.len(), false);
        if let Some(last) = ends.last_mut() {
            *last = true;
        }
    }
    (letters, ends)
}

/// For every letter the chance that a word ends there, in lines of any lengths.
pub fn chances(model: &Model<f32>, lines: &[&[u8]]) -> Result<Vec<Vec<f32>>> {
    let longest = lines.iter().map(|line| line.len()).max().unwrap_or(0);
    let x = Array2::from_shape_fn((lines.len(), longest), |(row, t)| {
        f32::from(lines[row].get(t).copied().unwrap_or(0))
    });
    let y = model.forward(&x)?; // (lines, timesteps, 1)
    let rows = lines.iter().zip(y.outer_iter());
    Ok(rows
        .map(|(line, y)| y.iter().copied().take(line.len()).collect())
        .collect())
}

/// Where words end: where that is more likely than not.
pub fn ends(model: &Model<f32>, lines: &[&[u8]]) -> Result<Vec<Vec<bool>>> {
    let likely = |row: Vec<f32>| row.into_iter().map(|p| p > 0.5).collect();
    Ok(chances(model, lines)?.into_iter().map(likely).collect())
}

/// The letters with spaces between the words; `~` for one that was not found, `|` for one that is none.
fn spaced(letters: &[u8], found: &[bool], truth: &[bool]) -> String {
    let mut text = String::new();
    for (letter, ends) in letters.iter().zip(found.iter().zip(truth)) {
        text.push(char::from(letter - 1 + b'a'));
        match ends {
            (true, true) => text.push(' '),
            (true, false) => text.push('|'),
            (false, true) => text.push('~'),
            (false, false) => {}
        }
    }
    text
}

fn path(name: &str) -> Result<String> {
    let path = format!("{}/examples/data/kjv/{name}", env!("CARGO_MANIFEST_DIR"));
    if fs::exists(&path)? {
        return Ok(path);
    }
    Err(format!("{path} is missing: it is in the repository, not in the published package").into())
}

/// Reads the model.
pub fn model() -> Result<Model<f32>> {
    Ok(keras::load(path("tag_words.keras")?)?)
}

/// The books that the model was not trained with, a verse a line.
pub fn held_back() -> Result<String> {
    Ok(fs::read_to_string(path("held_back.txt")?)?)
}
