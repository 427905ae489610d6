//! rten: the row's ONNX model, weights prepacked. It reads `sequence_lens` and does not use them, so it has no Q9.

use compare::{Answer, Cell, Peer, Result, Row, serve};
use rten::{Model, ModelOptions, NodeId, Value};
use rten_tensor::prelude::*;
use rten_tensor::{Tensor, TensorView};

fn main() {
    serve(|row, _| model(row));
}

struct Onnx {
    model: Model,
    inputs: Vec<(NodeId, Value)>,
    outputs: Vec<NodeId>,
    returned: Vec<Value>,
    step: bool,
}

fn model(row: &Row) -> Result<Box<dyn Peer>> {
    if row.lengths.is_some() {
        return Err("does not use sequence_lens".into());
    }
    let model = ModelOptions::with_all_ops()
        .prepack_weights(true)
        .load_file(&row.onnx)?;
    let x = Tensor::from_data(&[row.timesteps, row.samples, row.features], row.x.clone());
    let mut inputs = vec![(model.node_id("x")?, x.into())];
    if row.step {
        let state = if row.cell == Cell::Lstm {
            &["h", "c"][..]
        } else {
            &["h"]
        };
        for name in state {
            let zeros = Tensor::<f32>::zeros(&[1, row.samples, row.units]);
            inputs.push((model.node_id(name)?, zeros.into()));
        }
    }
    let outputs = model.output_ids().to_vec();
    Ok(Box::new(Onnx {
        model,
        inputs,
        outputs,
        returned: Vec::new(),
        step: row.step,
    }))
}

impl Peer for Onnx {
    fn call(&mut self) -> Result<()> {
        let inputs = self
            .inputs
            .iter()
            .map(|(id, value)| (*id, value.as_view().into()))
            .collect();
        self.returned = self.model.run(inputs, &self.outputs, None)?;
        if self.step {
            // Y_h and Y_c become h and c, which stand after x.
            let state = self.inputs[1..].iter_mut();
            state
                .zip(self.returned.drain(..))
                .for_each(|((_, old), new)| *old = new);
        }
        Ok(())
    }

    fn answer(&self, row: &Row) -> Result<Answer<f32>> {
        let mut values: Vec<&Value> = if row.step {
            self.inputs[1..].iter().map(|(_, value)| value).collect()
        } else {
            self.returned.iter().collect()
        };
        let mut next = || -> Result<Vec<f32>> {
            if values.is_empty() {
                return Ok(Vec::new());
            }
            let view: TensorView<f32> = values.remove(0).as_view().try_into()?;
            Ok(view.to_vec())
        };
        let y = if row.step { Vec::new() } else { next()? };
        Ok(Answer {
            y,
            h: next()?,
            c: next()?,
        })
    }
}
