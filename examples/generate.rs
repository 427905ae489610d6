//! `cargo run --release --features keras --example generate -- And the king said`: goes on as the King James Bible might.
//!
//! After every letter a GRU scores each letter that may come next; one of them is drawn, and is its next input. It was
//! trained in Keras by `examples/train/generate.py`. A `Session` steps from letter to letter and keeps the state; that at
//! the end of the beginning is kept here, too, and every temperature goes on from there. A low one takes what is likely,
//! a high one dares more. Model and text: `examples/data/kjv`, see the NOTICE there.

use ndarray::{Array2, ArrayD, array};
use recurrent::{Model, Session, keras};
use std::error::Error;
use std::io::{Write, stdout};
use std::time::Instant;
use std::{env, fs};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// In the order of the model's inputs and scores.
const LETTERS: &str = "\n !'(),-.:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// How much is written at each temperature.
const LENGTH: u32 = 320;

fn main() -> Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let beginning = match &words[..] {
        [] => "And it came to pass".into(),
        words => words.join(" "),
    };
    let model = model()?;
    let mut random = Random(1611);
    let mut session = Session::new(&model);
    let first = read(&mut session, &format!("\n{beginning}"))?; // a verse begins with a new line
    let begun = session.state().cloned().ok_or("nothing was read")?;
    let (start, mut count) = (Instant::now(), 0);
    for temperature in [0.2, 0.6, 1.0] {
        print!("---- temperature {temperature}\n{beginning}");
        session.set_state(begun.clone())?;
        let mut scores = first.clone();
        for _ in 0..LENGTH {
            let letter = draw(&scores, temperature, random.uniform());
            print!("{letter}");
            stdout().flush()?; // as it comes
            scores = step(&mut session, letter)?;
        }
        println!(" ...\n");
        count += LENGTH;
    }
    let speed = f64::from(count) / start.elapsed().as_secs_f64();
    let bits = bits(&model, &held_back()?)?;
    println!(
        "{speed:.0} letters a second. A letter of Ruth, Ecclesiastes and Jonah, which it never read, takes {bits:.2} bits."
    );
    Ok(())
}

// ---- reading and writing -------------------------------------------------------------------------------------------

/// The letter as the model knows it.
fn id(letter: char) -> Result<u8> {
    let at = LETTERS
        .bytes()
        .position(|known| char::from(known) == letter);
    let at =
        at.ok_or_else(|| format!("found the letter {letter:?}, expected one of {LETTERS:?}"))?;
    Ok(u8::try_from(at)?)
}

/// One letter of one sample; the scores of the next, (1, letters).
fn step(session: &mut Session<&Model<f32>>, letter: char) -> Result<ArrayD<f32>> {
    Ok(session.step(&array![f32::from(id(letter)?)])?)
}

/// All letters of a text, one after the other; the scores of what comes behind it.
pub fn read(session: &mut Session<&Model<f32>>, text: &str) -> Result<ArrayD<f32>> {
    let mut scores = Err("there is no letter to read".into());
    for letter in text.chars() {
        scores = step(session, letter);
        if scores.is_err() {
            break;
        }
    }
    scores
}

/// The letter that a random number from 0 to below 1 falls on, where each has a share of exp(score / temperature).
pub fn draw(scores: &ArrayD<f32>, temperature: f64, random: f64) -> char {
    let best = f64::from(scores.fold(f32::MIN, |a, &b| a.max(b)));
    let share = |&score: &f32| ((f64::from(score) - best) / temperature).exp();
    let mut left = random * scores.iter().map(share).sum::<f64>();
    for (letter, score) in LETTERS.chars().zip(scores) {
        left -= share(score);
        if left < 0.0 {
            return letter;
        }
    }
    '\n'
}

/// How many bits the model needs on average to say what comes next: all at once, without stepping.
pub fn bits(model: &Model<f32>, text: &str) -> Result<f64> {
    let ids = text.chars().map(id).collect::<Result<Vec<u8>>>()?;
    let x = Array2::from_shape_fn((1, ids.len()), |(_, t)| f32::from(ids[t]));
    let scores = model.forward(&x)?; // (1, timesteps, letters)
    let mut bits = 0.0;
    for (row, &next) in scores.rows().into_iter().zip(ids.iter().skip(1)) {
        let next = row[usize::from(next)];
        let shares = row.iter().map(|&score| f64::from(score - next).exp());
        bits += shares.sum::<f64>().log2();
    }
    Ok(bits / (ids.len() - 1) as f64)
}

/// `SplitMix64`: small, and the same everywhere.
pub struct Random(pub u64);

impl Random {
    /// From 0 to below 1.
    pub fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ z >> 31) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

// ---- files ---------------------------------------------------------------------------------------------------------

fn path(name: &str) -> Result<String> {
    let path = format!("{}/examples/data/kjv/{name}", env!("CARGO_MANIFEST_DIR"));
    if fs::exists(&path)? {
        return Ok(path);
    }
    Err(format!("{path} is missing: it is in the repository, not in the published package").into())
}

/// Reads the model.
pub fn model() -> Result<Model<f32>> {
    Ok(keras::load(path("generate.keras")?)?)
}

/// The books that the model was not trained with, a verse a line, and a new line in front.
pub fn held_back() -> Result<String> {
    Ok(format!(
        "\n{}",
        fs::read_to_string(path("held_back.txt")?)?.trim_end()
    ))
}
