//! `cargo run --release --example g2p -- recurrent networks remember`: spells English words as ARPAbet phonemes.
//!
//! A real model, g2p-en 2.1.0, trained in another framework: a GRU reads the letters, its last state starts a second GRU,
//! which speaks one phoneme at a time until it says stop. Weights: `examples/data/g2p-en` (in the repository, not in the
//! published package), Apache-2.0, see the NOTICE there.

use ndarray::{Array, Array1, Array2, ArrayView2, Axis, Dimension, Ix1, Ix2, concatenate, s};
use recurrent::{Causal, Dense, Embedding, Gru, Recurrent};
use safetensors::SafeTensors;
use std::{error::Error, fs, path::Path};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let g2p = G2p::load()?;
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    if words.is_empty() {
        words = ["recurrent", "networks", "remember"]
            .map(String::from)
            .into();
    }
    let width = words
        .iter()
        .map(|word| word.chars().count())
        .max()
        .unwrap_or(0);
    for word in &words {
        println!("{word:width$}  {}", g2p.spell(word)?.join(" "));
    }
    Ok(())
}

// ---- the model -----------------------------------------------------------------------------------------------------

/// Letters in, phonemes out.
pub struct G2p {
    letters: Vec<String>,
    phonemes: Vec<String>,
    letter_table: Embedding<f32>,
    encoder: Gru<f32>,
    phoneme_table: Embedding<f32>,
    decoder: Gru<f32>,
    scores: Dense<f32>,
}

impl G2p {
    /// Hears the letters, then speaks; at most 20 phonemes, as the original.
    pub fn spell(&self, word: &str) -> Result<Vec<String>> {
        let id = |table: &[String], name: &str| table.iter().position(|entry| entry == name);
        let unknown = id(&self.letters, "<unk>").ok_or("the table has no <unk>")?;
        let letters = word
            .to_lowercase()
            .chars()
            .map(String::from)
            .collect::<Vec<_>>();
        let ids = letters.iter().map(String::as_str).chain(["</s>"]);
        let ids: Vec<usize> = ids
            .map(|l| id(&self.letters, l).unwrap_or(unknown))
            .collect();
        let heard = self
            .letter_table
            .forward(&Array2::from_shape_vec((1, ids.len()), ids)?)?;

        // The state in which the encoder ends is the one in which the decoder begins.
        let (_, state) = self.encoder.run(&heard).last_and_state()?;
        let mut decoder = self.decoder.stream(1);
        decoder.set_state(state)?;

        let stop = id(&self.phonemes, "</s>").ok_or("the table has no </s>")?;
        let mut said = id(&self.phonemes, "<s>").ok_or("the table has no <s>")?;
        let mut spelled = Vec::new();
        for _ in 0..20 {
            let h = decoder.push(&self.phoneme_table.forward(&Array1::from_elem(1, said))?)?;
            let scores = self.scores.forward(&h)?;
            said = (0..scores.len()).fold(0, |best, i| {
                if scores[[0, i]] > scores[[0, best]] {
                    i
                } else {
                    best
                }
            });
            if said == stop {
                break;
            }
            spelled.push(self.phonemes[said].clone());
        }
        Ok(spelled)
    }

    // ---- its weights, from the layout of the framework that it was trained in ---------------------------------------

    /// Reads the tables and the weights.
    pub fn load() -> Result<Self> {
        let data = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/g2p-en"));
        let missing = |e| {
            format!(
                "{}: {e} (the weights are in the repository only)",
                data.display()
            )
        };
        let bytes = fs::read(data.join("weights.safetensors")).map_err(missing)?;
        let file = SafeTensors::deserialize(&bytes)?;
        let tables: serde_json::Value =
            serde_json::from_slice(&fs::read(data.join("tables.json"))?)?;
        let table = |name: &str| -> Result<Vec<String>> {
            Ok(serde_json::from_value(tables[name].clone())?)
        };
        let gru = |name: &str| -> Result<Gru<f32>> {
            let matrix = |part: &str| array::<Ix2>(&file, &format!("{name}_{part}"));
            let bias = |part: &str| array::<Ix1>(&file, &format!("{name}_{part}"));
            let bias = |part: &str| {
                Ok::<_, Box<dyn Error>>(keras_order(bias(part)?.insert_axis(Axis(1)).view()))
            };
            Ok(Gru::from_weights(
                keras_order(matrix("w_ih")?.view()),
                keras_order(matrix("w_hh")?.view()),
                concatenate![Axis(0), bias("b_ih")?, bias("b_hh")?], // (2, 3 units): reset after the product
            )?)
        };
        Ok(G2p {
            letters: table("graphemes")?,
            phonemes: table("phonemes")?,
            letter_table: Embedding::from_weights(array(&file, "enc_emb")?)?,
            encoder: gru("enc")?,
            phoneme_table: Embedding::from_weights(array(&file, "dec_emb")?)?,
            decoder: gru("dec")?,
            scores: Dense::from_weights(
                array::<Ix2>(&file, "fc_w")?.reversed_axes(),
                array::<Ix1>(&file, "fc_b")?,
            )?,
        })
    }
}

/// PyTorch has the gates in rows r, z, n; Keras has them in columns z, r, h.
fn keras_order(rows: ArrayView2<f32>) -> Array2<f32> {
    let units = rows.nrows() / 3;
    let gate = |k: usize| rows.slice(s![k * units..(k + 1) * units, ..]);
    concatenate![Axis(0), gate(1), gate(0), gate(2)].reversed_axes()
}

/// One array of the file, as little-endian numbers.
fn array<D: Dimension>(file: &SafeTensors, name: &str) -> Result<Array<f32, D>> {
    let view = file.tensor(name)?;
    let numbers = view
        .data()
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect();
    Ok(Array::from_shape_vec(view.shape(), numbers)?.into_dimensionality()?)
}
