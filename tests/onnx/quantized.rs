//! DynamicQuantizeLSTM: what is refused. What it computes is in `field`.

use crate::build::{bytes, floats, graph, model, node, of_domain};
use crate::says::says;
use recurrent::Lstm;
use recurrent::onnx::File;

/// 2 features, 1 unit: W (1, 2, 4), R (1, 1, 4), and what else is given; `inputs` are those from W on.
fn lstm(inputs: &[&str], more: &[Vec<u8>]) -> recurrent::Result<Lstm<f32>> {
    let arrays = [
        bytes("W", &[1, 2, 4], true, &[1, 2, 3, 4, 5, 6, 7, 0xff]),
        bytes("R", &[1, 1, 4], true, &[1, 2, 3, 4]),
        floats("s", &[1], &[0.5]),
        bytes("z", &[1], true, &[1]),
    ];
    let inputs = [&["X"], inputs].concat();
    let node = node("DynamicQuantizeLSTM", "lstm", &inputs, &["Y"], &[]);
    let node = of_domain(&node, "com.microsoft");
    let arrays = [&arrays[..], more].concat();
    File::read(model(&graph(&[node], &arrays, &["X", "later"])))?
        .only()?
        .lstm()
}

/// The inputs W to the zero point of R.
fn with<'i>(w: &'i str, r: &'i str, [ws, wz, rs, rz]: [&'i str; 4]) -> Vec<&'i str> {
    vec![w, r, "", "", "", "", "", ws, wz, rs, rz]
}

const SCALES: [&str; 4] = ["s", "z", "s", "z"];

#[test]
fn weights_are_what_they_stand_for() {
    let lstm = lstm(&with("W", "R", SCALES), &[]).unwrap();
    // (q - 1) / 2, the gates i, o, f, c as i, f, c, o.
    let kernel: Vec<f32> = lstm.kernel().into_iter().collect();
    assert_eq!(kernel, [0.0, 1.0, 1.5, 0.5, 2.0, 3.0, -1.0, 2.5]);
    let recurrent: Vec<f32> = lstm.recurrent_kernel().into_iter().collect();
    assert_eq!(recurrent, [0.0, 1.0, 1.5, 0.5]);
}

#[test]
fn scales_and_zero_points_that_are_missing_or_do_not_fit() {
    let scales = |scales| lstm(&with("W", "R", scales), &[]);
    says(
        scales(["", "z", "s", "z"]),
        &["lstm: W_scale: found none, expected an array"],
    );
    says(scales(["s", "", "s", "z"]), &["W_zero_point: found none"]);
    says(scales(["s", "z", "", "z"]), &["R_scale: found none"]);
    says(lstm(&["W", "R"], &[]), &["W_scale: found none"]);
    says(
        scales(["later", "z", "s", "z"]),
        &["W_scale: later: found another value, expected an initialiser"],
    );
    says(
        scales(["z", "z", "s", "z"]),
        &["floating-point numbers", "int8"],
    );
    says(scales(["nowhere", "z", "s", "z"]), &["W_scale: nowhere"]);
    let more = [
        floats("two", &[2], &[0.5, 0.5]),
        floats("none", &[], &[0.5]),
        floats("four", &[1, 4], &[0.5; 4]),
        floats("three", &[1, 3], &[0.5; 3]),
        bytes("unsigned", &[1], false, &[1]),
        floats("zero", &[1], &[0.0]),
    ];
    let scales = |scales| lstm(&with("W", "R", scales), &more);
    assert!(scales(["four", "z", "s", "z"]).is_ok());
    says(
        scales(["two", "z", "s", "z"]),
        &["W_scale: found [2], expected shape [1], or [1, 4]: 1 directions, 4 gates of 1 units"],
    );
    says(scales(["none", "z", "s", "z"]), &["W_scale: found []"]);
    says(scales(["s", "z", "three", "z"]), &["R_scale: found [1, 3]"]);
    says(
        scales(["s", "unsigned", "s", "z"]),
        &["W_zero_point: found uint8, expected int8, as W"],
    );
    says(
        scales(["s", "z", "s", "zero"]),
        &["R_zero_point: found float32, expected int8, as R"],
    );
}

#[test]
fn weights_of_another_shape_or_kind() {
    let more = [
        floats("float", &[1, 2, 4], &[0.5; 8]),
        bytes("as_lstm", &[1, 4, 2], true, &[0; 8]),
        bytes("flat", &[2, 4], true, &[0; 8]),
        bytes("both", &[2, 2, 4], true, &[0; 16]),
        bytes("empty", &[0, 0, 0], true, &[]),
    ];
    let with = |w, r| lstm(&with(w, r, SCALES), &more);
    says(
        with("float", "R"),
        &["W: found float32, expected int8 or uint8"],
    );
    says(
        with("as_lstm", "R"),
        &["W: found [1, 4, 2], expected shape [1, 4, 4]"],
    );
    says(with("flat", "R"), &["W: found [2, 4], expected 3 axes"]);
    says(
        with("both", "R"),
        &["W_scale: found [1], expected shape [2]"],
    );
    says(
        with("W", "W"),
        &["R: found [1, 2, 4], expected shape [1, 2, 8]"],
    );
    says(with("later", "R"), &["W: later: found another value"]);
    says(with("empty", "empty"), &["scale"]);
}

/// Only the operator of that domain is known; an LSTM has no weights of whole numbers.
#[test]
fn other_quantised_operators() {
    let arrays = [
        bytes("W", &[1, 1, 2], true, &[1, 2]),
        floats("R", &[1, 1, 1], &[0.5]),
    ];
    let rnn = node("RNN", "rnn", &["X", "W", "R"], &["Y"], &[]);
    let file = |node| File::read(model(&graph(&[node], &arrays, &["X"]))).unwrap();
    says(
        file(rnn).only::<f32>(),
        &["rnn: W: ", "int8", "floating-point numbers"],
    );
    let node = node("DynamicQuantizeLSTM", "a", &["X", "W"], &["Y"], &[]);
    says(
        file(node).only::<f32>(),
        &["found 0; the operators of the file are DynamicQuantizeLSTM"],
    );
}
