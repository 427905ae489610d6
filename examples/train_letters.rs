//! `cargo run --release --features train --example train_letters -- [LOSS.svg]`: learns to spell from one small text.
//!
//! Ruth, Ecclesiastes and Jonah of the King James Bible, 48 000 letters, the last sixth held back. An embedding, an LSTM
//! and a linear layer score each letter that may come next. The text is cut into 16 strands that are read side by side, a
//! window at a time; each window goes on from the state in which the one before it ended. Then it writes. (The model of the
//! example `generate` has read all other books; this one begins with nothing.)
//!
//! About a minute on two cores; `--quick` learns for a moment only. The text: `examples/data/kjv`, see the NOTICE there.

#[path = "common/plot.rs"]
mod plot;

use ndarray::{Array2, ArrayD, array, s};
use recurrent::train::{Adam, Batch, Clip, CosineDecay, Go, Loss, Optimizer, Target, Training};
use recurrent::{Dense, Dropout, Embedding, Initializer, Layer, Lstm, Model, Session};
use std::collections::BTreeSet;
use std::{error::Error, fs};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const UNITS: usize = 96;
/// Places in the text that are read side by side.
const STRANDS: usize = 16;
/// Letters that a step learns from.
const WINDOW: usize = 40;

fn main() -> Result<()> {
    let (quick, picture) = plot::arguments("train_letters");
    let epochs = if quick { 1 } else { 30 };
    let (text, letters) = text()?;
    let (known, held_back) = text.split_at(text.len() / 6 * 5);

    // ---- read --------------------------------------------------------------------------------------------------------
    let length = (known.len() - 1) / STRANDS;
    let strands = |first: usize| {
        Array2::from_shape_fn((STRANDS, length), |(row, t)| {
            known[row * length + first + t]
        })
    };
    let (x, next) = (strands(0), strands(1));
    let windows = if quick { 4 } else { length / WINDOW };
    let steps = epochs * windows;
    let rate = CosineDecay::new(1e-2, steps as u64).alpha(0.02);
    let mut training = Training::of(model(letters.len())?)
        .loss(Loss::sparse_categorical_crossentropy().from_logits(true))
        .optimizer(Optimizer::of(Adam::keras(rate)).clip(Clip::GlobalNorm(1.0)))
        .build()?;
    let (mut losses, bar) = (Vec::new(), plot::bar(steps)?);
    let read = s![.., ..windows * WINDOW];
    let (x, next) = (x.slice(read), next.slice(read));
    let data = Batch::new(&x, &next);
    let fit = training
        .fit(&data)
        .epochs(epochs as u64)
        .batch_size(STRANDS);
    fit.shuffle(false)
        .windows(WINDOW)
        .each_step(|end| {
            let bits = end.result.loss / 2.0_f64.ln();
            losses.push(bits);
            bar.set_message(format!("{bits:.2} bits a letter"));
            bar.inc(1);
            Go::On
        })
        .run()?;
    bar.finish_and_clear();
    plot::write(&picture, "bits for a letter, with dropout", &losses)?;
    let last = losses[losses.len() - 1];
    if last >= losses[0] {
        return Err(format!("the loss rose from {} to {last}", losses[0]).into());
    }

    // ---- and write ---------------------------------------------------------------------------------------------------
    let model = training.into_model();
    let held_back = if quick { &held_back[..200] } else { held_back };
    println!(
        "a letter that it never read takes {:.2} bits; if all were as likely, {:.2}",
        bits(&model, held_back)?,
        (letters.len() as f64).log2()
    );
    for temperature in [0.3, 0.7] {
        let (mut session, mut random) = (Session::new(&model), 1611);
        print!("---- temperature {temperature}\nAnd the");
        let mut scores = ArrayD::zeros(vec![0]);
        for letter in "\nAnd the".chars() {
            scores = session.step(&array![id(&letters, letter)?])?;
        }
        for _ in 0..if quick { 20 } else { 300 } {
            let letter = draw(&scores, temperature, uniform(&mut random));
            print!("{}", letters[letter]);
            scores = session.step(&array![letter as f32])?;
        }
        println!(" ...\n");
    }
    Ok(())
}

/// The text in numbers, and the letter of each number.
fn text() -> Result<(Vec<f32>, Vec<char>)> {
    let path = format!(
        "{}/examples/data/kjv/held_back.txt",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let letters: BTreeSet<char> = text.chars().collect();
    let letters: Vec<char> = letters.into_iter().collect();
    let text: Result<_> = text.chars().map(|letter| id(&letters, letter)).collect();
    Ok((text?, letters))
}

/// The number of a letter, as the model takes it.
fn id(letters: &[char], letter: char) -> Result<f32> {
    let id = letters.binary_search(&letter);
    let id = id.map_err(|_| format!("{letter:?} is not in the text"))?;
    Ok(id as f32)
}

/// After each letter, a score for each that may come next.
fn model(letters: usize) -> recurrent::Result<Model<f32>> {
    let table = Initializer::LecunUniform.matrix(letters, 24, 1)?;
    let lstm = Layer::new(Lstm::builder(24, UNITS).seed(2).build()?);
    let head = Initializer::GlorotUniform.matrix(UNITS, letters, 3)?;
    let bias = Initializer::Zeros.vector(letters, 0)?;
    Ok(Model::new()
        .add(Embedding::from_weights(table)?)
        .add(lstm.return_sequences(true).stateful(true))
        .add(Dropout::new(0.3)?)
        .add(Dense::from_weights(head, bias)?))
}

/// How many bits the model needs on average to say what comes next.
fn bits(model: &Model<f32>, text: &[f32]) -> Result<f64> {
    let x = Array2::from_shape_vec((1, text.len() - 1), text[..text.len() - 1].to_vec())?;
    let next = Array2::from_shape_vec((1, text.len() - 1), text[1..].to_vec())?;
    let loss = Loss::sparse_categorical_crossentropy().from_logits(true);
    let target = Target::new(&next);
    Ok(loss.evaluate(&model.forward(&x)?, target)?.value / 2.0_f64.ln())
}

/// The letter that a random number from 0 to below 1 falls on, where each has a share of exp(score / temperature).
fn draw(scores: &ArrayD<f32>, temperature: f64, random: f64) -> usize {
    let best = f64::from(scores.fold(f32::MIN, |a, &b| a.max(b)));
    let share = |&score: &f32| ((f64::from(score) - best) / temperature).exp();
    let mut left = random * scores.iter().map(share).sum::<f64>();
    let letter = scores.iter().position(|score| {
        left -= share(score);
        left < 0.0
    });
    letter.unwrap_or(0)
}

/// From 0 to below 1: a linear congruential generator (D. Knuth, MMIX).
fn uniform(random: &mut u64) -> f64 {
    *random = random.wrapping_mul(6_364_136_223_846_793_005);
    *random = random.wrapping_add(1_442_695_040_888_963_407);
    (*random >> 11) as f64 / (1_u64 << 53) as f64
}
