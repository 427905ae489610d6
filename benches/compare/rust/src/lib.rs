//! What every Rust peer shares: the rows with their numbers, the check, the clock, and the talk with `compare.py`.

use serde_json::{Value, json};
use std::error::Error;
use std::io::{BufRead, stdin};
use std::time::{Duration, Instant};

/// What a peer says about a row that it cannot do, or that went wrong.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

// ---- a row ---------------------------------------------------------------------------------------------------------

/// The recurrent layer of a row.
#[derive(Clone, Copy, PartialEq)]
pub enum Cell {
    Lstm,
    Gru,
    SimpleRnn,
}

/// The weights of one layer and direction, row by row as PyTorch has them: the gates are blocks of rows, i f g o of an
/// LSTM and r z n of a GRU.
pub struct Weights {
    pub features: usize,
    pub units: usize,
    /// (gates · units, features)
    pub input: Vec<f32>,
    /// (gates · units, units)
    pub recurrent: Vec<f32>,
    pub input_bias: Vec<f32>,
    pub recurrent_bias: Vec<f32>,
}

/// A row of the table with its numbers, as `rows.py` wrote them.
pub struct Row {
    pub id: String,
    pub cell: Cell,
    /// One timestep a call, the state carried from call to call.
    pub step: bool,
    pub samples: usize,
    pub timesteps: usize,
    pub features: usize,
    pub units: usize,
    pub bidirectional: bool,
    /// How many timesteps of each sample are real, where some are padding.
    pub lengths: Option<Vec<usize>>,
    /// (timesteps, samples, features)
    pub x: Vec<f32>,
    /// By layer and direction.
    pub weights: Vec<Vec<Weights>>,
    /// The model of this row.
    pub onnx: String,
    expected: Answer<f64>,
}

/// What one call returns, or, of a row of steps, [`CHECKED_STEPS`] calls from the zero state.
#[derive(Clone, Default)]
pub struct Answer<A> {
    /// All outputs, (timesteps, samples, directions · units); none of a row of steps.
    pub y: Vec<A>,
    /// The last state of the uppermost layer, (directions, samples, units); empty if the peer does not return it.
    pub h: Vec<A>,
    pub c: Vec<A>,
}

/// So many steps are compared with the reference: the first would not read the recurrent weights.
pub const CHECKED_STEPS: usize = 4;

impl Row {
    /// Reads `ID.bin`, little-endian `f64`: nine numbers that say what follows, and then that.
    fn load(folder: &str, id: &str) -> Result<Row> {
        let path = format!("{folder}/{id}.bin");
        let bytes = std::fs::read(&path).map_err(|e| format!("{path}: {e}"))?;
        let (numbers, _) = bytes.as_chunks::<8>();
        let mut numbers = numbers.iter().map(|&bytes| f64::from_le_bytes(bytes));
        let mut take = |n: usize| numbers.by_ref().take(n).collect::<Vec<f64>>();
        let single = |numbers: Vec<f64>| numbers.iter().map(|&x| x as f32).collect::<Vec<f32>>();

        let head: Vec<usize> = take(9).iter().map(|&x| x as usize).collect();
        let [
            cell,
            step,
            samples,
            timesteps,
            features,
            units,
            layers,
            directions,
            padded,
        ] = head[..]
        else {
            return Err(format!("{path}: too short").into());
        };
        let (cell, gates) = [(Cell::Lstm, 4), (Cell::Gru, 3), (Cell::SimpleRnn, 1)][cell];
        let lengths = take(padded * samples).iter().map(|&n| n as usize).collect();
        let x = single(take(timesteps * samples * features));
        let mut weights = |features: usize| Weights {
            features,
            units,
            input: single(take(gates * units * features)),
            recurrent: single(take(gates * units * units)),
            input_bias: single(take(gates * units)),
            recurrent_bias: single(take(gates * units)),
        };
        let below = |layer: usize| {
            if layer == 0 {
                features
            } else {
                directions * units
            }
        };
        let weights = (0..layers)
            .map(|layer| (0..directions).map(|_| weights(below(layer))).collect())
            .collect();
        let state = directions * samples * units;
        let expected = Answer {
            y: take(if step == 1 { 0 } else { timesteps * state }),
            h: take(state),
            c: take(if cell == Cell::Lstm { state } else { 0 }),
        };
        Ok(Row {
            id: id.into(),
            cell,
            step: step == 1,
            samples,
            timesteps,
            features,
            units,
            bidirectional: directions == 2,
            lengths: (padded == 1).then_some(lengths),
            x,
            weights,
            onnx: format!("{folder}/{id}.onnx"),
            expected,
        })
    }

    /// The input as (samples, timesteps, features).
    pub fn x_by_sample(&self) -> Vec<f32> {
        swap(&self.x, [self.timesteps, self.samples, self.features])
    }

    /// Outputs that came as (samples, timesteps, directions · units), in the order of an [`Answer`].
    pub fn y_by_timestep(&self, y: &[f32]) -> Vec<f32> {
        let directions = if self.bidirectional { 2 } else { 1 };
        swap(y, [self.samples, self.timesteps, directions * self.units])
    }

    /// Timesteps × samples of a call, padding counted: what a time is divided by.
    fn elements(&self) -> f64 {
        (self.timesteps * self.samples) as f64
    }
}

/// (a, b, c) numbers as (b, a, c).
fn swap(numbers: &[f32], [a, b, c]: [usize; 3]) -> Vec<f32> {
    let rows = (0..b).flat_map(|j| (0..a).map(move |i| (i * b + j) * c));
    rows.flat_map(|at| &numbers[at..at + c]).copied().collect()
}

// ---- a peer --------------------------------------------------------------------------------------------------------

/// A peer with the layers of one row.
pub trait Peer {
    /// What is timed: all outputs and the last state, or one step.
    fn call(&mut self) -> Result<()>;

    /// What the last call returned.
    fn answer(&self, row: &Row) -> Result<Answer<f32>>;
}

/// Compares, times and tells, row after row, as `compare.py` asks: the body of a peer's `main`.
///
/// `make` builds the peer's layers for a row and a number of threads, or says why it cannot.
pub fn serve(make: impl Fn(&Row, usize) -> Result<Box<dyn Peer>>) {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, threads, seconds] = &arguments[..] else {
        panic!("usage: PEER FOLDER THREADS SECONDS, and then the ids of rows on standard input");
    };
    let threads = threads.parse().expect("a number of threads");
    let seconds = seconds.parse().expect("a number of seconds");
    println!("ready");
    for id in stdin().lock().lines() {
        let id = id.expect("a line");
        let result = one(&id, folder, threads, seconds, &make);
        println!(
            "{}",
            result.unwrap_or_else(|e| json!({ "left_out": e.to_string() }))
        );
    }
}

fn one(
    id: &str,
    folder: &str,
    threads: usize,
    seconds: f64,
    make: impl Fn(&Row, usize) -> Result<Box<dyn Peer>>,
) -> Result<Value> {
    let row = Row::load(folder, id)?;
    let mut peer = make(&row, threads)?;
    for _ in 0..if row.step { CHECKED_STEPS } else { 1 } {
        peer.call()?;
    }
    let answer = peer.answer(&row)?;
    let mut result = json!({
        "error": largest_error(&row, &answer)?,
        "without_state": answer.h.is_empty() || answer.c.len() != row.expected.c.len(),
    });
    if seconds > 0.0 {
        let (median, calls) = time(seconds, || peer.call())?;
        result["ns"] = json!(median * 1e9 / row.elements());
        result["calls"] = json!(calls);
    }
    Ok(result)
}

/// The largest distance from the reference; padding, which every peer fills in its own way, does not count.
fn largest_error(row: &Row, answer: &Answer<f32>) -> Result<f64> {
    let width = row.expected.y.len() / (row.timesteps * row.samples);
    let real = |i: usize| {
        let (t, sample) = (i / width / row.samples, i / width % row.samples);
        row.lengths
            .as_ref()
            .is_none_or(|lengths| t < lengths[sample])
    };
    let mut largest: f64 = 0.0;
    let expected = &row.expected;
    for (name, got, expected) in [
        ("y", &answer.y, &expected.y),
        ("h", &answer.h, &expected.h),
        ("c", &answer.c, &expected.c),
    ] {
        if got.is_empty() && name != "y" {
            continue;
        }
        if got.len() != expected.len() {
            return Err(format!("{} numbers in {name}, not {}", got.len(), expected.len()).into());
        }
        for (i, (&got, &expected)) in got.iter().zip(expected).enumerate() {
            if name != "y" || real(i) {
                let error = (f64::from(got) - expected).abs();
                // Not `max`, which would pass over what is not a number.
                largest = if error <= largest { largest } else { error };
            }
        }
    }
    Ok(largest)
}

/// The median of the seconds of a call, and how many calls were made.
///
/// Short calls are timed in blocks. Long ones are timed at least three times, however long that takes.
fn time(seconds: f64, mut call: impl FnMut() -> Result<()>) -> Result<(f64, usize)> {
    let start = Instant::now();
    let mut warm = 0;
    while warm == 0 || start.elapsed() < Duration::from_secs_f64(seconds / 4.0) {
        call()?;
        warm += 1;
    }
    let block = (2e-4 * f64::from(warm) / start.elapsed().as_secs_f64()).ceil() as usize;
    let mut times = Vec::new();
    let start = Instant::now();
    while times.len() < 3 || start.elapsed() < Duration::from_secs_f64(seconds) {
        let block_start = Instant::now();
        for _ in 0..block {
            call()?;
        }
        times.push(block_start.elapsed().as_secs_f64() / block as f64);
    }
    times.sort_by(f64::total_cmp);
    Ok((times[times.len() / 2], times.len() * block))
}
