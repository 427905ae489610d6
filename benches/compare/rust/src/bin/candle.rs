//! candle-nn: `RNN::seq` and `states_to_tensor`, or `RNN::step`. It has no SimpleRNN, no lengths, no stacks and no
//! bidirectional layer; the last two are composed here.

use candle_core::{DType, Device::Cpu, Result as Candle, Tensor};
use candle_nn::VarBuilder;
use candle_nn::rnn::{GRU, GRUState, LSTM, LSTMState, RNN, gru, lstm};
use compare::{Answer, Cell, Peer, Result, Row, Weights, serve};

fn main() {
    serve(|row, _| {
        if row.lengths.is_some() {
            return Err("has no lengths".into());
        }
        match row.cell {
            Cell::Lstm => Ok(peer(row, lstm_layer)?),
            Cell::Gru => Ok(peer(row, gru_layer)?),
            Cell::SimpleRnn => Err("has no SimpleRNN".into()),
        }
    });
}

fn variables(w: &Weights) -> Candle<VarBuilder<'static>> {
    let matrix = |numbers: &[f32], columns: usize| {
        Tensor::from_slice(numbers, (numbers.len() / columns, columns), &Cpu)
    };
    let vector = |numbers: &[f32]| Tensor::from_slice(numbers, numbers.len(), &Cpu);
    let tensors = [
        ("weight_ih_l0", matrix(&w.input, w.features)?),
        ("weight_hh_l0", matrix(&w.recurrent, w.units)?),
        ("bias_ih_l0", vector(&w.input_bias)?),
        ("bias_hh_l0", vector(&w.recurrent_bias)?),
    ];
    let tensors = tensors
        .map(|(name, tensor)| (name.to_string(), tensor))
        .into();
    Ok(VarBuilder::from_tensors(tensors, DType::F32, &Cpu))
}

fn lstm_layer(w: &Weights) -> Candle<LSTM> {
    lstm(w.features, w.units, Default::default(), variables(w)?)
}

fn gru_layer(w: &Weights) -> Candle<GRU> {
    gru(w.features, w.units, Default::default(), variables(w)?)
}

/// h, and c of an LSTM.
trait State {
    fn tensors(&self) -> (&Tensor, Option<&Tensor>);
}

impl State for LSTMState {
    fn tensors(&self) -> (&Tensor, Option<&Tensor>) {
        (&self.h, Some(&self.c))
    }
}

impl State for GRUState {
    fn tensors(&self) -> (&Tensor, Option<&Tensor>) {
        (&self.h, None)
    }
}

struct Layers<R: RNN> {
    /// By layer and direction.
    layers: Vec<Vec<R>>,
    step: bool,
    /// (samples, timesteps, features), of a step (samples, features)
    x: Tensor,
    y: Option<Tensor>,
    /// By direction.
    states: Vec<R::State>,
}

fn peer<R>(row: &Row, layer: impl Fn(&Weights) -> Candle<R>) -> Candle<Box<dyn Peer>>
where
    R: RNN + 'static,
    R::State: State,
{
    let directions = |weights: &Vec<Weights>| weights.iter().map(&layer).collect();
    let layers: Vec<Vec<R>> = row.weights.iter().map(directions).collect::<Candle<_>>()?;
    let x = if row.step {
        Tensor::from_vec(row.x.clone(), (row.samples, row.features), &Cpu)?
    } else {
        let shape = (row.samples, row.timesteps, row.features);
        Tensor::from_vec(row.x_by_sample(), shape, &Cpu)?
    };
    let states = vec![layers[0][0].zero_state(row.samples)?];
    Ok(Box::new(Layers {
        layers,
        step: row.step,
        x,
        y: None,
        states,
    }))
}

impl<R: RNN> Peer for Layers<R>
where
    R::State: State,
{
    fn call(&mut self) -> Result<()> {
        if self.step {
            self.states[0] = self.layers[0][0].step(&self.x, &self.states[0])?;
            return Ok(());
        }
        let mut x = self.x.clone();
        for directions in &self.layers {
            self.states.clear();
            let mut outputs = Vec::new();
            for (direction, layer) in directions.iter().enumerate() {
                let x = if direction == 1 {
                    x.flip(&[1])?
                } else {
                    x.clone()
                };
                let states = layer.seq(&x)?;
                let y = layer.states_to_tensor(&states)?;
                outputs.push(if direction == 1 { y.flip(&[1])? } else { y });
                self.states.extend(states.into_iter().next_back());
            }
            x = if outputs.len() == 2 {
                Tensor::cat(&outputs, 2)?
            } else {
                outputs.remove(0)
            };
        }
        self.y = Some(x);
        Ok(())
    }

    fn answer(&self, row: &Row) -> Result<Answer<f32>> {
        let numbers = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
        let mut answer = Answer::default();
        for state in &self.states {
            let (h, c) = state.tensors();
            answer.h.extend(numbers(h)?);
            answer
                .c
                .extend(c.map(numbers).transpose()?.unwrap_or_default());
        }
        if let Some(y) = &self.y {
            answer.y = row.y_by_timestep(&numbers(y)?);
        }
        Ok(answer)
    }
}
