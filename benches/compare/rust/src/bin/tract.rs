//! tract: the row's ONNX model, optimised by it.
//! Where it cannot run an LSTM of several samples that returns c, the model without that output.

use compare::{Answer, Cell, Peer, Result, Row, serve};
use std::sync::Arc;
use tract_linalg::multithread::{Executor, set_default_executor};
use tract_onnx::prelude::*;

fn main() {
    serve(model);
}

struct Onnx {
    plan: Arc<TypedRunnableModel>,
    inputs: TVec<TValue>,
    returned: TVec<TValue>,
    step: bool,
}

fn model(row: &Row, threads: usize) -> Result<Box<dyn Peer>> {
    if row.lengths.is_some() {
        return Err("has no lengths".into());
    }
    if threads > 1 {
        set_default_executor(Executor::multithread(threads));
    }
    let x = Tensor::from_shape(&[row.timesteps, row.samples, row.features], &row.x)?;
    let mut inputs: TVec<TValue> = tvec![x.into()];
    if row.step {
        let zeros = vec![0.0_f32; row.samples * row.units];
        for _ in 0..if row.cell == Cell::Lstm { 2 } else { 1 } {
            inputs.push(Tensor::from_shape(&[1, row.samples, row.units], &zeros)?.into());
        }
    }
    let load = |path: &str| -> Result<Onnx> {
        let plan = tract_onnx::onnx()
            .model_for_path(path)?
            .into_optimized()?
            .into_runnable()?;
        Ok(Onnx {
            plan,
            inputs: inputs.clone(),
            returned: tvec![],
            step: row.step,
        })
    };
    let mut onnx = load(&row.onnx)?;
    if !row.step && onnx.call().is_err() {
        onnx = load(&row.onnx.replace(".onnx", ".no_c.onnx"))?;
    }
    Ok(Box::new(onnx))
}

impl Peer for Onnx {
    fn call(&mut self) -> Result<()> {
        self.returned = self.plan.run(self.inputs.clone())?;
        if self.step {
            // Y_h and Y_c become h and c, which stand after x.
            let state = self.inputs[1..].iter_mut();
            state
                .zip(self.returned.drain(..))
                .for_each(|(old, new)| *old = new);
        }
        Ok(())
    }

    fn answer(&self, row: &Row) -> Result<Answer<f32>> {
        let values = if row.step {
            &self.inputs[1..]
        } else {
            &self.returned[..]
        };
        let mut values = values.iter();
        let mut next = || -> Result<Vec<f32>> {
            let Some(value) = values.next() else {
                return Ok(Vec::new());
            };
            Ok(value
                .to_plain_array_view::<f32>()?
                .iter()
                .copied()
                .collect())
        };
        let y = if row.step { Vec::new() } else { next()? };
        Ok(Answer {
            y,
            h: next()?,
            c: next()?,
        })
    }
}
