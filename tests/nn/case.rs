//! `Case`: a layer, what goes in, and what Keras makes of it.

use crate::build::build;
use ndarray::{Array2, ArrayD};
use recurrent::{AnyLayer, Element, Tensor};
use serde_json::{Value, json};
use std::path::Path;

pub struct Case {
    pub of: Value,
    weights: Vec<ArrayD<f64>>,
    inputs: Vec<ArrayD<f64>>,
    masks: Vec<Option<Array2<bool>>>,
    /// None where Keras refuses the input.
    pub output: Option<Output>,
}

pub struct Output {
    pub values: ArrayD<f64>,
    pub mask: Option<Array2<bool>>,
}

/// All cases of `tests/data/nn`.
pub fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/nn");
    let list: Vec<Value> =
        serde_json::from_slice(&std::fs::read(root.join("cases.json")).unwrap()).unwrap();
    let bytes = std::fs::read(root.join("numbers.f32")).unwrap();
    let mut numbers = bytes
        .as_chunks()
        .0
        .iter()
        .map(|&b| f64::from(f32::from_le_bytes(b)));
    let cases = list
        .into_iter()
        .map(|of| Case::new(of, &mut numbers))
        .collect();
    assert!(numbers.next().is_none());
    cases
}

impl Case {
    fn new(of: Value, numbers: &mut impl Iterator<Item = f64>) -> Self {
        let is_refused = of["refused"] == true;
        let mut take = |shape: &Value| {
            let shape = lens(shape);
            let count = shape.iter().product();
            // Of those that Keras refuses only the shape is known.
            let values = if is_refused {
                vec![0.0; count]
            } else {
                numbers.take(count).collect()
            };
            ArrayD::from_shape_vec(shape, values).unwrap()
        };
        let weights = match of["layer"].as_str() {
            Some("Conv1D") if is_refused => {
                let [kernel_size, filters] = ["kernel_size", "filters"].map(|name| &of[name]);
                let kernel = json!([kernel_size, of["inputs"][0][2], filters]);
                [kernel, json!([filters])].iter().map(&mut take).collect()
            }
            Some("Conv2D") if is_refused => {
                let [kernel_size, filters] = ["kernel_size", "filters"].map(|name| &of[name]);
                let kernel = json!([kernel_size, kernel_size, of["inputs"][0][3], filters]);
                [kernel, json!([filters])].iter().map(&mut take).collect()
            }
            _ => list(&of["weights"]).iter().map(&mut take).collect(),
        };
        let inputs: Vec<_> = list(&of["inputs"]).iter().map(&mut take).collect();
        let output = (!is_refused).then(|| Output {
            values: take(&of["output"]),
            mask: mask(&of["mask"]),
        });
        let masks = match list(&of["masks"]) {
            [] => vec![None; inputs.len()],
            masks => masks.iter().map(mask).collect(),
        };
        Case {
            of,
            weights,
            inputs,
            masks,
            output,
        }
    }

    pub fn kind(&self) -> &str {
        self.of["layer"].as_str().unwrap()
    }

    pub fn layer<A: Element>(&self) -> Box<dyn AnyLayer<A>> {
        let weights: Vec<_> = self.weights.iter().map(|w| w.mapv(A::from_f64)).collect();
        build(&self.of, &weights).unwrap_or_else(|error| panic!("{}: {error}", self.of))
    }

    /// How many numbers it has learned.
    pub fn learned(&self) -> usize {
        self.weights.iter().map(ArrayD::len).sum()
    }

    pub fn inputs<A: Element>(&self) -> Vec<Tensor<A>> {
        let inputs = self.bare_inputs().into_iter().zip(&self.masks);
        inputs
            .map(|(flow, mask)| Tensor {
                mask: mask.clone(),
                ..flow
            })
            .collect()
    }

    /// Without their masks.
    pub fn bare_inputs<A: Element>(&self) -> Vec<Tensor<A>> {
        let flow = |x: &ArrayD<f64>| Tensor::new(&x.mapv(A::from_f64));
        self.inputs.iter().map(flow).collect()
    }

    pub fn is_masked(&self) -> bool {
        self.masks.iter().any(Option::is_some)
    }
}

pub fn list(of: &Value) -> &[Value] {
    of.as_array().map_or(&[], Vec::as_slice)
}

pub fn lens(of: &Value) -> Vec<usize> {
    let len = |len: &Value| len.as_u64().unwrap().try_into().unwrap();
    list(of).iter().map(len).collect()
}

fn mask(of: &Value) -> Option<Array2<bool>> {
    let samples: Vec<&str> = of.as_str()?.split(' ').collect();
    let steps = samples.concat().chars().map(|step| step == '1').collect();
    Some(Array2::from_shape_vec((samples.len(), samples[0].len()), steps).unwrap())
}
