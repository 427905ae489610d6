//! What is refused, by its message.

use crate::build::Attribute::{Float, Floats, Graph, Int, Text, Texts};
use crate::build::{Attribute, floats, graph, ints, model, node};
use crate::rnn;
use crate::says::says;
use ndarray::{Array3, array};
use recurrent::onnx::{File, Node};
use recurrent::{Bidirectional, Deep, Gru, Layer, Lstm, Recurrent, Result, SimpleRnn};

const INPUTS: [&str; 4] = ["X", "W", "R", "B"];

type Both = Bidirectional<SimpleRnn<f32>, SimpleRnn<f32>>;

fn only(bytes: Vec<u8>) -> Result<Node<f32>> {
    File::read(bytes)?.only()
}

#[test]
fn attributes_that_are_not_known() {
    let with = |name: &'static str, value: Attribute| only(rnn(&INPUTS, &[(name, value)]));
    assert!(with("hidden_size", Int(1)).is_ok());
    let refused = "rnn: ";
    says(
        with("dilation", Int(3)),
        &[refused, "dilation: found 3, expected an attribute of RNN"],
    );
    says(
        with("input_forget", Int(1)),
        &[refused, "input_forget", "an attribute of RNN"],
    );
    says(
        with("linear_before_reset", Int(0)),
        &["linear_before_reset", "of RNN"],
    );
    says(
        with("layout", Int(2)),
        &["layout: found 2", "a value of it"],
    );
    says(with("clip", Float(0.0)), &["clip: found 0"]);
    says(with("clip", Float(f32::NAN)), &["clip: found NaN"]);
    says(with("clip", Int(1)), &["clip: found 1"]);
    says(
        with("hidden_size", Int(0)),
        &["hidden_size: found 0, expected at least 1"],
    );
    says(with("hidden_size", Int(-2)), &["hidden_size: found -2"]);
    says(
        with("hidden_size", Int(i64::MAX)),
        &["R: found [1, 1, 1]", "hidden_size 9223372036854775807"],
    );
    says(
        with("hidden_size", Float(1.0)),
        &["hidden_size: found 1, expected an attribute"],
    );
    says(
        with("direction", Text("sideways")),
        &["direction: found sideways, expected forward, reverse or"],
    );
    says(
        with("direction", Text("bidirectional")),
        &["R: found [1, 1, 1], expected shape [2, 1, 1]: 2 directions"],
    );
    let twice = [("clip", Float(1.0)), ("clip", Float(2.0))];
    says(
        only(rnn(&INPUTS, &twice)),
        &["clip: found two, expected one attribute of a name"],
    );
}

#[test]
fn activations_that_are_not_decided() {
    let with = |names: Vec<&'static str>, alpha: Vec<f32>| {
        let options = [
            ("activations", Texts(names)),
            ("activation_alpha", Floats(alpha)),
        ];
        only(rnn(&INPUTS, &options))
    };
    assert!(with(vec!["TANH"], vec![]).is_ok());
    says(
        with(vec!["Nope"], vec![]),
        &["activations: found Nope", "ThresholdedRelu"],
    );
    says(
        with(vec!["Tanh", "Tanh"], vec![]),
        &["activations: found 2, expected 1 names"],
    );
    says(
        with(vec!["Tanh"], vec![0.5]),
        &["activation_alpha: found 1 more"],
    );
    says(
        with(vec!["LeakyRelu"], vec![0.5, 0.25]),
        &["activation_alpha: found 1 more"],
    );
    // The runtime takes 0 where it is left out, its operator 1.
    says(
        with(vec!["ThresholdedRelu"], vec![]),
        &["activation_alpha: found none", "ThresholdedRelu"],
    );
    says(
        with(vec!["Affine"], vec![]),
        &["activation_alpha: found none, expected a number for Affine"],
    );
    says(
        with(vec!["ScaledTanh"], vec![1.0]),
        &["activation_beta: found none"],
    );
    says(
        with(vec!["Elu"], vec![f32::NAN]),
        &["activation", "finite parameters"],
    );
}

#[test]
fn weights_that_are_missing_or_of_another_shape() {
    let with = |inputs: &[&str]| only(rnn(inputs, &[]));
    says(with(&["X"]), &["W: found none, expected an array"]);
    says(with(&["X", "W", ""]), &["R: found none"]);
    says(
        with(&["X", "B", "R"]),
        &["W: found [1, 2], expected shape [1, 1, 2]"],
    );
    says(
        with(&["X", "W", "W"]),
        &["R: found [1, 1, 2], expected shape [1, 2, 2]"],
    );
    says(
        with(&["X", "W", "R", "R"]),
        &["B: found [1, 1, 1], expected shape [1, 2]: 1 directions, 1 gates"],
    );
    says(
        with(&["X", "W", "R", "", "", "", ""]),
        &["inputs: found 7, expected at most 6 inputs of RNN"],
    );
    says(
        with(&["X", "nowhere", "R"]),
        &["W: nowhere: found nothing of that name"],
    );
    says(
        with(&["X", "later", "R"]),
        &["W: later: found an input of the graph, expected an initialiser"],
    );
    says(
        with(&["X", "Y", "R"]),
        &["W: Y: found the output of RNN \"rnn\""],
    );
    let arrays = [
        floats("W", &[1, 4, 2], &[1.0; 8]),
        floats("R", &[1, 4, 1], &[1.0; 4]),
        floats("P", &[1, 4], &[1.0; 4]),
    ];
    let lstm = node_of("LSTM", &["X", "W", "R", "", "", "", "", "P"], &[]);
    says(
        only(model(&graph(&[lstm], &arrays, &["X"]))),
        &["P: found [1, 4], expected shape [1, 3]"],
    );
}

#[test]
fn states_that_a_call_lacks() {
    let x = Array3::zeros((2, 1, 2));
    let node = only(rnn(&["X", "W", "R", "B", "later", "X"], &[])).unwrap();
    says(
        node.run(&x).outputs(),
        &["sequence_lens is not given, expected the value \"later\" of the graph"],
    );
    says(
        node.run(&x).sequence_lens(&[2]).outputs(),
        &["initial_h is not given", "\"X\""],
    );
    let from = |shape: (usize, usize, usize)| {
        let h = Array3::zeros(shape);
        node.run(&x).sequence_lens(&[2]).initial_h(&h).outputs()
    };
    says(from((2, 1, 1)), &["initial_h has 2 directions, expected 1"]);
    says(from((1, 2, 1)), &["initial_h has 2 samples, expected 1"]);
    says(from((1, 1, 3)), &["initial_h has 3 units, expected 1"]);
    let h = Array3::zeros((1, 1, 1));
    let run = || node.run(&x).sequence_lens(&[2]).initial_h(&h);
    assert!(run().outputs().is_ok());
    says(
        run().initial_c(&h).outputs(),
        &["initial_c is an array, expected none, which only an LSTM has"],
    );
    says(
        run().sequence_lens(&[3]).outputs(),
        &["lengths[0] is 3, but the input has 2 timesteps"],
    );
    says(
        run().sequence_lens(&[1, 1]).outputs(),
        &["lengths has 2 samples, expected 1"],
    );
    let wide = Array3::zeros((2, 1, 3));
    says(
        node.run(&wide).outputs(),
        &["input has 3 features, expected 2"],
    );
    // A layer is given its states and lengths by each call.
    assert!(node.rnn::<SimpleRnn<f32>>().is_ok());
}

#[test]
fn fixed_states_that_a_layer_would_forget() {
    let mut node = only(rnn(&["X", "W", "R", "B", "", "h"], &[])).unwrap();
    let from_one = node.run(&Array3::zeros((1, 1, 2))).outputs().unwrap().y[[0, 0, 0, 0]];
    assert!((from_one - (0.75_f32 + 0.375).tanh()).abs() < 1e-6);
    says(
        node.clone().rnn::<SimpleRnn<f32>>(),
        &["rnn: initial_h", "take_initial_states"],
    );
    assert_eq!(node.take_initial_states(), (Some(array![[[1.0]]]), None));
    assert_eq!(node.take_initial_states(), (None, None));
    assert!(node.rnn::<SimpleRnn<f32>>().is_ok());

    let arrays = [
        floats("W", &[1, 1, 2], &[1.0, 1.0]),
        floats("R", &[1, 1, 1], &[1.0]),
        ints("lens", &[1], &[1]),
    ];
    let rnn = |lens: &str| node_of("RNN", &["X", "W", "R", "", lens], &[]);
    let file = |lens, more: &[Vec<u8>]| {
        let arrays = [&arrays[..], more].concat();
        only(model(&graph(&[rnn(lens)], &arrays, &["X"])))
    };
    let fixed = file("lens", &[]).unwrap();
    says(
        fixed.rnn::<SimpleRnn<f32>>(),
        &["rnn: sequence_lens", "with each call"],
    );
    says(
        file("minus", &[ints("minus", &[1], &[-1])]),
        &["sequence_lens", "lengths of at least 0"],
    );
    says(
        file("W", &[]),
        &["W: found floating-point numbers, expected whole numbers"],
    );
}

/// The names of a branch hide those around it, and are not seen from there.
#[test]
fn names_of_other_graphs() {
    let arrays = [
        floats("W", &[1, 1, 2], &[0.5, 0.5]),
        floats("R", &[1, 1, 1], &[0.5]),
    ];
    let named = |name: &str, w| node("RNN", name, &["X", w, "R"], &[name], &[]);
    let inner = [
        floats("V", &[1, 1, 2], &[0.25, 0.25]),
        floats("R", &[1, 1, 1], &[0.75]),
    ];
    let body = graph(&[named("hidden", "W"), named("inner", "V")], &inner, &["W"]);
    let nodes = [
        node("Loop", "", &[], &[], &[("body", Graph(body))]),
        named("outer", "V"),
    ];
    let file = File::read(model(&graph(&nodes, &arrays, &["X"]))).unwrap();
    assert_eq!(file.names().unwrap(), ["hidden", "inner", "outer"]);
    says(
        file.node::<f32>("hidden"),
        &["hidden: W: W: found an input of the graph"],
    );
    says(
        file.node::<f32>("outer"),
        &["outer: W: V: found nothing of that name"],
    );
    let rnn: SimpleRnn<f32> = file.node("inner").unwrap().rnn().unwrap();
    assert_eq!(
        (rnn.kernel(), rnn.recurrent_kernel()),
        (array![[0.25], [0.25]], array![[0.75]])
    );
}

fn node_of(op: &str, inputs: &[&str], options: &[(&str, Attribute)]) -> Vec<u8> {
    node(op, "rnn", inputs, &["Y"], options)
}

#[test]
fn layers_of_another_kind_or_number() {
    let node = only(rnn(&INPUTS, &[])).unwrap();
    says(
        node.clone().lstm::<Lstm<f32>>(),
        &["rnn: found RNN, expected LSTM"],
    );
    says(
        node.clone().gru::<Gru<f32>>(),
        &["rnn: found RNN, expected GRU"],
    );
    says(
        node.clone().rnn::<Both>(),
        &["rnn: found 1 layer of 1 direction, expected 1 layer of 2 directions"],
    );
    says(
        node.clone().rnn::<Layer<Deep<Both>>>(),
        &["expected any number of layers of 2 directions"],
    );
    assert!(node.clone().rnn::<Deep<SimpleRnn<f32>>>().is_ok());
    let back = only(rnn(&INPUTS, &[("direction", Text("reverse"))])).unwrap();
    says(
        back.clone().rnn::<SimpleRnn<f32>>(),
        &["which starts at the end (a Layer can)"],
    );
    says(
        back.clone().rnn::<Deep<SimpleRnn<f32>>>(),
        &["which starts at the end"],
    );
    let layer: Layer<SimpleRnn<f32>> = back.rnn().unwrap();
    assert_eq!(layer.inner().features(), 2);
}

#[test]
fn names_that_are_not_one_node() {
    let file = File::read(rnn(&INPUTS, &[])).unwrap();
    assert_eq!(file.names().unwrap(), ["rnn"]);
    assert!(file.node::<f32>("Y_h").is_ok());
    says(
        file.node::<f32>("gru"),
        &["node \"gru\": found 0; the file has [\"rnn\"], expected one LSTM, GRU or RNN"],
    );
    says(file.node::<f32>(""), &["node \"\": found 0"]);
    let arrays = [
        floats("W", &[1, 1, 2], &[1.0, 1.0]),
        floats("R", &[1, 1, 1], &[1.0]),
    ];
    let named = |name, output| node("RNN", name, &["X", "W", "R"], &["", output], &[]);
    let two = |first, second| {
        let nodes = [
            named(first, "h"),
            named(second, "g"),
            node("Relu", "relu", &["h"], &["r"], &[]),
        ];
        File::read(model(&graph(&nodes, &arrays, &["X"]))).unwrap()
    };
    let file = two("a", "");
    assert_eq!(file.names().unwrap(), ["a", "g"]);
    says(
        file.only::<f32>(),
        &["model: found 2; the file has [\"a\", \"g\"]"],
    );
    assert!(file.node::<f32>("g").is_ok() && file.node::<f32>("h").is_ok());
    says(file.node::<f32>("relu"), &["found 0"]);
    says(two("a", "a").node::<f32>("a"), &["node \"a\": found 2"]);
    let other = node("RNN", "a", &["X", "W", "R"], &["Y"], &[]);
    let other = [other, crate::build::field(7, b"com.example")].concat();
    let file = File::read(model(&graph(&[other], &arrays, &["X"]))).unwrap();
    says(file.only::<f32>(), &["model: found 0"]);
    says(File::read(&b"noise"[..]).map(drop), &["ONNX"]);
    let named = File::read(rnn(&["X"], &[])).unwrap().named("model.onnx");
    says(named.only::<f32>(), &["model.onnx: rnn: W: found none"]);
    assert_eq!(
        format!("{named:?}"),
        "File { name: Some(\"model.onnx\"), .. }"
    );
}

#[test]
#[cfg(feature = "std")]
fn files_are_called_by_their_path() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/onnx/models/o00_lstm_forward.onnx"
    );
    let lstm: Lstm<f64> = File::load(path).unwrap().only().unwrap().lstm().unwrap();
    assert_eq!((lstm.features(), lstm.units()), (3, 5));
    let mut limits = recurrent::Limits::default();
    limits.file_bytes = 100;
    says(
        File::load_within(path, &limits).map(drop),
        &[path, "1054 bytes, expected at most 100 bytes"],
    );
    says(
        File::load("none.onnx").map(drop),
        &["none.onnx", "a file that can be read"],
    );
}

#[test]
fn names_and_texts_that_are_too_long() {
    let long = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"; // 41
    let op = |op: &str, name: &str, output: &str, options: &[(&str, Attribute)]| {
        let node = node(op, name, &["X"], &[output], options);
        model(&graph(&[node], &[], &["X"]))
    };
    let models = [
        ("short", op("Op", "name", "Y", &[])),
        ("operator", op(long, "name", "Y", &[])),
        ("node", op("Op", long, "Y", &[])),
        ("output", op("Op", "name", long, &[])),
        ("option", op("Op", "name", "Y", &[(long, Int(1))])),
        ("text", op("Op", "name", "Y", &[("a", Text(long))])),
        ("texts", op("Op", "name", "Y", &[("a", Texts(vec![long]))])),
        ("input", model(&graph(&[], &[], &[long]))),
        (
            "initialiser",
            model(&graph(&[], &[floats(long, &[1], &[0.0])], &[])),
        ),
    ];
    let mut limits = recurrent::Limits::default();
    for (what, model) in &models {
        limits.text_bytes = 40;
        let found = File::read_within(model, &limits).map(drop);
        if *what == "short" {
            found.unwrap();
            continue;
        }
        says(found, &["41 bytes", "at most 40 bytes of text"]);
        limits.text_bytes = 41;
        assert!(File::read_within(model, &limits).is_ok(), "{what}");
    }
}
