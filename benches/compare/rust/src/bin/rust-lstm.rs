//! rust-lstm, which computes in f64 and on one thread. It has no SimpleRNN, no lengths that hold a state, and no GRU
//! whose reset gate acts after the product. Its bidirectional layer returns no state.

use compare::{Answer, Cell, Peer, Result, Row, Weights, serve};
use ndarray15::{Array2, ShapeBuilder, ShapeError};
use rust_lstm::{BiLSTMNetwork, LSTMCell, LSTMNetwork, LSTMState};

fn main() {
    serve(|row, threads| match row.cell {
        _ if threads > 1 => Err("has one thread".into()),
        _ if row.lengths.is_some() => Err("runs through the padding".into()),
        Cell::Lstm => network(row),
        Cell::Gru => Err("its GRU is another one (reset before the product)".into()),
        Cell::SimpleRnn => Err("has no SimpleRNN".into()),
    });
}

type Matrix = Array2<f64>;

fn matrix(numbers: &[f32], columns: usize) -> std::result::Result<Matrix, ShapeError> {
    let shape = (numbers.len() / columns, columns);
    Matrix::from_shape_vec(shape, numbers.iter().map(|&x| f64::from(x)).collect())
}

fn fill(cell: &mut LSTMCell, w: &Weights) -> Result<()> {
    cell.w_ih = matrix(&w.input, w.features)?;
    cell.w_hh = matrix(&w.recurrent, w.units)?;
    cell.b_ih = matrix(&w.input_bias, 1)?;
    cell.b_hh = matrix(&w.recurrent_bias, 1)?;
    Ok(())
}

fn network(row: &Row) -> Result<Box<dyn Peer>> {
    // A timestep is (features, samples).
    let timestep = |x: &[f32]| {
        let x = x.iter().map(|&x| f64::from(x)).collect();
        Matrix::from_shape_vec((row.features, row.samples).f(), x)
            .map(|x| x.as_standard_layout().into_owned())
    };
    let x = row.x.chunks_exact(row.samples * row.features).map(timestep);
    let x = x.collect::<std::result::Result<Vec<_>, _>>()?;
    if row.bidirectional {
        let mut network = BiLSTMNetwork::new_concat(row.features, row.units, 1);
        fill(&mut network.get_forward_cells_mut()[0], &row.weights[0][0])?;
        fill(&mut network.get_backward_cells_mut()[0], &row.weights[0][1])?;
        network.eval();
        return Ok(Box::new(Both {
            network,
            x,
            y: Vec::new(),
        }));
    }
    let mut network = LSTMNetwork::new(row.features, row.units, row.weights.len());
    for (cell, weights) in network.get_cells_mut().iter_mut().zip(&row.weights) {
        fill(cell, &weights[0])?;
    }
    network.eval();
    let state = network.zero_state(row.samples);
    Ok(Box::new(Layers {
        network,
        step: row.step,
        x,
        y: Vec::new(),
        state,
    }))
}

/// Matrices (units, samples) as (samples, units), one after the other.
fn turned(matrices: &[Matrix]) -> Vec<f32> {
    let turned = |m: &Matrix| m.t().iter().map(|&x| x as f32).collect::<Vec<_>>();
    matrices.iter().flat_map(turned).collect()
}

struct Layers {
    network: LSTMNetwork,
    step: bool,
    x: Vec<Matrix>,
    y: Vec<Matrix>,
    state: LSTMState,
}

impl Peer for Layers {
    fn call(&mut self) -> Result<()> {
        if !self.step {
            self.y.clear();
            self.state = self.network.zero_state(self.x[0].ncols());
        }
        for x in &self.x {
            let (y, state) = self.network.forward(x, &self.state);
            self.state = state;
            if !self.step {
                self.y.push(y);
            }
        }
        Ok(())
    }

    fn answer(&self, _: &Row) -> Result<Answer<f32>> {
        let top = self.state.h.len() - 1;
        let (h, c) = (turned(&self.state.h[top..]), turned(&self.state.c[top..]));
        Ok(Answer {
            y: turned(&self.y),
            h,
            c,
        })
    }
}

struct Both {
    network: BiLSTMNetwork,
    x: Vec<Matrix>,
    y: Vec<Matrix>,
}

impl Peer for Both {
    fn call(&mut self) -> Result<()> {
        self.y = self.network.forward_sequence(&self.x);
        Ok(())
    }

    fn answer(&self, _: &Row) -> Result<Answer<f32>> {
        Ok(Answer {
            y: turned(&self.y),
            ..Answer::default()
        })
    }
}
