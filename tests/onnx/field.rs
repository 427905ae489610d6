//! Files as exporters and quantisers write them, against ONNX Runtime (`tests/data/make_field_onnx.py`).

use crate::says::says;
use ndarray::{Array, Array1, Array2, Array3, Dimension};
use recurrent::onnx::File;
use recurrent::{Bidirectional, Dense, Lstm, npz};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/field/onnx/");

fn path(name: &str) -> String {
    format!("{FOLDER}{name}")
}

/// An array of a file of NumPy.
fn golden<D: Dimension>(file: &str, name: &str) -> Array<f32, D> {
    let array = npz::File::load(path(file)).unwrap().array(name).unwrap();
    array.into_dimensionality().unwrap()
}

fn distance<D: Dimension>(a: &Array<f32, D>, b: &Array<f32, D>) -> f32 {
    assert_eq!(a.shape(), b.shape());
    let pairs = a.iter().zip(b);
    pairs.fold(0.0, |most, (a, b)| most.max((a - b).abs()))
}

#[test]
fn external_data_of_pytorch() {
    let names = npz::File::load(path("default_expected.npz")).unwrap();
    let x: Array3<f32> = golden("default_in.npz", "x");
    let file = File::load(path("default.onnx")).unwrap();
    assert_eq!(file.names().unwrap(), ["node_LSTM_65", "node_LSTM_126"]);
    let x = x.permuted_axes([1, 0, 2]);
    let first = file.node::<f32>("node_LSTM_65").unwrap();
    let first = first
        .run(&x)
        .outputs()
        .unwrap()
        .y
        .remove_axis(ndarray::Axis(1));
    let second = file.node::<f32>("node_LSTM_126").unwrap();
    let y = second
        .run(&first)
        .outputs()
        .unwrap()
        .y
        .remove_axis(ndarray::Axis(1));
    let expected = names.names()[0].clone();
    let expected: Array3<f32> = golden("default_expected.npz", &expected);
    let far = distance(&y.permuted_axes([1, 0, 2]), &expected);
    assert!(far < 1e-6, "{far}");
}

/// Every form of a DynamicQuantizeLSTM: the float LSTM of its weights, and not far from what the runtime makes of it, which
/// quantises the input and the state as well.
#[test]
fn quantised_lstms() {
    for (name, directions) in [
        ("int8_tensor_1", 1),
        ("int8_channels_1", 1),
        ("uint8_tensor_1", 1),
        ("uint8_channels_1", 1),
        ("int8_channels_2", 2),
        ("uint8_tensor_2", 2),
    ] {
        let file = File::load(path(&format!("{name}.onnx"))).unwrap();
        let golden = |what| golden("expected.npz", &format!("{name}.{what}"));
        let x = crate::field::golden("expected.npz", &format!("{name}.x"));
        let node = file.only::<f32>().unwrap();
        let y = node.run(&x).outputs().unwrap().y;
        let far = distance(&y, &golden("exact"));
        assert!(far < 1e-6, "{name}: {far}");
        let far = distance(&y, &golden("runtime"));
        assert!((1e-4..0.01).contains(&far), "{name}: {far}");
        if directions == 1 {
            assert!(node.lstm::<Lstm<f32>>().is_ok());
        } else {
            let both = node.lstm::<Bidirectional<Lstm<f32>, Lstm<f32>>>();
            assert!(both.is_ok());
        }
    }
}

/// What `onnxruntime.quantization.quantize_dynamic` makes of an LSTM: the distance that the documentation tells.
#[test]
fn quantize_dynamic() {
    let x: Array3<f32> = golden("quantized_in.npz", "X");
    let run = |name| {
        let node = File::load(path(name)).unwrap().only::<f32>().unwrap();
        node.run(&x).outputs().unwrap().y
    };
    let (float, y) = (run("float.onnx"), run("quantized.onnx"));
    let exact = distance(&float, &golden("quantized_expected.npz", "float_Y"));
    assert!(exact < 1e-6, "{exact}");
    let runtime = golden("quantized_expected.npz", "quantized_Y");
    let (far, lost) = (distance(&y, &runtime), distance(&y, &float));
    println!(
        "from the runtime {far}, from the float LSTM {lost}, the runtime from it {}",
        distance(&runtime, &float)
    );
    assert!(far < 0.01 && lost < 0.02, "{far} {lost}");
}

#[test]
fn weights_after_dequantize_linear() {
    for name in ["dequantized_lstm", "dequantized_gru"] {
        let file = File::load(path(&format!("{name}.onnx"))).unwrap();
        let x = golden("expected.npz", &format!("{name}.x"));
        let y = file.only::<f32>().unwrap().run(&x).outputs().unwrap().y;
        let far = distance(&y, &golden("expected.npz", &format!("{name}.exact")));
        assert!(far < 1e-6, "{name}: {far}");
    }
}

/// The layers after the LSTM, by hand from the arrays of the file.
#[test]
fn dense_after_an_lstm() {
    let file = File::load(path("dense.onnx")).unwrap();
    let list = file.initializers().unwrap();
    let list: Vec<_> = list
        .iter()
        .map(|array| (array.name.as_str(), &array.shape[..], array.dtype.as_str()))
        .collect();
    assert_eq!(
        list,
        [
            ("axes", &[1][..], "int64"),
            ("dense.bias", &[2], "float32"),
            ("dense.kernel", &[4, 2], "float32"),
            ("lstm.B", &[1, 32], "float32"),
            ("lstm.R", &[1, 16, 4], "float32"),
            ("lstm.W", &[1, 16, 3], "float32"),
        ]
    );
    let kernel: Array2<f32> = file.array("dense.kernel").unwrap();
    let bias: Array1<f32> = file.array("dense.bias").unwrap();
    let x = golden("expected.npz", "dense.x");
    let last = file.only::<f32>().unwrap().run(&x).outputs().unwrap().y_h;
    let last = last.remove_axis(ndarray::Axis(0));
    let dense = Dense::from_weights(kernel, bias).unwrap();
    let y = dense.forward(&last).unwrap();
    let far = distance(&y, &golden("expected.npz", "dense.exact"));
    assert!(far < 1e-6, "{far}");

    let axes: Array1<i64> = file.integers("axes").unwrap();
    assert_eq!(axes, ndarray::array![0]);
    says(
        file.array::<f32, ndarray::Ix1>("dense.kernel"),
        &["dense.onnx", "dense.kernel: found 2 axes, expected 1 axis"],
    );
    says(
        file.array::<f32, ndarray::Ix1>("axes"),
        &["axes", "floating-point numbers", "int64"],
    );
    says(
        file.integers::<ndarray::Ix1>("dense.bias"),
        &["dense.bias", "whole numbers", "float32"],
    );
    says(
        file.array::<f32, ndarray::Ix1>("nothing"),
        &["nothing of that name"],
    );
    says(
        file.array::<f32, ndarray::Ix1>("product"),
        &["product", "the output of MatMul"],
    );
}

#[test]
fn files_without_a_recurrent_node() {
    let only = |name| File::load(path(name)).unwrap().only::<f32>();
    says(
        only("loop.onnx"),
        &[
            "loop.onnx: model: found 0; the operators of the file are",
            "Loop",
            "Tanh",
            "Loop or a Scan",
            "export",
        ],
    );
    says(
        only("written_out.onnx"),
        &[
            "MatMul, Mul, Sigmoid, Tanh",
            "written out",
            "export",
            "nn.LSTM",
            "File::array",
        ],
    );
}
