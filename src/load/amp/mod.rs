//! Amplifier models in JSON: RTNeural, AIDA-X, GuitarML, Neural Amp Modeler. Feature `amp`.
//!
//! [`load`] and [`read`] find out which of them a file is, and return an [`Amp`]: a [`Model`](crate::Model) that streams,
//! and what the file says about it.
//!
//! ```
//! use recurrent::amp::{self, Amp};
//! # let bytes = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/amps/nam_lstm.nam"));
//! let amp: Amp<f32> = amp::read(bytes)?; // or amp::load("model.nam")?
//! assert_eq!((amp.knobs, amp.sample_rate), (0, Some(48_000.0)));
//! let mut live = amp.model.into_stream(1)?; // one channel; it owns the model and is `Send`
//! let mut block = [0.1, 0.2, -0.1];
//! for sample in &mut block {
//!     *sample = live.push_slice(&[*sample])?[0]; // no allocation, no lock, no system call
//! }
//! live.reset(); // as before the first sample
//! # Ok::<(), recurrent::Error>(())
//! ```
//!
//! | file | what it is |
//! | --- | --- |
//! | RTNeural: `in_shape`, `layers` | Keras' layers: `dense`, `time-distributed-dense`, `conv1d` (causal), `lstm`, `gru`, `batchnorm`, `prelu`, `activation` |
//! | AIDA-X: the same, with `in_skip`, `in_gain`, `out_gain`, `metadata` | the same |
//! | GuitarML (NeuralPi, Proteus) and Automated-GuitarAmpModelling: `model_data`, `state_dict` | `rec`, an LSTM, GRU or RNN of any `num_layers`, then `lin` |
//! | a state dict of PyTorch in JSON, as RTNeural's scripts for PyTorch write it | LSTMs and GRUs in the order of the file, then one linear module |
//! | Neural Amp Modeler: `architecture`, `config`, `weights` | the architecture `LSTM`, with the trained initial states |
//!
//! # The model
//! The model has one input, (samples, timesteps, 1 + knobs): the sample first, then the knobs, which are the inputs after
//! the first in every form, as they were trained (0 to 1 in GuitarML's and AIDA-X's files). The output is (samples, timesteps, 1), or has as many channels as the file
//! says. So a knob can change with every sample: `push_slice(&[sample, gain])`. A [`Session`](crate::Session) takes a
//! block in one call and allocates its output; the bits are those of single samples, but a `conv1d` starts each call
//! without what came before, so that a model with one has to be streamed.
//!
//! * **The input goes past the layers** where the file says so (`in_skip`, `skip`): the sample is added to the output. The
//!   scripts of GuitarML do so unless `skip` is 0; its plug-ins always do.
//! * **Gains** of AIDA-X are decibels: `in_gain` scales the sample, not the knobs, also on its way past the layers;
//!   `out_gain` scales the sum. At -90 and below a gain is 0, as in the plug-in.
//! * **The initial state** of a Neural Amp Modeler's file was trained. A stream starts there, and
//!   [`reset`](crate::ModelStream::reset) leads back. Players of these files run half a second of silence first, to be
//!   where the model is at rest; for the same output, push as many zeros.
//! * **A sample rate** is only reported, in [`Amp::sample_rate`]. Audio of another rate has to be resampled.
//!
//! # What is refused
//! Other architectures of Neural Amp Modeler (WaveNet, ConvNet, Linear …), `conv2d`, recurrent layers with another
//! activation than tanh, a `RecNet` of several blocks, layers of an unknown type, numbers that are not finite, and arrays
//! of other shapes than the file says. The error names the place in the file, what was expected there and what was found.
//!
//! Sources: RTNeural's `model_loader.h` and `torch_helpers.h`; AIDA-X' `aidadsp-plugin.cpp`; NeuralPi's and Proteus'
//! `RTNeuralLSTM.cpp`; CoreAudioML's `networks.py`; `NAM/lstm.cpp` of NeuralAmpModelerCore.

mod chain;
mod guitarml;
mod nam;
mod part;
mod rtneural;
mod state_dict;

#[cfg(feature = "std")]
use crate::error::within;
use crate::error::{Error, Result};
#[cfg(feature = "std")]
use crate::format::disk;
use crate::format::json;
use crate::format::kind::{self, Kind};
use crate::{Element, Limits, Model};
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use part::Part;

/// What these files are.
const FORMAT: &str = "an amplifier model in JSON (RTNeural, AIDA-X, GuitarML, Neural Amp Modeler)";
/// How many keys an error names.
const NAMED: usize = 8;

/// An amplifier model, and what its file says about it.
///
/// ```
/// use recurrent::amp;
/// # let bytes = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/amps/rtneural_lstm_1d.json"));
/// let amp = amp::read::<f32>(bytes)?; // an LSTM and a Dense, trained with Keras
/// assert_eq!((amp.knobs, amp.sample_rate, amp.loudness), (0, None, None));
/// println!("{}", amp.model.summary());
/// # Ok::<(), recurrent::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Amp<A: Element> {
    /// The model. A timestep of its input is the sample, then the knobs.
    pub model: Model<A>,
    /// The number of knobs.
    pub knobs: usize,
    /// The sample rate of the audio that the model was trained with, in hertz, if the file says so.
    pub sample_rate: Option<f64>,
    /// The loudness of the model's output in decibels, if the file says so (Neural Amp Modeler). A player that wants all
    /// models equally loud applies a gain by it.
    pub loudness: Option<f64>,
}

/// Reads a model from bytes, within the default [`Limits`].
pub fn read<A: Element>(bytes: &[u8]) -> Result<Amp<A>> {
    read_within(bytes, &Limits::default())
}

/// Reads a model as [`read`] does, within these limits.
pub fn read_within<A: Element>(bytes: &[u8], limits: &Limits) -> Result<Amp<A>> {
    let refuse = || Error::from(kind::refuse(FORMAT, bytes));
    let text = core::str::from_utf8(bytes).map_err(|_| refuse())?;
    // What editors on Windows begin a text with.
    let text = text.trim_start_matches('\u{feff}');
    let json = json::parse_python(text, "JSON", limits).map_err(|error| {
        kind::explain(error, &[Kind::Json, Kind::Amp, Kind::Shards], FORMAT, bytes)
    })?;
    let file = Part::whole(&json, limits.entries);
    let has = |key: &str| file.value.get(key).is_some();
    let (origin, (model, inputs)) = if has("architecture") {
        ("Neural Amp Modeler", nam::read(&file)?)
    } else if has("model_data") {
        ("GuitarML", guitarml::read(&file)?)
    } else if has("in_shape") || has("layers") {
        ("RTNeural or AIDA-X", rtneural::read(&file)?)
    } else if state_dict::is_one(&file) {
        ("a state dict of PyTorch", state_dict::read(&file, text)?)
    } else {
        return Err(unknown(&json));
    };
    Ok(Amp {
        model: model.with_notes([format!("amplifier model: {origin}")]),
        knobs: inputs - 1,
        sample_rate: sample_rate(&file)?,
        loudness: said(&file, &["loudness"])
            .map(|part| part.number())
            .transpose()?,
    })
}

/// Loads a model from a file, within the default [`Limits`].
#[cfg(feature = "std")]
pub fn load<A: Element>(path: impl AsRef<std::path::Path>) -> Result<Amp<A>> {
    load_within(path, &Limits::default())
}

/// Loads a model as [`load`] does, within these limits.
#[cfg(feature = "std")]
pub fn load_within<A: Element>(
    path: impl AsRef<std::path::Path>,
    limits: &Limits,
) -> Result<Amp<A>> {
    let path = path.as_ref();
    let most = limits.file_bytes.min(limits.text_bytes as u64);
    within(path, || read_within(&disk::bytes(path, most)?, limits))
}

/// What is said under one of these keys, in the file or in its metadata.
fn said<'j>(file: &Part<'j>, keys: &[&str]) -> Option<Part<'j>> {
    let metadata = file.get("metadata");
    let places = [Some(file), metadata.as_ref()].into_iter().flatten();
    places
        .flat_map(|place| keys.iter().map(|key| place.get(key)))
        .flatten()
        .next()
}

/// The sample rate: a number, or a text of one.
fn sample_rate(file: &Part) -> Result<Option<f64>> {
    let Some(part) = said(file, &["sample_rate", "samplerate"]) else {
        return Ok(None);
    };
    let rate = match part.value.as_str() {
        Some(text) => text.trim().parse().ok(),
        None => json::number(part.value),
    };
    let rate = rate.filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.map(Some)
        .ok_or_else(|| part.refuse("a number of hertz above 0"))
}

/// Refuses JSON of another kind.
fn unknown(json: &json::Value) -> Error {
    let Some(object) = json.as_object() else {
        return Error::file("format", FORMAT, part::said(json));
    };
    let keys = object.keys().take(NAMED).map(|key| format!("{key:?}"));
    let keys: Vec<_> = keys.collect();
    let found = match keys.len() {
        0 => "an empty object".to_string(),
        _ => format!("JSON with the keys {}", keys.join(", ")),
    };
    Error::file("format", FORMAT, found)
}
