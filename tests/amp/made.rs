//! Files of every form, made from a seed.

use recurrent::Element;
use serde_json::{Map, Value, json};

/// Numbers from -1 to 1.
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn bits(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from(self.0 >> 32).unwrap()
    }

    /// As files have them: a number of PyTorch or Keras in f32.
    pub fn next(&mut self) -> f64 {
        let x = f64::from(self.bits()) / f64::from(1_u32 << 31) - 1.0;
        f64::from(f32::from_f64(x))
    }

    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.bits()).unwrap() % n
    }

    pub fn list(&mut self, count: usize) -> Value {
        (0..count).map(|_| self.next()).collect()
    }

    pub fn array(&mut self, shape: &[usize]) -> Value {
        match shape {
            [] => self.next().into(),
            [len, rest @ ..] => (0..*len).map(|_| self.array(rest)).collect(),
        }
    }

    /// Timesteps of a sample and knobs from 0 to 1.
    pub fn input(&mut self, timesteps: usize, inputs: usize) -> Vec<Vec<f64>> {
        let mut step = || {
            let mut x = vec![self.next()];
            x.extend((1..inputs).map(|_| self.next().abs()));
            x
        };
        (0..timesteps).map(|_| step()).collect()
    }
}

fn shape(units: usize) -> Value {
    json!([null, null, units])
}

/// A layer of RTNeural's form.
pub fn layer(of: &mut Numbers, kind: &str, activation: &str, width: usize, units: usize) -> Value {
    let (shape, mut all) = (shape(units), json!({}));
    let weights = match kind {
        "dense" | "time-distributed-dense" => json!([of.array(&[width, units]), of.list(units)]),
        "without bias" => json!([of.array(&[width, units])]),
        "lstm" | "gru" => {
            let gates = if kind == "lstm" { 4 } else { 3 } * units;
            let bias = if kind == "lstm" {
                of.list(gates)
            } else {
                of.array(&[2, gates])
            };
            json!([of.array(&[width, gates]), of.array(&[units, gates]), bias])
        }
        "conv1d" => {
            all = json!({"kernel_size": [3], "dilation": [2]});
            json!([of.array(&[3, width, units]), of.list(units)])
        }
        "grouped" => {
            all = json!({"kernel_size": 2, "dilation": 3, "groups": 2});
            json!([of.array(&[2, width / 2, units]), of.list(units)])
        }
        "batchnorm" | "plain batchnorm" => {
            all = json!({"epsilon": 0.01});
            let variance: Value = (0..units).map(|_| of.next().abs()).collect();
            match kind {
                "batchnorm" => json!([of.list(units), of.list(units), of.list(units), variance]),
                _ => json!([of.list(units), variance]),
            }
        }
        "prelu" => json!([of.array(&[1, units])]),
        "shared prelu" => json!([[[of.next()]]]),
        _ => json!([]),
    };
    let kind = match kind {
        "without bias" => "dense",
        "grouped" => "conv1d",
        other => other.rsplit(' ').next().unwrap(),
    };
    all["type"] = kind.into();
    all["activation"] = activation.into();
    all["shape"] = shape;
    all["weights"] = weights;
    all
}

/// RTNeural's form, of layers (type, activation, units).
pub fn rtneural(seed: u64, inputs: usize, layers: &[(&str, &str, usize)]) -> Value {
    let (mut of, mut width, mut list) = (Numbers::new(seed), inputs, Vec::new());
    for &(kind, activation, units) in layers {
        list.push(layer(&mut of, kind, activation, width, units));
        width = units;
    }
    json!({ "in_shape": shape(inputs), "layers": list })
}

/// The arrays of a recurrent module of PyTorch.
pub fn module(
    of: &mut Numbers,
    dict: &mut Map<String, Value>,
    prefix: &str,
    [gates, inputs, units, layers]: [usize; 4],
    has_bias: bool,
) {
    for layer in 0..layers {
        let width = if layer == 0 { inputs } else { units };
        let rows = gates * units;
        let mut put = |name: &str, array: Value| {
            dict.insert(format!("{prefix}{name}_l{layer}"), array);
        };
        put("weight_ih", of.array(&[rows, width]));
        put("weight_hh", of.array(&[rows, units]));
        if has_bias {
            put("bias_ih", of.list(rows));
            put("bias_hh", of.list(rows));
        }
    }
}

pub struct GuitarMl {
    pub unit_type: &'static str,
    pub inputs: usize,
    pub units: usize,
    pub layers: usize,
    pub outputs: usize,
    pub skip: Value,
    pub has_bias: bool,
}

impl GuitarMl {
    pub fn file(&self, seed: u64) -> Value {
        let (mut of, mut dict) = (Numbers::new(seed), Map::new());
        let gates = match self.unit_type {
            "LSTM" => 4,
            "GRU" => 3,
            _ => 1,
        };
        let sizes = [gates, self.inputs, self.units, self.layers];
        module(&mut of, &mut dict, "rec.", sizes, true);
        dict.insert("lin.weight".into(), of.array(&[self.outputs, self.units]));
        if self.has_bias {
            dict.insert("lin.bias".into(), of.list(self.outputs));
        }
        let mut data = json!({
            "model": "SimpleRNN", "input_size": self.inputs, "output_size": self.outputs,
            "unit_type": self.unit_type, "num_layers": self.layers, "hidden_size": self.units,
            "bias_fl": self.has_bias,
        });
        if !self.skip.is_null() {
            data["skip"] = self.skip.clone();
        }
        json!({ "model_data": data, "state_dict": dict })
    }
}

pub fn nam(seed: u64, [inputs, units, layers, outputs]: [usize; 4]) -> Value {
    let first = 4 * units * (inputs + units + 1) + 2 * units;
    let other = 4 * units * (2 * units + 1) + 2 * units;
    let count = first + (layers - 1) * other + outputs * (units + 1);
    let mut config = json!({
        "input_size": inputs, "hidden_size": units, "num_layers": layers
    });
    if outputs > 1 {
        config["out_channels"] = outputs.into();
    }
    json!({
        "version": "0.5.4", "architecture": "LSTM", "config": config,
        "weights": Numbers::new(seed).list(count), "sample_rate": 48000,
        "metadata": {"loudness": -18.5, "gain": 0.3},
    })
}
