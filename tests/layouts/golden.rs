//! The frameworks themselves.

use super::difference;
use ndarray::{Array, Array3, Axis, Dimension, Ix1, Ix2, array, concatenate, s, stack};
use recurrent::{Gru, Layout, Lstm, Recurrent, SimpleRnn};
use serde_json::Value;
use std::path::Path;

/// A case: the arrays of a layer, an input and the outputs.
struct Case {
    name: String,
    arrays: Value,
    x: Array3<f64>,
    y: Array3<f64>,
}

fn array_of<D: Dimension>(value: &Value) -> Array<f64, D> {
    let [shape, numbers] = [0, 1].map(|part| value[part].as_array().unwrap().iter());
    let shape: Vec<usize> = shape
        .map(|len| len.as_u64().unwrap().try_into().unwrap())
        .collect();
    let numbers = numbers.map(|number| number.as_f64().unwrap()).collect();
    let array = Array::from_shape_vec(shape, numbers).unwrap();
    array.into_dimensionality().unwrap()
}

impl Case {
    fn array<D: Dimension>(&self, name: &str) -> Array<f64, D> {
        array_of(&self.arrays[name])
    }

    fn matrix(&self, name: &str) -> Array<f64, Ix2> {
        self.array(name)
    }

    fn bias(&self, name: &str) -> Array<f64, Ix1> {
        self.array(name)
    }
}

/// Runs each case of a framework and compares. The frameworks compute in f32.
fn check(framework: &str, count: usize, run: impl Fn(&Case) -> recurrent::Result<Array3<f64>>) {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/layouts/{framework}.json"));
    let cases: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), count);
    for case in cases {
        let case = Case {
            name: case["name"].as_str().unwrap().into(),
            arrays: case["arrays"].clone(),
            x: array_of(&case["x"]),
            y: array_of(&case["y"]),
        };
        let found = run(&case).unwrap();
        let difference = difference(&found, &case.y);
        assert!(
            difference < 5e-7,
            "{framework} {}: {difference:e}",
            case.name
        );
    }
}

const FEATURES: usize = 3;
const UNITS: usize = 2;

#[test]
fn tensorflow_1() {
    check("tensorflow", 4, |case| match &*case.name {
        "BasicLSTMCell" | "LSTMCell" => {
            let (kernel, bias) = (case.matrix("kernel"), case.bias("bias"));
            let (of_x, of_h) = kernel.view().split_at(Axis(0), FEATURES);
            let layout = Layout::columns("ijfo").forget_bias(1.0);
            let lstm =
                Lstm::builder(FEATURES, UNITS).from_arrays(&layout, &of_x, &of_h, &[&bias])?;
            lstm.run(&case.x).sequences()
        }
        "GRUCell" => {
            let kernels = [case.matrix("gates/kernel"), case.matrix("candidate/kernel")];
            let kernel = concatenate![Axis(1), kernels[0], kernels[1]];
            let bias = concatenate![
                Axis(0),
                case.bias("gates/bias"),
                case.bias("candidate/bias")
            ];
            let (of_x, of_h) = kernel.view().split_at(Axis(0), FEATURES);
            let gru = Gru::builder(FEATURES, UNITS)
                .reset_after(false)
                .from_arrays(&Layout::columns("ruc"), &of_x, &of_h, &[&bias])?;
            gru.run(&case.x).sequences()
        }
        _ => {
            let (kernel, bias) = (case.matrix("kernel"), case.bias("bias"));
            let (of_x, of_h) = kernel.view().split_at(Axis(0), FEATURES);
            let layout = Layout::columns("h");
            let rnn =
                SimpleRnn::builder(FEATURES, UNITS).from_arrays(&layout, &of_x, &of_h, &[&bias])?;
            rnn.run(&case.x).sequences()
        }
    });
}

#[test]
fn flax() {
    check("flax", 3, |case| {
        // A dense layer for each gate: an axis of gates.
        let all = |names: [&str; 4], count: usize| {
            let arrays: Vec<_> = names[..count]
                .iter()
                .map(|name| case.matrix(&format!("{name}/kernel")))
                .collect();
            let views: Vec<_> = arrays.iter().map(|array| array.view()).collect();
            stack(Axis(0), &views).unwrap()
        };
        match &*case.name {
            "LSTMCell" => {
                let (of_x, of_h) = (
                    all(["ii", "if", "ig", "io"], 4),
                    all(["hi", "hf", "hg", "ho"], 4),
                );
                let biases =
                    ["hi", "hf", "hg", "ho"].map(|name| case.bias(&format!("{name}/bias")));
                let [i, f, g, o] = biases.each_ref().map(|array| array.view());
                let bias = concatenate![Axis(0), i, f, g, o];
                let layout = Layout::columns("ifgo");
                let lstm =
                    Lstm::builder(FEATURES, UNITS).from_arrays(&layout, &of_x, &of_h, &[&bias])?;
                lstm.run(&case.x).sequences()
            }
            "GRUCell" => {
                let (of_x, of_h) = (
                    all(["ir", "iz", "in", ""], 3),
                    all(["hr", "hz", "hn", ""], 3),
                );
                let biases =
                    ["ir", "iz", "in", "hn"].map(|name| case.bias(&format!("{name}/bias")));
                let [r, z, n, hn] = biases.each_ref().map(|array| array.view());
                let bias = concatenate![Axis(0), r, z, n];
                let mut bias_h = Array::zeros(3 * UNITS);
                bias_h.slice_mut(s![2 * UNITS..]).assign(&hn);
                let layout = Layout::columns("rzn");
                let gru = Gru::builder(FEATURES, UNITS).from_arrays(
                    &layout,
                    &of_x,
                    &of_h,
                    &[&bias, &bias_h],
                )?;
                gru.run(&case.x).sequences()
            }
            _ => {
                let (of_x, of_h) = (case.matrix("i/kernel"), case.matrix("h/kernel"));
                let (layout, bias) = (Layout::columns("h"), case.bias("i/bias"));
                let rnn = SimpleRnn::builder(FEATURES, UNITS).from_arrays(
                    &layout,
                    &of_x,
                    &of_h,
                    &[&bias],
                )?;
                rnn.run(&case.x).sequences()
            }
        }
    });
}

#[test]
fn haiku() {
    check("haiku", 3, |case| match &*case.name {
        "LSTM" => {
            let (w, b) = (case.matrix("lstm/linear/w"), case.bias("lstm/linear/b"));
            let (of_x, of_h) = w.view().split_at(Axis(0), FEATURES);
            let layout = Layout::columns("igfo").forget_bias(1.0);
            let lstm = Lstm::builder(FEATURES, UNITS).from_arrays(&layout, &of_x, &of_h, &[&b])?;
            lstm.run(&case.x).sequences()
        }
        "GRU" => {
            let layout = Layout::columns("zra").update_takes_new(true);
            let (w_i, w_h) = (case.matrix("gru/w_i"), case.matrix("gru/w_h"));
            let gru = Gru::builder(FEATURES, UNITS)
                .reset_after(false)
                .from_arrays(&layout, &w_i, &w_h, &[&case.bias("gru/b")])?;
            gru.run(&case.x).sequences()
        }
        _ => {
            // Its activation is max(x, 0).
            let layout = Layout::columns("h");
            let arrays = [
                case.matrix("vanilla_rnn/linear/w"),
                case.matrix("vanilla_rnn/linear_1/w"),
            ];
            let biases = [
                case.bias("vanilla_rnn/linear/b"),
                case.bias("vanilla_rnn/linear_1/b"),
            ];
            let rnn = SimpleRnn::builder(FEATURES, UNITS)
                .activation(recurrent::Activation::Relu)
                .from_arrays(&layout, &arrays[0], &arrays[1], &[&biases[0], &biases[1]])?;
            rnn.run(&case.x).sequences()
        }
    });
}

#[test]
fn equinox() {
    check("equinox", 2, |case| {
        let (w_ih, w_hh) = (case.matrix("weight_ih"), case.matrix("weight_hh"));
        let bias = case.bias("bias");
        if case.name == "LSTMCell" {
            let layout = Layout::rows("ifgo");
            let lstm =
                Lstm::builder(FEATURES, UNITS).from_arrays(&layout, &w_ih, &w_hh, &[&bias])?;
            return lstm.run(&case.x).sequences();
        }
        let bias_n = concatenate![Axis(0), Array::zeros(2 * UNITS), case.bias("bias_n")];
        let layout = Layout::rows("rzn");
        let gru =
            Gru::builder(FEATURES, UNITS).from_arrays(&layout, &w_ih, &w_hh, &[&bias, &bias_n])?;
        gru.run(&case.x).sequences()
    });
}

#[test]
fn paddle() {
    check("paddle", 3, |case| {
        let (w_ih, w_hh) = (case.matrix("weight_ih_l0"), case.matrix("weight_hh_l0"));
        let (b_ih, b_hh) = (case.bias("bias_ih_l0"), case.bias("bias_hh_l0"));
        let biases = [&*b_ih, &*b_hh];
        match &*case.name {
            "LSTM" => Lstm::builder(FEATURES, UNITS)
                .from_arrays(&Layout::rows("ifgo"), &w_ih, &w_hh, &biases)?
                .run(&case.x)
                .sequences(),
            "GRU" => Gru::builder(FEATURES, UNITS)
                .from_arrays(&Layout::rows("rzc"), &w_ih, &w_hh, &biases)?
                .run(&case.x)
                .sequences(),
            _ => SimpleRnn::builder(FEATURES, UNITS)
                .from_arrays(&Layout::rows("h"), &w_ih, &w_hh, &biases)?
                .run(&case.x)
                .sequences(),
        }
    });
}

/// What the reader of a file of PyTorch makes of the same arrays.
#[test]
#[cfg(feature = "torch")]
fn pytorch() {
    let model = |name: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/torch/models");
        let named = |entry: std::io::Result<std::fs::DirEntry>| {
            let path = entry.unwrap().path();
            let is_it = path.file_name()?.to_str()?.starts_with(name);
            is_it.then_some(path)
        };
        let path = std::fs::read_dir(folder).unwrap().find_map(named).unwrap();
        recurrent::torch::File::read(std::fs::read(path).unwrap()).unwrap()
    };
    let arrays = |file: &recurrent::torch::File| {
        let matrix = |name| file.array::<f32, Ix2>(name).unwrap();
        let bias = |name| file.array::<f32, Ix1>(name).unwrap();
        let kernels = (matrix("weight_ih_l0"), matrix("weight_hh_l0"));
        (kernels, [bias("bias_ih_l0"), bias("bias_hh_l0")])
    };
    let (lstm, gru) = (model("t00_lstm"), model("t02_gru"));

    let ((w_ih, w_hh), [b_ih, b_hh]) = arrays(&lstm);
    let found = Lstm::builder(w_ih.ncols(), w_hh.ncols())
        .from_arrays(&Layout::rows("ifgo"), &w_ih, &w_hh, &[&b_ih, &b_hh])
        .unwrap();
    let expected: Lstm<f32> = lstm.lstm("").unwrap();
    assert_eq!(found.kernel(), expected.kernel());
    assert_eq!(found.recurrent_kernel(), expected.recurrent_kernel());
    assert_eq!(found.bias(), expected.bias());

    let ((w_ih, w_hh), [b_ih, b_hh]) = arrays(&gru);
    let found = Gru::builder(w_ih.ncols(), w_hh.ncols())
        .from_arrays(&Layout::rows("rzn"), &w_ih, &w_hh, &[&b_ih, &b_hh])
        .unwrap();
    let expected: Gru<f32> = gru.gru("").unwrap();
    assert_eq!(found.kernel(), expected.kernel());
    assert_eq!(found.recurrent_kernel(), expected.recurrent_kernel());
    assert_eq!(found.bias(), expected.bias());
}

/// The layout of Keras is one, too.
#[test]
fn keras() {
    let kernel = array![
        [1.0, 2.0, 3.0, 4.0],
        [5.0, 6.0, 7.0, 8.0],
        [9.0, 10.0, 11.0, 12.0]
    ];
    let recurrent_kernel = array![[13.0, 14.0, 15.0, 16.0]];
    let bias = array![17.0, 18.0, 19.0, 20.0];
    let lstm = Lstm::<f64>::builder(3, 1)
        .from_arrays(
            &Layout::columns("ifco"),
            &kernel,
            &recurrent_kernel,
            &[&bias],
        )
        .unwrap();
    assert_eq!(lstm.kernel(), kernel);
    assert_eq!(lstm.recurrent_kernel(), recurrent_kernel);
    assert_eq!(lstm.bias(), Some(bias));
}
