//! `cargo run --release --example g2p -- recurrent networks remember`: spells English words as ARPAbet phonemes.
//!
//! A real model, g2p-en 2.1.0, trained in another framework: a GRU reads the letters, its last state starts a second
//! GRU, which says one phoneme after the other. Weights: `examples/data/g2p-en`, Apache-2.0, see the NOTICE there.

use ndarray::{Array1, Array2, Axis, concatenate};
use recurrent::{Causal, Dense, Embedding, Gru, Recurrent};
use safetensors::SafeTensors;
use std::{env, error::Error, fs};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let g2p = G2p::load()?;
    let mut words: Vec<String> = env::args().skip(1).collect();
    if words.is_empty() {
        words.extend(["recurrent", "networks", "remember"].map(String::from));
    }
    for word in words {
        println!("{word:<14}  ->  {}", g2p.spell(&word)?.join(" "));
    }
    Ok(())
}

// ---- the model -----------------------------------------------------------------------------------------------------

/// Letters in, phonemes out.
pub struct G2p {
    letters: Vec<String>,
    letter_vectors: Embedding<f32>,
    encoder: Gru<f32>,
    phonemes: Vec<String>,
    phoneme_vectors: Embedding<f32>,
    decoder: Gru<f32>,
    scores: Dense<f32>,
}

// Where the tables have what is no letter and no phoneme.
const UNKNOWN_LETTER: usize = 1; // <unk>
const END_OF_WORD: usize = 2; // </s>
const START: usize = 2; // <s>
const STOP: usize = 3; // </s>

impl G2p {
    /// Hears all letters, then speaks: at most 20 phonemes, as the original.
    pub fn spell(&self, word: &str) -> Result<Vec<String>> {
        let id = |c: char| self.letters.iter().position(|l| l.chars().eq([c]));
        let letters = word.to_lowercase();
        let letters = letters.chars().map(|c| id(c).unwrap_or(UNKNOWN_LETTER));
        let letters: Array1<usize> = letters.chain([END_OF_WORD]).collect();
        let heard = self.letter_vectors.forward(&letters)?.insert_axis(Axis(0)); // one sample
        let (_, state) = self.encoder.run(&heard).last_and_state()?;

        // All that the decoder knows of the word is this state; each phoneme that it says is its next input.
        let mut decoder = self.decoder.stream(1);
        decoder.set_state(state)?;
        let (mut said, mut spelled) = (START, Vec::new());
        for _ in 0..20 {
            let x = self.phoneme_vectors.forward(&Array1::from_elem(1, said))?;
            let scores = self.scores.forward(&decoder.push(&x)?)?;
            let best = scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
            said = best.map_or(STOP, |(id, _)| id);
            if said == STOP {
                break;
            }
            spelled.push(self.phonemes[said].clone());
        }
        Ok(spelled)
    }

    // ---- its weights -----------------------------------------------------------------------------------------------

    /// Reads the tables and the weights.
    pub fn load() -> Result<Self> {
        let read = |name: &str| {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/g2p-en");
            let hint = "it is in the repository, not in the published package";
            fs::read(format!("{folder}/{name}"))
                .map_err(|e| format!("{folder}/{name}: {e} ({hint})"))
        };
        let tables: serde_json::Value = serde_json::from_slice(&read("tables.json")?)?;
        let table = |name: &str| serde_json::from_value(tables[name].clone());
        let weights = read("weights.safetensors")?;
        let file = SafeTensors::deserialize(&weights)?;
        let (kernel, bias) = (matrix(&file, "fc_w")?, matrix(&file, "fc_b")?);
        Ok(G2p {
            letters: table("graphemes")?,
            letter_vectors: Embedding::from_weights(matrix(&file, "enc_emb")?)?,
            encoder: gru(&file, "enc")?,
            phonemes: table("phonemes")?,
            phoneme_vectors: Embedding::from_weights(matrix(&file, "dec_emb")?)?,
            decoder: gru(&file, "dec")?,
            scores: Dense::from_weights(kernel.reversed_axes(), bias.remove_axis(Axis(1)))?,
        })
    }
}

/// PyTorch has the gates one below the other, r, z, n, and a bias for each product; Keras has them side by side, z, r,
/// h (its h is PyTorch's n), and the two biases as rows. Two rows also say: reset after the product, as in PyTorch.
fn gru(file: &SafeTensors, name: &str) -> Result<Gru<f32>> {
    let keras = |part: &str| -> Result<Array2<f32>> {
        let rows = matrix(file, &format!("{name}_{part}"))?;
        let units = rows.nrows() / 3;
        let (r, zn) = rows.view().split_at(Axis(0), units);
        let (z, n) = zn.split_at(Axis(0), units);
        Ok(concatenate![Axis(0), z, r, n].reversed_axes())
    };
    let bias = concatenate![Axis(0), keras("b_ih")?, keras("b_hh")?];
    Ok(Gru::from_weights(keras("w_ih")?, keras("w_hh")?, bias)?)
}

/// One array of the file; a vector becomes a matrix of one column.
fn matrix(file: &SafeTensors, name: &str) -> Result<Array2<f32>> {
    let view = file.tensor(name)?;
    let (bytes, _) = view.data().as_chunks();
    let numbers = bytes.iter().map(|&b| f32::from_le_bytes(b)).collect();
    let columns = view.shape().get(1).copied().unwrap_or(1);
    Ok(Array2::from_shape_vec((view.shape()[0], columns), numbers)?)
}
