//! burn-nn on `flex`, its backend for processors. It has no lengths and no stacks, which are composed here; its GRU
//! returns no state, so the last one is cut from the outputs.

use burn::module::Param;
use burn::nn::{
    BiLstm, BiLstmConfig, GateController, Gru, GruConfig, Lstm, LstmConfig, LstmState, Rnn,
    RnnConfig,
};
use burn::tensor::{Device, Tensor, TensorData};
use compare::{Answer, Cell, Peer, Result, Row, Weights, serve};

fn main() {
    serve(|row, _| layers(row));
}

enum Net {
    Lstm(Vec<Lstm>),
    BiLstm(BiLstm),
    Gru(Gru),
    Rnn(Rnn),
}

struct Layers {
    net: Net,
    step: bool,
    /// (samples, timesteps, features)
    x: Tensor<3>,
    y: Option<Tensor<3>>,
    h: Option<Tensor<2>>,
    c: Option<Tensor<2>>,
}

fn layers(row: &Row) -> Result<Box<dyn Peer>> {
    if row.lengths.is_some() {
        return Err("has no lengths".into());
    }
    let (device, first) = (&Device::flex(), &row.weights[0]);
    let net = match row.cell {
        Cell::Lstm if row.bidirectional => {
            let mut layer = BiLstmConfig::new(row.features, row.units, true).init(device);
            fill_lstm(&mut layer.forward, &first[0], device)?;
            fill_lstm(&mut layer.reverse, &first[1], device)?;
            Net::BiLstm(layer)
        }
        Cell::Lstm => {
            let layer = |w: &Vec<Weights>| -> Result<Lstm> {
                let mut layer = LstmConfig::new(w[0].features, row.units, true).init(device);
                fill_lstm(&mut layer, &w[0], device)?;
                Ok(layer)
            };
            Net::Lstm(row.weights.iter().map(layer).collect::<Result<_>>()?)
        }
        Cell::Gru => {
            let config = GruConfig::new(row.features, row.units, true).with_reset_after(true);
            let mut layer = config.init(device);
            fill(&mut layer.reset_gate, &first[0], 0, device);
            fill(&mut layer.update_gate, &first[0], 1, device);
            fill(&mut layer.new_gate, &first[0], 2, device);
            Net::Gru(layer)
        }
        Cell::SimpleRnn => {
            let mut layer = RnnConfig::new(row.features, row.units, true).init(device);
            fill(&mut layer.gate, &first[0], 0, device);
            Net::Rnn(layer)
        }
    };
    let shape = [row.samples, row.timesteps, row.features];
    let x = Tensor::from_data(TensorData::new(row.x_by_sample(), shape), device);
    Ok(Box::new(Layers {
        net,
        step: row.step,
        x,
        y: None,
        h: None,
        c: None,
    }))
}

fn fill_lstm(layer: &mut Lstm, w: &Weights, device: &Device) -> Result<()> {
    fill(&mut layer.input_gate, w, 0, device);
    fill(
        layer.forget_gate.as_mut().ok_or("no forget gate")?,
        w,
        1,
        device,
    );
    fill(&mut layer.cell_gate, w, 2, device);
    fill(&mut layer.output_gate, w, 3, device);
    Ok(())
}

fn fill(gate: &mut GateController, w: &Weights, block: usize, device: &Device) {
    let matrix = |numbers: &[f32], columns: usize| {
        let numbers = numbers[block * w.units * columns..][..w.units * columns].to_vec();
        let rows = TensorData::new(numbers, [w.units, columns]);
        // `transpose` alone would leave the rows where they are, which is slower to multiply with.
        let columns = Tensor::<2>::from_data(rows, device).transpose().into_data();
        Param::from_tensor(Tensor::from_data(columns, device))
    };
    let vector = |numbers: &[f32]| {
        let numbers = numbers[block * w.units..][..w.units].to_vec();
        Some(Param::from_tensor(Tensor::from_data(
            TensorData::new(numbers, [w.units]),
            device,
        )))
    };
    gate.input_transform.weight = matrix(&w.input, w.features);
    gate.hidden_transform.weight = matrix(&w.recurrent, w.units);
    gate.input_transform.bias = vector(&w.input_bias);
    gate.hidden_transform.bias = vector(&w.recurrent_bias);
}

impl Peer for Layers {
    fn call(&mut self) -> Result<()> {
        let x = self.x.clone();
        let (h, c) = (self.h.take().filter(|_| self.step), self.c.take());
        let (y, h, c) = match &self.net {
            Net::Lstm(layers) => {
                let state = h.zip(c).map(|(h, c)| LstmState::new(c, h));
                let (mut y, mut end) = layers[0].forward(x, state);
                for layer in &layers[1..] {
                    (y, end) = layer.forward(y, None);
                }
                (y, end.hidden, Some(end.cell))
            }
            Net::BiLstm(layer) => {
                let (y, end) = layer.forward(x, None);
                // (directions, samples, units)
                let [d, b, u] = end.hidden.dims();
                (
                    y,
                    end.hidden.reshape([d * b, u]),
                    Some(end.cell.reshape([d * b, u])),
                )
            }
            Net::Gru(layer) => {
                let y = layer.forward(x, h);
                let [b, t, u] = y.dims();
                let h = y.clone().slice([0..b, t - 1..t, 0..u]).reshape([b, u]);
                (y, h, None)
            }
            Net::Rnn(layer) => {
                let (y, end) = layer.forward(x, None);
                (y, end.hidden, None)
            }
        };
        (self.y, self.h, self.c) = (Some(y), Some(h), c);
        Ok(())
    }

    fn answer(&self, row: &Row) -> Result<Answer<f32>> {
        fn numbers<const D: usize>(tensor: Option<&Tensor<D>>) -> Result<Vec<f32>> {
            let Some(tensor) = tensor else {
                return Ok(Vec::new());
            };
            let numbers = tensor.clone().into_data().to_vec::<f32>();
            numbers.map_err(|e| format!("{e:?}").into())
        }
        let y = if self.step {
            Vec::new()
        } else {
            row.y_by_timestep(&numbers(self.y.as_ref())?)
        };
        Ok(Answer {
            y,
            h: numbers(self.h.as_ref())?,
            c: numbers(self.c.as_ref())?,
        })
    }
}
