//! `cargo run --release --features keras --example classify_text -- "Où est le chien ?"`: which language is this?
//!
//! Many to one: an LSTM reads a text letter by letter, and its last output is the chance of each of 20 languages. It was
//! trained in Keras by `examples/train/classify_text.py`, with the Universal Declaration of Human Rights and the names of
//! symbols and emoji in all those languages, but for every tenth symbol. Texts of a batch have different lengths: what
//! follows their end is 0, which the model's own `Embedding` leaves out. Model and names: `examples/data/languages`, see
//! the NOTICE there.

use ndarray::{Array2, ArrayView1, Ix2};
use recurrent::{Model, keras};
use std::error::Error;
use std::{env, fs};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// In the order of the model's outputs.
#[rustfmt::skip]
pub const LANGUAGES: [(&str, &str); 20] = [
    ("cs", "Czech"), ("da", "Danish"), ("de", "German"), ("en", "English"), ("es", "Spanish"), ("et", "Estonian"),
    ("fi", "Finnish"), ("fr", "French"), ("hu", "Hungarian"), ("id", "Indonesian"), ("it", "Italian"),
    ("lt", "Lithuanian"), ("nl", "Dutch"), ("no", "Norwegian"), ("pl", "Polish"), ("pt", "Portuguese"),
    ("ro", "Romanian"), ("sk", "Slovak"), ("sv", "Swedish"), ("tr", "Turkish"),
];
/// In the order of the model's inputs, behind 0 for the padding and 1 for what is not here.
const LETTERS: &str =
    " 'abcdefghijklmnopqrstuvwxyzßàáâãäåæçèéêëìíîïñòóôõöøùúûüýăąćčďėęěğįıĺľłńňőœŕřśşšťūůűųźżžșț";
const BATCH: usize = 64;

fn main() -> Result<()> {
    let model = model()?;
    let mut texts: Vec<String> = env::args().skip(1).collect();
    if texts.is_empty() {
        let file = held_back()?;
        test(&model, &names(&file)?)?;
        let some = [
            "I would like a cup of coffee",
            "Ich hätte gern einen Kaffee",
            "Ik wil graag een kopje koffie",
            "Jeg vil gerne have en kop kaffe",
            "Quisiera una taza de café",
            "Queria uma chávena de café",
        ];
        texts.extend(some.map(String::from));
    }
    for (text, chances) in texts.iter().zip(classify(&model, &texts)?.outer_iter()) {
        let mut order: Vec<usize> = (0..LANGUAGES.len()).collect();
        order.sort_by(|&a, &b| chances[b].total_cmp(&chances[a]));
        let guess = |&at: &usize| format!("{} {:.0} %", LANGUAGES[at].1, 100.0 * chances[at]);
        let guesses: Vec<String> = order.iter().take(3).map(guess).collect();
        println!("{text:<34}{}", guesses.join(", "));
    }
    Ok(())
}

/// How many of the names the model takes for what they are, and for what it takes the others.
fn test(model: &Model<f32>, names: &[(usize, &str)]) -> Result<()> {
    println!("{}", model.summary());
    let mut counts = Array2::<u32>::zeros((LANGUAGES.len(), LANGUAGES.len())); // (is, taken for)
    for batch in names.chunks(BATCH) {
        let texts: Vec<&str> = batch.iter().map(|(_, name)| *name).collect();
        for ((is, _), chances) in batch.iter().zip(classify(model, &texts)?.outer_iter()) {
            counts[[*is, likeliest(chances)]] += 1;
        }
    }
    println!("names of symbols that the model never saw   right   most often taken for");
    for (is, row) in counts.outer_iter().enumerate() {
        let mut others: Vec<usize> = (0..row.len())
            .filter(|&at| at != is && row[at] > 0)
            .collect();
        others.sort_by_key(|&at| u32::MAX - row[at]);
        others.truncate(2);
        let others: Vec<String> = others
            .iter()
            .map(|&at| format!("{} {}", LANGUAGES[at].1, row[at]))
            .collect();
        println!(
            "  {:<12}{:>30}{:7}   {}",
            LANGUAGES[is].1,
            row.sum(),
            row[is],
            others.join(", ")
        );
    }
    let right: u32 = counts.diag().sum();
    println!(
        "{right} of {} right: {:.1} %\n",
        names.len(),
        100.0 * f64::from(right) / names.len() as f64
    );
    Ok(())
}

/// The chances of all languages for each text, (texts, 20).
pub fn classify<S: AsRef<str>>(model: &Model<f32>, texts: &[S]) -> Result<Array2<f32>> {
    let id = |letter| {
        LETTERS
            .chars()
            .position(|known| known == letter)
            .map_or(1, |at| 2 + at)
    };
    let ids = |text: &S| text.as_ref().to_lowercase().chars().map(id).collect();
    let lines: Vec<Vec<usize>> = texts.iter().map(ids).collect();
    let longest = lines.iter().map(Vec::len).max().unwrap_or(0);
    let x = Array2::from_shape_fn((lines.len(), longest), |(row, t)| {
        lines[row].get(t).map_or(0.0, |&id| id as f32)
    });
    Ok(model.forward(&x)?.into_dimensionality::<Ix2>()?)
}

/// The language with the best chance.
pub fn likeliest(chances: ArrayView1<f32>) -> usize {
    let best = chances.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    best.map_or(0, |(at, _)| at)
}

// ---- files ---------------------------------------------------------------------------------------------------------

fn path(name: &str) -> Result<String> {
    let path = format!(
        "{}/examples/data/languages/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    if fs::exists(&path)? {
        return Ok(path);
    }
    Err(format!("{path} is missing: it is in the repository, not in the published package").into())
}

/// Reads the model.
pub fn model() -> Result<Model<f32>> {
    Ok(keras::load(path("model.keras")?)?)
}

/// What the model was not trained with: a line for each name, with its language in front.
pub fn held_back() -> Result<String> {
    Ok(fs::read_to_string(path("held_back.tsv")?)?)
}

/// The same, each with the number of its language.
pub fn names(file: &str) -> Result<Vec<(usize, &str)>> {
    let name = |line| {
        let (code, name) = str::split_once(line, '\t').ok_or("expected a tab")?;
        let at = LANGUAGES.iter().position(|language| language.0 == code);
        Ok((at.ok_or("found an unknown language")?, name))
    };
    file.lines().map(name).collect()
}
