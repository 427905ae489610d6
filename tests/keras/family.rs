//! `Family`: the cases and the tensors of a directory of files of Keras, and what a model must give for a case.

use crate::data::mentions;
use ndarray::{ArrayD, Axis};
use recurrent::{Element, Model, Session, Tensor};
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

pub fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub struct Family {
    pub root: PathBuf,
    pub cases: Vec<Value>,
    tensors: HashMap<String, ArrayD<f64>>,
}

impl Family {
    pub fn load(root: PathBuf) -> Self {
        let cases: Vec<Value> = serde_json::from_slice(&read(&root.join("cases.json"))).unwrap();
        assert!(!cases.is_empty());
        let bytes = read(&root.join("tensors.safetensors"));
        let mut tensors = HashMap::new();
        for (name, view) in safetensors::SafeTensors::deserialize(&bytes)
            .unwrap()
            .tensors()
        {
            assert_eq!(view.dtype(), safetensors::Dtype::F32, "{name}");
            let numbers = view.data().as_chunks().0.iter();
            let numbers = numbers.map(|b| f32::from_le_bytes(*b).into()).collect();
            let array = ArrayD::from_shape_vec(view.shape().to_vec(), numbers).unwrap();
            tensors.insert(name, array);
        }
        Family {
            root,
            cases,
            tensors,
        }
    }

    pub fn tensor(&self, name: &Value) -> &ArrayD<f64> {
        let found = name.as_str().and_then(|name| self.tensors.get(name));
        found.unwrap_or_else(|| panic!("no tensor {name}"))
    }

    /// The path of a file of a case, if it has that one.
    pub fn file(&self, case: &Value, kind: &str) -> Option<PathBuf> {
        case["files"][kind]
            .as_str()
            .map(|name| self.root.join(name))
    }

    /// Refuses keys, other than these, that name a tensor: it would be an input or an output that nobody looked at.
    pub fn only_describes(&self, object: &Value, known: &[&str]) -> Result<(), String> {
        let keys = object.as_object().ok_or("not an object")?.iter();
        let is_tensor = |name: &str| self.tensors.contains_key(name);
        let mut other = keys.filter(|(key, _)| !known.contains(&key.as_str()));
        match other.find(|(_, value)| mentions(value, &is_tensor)) {
            None => Ok(()),
            Some((key, _)) => Err(format!("unknown key {key:?} names a tensor")),
        }
    }

    /// Whether the model can be streamed; then its first call, timestep by timestep, must end in the same bits.
    pub fn stream<A: Element>(&self, case: &Value, model: &Model<A>) -> Result<bool, String> {
        let inputs = case["calls"][0]["inputs"].as_array().unwrap().iter();
        let inputs = inputs.map(|name| Tensor::new(&self.tensor(name).mapv(A::from_f64)));
        let inputs: Vec<Tensor<A>> = inputs.collect();
        let axis = |n: usize| inputs.iter().map(move |x| x.values.shape().get(n).copied());
        let (Some(Some(samples)), Some(Some(timesteps))) = (axis(0).next(), axis(1).next()) else {
            return Ok(false);
        };
        let alike = axis(1).all(|found| found == Some(timesteps));
        let Ok(mut live) = model.stream(samples) else {
            return Ok(false);
        };
        if !alike {
            return Ok(false);
        }
        for t in 0..timesteps {
            let now = |x: &Tensor<A>| {
                let x = x.values.index_axis(Axis(1), t);
                x.iter().copied().collect::<Vec<A>>()
            };
            let now: Vec<Vec<A>> = inputs.iter().map(now).collect();
            let now: Vec<&[A]> = now.iter().map(Vec::as_slice).collect();
            live.push_all(&now).map_err(|error| error.to_string())?;
        }
        let whole = model
            .forward_all(inputs)
            .map_err(|error| error.to_string())?;
        for (at, whole) in whole.into_iter().enumerate() {
            let output = live.output(at).ok_or("an output is missing")?;
            let mut values = whole.values;
            if values.len() != output.len() {
                values = values.index_axis_move(Axis(1), timesteps - 1);
            }
            if !values.iter().eq(output) {
                return Err(format!(
                    "output {at} of a stream: {output:?}, expected {values:?}"
                ));
            }
        }
        Ok(true)
    }

    /// All calls of a case, one after the other in one session; the largest difference, or what is wrong.
    pub fn check<A: Element>(&self, case: &Value, model: &Model<A>) -> Result<f64, String> {
        let keras = case["keras_f32_max_abs_diff"].as_f64().unwrap_or(0.0);
        let tolerance = match size_of::<A>() {
            4 => (10.0 * keras).max(1e-6),
            _ => 2e-7,
        };
        let (mut session, mut worst) = (Session::new(model), 0.0);
        for (n, call) in case["calls"].as_array().unwrap().iter().enumerate() {
            self.only_describes(call, &["inputs", "outputs"])?;
            let inputs = call["inputs"].as_array().unwrap().iter();
            let inputs = inputs.map(|name| Tensor::new(&self.tensor(name).mapv(A::from_f64)));
            let outputs = session
                .forward_all(inputs)
                .map_err(|error| error.to_string())?;
            let expected = call["outputs"].as_array().unwrap();
            if outputs.len() != expected.len() {
                return Err(format!(
                    "{} outputs, expected {}",
                    outputs.len(),
                    expected.len()
                ));
            }
            for (output, name) in outputs.iter().zip(expected) {
                let want = self.tensor(name);
                if output.values.shape() != want.shape() {
                    let found = output.values.shape();
                    return Err(format!("{name}: {found:?}, expected {:?}", want.shape()));
                }
                let largest = want.iter().fold(1.0_f64, |most, x| x.abs().max(most));
                let pairs = output.values.iter().zip(want);
                let difference = pairs
                    .map(|(got, want)| (got.as_f64() - want).abs() / largest)
                    .fold(0.0, |most, d| if d > most || d.is_nan() { d } else { most });
                if difference.is_nan() || difference > tolerance {
                    let what = format!("call {n}, {name}: differs by {difference:.1e}");
                    return Err(format!("{what}, tolerance {tolerance:.1e}"));
                }
                worst = difference.max(worst);
            }
        }
        Ok(worst)
    }
}
