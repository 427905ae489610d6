//! This crate. Sequences go into memory that is there; a row of steps is a `Stream`.

use compare::{Answer, Cell, Peer, Result, Row, Weights, serve};
use ndarray::{Array1, Array2, Array3};
use recurrent::{
    BiState, Bidirectional, Causal, Gru, HiddenState, Lstm, LstmState, Recurrent, SimpleRnn, Stream,
};
use std::hint::black_box;

fn main() {
    let threads = std::env::args().nth(2).and_then(|n| n.parse().ok());
    match threads.unwrap_or(1) {
        1 => serve(|row, _| layers(row)),
        n => {
            // The crate, built with its feature `rayon`, uses the pool that it is called in.
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build();
            pool.expect("a pool")
                .install(|| serve(|row, _| layers(row)));
        }
    }
}

fn layers(row: &Row) -> Result<Box<dyn Peer>> {
    let first = |layer: usize| &row.weights[layer][0];
    match (row.cell, row.step) {
        (Cell::Lstm, true) => steps(row, lstm(first(0))?),
        (Cell::Gru, true) => steps(row, gru(first(0))?),
        (Cell::Lstm, false) if row.bidirectional => {
            let backward = lstm(&row.weights[0][1])?;
            sequences(row, Bidirectional::new(lstm(first(0))?, backward))
        }
        (Cell::Lstm, false) if row.weights.len() == 3 => {
            let lower = lstm(first(0))?.then(lstm(first(1))?);
            sequences(row, lower.then(lstm(first(2))?))
        }
        (Cell::Lstm, false) => sequences(row, lstm(first(0))?),
        (Cell::Gru, false) => sequences(row, gru(first(0))?),
        (Cell::SimpleRnn, _) => sequences(row, simple_rnn(first(0))?),
    }
}

// ---- weights -------------------------------------------------------------------------------------------------------

/// (rows, columns) numbers with these blocks of rows, as Keras has it: the blocks are columns.
fn columns(numbers: &[f32], columns: usize, blocks: &[usize]) -> Array2<f32> {
    let rows = numbers.len() / columns;
    let numbers = Array2::from_shape_fn((rows, columns), |(r, c)| numbers[r * columns + c]);
    let units = rows / blocks.len();
    let order = blocks
        .iter()
        .flat_map(|block| block * units..(block + 1) * units);
    numbers
        .select(ndarray::Axis(0), &order.collect::<Vec<_>>())
        .reversed_axes()
}

fn kernels(w: &Weights, blocks: &[usize]) -> (Array2<f32>, Array2<f32>) {
    (
        columns(&w.input, w.features, blocks),
        columns(&w.recurrent, w.units, blocks),
    )
}

fn bias(w: &Weights) -> Array1<f32> {
    w.input_bias
        .iter()
        .zip(&w.recurrent_bias)
        .map(|(a, b)| a + b)
        .collect()
}

fn lstm(w: &Weights) -> Result<Lstm<f32>> {
    let (kernel, recurrent) = kernels(w, &[0, 1, 2, 3]);
    Ok(Lstm::from_weights(kernel, recurrent, bias(w))?)
}

fn gru(w: &Weights) -> Result<Gru<f32>> {
    let blocks = &[1, 0, 2]; // r z n -> z r n
    let (kernel, recurrent) = kernels(w, blocks);
    let row = |bias: &[f32]| columns(bias, 1, blocks).remove_axis(ndarray::Axis(0));
    let bias = [row(&w.input_bias), row(&w.recurrent_bias)];
    Ok(Gru::from_weights(
        kernel,
        recurrent,
        ndarray::stack![ndarray::Axis(0), bias[0], bias[1]],
    )?)
}

fn simple_rnn(w: &Weights) -> Result<SimpleRnn<f32>> {
    let (kernel, recurrent) = kernels(w, &[0]);
    Ok(SimpleRnn::from_weights(kernel, recurrent, bias(w))?)
}

// ---- calls ---------------------------------------------------------------------------------------------------------

/// The numbers of a state: h, and c of an LSTM; of the uppermost layer, forward before backward.
trait Numbers {
    fn numbers(&self) -> (Vec<f32>, Vec<f32>);
}

impl Numbers for LstmState<f32> {
    fn numbers(&self) -> (Vec<f32>, Vec<f32>) {
        (
            self.h.iter().copied().collect(),
            self.c.iter().copied().collect(),
        )
    }
}

impl Numbers for HiddenState<f32> {
    fn numbers(&self) -> (Vec<f32>, Vec<f32>) {
        (self.h.iter().copied().collect(), Vec::new())
    }
}

impl<S: Numbers> Numbers for BiState<S, S> {
    fn numbers(&self) -> (Vec<f32>, Vec<f32>) {
        let (forward, backward) = (self.forward.numbers(), self.backward.numbers());
        (
            [forward.0, backward.0].concat(),
            [forward.1, backward.1].concat(),
        )
    }
}

impl<L, U: Numbers> Numbers for (L, U) {
    fn numbers(&self) -> (Vec<f32>, Vec<f32>) {
        self.1.numbers()
    }
}

struct Sequences<R: Recurrent> {
    layer: R,
    x: Array3<f32>,
    lengths: Option<Vec<usize>>,
    y: Array3<f32>,
    state: R::State,
}

fn sequences<R>(row: &Row, layer: R) -> Result<Box<dyn Peer>>
where
    R: Recurrent<Elem = f32> + 'static,
    R::State: Numbers,
{
    let x = (row.samples, row.timesteps, row.features);
    Ok(Box::new(Sequences {
        x: Array3::from_shape_vec(x, row.x_by_sample())?,
        lengths: row.lengths.clone(),
        y: Array3::zeros((row.samples, row.timesteps, layer.units())),
        state: layer.zero_state(row.samples),
        layer,
    }))
}

impl<R: Recurrent<Elem = f32>> Peer for Sequences<R>
where
    R::State: Numbers,
{
    fn call(&mut self) -> Result<()> {
        let run = self.layer.run(&self.x);
        let run = match &self.lengths {
            Some(lengths) => run.lengths(lengths),
            None => run,
        };
        self.state = run.sequences_and_state_into(self.y.view_mut())?;
        Ok(())
    }

    fn answer(&self, row: &Row) -> Result<Answer<f32>> {
        let y = row.y_by_timestep(self.y.as_slice().ok_or("no slice")?);
        let (h, c) = self.state.numbers();
        Ok(Answer { y, h, c })
    }
}

struct Steps<R: Causal> {
    stream: Stream<R>,
    x: Vec<f32>,
}

fn steps<R>(row: &Row, layer: R) -> Result<Box<dyn Peer>>
where
    R: Causal<Elem = f32> + 'static,
    R::State: Numbers,
{
    Ok(Box::new(Steps {
        stream: layer.into_stream(1).threads(rayon::current_num_threads()),
        x: row.x.clone(),
    }))
}

impl<R: Causal<Elem = f32>> Peer for Steps<R>
where
    R::State: Numbers,
{
    fn call(&mut self) -> Result<()> {
        black_box(self.stream.push_slice(&self.x)?);
        Ok(())
    }

    fn answer(&self, _: &Row) -> Result<Answer<f32>> {
        let (h, c) = self.stream.state().numbers();
        Ok(Answer {
            y: Vec::new(),
            h,
            c,
        })
    }
}
