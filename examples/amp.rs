//! `cargo run --release --features amp --example amp -- [MODEL [IN.wav OUT.wav [KNOB …]]]`: plays a sound through an
//! amplifier model of RTNeural, AIDA-X, GuitarML or Neural Amp Modeler, block by block as a plug-in does, and says how much
//! faster than real time that was. Knobs go from 0 to 1.
//!
//! Without a sound it plays a plucked string, and writes nothing. Without a model it takes a small one of the tests; see the
//! NOTICE in `tests/data/amps`.

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use recurrent::amp::{self, Amp};
use recurrent::{Model, ModelStream};
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, error::Error};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Samples that a plug-in is given at a time.
const BLOCK: usize = 64;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    run(&arguments).map(|report| print!("{report}"))
}

/// What the program prints.
pub fn run(arguments: &[String]) -> Result<String> {
    let small = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/amps/nam_lstm.nam");
    let (model, files, knobs) = match arguments {
        [] => (small, None, &[][..]),
        [model] => (model.as_str(), None, &[][..]),
        [model, input, output, knobs @ ..] => (model.as_str(), Some((input, output)), knobs),
        _ => return Err("expected [MODEL [IN.wav OUT.wav [KNOB …]]]".into()),
    };
    let amp: Amp<f32> = amp::load(model)?;
    let knobs: Vec<f32> = match (files, knobs.len()) {
        (None, _) => vec![0.5; amp.knobs],
        (_, count) if count == amp.knobs => {
            let number = |knob: &String| knob.parse().map_err(|_| format!("{knob}: no number"));
            knobs
                .iter()
                .map(number)
                .collect::<std::result::Result<_, _>>()?
        }
        (_, count) => return Err(format!("{count} knobs, expected {}", amp.knobs).into()),
    };
    let (rate, mut channels) = match files {
        Some((input, _)) => read(input)?,
        None => (48_000, vec![string(48_000)]),
    };
    let took = play(&Arc::new(amp.model), &knobs, &mut channels)?;
    if let Some((_, output)) = files {
        write(output, rate, &channels)?;
    }
    let played = channels.iter().map(Vec::len).sum::<usize>() as f64 / f64::from(rate);
    let faster = played / took.as_secs_f64();
    let mut report = String::new();
    writeln!(
        report,
        "{played:.1} s of one channel in {took:.1?}: {faster:.0} times real time"
    )?;
    if let Some(trained) = amp.sample_rate
        && (trained - f64::from(rate)).abs() > 0.5
    {
        writeln!(
            report,
            "the model was trained at {trained} Hz, the sound has {rate} Hz: resample it"
        )?;
    }
    Ok(report)
}

/// Plays every channel through a stream of its own. All of them share one model.
pub fn play(model: &Arc<Model<f32>>, knobs: &[f32], channels: &mut [Vec<f32>]) -> Result<Duration> {
    let mut took = Duration::ZERO;
    for channel in channels {
        let mut live = ModelStream::new(Arc::clone(model), 1)?;
        // A timestep: the sample, and the knobs after it.
        let mut x = [&[0.0], knobs].concat();
        let start = Instant::now();
        for block in channel.chunks_mut(BLOCK) {
            process(&mut live, &mut x, block)?;
        }
        took += start.elapsed();
    }
    Ok(took)
}

/// The callback of a plug-in: it allocates nothing, takes no lock and calls no system.
fn process(
    live: &mut ModelStream<f32, Arc<Model<f32>>>,
    x: &mut [f32],
    block: &mut [f32],
) -> recurrent::Result<()> {
    for sample in block {
        x[0] = *sample;
        *sample = live.push_slice(x)?[0];
    }
    Ok(())
}

/// Four seconds of a plucked string: noise that goes round in a delay, and loses its edges there (Karplus and Strong, 1983).
fn string(rate: usize) -> Vec<f32> {
    let mut delay: Vec<f32> = (0..rate / 110)
        .map(|n| if n * n % 7 < 3 { 0.3 } else { -0.3 })
        .collect();
    let count = delay.len();
    let step = |n: usize| {
        let (now, next) = (delay[n % count], delay[(n + 1) % count]);
        delay[n % count] = 0.498 * (now + next);
        now
    };
    (0..4 * rate).map(step).collect()
}

// ---- files ---------------------------------------------------------------------------------------------------------

/// The samples in a second, and those of each channel, from -1 to 1.
pub fn read(path: &str) -> Result<(u32, Vec<Vec<f32>>)> {
    let wrong = |error: hound::Error| format!("{path}: {error}");
    let reader = WavReader::open(path).map_err(wrong)?;
    let spec = reader.spec();
    let samples: hound::Result<Vec<f32>> = match spec.sample_format {
        SampleFormat::Float => reader.into_samples().collect(),
        SampleFormat::Int => {
            let largest = 2_f64.powi(i32::from(spec.bits_per_sample) - 1);
            #[allow(clippy::cast_possible_truncation)] // as near as an f32 can be
            let sample = |x: i32| (f64::from(x) / largest) as f32;
            reader.into_samples().map(|x| x.map(sample)).collect()
        }
    };
    let (samples, count) = (samples.map_err(wrong)?, usize::from(spec.channels.max(1)));
    let channel = |first: usize| samples.iter().skip(first).step_by(count).copied().collect();
    Ok((spec.sample_rate, (0..count).map(channel).collect()))
}

fn write(path: &str, sample_rate: u32, channels: &[Vec<f32>]) -> Result<()> {
    let wrong = |error: hound::Error| format!("{path}: {error}");
    let spec = WavSpec {
        channels: u16::try_from(channels.len())?,
        sample_rate,
        bits_per_sample: 32,
        sample_format: SampleFormat::Float,
    };
    let mut writer = WavWriter::create(path, spec).map_err(wrong)?;
    let frames = channels.iter().map(Vec::len).min().unwrap_or(0);
    for frame in 0..frames {
        for channel in channels {
            writer.write_sample(channel[frame]).map_err(wrong)?;
        }
    }
    Ok(writer.finalize().map_err(wrong)?)
}
