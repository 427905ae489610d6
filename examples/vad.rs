//! `cargo run --release --features torch --example vad -- [FILE.wav] [--svg FILE.svg]`: hears whether somebody
//! speaks, live: 32 ms of sound go in, a probability comes out, and a stream of the crate remembers what was before.
//!
//! A real model, silero-vad 6.2.3: a spectrum and four convolutions make one vector of each frame, an LSTM listens to
//! these. Weights and a recording: `examples/data/silero-vad`, MIT, see the NOTICE there.

use hound::{SampleFormat, WavReader};
use ndarray::{Array1, Array3, Axis, Ix2, Zip};
use recurrent::torch::File;
use recurrent::{Activation, Causal, Conv1d, Dense, Lstm, LstmState, Stream, ZeroPadding1d};
use std::fmt::Write;
use std::time::Instant;
use std::{env, error::Error, fs};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Samples in a second.
const RATE: u32 = 16_000;
/// Samples that go in at a time: 32 ms.
const FRAME: usize = 512;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    run(&arguments).map(|report| print!("{report}"))
}

/// What the program prints.
pub fn run(arguments: &[String]) -> Result<String> {
    let (mut wav, mut svg) = (None, None);
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--svg" => svg = Some(arguments.next().ok_or("--svg needs the name of a file")?),
            name if !name.starts_with('-') && wav.is_none() => wav = Some(argument.clone()),
            _ => return Err(format!("{argument}: expected [FILE.wav] [--svg FILE.svg]").into()),
        }
    }
    let sound = match wav {
        Some(wav) => read(&wav)?,
        None => read(&data("speech16k.wav")?)?,
    };
    let (mut vad, mut speech) = (Vad::load()?, Speech::default());
    let (mut probabilities, mut report) = (Vec::new(), String::new());
    let start = Instant::now();
    for frame in sound.chunks(FRAME) {
        let probability = vad.push(frame)?;
        probabilities.push(probability);
        speech.hear(probability);
    }
    speech.end();
    let (frames, took) = (probabilities.len(), start.elapsed());
    for &(from, to) in &speech.segments {
        writeln!(
            report,
            "speech {:7.2} s – {:.2} s",
            seconds(from),
            seconds(to)
        )?;
    }
    report += &timeline(&probabilities);
    let each = 1e6 * took.as_secs_f64() / frames.max(1) as f64;
    writeln!(report, "{frames} frames of 32 ms, {each:.0} µs each")?;
    if let Some(path) = svg {
        let plot = plot(&sound, &probabilities, &speech.segments);
        fs::write(path, plot).map_err(|error| format!("{path}: {error}"))?;
    }
    Ok(report)
}

/// When a frame begins.
fn seconds(frame: usize) -> f64 {
    (frame * FRAME) as f64 / f64::from(RATE)
}

// ---- the model -----------------------------------------------------------------------------------------------------

/// Samples of the frame before that are heard again.
const CONTEXT: usize = 64;
/// Samples that the end of a frame is mirrored by.
const MIRRORED: usize = 64;
/// Frequencies of the spectrum.
const BINS: usize = 129;

/// Sound in, probabilities of speech out.
pub struct Vad {
    context: [f32; CONTEXT],
    /// Cosines and sines of all frequencies under a window of 256 samples. In `f64`, as are the convolutions: their sums
    /// are long, and only the LSTM has to hurry.
    waves: Conv1d<f64>,
    convolutions: [Conv1d<f64>; 4],
    lstm: Stream<Lstm<f32>>,
    score: Dense<f32>,
}

impl Vad {
    /// How probably somebody speaks in the next 32 ms: 512 samples from -1 to 1; a shorter frame ends in silence.
    pub fn push(&mut self, frame: &[f32]) -> Result<f32> {
        if frame.len() > FRAME {
            return Err(format!("{} samples, expected at most {FRAME}", frame.len()).into());
        }
        let mut x = Array3::zeros((1, CONTEXT + FRAME + MIRRORED, 1));
        let sound = self.context.iter().chain(frame);
        x.iter_mut()
            .zip(sound)
            .for_each(|(x, &sample)| *x = f64::from(sample));
        let last = CONTEXT + FRAME - 1;
        for i in 1..=MIRRORED {
            x[[0, last + i, 0]] = x[[0, last - i, 0]];
        }
        self.context.fill(0.0);
        if let Some(end) = frame.get(FRAME - CONTEXT..) {
            self.context[..end.len()].copy_from_slice(end);
        }

        let waves = self.waves.forward(&x)?; // (1, 4, cosines and sines)
        let (cosines, sines) = waves.view().split_at(Axis(2), BINS);
        let mut x = Zip::from(&cosines)
            .and(&sines)
            .map_collect(|&c, &s| (c * c + s * s).sqrt());
        for convolution in &self.convolutions {
            // PyTorch pads both sides, whatever the strides.
            x = convolution.forward(&ZeroPadding1d::new(1, 1).forward(&x)?)?;
        }
        let x = x.remove_axis(Axis(1)); // (1, 128): the strides have left one timestep
        #[allow(clippy::cast_possible_truncation)] // as near as an f32 can be
        let h = self.lstm.push(&x.mapv(|x| x as f32))?;
        let score = self.score.forward(&h.mapv(|h| h.max(0.0)))?;
        Ok(score[[0, 0]])
    }

    /// What the LSTM remembers.
    pub fn state(&self) -> &LstmState<f32> {
        self.lstm.state()
    }

    /// Reads the weights.
    pub fn load() -> Result<Self> {
        let file = File::load(data("weights.safetensors")?)?;
        let convolution = |name: &str, strides| {
            let kernel = file.array(&format!("{name}.weight"))?;
            let bias: Array1<f64> = file.array(&format!("{name}.bias"))?;
            let builder = Conv1d::builder()
                .strides(strides)
                .activation(Activation::Relu);
            builder.from_weights(keras(kernel), bias)
        };
        let lstm: Lstm<f32> = file.lstm("lstm_cell.")?;
        let score: Array3<f32> = file.array("final_conv.weight")?;
        let score = score.remove_axis(Axis(2)).into_dimensionality::<Ix2>()?;
        let score = Dense::from_weights(score.reversed_axes(), file.array("final_conv.bias")?)?;
        Ok(Vad {
            context: [0.0; CONTEXT],
            waves: Conv1d::builder()
                .strides(128)
                .from_weights(keras(file.array("stft_conv.weight")?), None)?,
            convolutions: [
                convolution("conv1", 1)?,
                convolution("conv2", 2)?,
                convolution("conv3", 2)?,
                convolution("conv4", 1)?,
            ],
            lstm: lstm.into_stream(1),
            score: score.with_activation(Activation::Sigmoid)?,
        })
    }
}

/// (filters, features, `kernel_size`) of PyTorch as (`kernel_size`, features, filters).
fn keras(kernel: Array3<f64>) -> Array3<f64> {
    kernel.reversed_axes()
}

// ---- what it means -------------------------------------------------------------------------------------------------

/// Segments of speech, found while the probabilities come in.
#[derive(Default)]
pub struct Speech {
    /// First frame, and the frame behind the last.
    pub segments: Vec<(usize, usize)>,
    frames: usize,
    begun: Option<usize>,
    /// Where the silence that goes on began.
    silent: Option<usize>,
}

impl Speech {
    /// Speech begins here ...
    const BEGINS: f32 = 0.5;
    /// ... and does not end above this.
    const ENDS: f32 = 0.35;
    /// Frames of silence that end it: a tenth of a second.
    const PAUSE: usize = 3;
    /// Frames of speech that count: a quarter of a second.
    const LEAST: usize = 8;

    /// The next frame.
    pub fn hear(&mut self, probability: f32) {
        let now = self.frames;
        self.frames += 1;
        if probability >= Self::BEGINS {
            self.begun.get_or_insert(now);
            self.silent = None;
        } else if probability < Self::ENDS && self.begun.is_some() {
            let silent = *self.silent.get_or_insert(now);
            if now - silent >= Self::PAUSE {
                self.end();
            }
        }
    }

    /// No more comes.
    pub fn end(&mut self) {
        let end = self.silent.take().unwrap_or(self.frames);
        if let Some(begun) = self.begun.take().filter(|begun| end - begun >= Self::LEAST) {
            self.segments.push((begun, end));
        }
    }
}

/// The probabilities as bars, an eighth of a second each, eight seconds a line.
pub fn timeline(probabilities: &[f32]) -> String {
    let bar = |of: &[f32]| {
        let most = of.iter().copied().fold(0.0, f32::max);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // from 0 to 1
        [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'][(8.0 * most).round() as usize]
    };
    let lines = probabilities.chunks(4 * 64).enumerate();
    let line = |(n, line): (usize, &[f32])| {
        let bars: String = line.chunks(4).map(bar).collect();
        format!("{:7.2} s │{bars}\n", seconds(n * 4 * 64))
    };
    lines.map(line).collect()
}

/// The sound, the probability of each frame and the segments as a picture.
pub fn plot(sound: &[f32], probabilities: &[f32], segments: &[(usize, usize)]) -> String {
    let width = 4 * probabilities.len();
    let segment = |&(from, to): &(usize, usize)| {
        let (x, width) = (4 * from, 4 * (to - from));
        format!("<rect x=\"{x}\" width=\"{width}\" height=\"120\" fill=\"#dcefdc\"/>\n")
    };
    let wave = |(i, frame): (usize, &[f32])| {
        let loudest = frame.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        let (x, half) = (4 * i + 2, 55.0 * loudest.min(1.0));
        format!("M{x} {:.1}V{:.1}", 60.0 - half, 60.0 + half)
    };
    let point = |(i, p): (usize, &f32)| format!("{},{:.1} ", 4 * i + 2, 115.0 - 110.0 * p);
    let segments: String = segments.iter().map(segment).collect();
    let waves: String = sound.chunks(FRAME).enumerate().map(wave).collect();
    let points: String = probabilities.iter().enumerate().map(point).collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} 120\">
<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>
{segments}<path d=\"{waves}\" stroke=\"#bbb\" stroke-width=\"3\"/>
<polyline points=\"{points}\" fill=\"none\" stroke=\"#064\" stroke-width=\"1.5\"/>
</svg>
"
    )
}

// ---- files ---------------------------------------------------------------------------------------------------------

/// A file of this example.
pub fn data(name: &str) -> Result<String> {
    let path = format!(
        "{}/examples/data/silero-vad/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    if fs::exists(&path)? {
        return Ok(path);
    }
    Err(format!("{path} is missing: it is in the repository, not in the published package").into())
}

/// The samples of a WAV file, from -1 to 1; several channels become their average.
pub fn read(path: &str) -> Result<Vec<f32>> {
    let wrong = |error: hound::Error| format!("{path}: {error}");
    let reader = WavReader::open(path).map_err(wrong)?;
    let spec = reader.spec();
    if spec.sample_rate != RATE {
        let found = spec.sample_rate;
        return Err(format!("{path}: {found} samples a second, expected {RATE}").into());
    }
    let samples: hound::Result<Vec<f32>> = match spec.sample_format {
        SampleFormat::Float => reader.into_samples().collect(),
        SampleFormat::Int => {
            let largest = 2_f64.powi(i32::from(spec.bits_per_sample) - 1);
            #[allow(clippy::cast_possible_truncation)] // as near as an f32 can be
            let sample = |x: i32| (f64::from(x) / largest) as f32;
            reader.into_samples().map(|x| x.map(sample)).collect()
        }
    };
    let channels = usize::from(spec.channels.max(1));
    let average = |sample: &[f32]| sample.iter().sum::<f32>() / channels as f32;
    Ok(samples
        .map_err(wrong)?
        .chunks_exact(channels)
        .map(average)
        .collect())
}
