//! What a file computes, in f64, by the sources: RTNeural's `model_loader.h` and layers, AIDA-X' `applyModel`,
//! CoreAudioML's `SimpleRNN` on PyTorch's equations, and `NAM/lstm.cpp`. It shares nothing with the crate.

use serde_json::Value;

pub type Rows = Vec<Vec<f64>>;

pub fn row(value: &Value) -> Vec<f64> {
    let list = value.as_array().unwrap().iter();
    list.map(|x| x.as_f64().unwrap()).collect()
}

pub fn rows(value: &Value) -> Rows {
    value.as_array().unwrap().iter().map(row).collect()
}

fn usize_of(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

fn last(value: &Value) -> usize {
    value
        .as_array()
        .map_or_else(|| usize_of(value), |list| usize_of(list.last().unwrap()))
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// x @ w, with w by rows of inputs.
fn times(x: &[f64], w: &Rows) -> Vec<f64> {
    let columns = 0..w[0].len();
    columns
        .map(|j| (0..x.len()).map(|i| x[i] * w[i][j]).sum())
        .collect()
}

fn turned(w: &Rows) -> Rows {
    let columns = 0..w[0].len();
    columns
        .map(|j| w.iter().map(|row| row[j]).collect())
        .collect()
}

/// Kernels by rows of inputs; gates i, f, g, o.
fn lstm(x: &Rows, w: &Rows, u: &Rows, b: &[f64], mut h: Vec<f64>, mut c: Vec<f64>) -> Rows {
    let n = h.len();
    let step = |x: &Vec<f64>| {
        let (from_x, from_h) = (times(x, w), times(&h, u));
        let z: Vec<f64> = (0..4 * n).map(|k| from_x[k] + from_h[k] + b[k]).collect();
        for k in 0..n {
            c[k] = sigmoid(z[n + k]) * c[k] + sigmoid(z[k]) * z[2 * n + k].tanh();
            h[k] = sigmoid(z[3 * n + k]) * c[k].tanh();
        }
        h.clone()
    };
    x.iter().map(step).collect()
}

/// Kernels by rows of inputs; the gates come in this order: z, r, n of Keras are 0, 1, 2, those of PyTorch 1, 0, 2.
fn gru(x: &Rows, w: &Rows, u: &Rows, b: &[Vec<f64>; 2], [z, r, g]: [usize; 3]) -> Rows {
    let n = u.len();
    let mut h = vec![0.0; n];
    let step = |x: &Vec<f64>| {
        let (from_x, from_h) = (times(x, w), times(&h, u));
        let sums = |gate: usize, k: usize| {
            let at = gate * n + k;
            (from_x[at] + b[0][at], from_h[at] + b[1][at])
        };
        let next = |k: usize| {
            let [update, reset] = [z, r].map(|gate| {
                let (x, h) = sums(gate, k);
                sigmoid(x + h)
            });
            let (x, from_h) = sums(g, k);
            let candidate = (x + reset * from_h).tanh();
            (1.0 - update) * candidate + update * h[k]
        };
        h = (0..n).map(next).collect();
        h.clone()
    };
    x.iter().map(step).collect()
}

fn rnn(x: &Rows, w: &Rows, u: &Rows, b: &[f64]) -> Rows {
    let mut h = vec![0.0; u.len()];
    let step = |x: &Vec<f64>| {
        let (from_x, from_h) = (times(x, w), times(&h, u));
        h = (0..b.len())
            .map(|k| (from_x[k] + from_h[k] + b[k]).tanh())
            .collect();
        h.clone()
    };
    x.iter().map(step).collect()
}

fn dense(x: &Rows, w: &Rows, b: Option<&[f64]>) -> Rows {
    let one = |x: &Vec<f64>| {
        let y = times(x, w).into_iter().enumerate();
        y.map(|(k, y)| y + b.map_or(0.0, |b| b[k])).collect()
    };
    x.iter().map(one).collect()
}

/// Causal: the last tap of the kernel reads the newest timestep.
fn conv1d(x: &Rows, layer: &Value) -> Rows {
    let kernel: Vec<Rows> = layer["weights"][0]
        .as_array()
        .unwrap()
        .iter()
        .map(rows)
        .collect();
    let bias = layer["weights"].get(1).map(row);
    let dilation = last(&layer["dilation"]);
    let groups = layer.get("groups").map_or(1, usize_of);
    let filters = kernel[0][0].len();
    let (of_group, inputs) = (filters / groups, kernel[0].len());
    let y = |t: usize, filter: usize| {
        let first = filter / of_group * inputs;
        let mut sum = bias.as_ref().map_or(0.0, |b| b[filter]);
        for (tap, weights) in kernel.iter().enumerate() {
            let back = (kernel.len() - 1 - tap) * dilation;
            if let Some(t) = t.checked_sub(back) {
                sum += (0..inputs)
                    .map(|i| x[t][first + i] * weights[i][filter])
                    .sum::<f64>();
            }
        }
        sum
    };
    (0..x.len())
        .map(|t| (0..filters).map(|filter| y(t, filter)).collect())
        .collect()
}

fn each(x: Rows, f: impl Fn(usize, f64) -> f64) -> Rows {
    let row = |x: Vec<f64>| x.into_iter().enumerate().map(|(k, x)| f(k, x)).collect();
    x.into_iter().map(row).collect()
}

fn activated(x: Rows, layer: &Value) -> Rows {
    match layer["activation"].as_str().unwrap_or_default() {
        "tanh" => each(x, |_, x| x.tanh()),
        "relu" => each(x, |_, x| x.max(0.0)),
        "sigmoid" => each(x, |_, x| sigmoid(x)),
        "elu" => each(x, |_, x| if x > 0.0 { x } else { x.exp() - 1.0 }),
        "softmax" => {
            let row = |x: Vec<f64>| {
                let sum: f64 = x.iter().map(|x| x.exp()).sum();
                x.into_iter().map(|x| x.exp() / sum).collect()
            };
            x.into_iter().map(row).collect()
        }
        _ => x,
    }
}

fn layer(x: Rows, layer: &Value) -> Rows {
    let weights = layer["weights"].as_array().unwrap();
    let units = last(&layer["shape"]);
    match layer["type"].as_str().unwrap() {
        "dense" | "time-distributed-dense" => {
            let bias = weights.get(1).map(row);
            activated(dense(&x, &rows(&weights[0]), bias.as_deref()), layer)
        }
        "conv1d" => activated(conv1d(&x, layer), layer),
        "lstm" => {
            let [w, u] = [0, 1].map(|at| rows(&weights[at]));
            lstm(
                &x,
                &w,
                &u,
                &row(&weights[2]),
                vec![0.0; units],
                vec![0.0; units],
            )
        }
        "gru" => {
            let [w, u] = [0, 1].map(|at| rows(&weights[at]));
            let bias = rows(&weights[2]).try_into().unwrap();
            gru(&x, &w, &u, &bias, [0, 1, 2])
        }
        "batchnorm" => {
            let all: Rows = weights.iter().map(row).collect();
            let epsilon = layer["epsilon"].as_f64().unwrap();
            let [mean, variance] = [2, 1].map(|back| &all[all.len() - back]);
            let affine = all.len() == 4;
            each(x, |k, x| {
                let gamma = if affine { all[0][k] } else { 1.0 };
                let beta = if affine { all[1][k] } else { 0.0 };
                gamma * (x - mean[k]) / (variance[k] + epsilon).sqrt() + beta
            })
        }
        "prelu" => {
            let alpha = row(&weights[0][0]);
            each(x, |k, x| {
                if x >= 0.0 {
                    x
                } else {
                    alpha[k % alpha.len()] * x
                }
            })
        }
        "activation" => activated(x, layer),
        other => panic!("{other}"),
    }
}

/// RTNeural and AIDA-X.
pub fn layers(file: &Value, x: &Rows) -> Rows {
    let gain = |key: &str| match file[key].as_f64() {
        Some(decibels) if decibels > -90.0 => 10.0_f64.powf(decibels * 0.05),
        Some(_) => 0.0,
        None => 1.0,
    };
    let mut x = x.clone();
    x.iter_mut().for_each(|x| x[0] *= gain("in_gain"));
    let list = file["layers"].as_array().unwrap();
    let mut y = list.iter().fold(x.clone(), layer);
    for (y, x) in y.iter_mut().zip(&x) {
        let skipped = if file["in_skip"] == 1 { x[0] } else { 0.0 };
        y.iter_mut()
            .for_each(|y| *y = (*y + skipped) * gain("out_gain"));
    }
    y
}

/// A recurrent module of PyTorch: all its layers. The number of gates says which cell.
pub fn module(dict: &Value, prefix: &str, x: &Rows) -> Rows {
    let mut x = x.clone();
    for layer in 0.. {
        let array = |name: &str| dict.get(format!("{prefix}{name}_l{layer}"));
        let Some(w) = array("weight_ih") else {
            return x;
        };
        let (w, u) = (turned(&rows(w)), turned(&rows(array("weight_hh").unwrap())));
        let (n, columns) = (u.len(), u[0].len());
        let bias = |name: &str| array(name).map_or(vec![0.0; columns], row);
        let b = [bias("bias_ih"), bias("bias_hh")];
        let sum: Vec<f64> = b[0].iter().zip(&b[1]).map(|(a, b)| a + b).collect();
        x = match columns / n {
            4 => lstm(&x, &w, &u, &sum, vec![0.0; n], vec![0.0; n]),
            3 => gru(&x, &w, &u, &b, [1, 0, 2]),
            _ => rnn(&x, &w, &u, &sum),
        };
    }
    x
}

pub fn linear(dict: &Value, prefix: &str, x: &Rows) -> Rows {
    let bias = dict.get(format!("{prefix}bias")).map(row);
    let weight = turned(&rows(&dict[format!("{prefix}weight")]));
    dense(x, &weight, bias.as_deref())
}

/// GuitarML and Automated-GuitarAmpModelling.
pub fn guitarml(file: &Value, x: &Rows) -> Rows {
    let dict = &file["state_dict"];
    let mut y = linear(dict, "lin.", &module(dict, "rec.", x));
    let skip = file["model_data"].get("skip").map_or(1, usize_of);
    for (y, x) in y.iter_mut().zip(x) {
        for (k, y) in y.iter_mut().enumerate() {
            match skip {
                0 => {}
                1 => *y += x[0],
                _ => *y += x[k],
            }
        }
    }
    y
}

/// Neural Amp Modeler.
pub fn nam(file: &Value, x: &Rows) -> Rows {
    let config = &file["config"];
    let [inputs, n, layers] =
        ["input_size", "hidden_size", "num_layers"].map(|key| usize_of(&config[key]));
    let outputs = config.get("out_channels").map_or(1, usize_of);
    let mut numbers = row(&file["weights"]).into_iter();
    let mut take = |count: usize| -> Vec<f64> { numbers.by_ref().take(count).collect() };
    let (mut x, mut width) = (x.clone(), inputs);
    for _ in 0..layers {
        let both: Rows = (0..4 * n).map(|_| take(width + n)).collect();
        let part = |from: usize, to: usize| -> Rows {
            turned(&both.iter().map(|row| row[from..to].to_vec()).collect())
        };
        let b = take(4 * n);
        let (h, c) = (take(n), take(n));
        x = lstm(&x, &part(0, width), &part(width, width + n), &b, h, c);
        width = n;
    }
    let weight: Rows = (0..outputs).map(|_| take(n)).collect();
    let bias = take(outputs);
    assert_eq!(numbers.next(), None);
    dense(&x, &turned(&weight), Some(&bias))
}
