//! The work table: every row as data, and as a call that can be timed.

#![allow(dead_code)] // each bench uses what it needs

use ndarray::Array3;
use recurrent::{Bidirectional, Causal, Gru, Initializer, Isa, Lstm, Recurrent, SimpleRnn, Stream};
use std::hint::black_box;

/// What a row runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Net {
    SimpleRnn,
    Lstm,
    Gru,
    /// Two LSTM, one in each direction, side by side.
    Both,
    /// Three LSTM, one on top of the other.
    Three,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub id: &'static str,
    pub net: Net,
    pub samples: usize,
    pub timesteps: usize,
    pub features: usize,
    pub units: usize,
}

const fn row(id: &'static str, net: Net, [samples, timesteps, features, units]: [usize; 4]) -> Row {
    Row {
        id,
        net,
        samples,
        timesteps,
        features,
        units,
    }
}

/// All rows. `S…` is one timestep of a stream that keeps its state; the others are whole sequences.
pub const ROWS: [Row; 16] = [
    //  id         net             samples, timesteps, features, units
    row("A0", Net::Lstm, [1, 3, 2, 1]), //      the article's example, pure overhead; its result allocated
    row("A0_into", Net::Lstm, [1, 3, 2, 1]), // the same into memory that is there
    row("S1", Net::Lstm, [1, 1, 1, 16]), //     tiny audio model
    row("S2", Net::Lstm, [1, 1, 1, 40]), //     guitar amplifier
    row("S3", Net::Gru, [1, 1, 64, 96]), //     noise suppression
    row("S4", Net::Lstm, [1, 1, 128, 128]), //  voice activity
    row("S5", Net::Lstm, [1, 1, 512, 512]), //  big
    row("Q1", Net::Lstm, [1, 100, 64, 128]),
    row("Q2", Net::Lstm, [1, 250, 512, 512]),
    row("Q3", Net::Lstm, [32, 100, 128, 256]),
    row("Q4", Net::Lstm, [128, 50, 512, 512]),
    row("Q5", Net::Gru, [32, 100, 128, 256]),
    row("Q6", Net::Both, [8, 200, 256, 256]),
    row("Q7", Net::Three, [16, 100, 128, 256]),
    row("Q8", Net::SimpleRnn, [32, 100, 128, 256]),
    row("Q9", Net::Lstm, [32, 100, 128, 256]), // padded: lengths evenly from 10 to 100
];

impl Row {
    pub fn is_step(&self) -> bool {
        self.id.starts_with('S')
    }

    /// Timesteps × samples of one call, padding included.
    pub fn elements(&self) -> usize {
        self.samples * self.timesteps
    }

    /// The real timesteps of each sample, if some are padding.
    pub fn lengths(&self) -> Option<Vec<usize>> {
        (self.id == "Q9").then(|| (0..32).map(|i| 10 + (90 * i + 15) / 31).collect())
    }

    /// (multiply-adds of the inputs' part, those of the state's part) of one timestep of one sample.
    pub fn multiply_adds(&self) -> (usize, usize) {
        let (f, u) = (self.features, self.units);
        match self.net {
            Net::SimpleRnn => (u * f, u * u),
            Net::Lstm => (4 * u * f, 4 * u * u),
            Net::Gru => (3 * u * f, 3 * u * u),
            Net::Both => (8 * u * f, 8 * u * u),
            Net::Three => (4 * u * (f + 2 * u), 12 * u * u),
        }
    }

    /// A call of the row's layer, whose weights are packed for `isa`, ready to be made again and again. Its outputs are
    /// looked at once, here. A stream may use so many threads; sequences take what the pool has in which they are called.
    pub fn call(&self, isa: Isa, threads: usize) -> Box<dyn FnMut() + Send> {
        let (f, u) = (self.features, self.units);
        let lstm = |f| Lstm::builder(f, u).with_isa(isa).build().expect("a layer");
        let gru = || Gru::builder(f, u).with_isa(isa).build().expect("a layer");
        let rnn = || {
            SimpleRnn::builder(f, u)
                .with_isa(isa)
                .build()
                .expect("a layer")
        };
        match self.net {
            Net::Lstm if self.id == "A0" => allocated(self, lstm(f)),
            Net::Lstm if self.is_step() => step(lstm(f), threads),
            Net::Gru if self.is_step() => step(gru(), threads),
            Net::Lstm => sequences(self, lstm(f)),
            Net::Gru => sequences(self, gru()),
            Net::SimpleRnn => sequences(self, rnn()),
            Net::Both => sequences(self, Bidirectional::new(lstm(f), lstm(f))),
            Net::Three => sequences(self, lstm(f).then(lstm(u)).then(lstm(u))),
        }
    }
}

/// (samples, timesteps, features) of numbers in [-1, 1), always the same.
pub fn input(samples: usize, timesteps: usize, features: usize) -> Array3<f32> {
    let (min, max) = (-1.0, 1.0);
    let numbers = Initializer::RandomUniform { min, max };
    let numbers = numbers.matrix(samples * timesteps, features, 42);
    let shape = (samples, timesteps, features);
    let numbers = numbers.expect("an input");
    numbers.into_shape_with_order(shape).expect("an input")
}

fn finite<'a>(y: impl IntoIterator<Item = &'a f32>) -> bool {
    y.into_iter().all(|y| y.is_finite())
}

fn allocated(row: &Row, layer: Lstm<f32>) -> Box<dyn FnMut() + Send> {
    let x = input(row.samples, row.timesteps, row.features);
    let (y, state) = layer.run(&x).sequences_and_state().expect("a pass");
    assert!(y.dim() == (1, 3, 1) && state.c.dim() == (1, 1) && finite(&y));
    Box::new(move || {
        let result = layer.run(black_box(&x)).sequences_and_state();
        black_box(result.expect("a pass"));
    })
}

fn step<R>(layer: R, threads: usize) -> Box<dyn FnMut() + Send>
where
    R: Causal<Elem = f32> + Send + 'static,
{
    let (features, units) = (layer.features(), layer.units());
    let x = input(1, 64, features);
    let mut live: Stream<R> = layer.into_stream(1).threads(threads);
    let mut t = 0;
    let mut push = move || {
        let x = x.as_slice().expect("a new array");
        let y = live.push_slice(black_box(&x[t * features..(t + 1) * features]));
        t = (t + 1) % 64;
        let y = black_box(y.expect("a step"));
        y.len() == units && y[0].is_finite()
    };
    assert!(push());
    Box::new(move || {
        push();
    })
}

fn sequences<R>(row: &Row, layer: R) -> Box<dyn FnMut() + Send>
where
    R: Recurrent<Elem = f32> + Send + 'static,
{
    let x = input(row.samples, row.timesteps, row.features);
    let lengths = row.lengths();
    let shape = (row.samples, row.timesteps, layer.units());
    let mut y = Array3::from_elem(shape, f32::NAN);
    let state = row.id != "A0_into";
    let mut run = move || {
        let run = layer.run(black_box(&x));
        let run = match &lengths {
            Some(lengths) => run.lengths(lengths),
            None => run,
        };
        if state {
            black_box(run.sequences_and_state_into(y.view_mut()).expect("a pass"));
        } else {
            run.sequences_into(y.view_mut()).expect("a pass");
        }
        y[[0, 0, 0]]
    };
    assert!(run().is_finite()); // nothing is left of the NaN that it was filled with
    Box::new(move || {
        run();
    })
}
