//! Layers written as state dicts: bit for bit what was read, and what PyTorch computes with the copies.

use crate::data::{ours, tests};
use crate::says::says;
use ndarray::{Array1, Array2, Array3, ArrayD, array};
use recurrent::torch::{File, StateDict, ToModule};
use recurrent::{
    Activation, AnyLayer, Bidirectional, Conv1d, Deep, Dense, Element, Embedding, FromLayers, Gru,
    Layer, LayerNormalization, Lstm, LstmState, MergeMode, Model, Recurrent, SimpleRnn,
};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Writes the layers of a file into a copy, unchanged and changed. Returns whether the file has such layers.
fn check<A: Element, L>(bytes: &[u8], layer: recurrent::Result<L>, name: &str) -> bool
where
    L: ToModule<Elem = A> + FromLayers,
{
    let Ok(layer) = layer else {
        return false;
    };
    let dict = StateDict::new().add("", &layer).unwrap();
    match dict.write_into(bytes) {
        Ok(copy) => assert!(copy == bytes, "{name}: an untouched layer"),
        // The parts of `weight_norm` are not written, and a cell has other names.
        Err(error) => {
            assert!(
                error.to_string().contains("expected an array"),
                "{name}: {error}"
            );
            let dict = StateDict::new().add_cell("", &layer);
            return dict.is_ok_and(|dict| dict.write_into(bytes).is_ok_and(|copy| copy == bytes));
        }
    }
    true
}

#[test]
fn an_untouched_layer_gives_the_file() {
    let mut found = 0;
    for folder in [
        ours("torch").join("models"),
        tests().join("data/torch/models"),
    ] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let (bytes, name) = (read(&path), path.display().to_string());
            let file = File::read(&bytes[..]).unwrap();
            let one = check::<f32, Deep<Lstm<f32>>>(&bytes, file.lstm(""), &name)
                || check::<f64, Deep<Bidirectional<Lstm<f64>, Lstm<f64>>>>(
                    &bytes,
                    file.lstm(""),
                    &name,
                )
                || check::<f32, Layer<Deep<Gru<f32>>>>(&bytes, file.gru(""), &name)
                || check::<f32, Deep<Bidirectional<Gru<f32>, Gru<f32>>>>(
                    &bytes,
                    file.gru(""),
                    &name,
                )
                || check::<f32, Deep<SimpleRnn<f32>>>(
                    &bytes,
                    file.rnn("", Activation::Tanh),
                    &name,
                )
                || check::<f32, Deep<Bidirectional<SimpleRnn<f32>, SimpleRnn<f32>>>>(
                    &bytes,
                    file.rnn("", Activation::Relu),
                    &name,
                );
            found += usize::from(one);
        }
    }
    println!("{found} files");
    assert!(found >= 20, "{found}");
}

/// Numbers that every precision holds, the same as in `make_out.py`.
fn numbers(count: usize) -> Vec<f32> {
    (0..count)
        .map(|i| (i * 37 % 64) as f32 / 64.0 - 0.5)
        .collect()
}

fn matrix(rows: usize, columns: usize) -> Array2<f32> {
    Array2::from_shape_vec((rows, columns), numbers(rows * columns)).unwrap()
}

/// The same layer with other numbers, as after a training.
fn trained<R>(layer: R) -> R
where
    R: Recurrent<Elem = f32> + Clone + Send + Sync + 'static,
    Layer<R>: AnyLayer<f32>,
{
    let mut model = Model::new().add_as("rnn", Layer::new(layer));
    let mut number = 0;
    for weight in model.weights() {
        let array = model.get(&weight.path).unwrap().mapv(|x| {
            number += 1;
            x + (number % 61 + 1) as f32 / 256.0
        });
        model.set(&weight.path, &array).unwrap();
    }
    model.layer_as::<R>("rnn").unwrap().clone()
}

/// FNV-1a of 64 bits: which bytes a copy has.
fn sum(bytes: &[u8]) -> String {
    let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, &byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{sum:016x}")
}

/// A file for PyTorch, and what is computed with it here.
struct Case(&'static str, Vec<u8>, Vec<f32>);

/// A layer of a file, trained and written into a copy of it.
fn copied<R>(name: &'static str, load: impl Fn(&File) -> recurrent::Result<R>) -> Case
where
    R: ToModule<Elem = f32> + Recurrent<Elem = f32> + Clone + Send + Sync + 'static,
    Layer<R>: AnyLayer<f32>,
{
    let path = tests().join(format!("data/torch/models/{name}.safetensors"));
    let original = read(&path);
    let layer = trained(load(&File::read(&original[..]).unwrap()).unwrap());
    let dict = StateDict::new().add("", &layer).unwrap();
    let copy = dict.write_into(&original).unwrap();
    let again = load(&File::read(&copy[..]).unwrap()).unwrap();
    let x = Array3::from_shape_vec((2, 4, layer.features()), numbers(8 * layer.features()));
    let y = again.run(&x.unwrap()).sequences().unwrap();
    Case(name, copy, y.iter().copied().collect())
}

/// A file that was not there before.
fn anew() -> Case {
    let table = Embedding::from_weights(matrix(7, 4)).unwrap();
    let kernel = Array3::from_shape_vec((3, 4, 6), numbers(72)).unwrap();
    let conv = Conv1d::builder();
    let conv = conv.from_weights(kernel, Array1::from(numbers(6))).unwrap();
    let gamma = Array1::from(numbers(6)) + 1.0;
    let norm = LayerNormalization::from_weights(gamma, Array1::from(numbers(6))).unwrap();
    let norm = norm.epsilon(1e-5);
    let gru = || {
        let bias = matrix(2, 15);
        Gru::from_weights(matrix(6, 15), matrix(5, 15), bias).unwrap()
    };
    let gru = Bidirectional::new(gru(), trained(gru()));
    let head = Dense::from_weights(matrix(10, 2), Some(Array1::from(numbers(2)))).unwrap();
    let ids = array![[1_usize, 2, 3, 4, 5], [6, 0, 1, 0, 2]];
    let x = conv.forward(&table.forward(&ids).unwrap()).unwrap();
    let x = norm.forward(&x).unwrap();
    let y = head.forward(&gru.run(&x).sequences().unwrap()).unwrap();
    let dict = StateDict::new().add("table.", &table).unwrap();
    let dict = dict
        .add("conv.", &conv)
        .unwrap()
        .add("norm.", &norm)
        .unwrap();
    let dict = dict.add("gru.", &gru).unwrap().add("head.", &head).unwrap();
    Case("anew", dict.write().unwrap(), y.iter().copied().collect())
}

/// The files are those that real PyTorch has loaded, byte by byte, and compute what it computed with them. With `RECURRENT_OUT`
/// they are written into that folder, for `make_out.py`.
#[test]
fn torch_loads_the_copies() {
    type Both<C> = Deep<Bidirectional<C, C>>;
    let cases = [
        copied("u00_lstm_everything", |file| {
            file.lstm::<_, Both<Lstm<f32>>>("")
        }),
        copied("u06_gru_half", |file| file.gru::<_, Deep<Gru<f32>>>("")),
        copied("u08_rnn_relu", |file| {
            file.rnn::<_, Both<SimpleRnn<f32>>>("", Activation::Relu)
        }),
        anew(),
    ];
    if let Some(folder) = std::env::var_os("RECURRENT_OUT") {
        for Case(name, bytes, _) in cases {
            let path = PathBuf::from(&folder).join(format!("{name}.safetensors"));
            std::fs::write(path, bytes).unwrap();
        }
        return;
    }
    let known: Value = serde_json::from_slice(&read(&tests().join("data/out/torch.json"))).unwrap();
    for Case(name, bytes, found) in cases {
        let known = &known[name];
        assert_eq!(known["fnv"], *sum(&bytes), "{name}: other bytes");
        let expected = known["output"].as_array().unwrap();
        assert_eq!(expected.len(), found.len(), "{name}");
        for (found, expected) in found.iter().zip(expected) {
            let expected = expected.as_f64().unwrap();
            let difference = (f64::from(*found) - expected).abs();
            assert!(difference < 2e-6, "{name}: {found}, expected {expected}");
        }
    }
}

#[test]
fn what_pytorch_computes_otherwise_is_refused() {
    let lstm = || Lstm::<f32>::builder(3, 2);
    let state = LstmState {
        h: Array2::zeros((1, 2)),
        c: Array2::zeros((1, 2)),
    };
    for (layer, what) in [
        (lstm().peepholes(Array2::zeros((3, 2))), "peepholes"),
        (lstm().input_forget(true), "coupled gates"),
        (lstm().clip(1.0), "a clip"),
        (lstm().initial_state(state), "an initial state"),
        (
            lstm().recurrent_activation(Activation::HARD_SIGMOID_KERAS2),
            "other activations",
        ),
    ] {
        let dict = StateDict::new().add("rnn.", &layer.build().unwrap());
        says(
            dict,
            &[
                "module \"rnn.\"",
                &format!("one with {what}"),
                "an LSTM as PyTorch has it",
            ],
        );
    }
    let gru = Gru::<f32>::builder(3, 2)
        .reset_after(false)
        .build()
        .unwrap();
    says(
        StateDict::new().add("", &gru),
        &["one with the reset gate before the product"],
    );
    let both = Bidirectional::new(lstm().build().unwrap(), lstm().build().unwrap());
    says(
        StateDict::new().add("", &both.merge_mode(MergeMode::Sum)),
        &["one with another merge mode"],
    );
}

#[test]
fn other_files_are_refused() {
    let lstm = Lstm::<f32>::builder(3, 2).build().unwrap();
    let dict = StateDict::new().add("", &lstm).unwrap();
    let bytes = dict.write().unwrap();
    says(
        StateDict::new()
            .add("a.", &lstm)
            .unwrap()
            .write_into(&bytes),
        &["expected an array \"a.weight_ih_l0\""],
    );
    let wide = Lstm::<f32>::builder(4, 2).build().unwrap();
    says(
        StateDict::new().add("", &wide).unwrap().write_into(&bytes),
        &["weight_ih_l0: found [8, 4], expected shape [8, 3]"],
    );
    let twice = dict.add("", &lstm).unwrap();
    says(twice.write(), &["\"weight_ih_l0\"", "different names"]);
    for length in 0..bytes.len() {
        assert!(twice.write_into(&bytes[..length]).is_err());
    }
}

/// Zeros, of which the file has other parts: both biases are overwritten.
#[test]
fn a_changed_sum_is_in_the_first_bias() {
    let zeros = |shape: &[usize]| ArrayD::<f32>::zeros(shape);
    let halves = |value: f32| ArrayD::from_elem(vec![8], value);
    let file = |first: f32, second: f32| {
        File::from_arrays([
            ("weight_ih_l0", zeros(&[8, 3])),
            ("weight_hh_l0", zeros(&[8, 2])),
            ("bias_ih_l0", halves(first)),
            ("bias_hh_l0", halves(second)),
        ])
        .unwrap()
    };
    let lstm: Lstm<f32> = file(0.25, 0.5).lstm("").unwrap();
    let dict = StateDict::new().add("", &lstm).unwrap();
    let other: Lstm<f32> = file(1.0, 2.0).lstm("").unwrap();
    let original = StateDict::new().add("", &other).unwrap().write().unwrap();
    let copy = dict.write_into(&original).unwrap();
    let copy = File::read(copy).unwrap();
    let bias: ndarray::Array1<f32> = copy.array("bias_ih_l0").unwrap();
    assert!(bias[0].total_cmp(&0.75).is_eq());
    let bias: ndarray::Array1<f32> = copy.array("bias_hh_l0").unwrap();
    assert!(bias[0].total_cmp(&0.0).is_eq());
}
