//! `cargo run --release --features keras --example word_vectors -- hello recurent`: finds the words that look most like the
//! given ones, typing errors and all.
//!
//! A real model of 2018, chars2vec, read from the file that Keras 2.2.0 wrote: two LSTMs read a word letter by letter, and
//! the last output is its vector. The file holds weights alone; that its gates are clip(0.2x + 0.5, 0, 1) follows from the
//! version in it. Weights: `tests/data/chars2vec`, Apache-2.0, see the NOTICE there.

use ndarray::{Array2, Array3, ArrayView1};
use recurrent::{Lstm, Recurrent, Stacked, keras};
use std::{env, error::Error, fs};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let vectors = WordVectors::load()?;
    let mut words: Vec<String> = env::args().skip(1).collect();
    if words.is_empty() {
        words.extend(["hello", "recurent", "nesessary", "definately"].map(String::from));
    }
    let width = words.iter().map(|word| word.chars().count()).max();
    let width = width.unwrap_or(0);
    for word in &words {
        let near = vectors.nearest(word, 5)?;
        let near: Vec<String> = near.iter().map(|(w, d)| format!("{w:<12}{d:.2}")).collect();
        println!("{word:<width$}  ->  {}", near.join("   "));
    }
    println!(
        "\n(the distance of the vectors beside each of the {} words known)",
        vectors.words.len()
    );
    Ok(())
}

/// The model's letters, in the order of its inputs; any other is a step of zeros.
const LETTERS: &str = "!\"#$%&'()*+,-./0123456789:;<=>?@_abcdefghijklmnopqrstuvwxyz";

/// Words and their vectors.
pub struct WordVectors {
    model: Stacked<Lstm<f32>, Lstm<f32>>,
    words: Vec<String>,
    /// (words, 50)
    vectors: Array2<f32>,
}

impl WordVectors {
    /// Reads the model and the list of words, and computes the vector of each.
    pub fn load() -> Result<Self> {
        let file = |name: &str| {
            let path = format!("{}/{name}", env!("CARGO_MANIFEST_DIR"));
            let hint = "it is in the repository, not in the published package";
            fs::read(&path).map_err(|error| format!("{path}: {error} ({hint})"))
        };
        let weights = keras::Weights::read(file("tests/data/chars2vec/eng_50.weights.h5")?)?;
        let model = weights.lstm("lstm_1")?.then(weights.lstm("lstm_2")?);
        let text = String::from_utf8(file("examples/data/words.txt")?)?;
        let words: Vec<String> = text.split_whitespace().map(String::from).collect();
        let vectors = embed(&model, &words)?;
        Ok(WordVectors {
            model,
            words,
            vectors,
        })
    }

    /// The words whose vectors are the nearest, the nearest first, and how far they are.
    pub fn nearest(&self, word: &str, count: usize) -> Result<Vec<(&str, f32)>> {
        let vector = embed(&self.model, &[word.to_string()])?;
        let distance =
            |other: ArrayView1<f32>| (&vector.row(0) - &other).mapv(|d| d * d).sum().sqrt();
        let words = self.words.iter().map(String::as_str);
        let mut near: Vec<_> = words.zip(self.vectors.outer_iter().map(distance)).collect();
        near.sort_by(|a, b| a.1.total_cmp(&b.1));
        near.truncate(count);
        Ok(near)
    }
}

/// One row for each word. The batch is ragged: each word ends where it ends.
fn embed(model: &Stacked<Lstm<f32>, Lstm<f32>>, words: &[String]) -> Result<Array2<f32>> {
    let words: Vec<Vec<char>> = words
        .iter()
        .map(|word| word.to_lowercase().chars().collect())
        .collect();
    let lengths: Vec<usize> = words.iter().map(Vec::len).collect();
    let longest = lengths.iter().copied().max().unwrap_or(0);
    let mut x = Array3::zeros((words.len(), longest, LETTERS.len()));
    for (n, word) in words.iter().enumerate() {
        for (t, &letter) in word.iter().enumerate() {
            if let Some(at) = LETTERS.find(letter) {
                x[[n, t, at]] = 1.0;
            }
        }
    }
    Ok(model.run(&x).lengths(&lengths).last()?)
}
