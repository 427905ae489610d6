//! What weights may pass through on their way to a node, and files that go on for ever.

use crate::build::Attribute::{Float, Floats, Int, Ints, Tensor};
use crate::build::{Attribute, field, floats, graph, int, ints, model, node};
use crate::says::says;
use ndarray::{Array3, array};
use recurrent::onnx::{File, Node};
use recurrent::{Result, SimpleRnn};
use std::time::{Duration, Instant};

/// A model whose `W`, (1, 1, 2), and `h`, of any shape, are made by these nodes from these arrays.
fn made(nodes: &[Vec<u8>], arrays: &[Vec<u8>]) -> Result<Node<f32>> {
    let rnn = node("RNN", "rnn", &["X", "W", "R", "", "", "h"], &["Y"], &[]);
    let nodes = [nodes, &[rnn]].concat();
    let mut arrays = arrays.to_vec();
    arrays.push(floats("R", &[1, 1, 1], &[0.5]));
    File::read(model(&graph(&nodes, &arrays, &["X", "count"])))?.only()
}

fn step(op: &str, inputs: &[&str], options: &[(&str, Attribute)]) -> Vec<u8> {
    node(op, "step", inputs, &["W"], options)
}

/// The kernel, where `h` is left out.
#[track_caller]
fn kernel(nodes: &[Vec<u8>], arrays: &[Vec<u8>]) -> Vec<f32> {
    let zeros = node("ConstantOfShape", "zeros", &["count"], &["h"], &[]);
    let node = made(&[nodes, &[zeros]].concat(), arrays).unwrap();
    let rnn: SimpleRnn<f32> = node.rnn().unwrap();
    rnn.kernel().into_iter().collect()
}

/// 0, 1, 2 … in this shape.
fn counted(name: &str, dims: &[usize]) -> Vec<u8> {
    let numbers: Vec<f32> = (0_u8..)
        .take(dims.iter().product())
        .map(f32::from)
        .collect();
    floats(name, dims, &numbers)
}

/// A list of whole numbers.
fn list(name: &str, numbers: &[i64]) -> Vec<u8> {
    ints(name, &[numbers.len()], numbers)
}

/// The array that the steps begin with.
fn from(dims: &[usize]) -> Vec<u8> {
    counted("a", dims)
}

#[test]
fn operators_with_attributes() {
    let one = |op: &str, options: &[(&str, Attribute)], dims: &[usize]| {
        kernel(&[step(op, &["a"], options)], &[from(dims)])
    };
    assert_eq!(one("Identity", &[], &[1, 1, 2]), [0.0, 1.0]);
    assert_eq!(one("Transpose", &[], &[2, 1, 1]), [0.0, 1.0]);
    assert_eq!(
        one("Transpose", &[("perm", Ints(vec![1, 2, 0]))], &[2, 1, 1]),
        [0.0, 1.0]
    );
    assert_eq!(
        one("Unsqueeze", &[("axes", Ints(vec![0]))], &[1, 2]),
        [0.0, 1.0]
    );
    assert_eq!(
        one("Unsqueeze", &[("axes", Ints(vec![-2, 0]))], &[2]),
        [0.0, 1.0]
    );
    assert_eq!(
        one("Squeeze", &[("axes", Ints(vec![-1, 2]))], &[1, 1, 1, 2, 1]),
        [0.0, 1.0]
    );
    assert_eq!(one("Cast", &[("to", Int(11))], &[1, 1, 2]), [0.0, 1.0]);
    let cut = |starts, ends, axes: &[i64]| {
        let options = [
            ("starts", Ints(starts)),
            ("ends", Ints(ends)),
            ("axes", Ints(axes.to_vec())),
        ];
        one("Slice", &options, &[1, 3, 4])
    };
    assert_eq!(cut(vec![2, 1], vec![3, 3], &[1, 2]), [9.0, 10.0]);
    assert_eq!(
        cut(vec![-1, -2], vec![i64::MAX, i64::MAX], &[1, -1]),
        [10.0, 11.0]
    );
    assert_eq!(cut(vec![i64::MIN, 0], vec![-2, -2], &[1, 2]), [0.0, 1.0]);
}

#[test]
fn operators_with_lists() {
    let two = |op: &str, inputs: &[&str], dims: &[usize], lists: &[Vec<u8>]| {
        kernel(&[step(op, inputs, &[])], &[&[from(dims)], lists].concat())
    };
    assert_eq!(
        two("Unsqueeze", &["a", "l"], &[2], &[list("l", &[0, 1])]),
        [0.0, 1.0]
    );
    assert_eq!(
        two("Squeeze", &["a", "l"], &[1, 1, 1, 2], &[list("l", &[1])]),
        [0.0, 1.0]
    );
    assert_eq!(
        two("Reshape", &["a", "l"], &[2], &[list("l", &[1, 1, -1])]),
        [0.0, 1.0]
    );
    assert_eq!(
        two(
            "Reshape",
            &["a", "l"],
            &[1, 2, 1],
            &[list("l", &[0, -1, 2])]
        ),
        [0.0, 1.0]
    );
    let lists = [
        list("l", &[1]),
        list("m", &[9]),
        list("n", &[1]),
        list("o", &[1]),
    ];
    assert_eq!(
        two("Slice", &["a", "l", "m", "n", "o"], &[1, 2, 2], &lists),
        [2.0, 3.0]
    );
    // Without axes all ones go; then they come again.
    let squeezed = node("Squeeze", "", &["a"], &["b"], &[]);
    let again = step("Unsqueeze", &["b"], &[("axes", Ints(vec![0, 1]))]);
    assert_eq!(
        kernel(&[squeezed, again], &[from(&[1, 2, 1, 1])]),
        [0.0, 1.0]
    );
    let parts = [counted("a", &[1, 1, 1]), floats("b", &[1, 1, 1], &[7.0])];
    assert_eq!(
        kernel(&[step("Concat", &["a", "b"], &[("axis", Int(-1))])], &parts),
        [0.0, 7.0]
    );
}

#[test]
fn constants_in_nodes() {
    let constant = |option| node("Constant", "", &[], &["c"], &[option]);
    let shape = [list("l", &[1, 1, 2])];
    let reshaped = || step("Reshape", &["c", "l"], &[]);
    let numbers = constant(("value_floats", Floats(vec![3.0, 4.0])));
    assert_eq!(kernel(&[numbers, reshaped()], &shape), [3.0, 4.0]);
    let numbers = constant(("value", Tensor(floats("", &[2], &[5.0, 6.0]))));
    assert_eq!(kernel(&[reshaped(), numbers], &shape), [5.0, 6.0]);
    let number = constant(("value_float", Float(8.0)));
    let concat = step("Concat", &["d", "d"], &[("axis", Int(2))]);
    let up = node(
        "Unsqueeze",
        "",
        &["c"],
        &["d"],
        &[("axes", Ints(vec![0, 1, 2]))],
    );
    assert_eq!(kernel(&[number, up, concat], &[]), [8.0, 8.0]);
    let lengths = constant(("value_ints", Ints(vec![1, 1, 2])));
    assert_eq!(
        kernel(&[lengths, step("Reshape", &["a", "c"], &[])], &[from(&[2])]),
        [0.0, 1.0]
    );
}

#[track_caller]
fn refused(nodes: &[Vec<u8>], arrays: &[Vec<u8>], words: &[&str]) {
    says(made(nodes, arrays), words);
}

#[test]
fn operators_that_are_asked_for_nonsense() {
    let one = |op: &str, options: &[(&str, Attribute)], words: &[&str]| {
        refused(
            &[step(op, &["a"], options)],
            &[counted("a", &[2, 1, 1])],
            words,
        );
    };
    one(
        "Transpose",
        &[("perm", Ints(vec![0, 0, 1]))],
        &["W: ", "each of 3 axes once"],
    );
    one(
        "Transpose",
        &[("perm", Ints(vec![0, 1, 3]))],
        &["found 3, expected an axis of 3"],
    );
    one(
        "Transpose",
        &[("perm", Int(1))],
        &["step", "whole numbers in perm"],
    );
    one(
        "Squeeze",
        &[("axes", Ints(vec![0]))],
        &["as many numbers as [1, 1]"],
    );
    one(
        "Unsqueeze",
        &[("axes", Ints(vec![1, 1]))],
        &["each axis once"],
    );
    one("Unsqueeze", &[], &["step", "found none, expected axes"]);
    one(
        "Reshape",
        &[("shape", Ints(vec![-1, -1]))],
        &["a shape of 2 numbers"],
    );
    one(
        "Reshape",
        &[("shape", Ints(vec![i64::MAX, i64::MAX, 8]))],
        &["as many numbers as"],
    );
    one(
        "Reshape",
        &[("shape", Ints(vec![1, 1, 1, 0]))],
        &["a shape of 2 numbers"],
    );
    one(
        "Reshape",
        &[("shape", Ints(vec![2])), ("allowzero", Int(1))],
        &["allowzero 0"],
    );
    one(
        "Slice",
        &[("starts", Ints(vec![0])), ("ends", Ints(vec![1, 2]))],
        &["as many starts as ends"],
    );
    let steps = [
        ("starts", Ints(vec![0])),
        ("ends", Ints(vec![1])),
        ("steps", Ints(vec![-1])),
    ];
    one("Slice", &steps, &["found -1, expected steps of 1"]);
    one("Concat", &[], &["found none, expected an axis"]);
    one("Cast", &[("to", Int(10))], &["a cast to FLOAT or DOUBLE"]);
    one("Constant", &[], &["found 0, expected one attribute"]);
    one(
        "Gather",
        &[],
        &[
            "W: W: found the output of Gather \"step\"",
            "Unsqueeze make of them",
        ],
    );
    one("Expand", &[], &["W: W: found the output of Expand"]);
}

#[test]
fn operators_that_lack_an_input() {
    refused(
        &[step("Identity", &[], &[])],
        &[],
        &["Identity \"step\": found none, expected an input 0"],
    );
    refused(&[step("Concat", &[], &[("axis", Int(0))])], &[], &["axis"]);
    let parts = [counted("a", &[1, 1, 2]), counted("b", &[1, 2, 1])];
    refused(
        &[step("Concat", &["a", "b"], &[("axis", Int(0))])],
        &parts,
        &["parts that fit together"],
    );
    let shape = [counted("a", &[2]), counted("l", &[3])];
    refused(
        &[step("Reshape", &["a", "l"], &[])],
        &shape,
        &["whole numbers as shape"],
    );
    refused(
        &[],
        &[ints("W", &[1, 1, 2], &[1, 2])],
        &["W: W: found int64, expected floating"],
    );
    let zeros = step("ConstantOfShape", &["count"], &[]);
    refused(&[zeros], &[], &["zeros of a shape that is not known"]);
}

#[test]
fn zeros_of_any_shape_are_no_initial_state() {
    let x = Array3::<f32>::ones((1, 1, 2));
    let start = |nodes: &[Vec<u8>]| {
        let arrays = [
            floats("W", &[1, 1, 2], &[0.25, 0.25]),
            floats("zero", &[1], &[0.0]),
            floats("one", &[1], &[1.0]),
        ];
        made(nodes, &arrays).unwrap().run(&x).outputs()
    };
    let to = |op: &str, inputs: &[&str], output: &str, options: &[(&str, Attribute)]| {
        node(op, "", inputs, &[output], options)
    };
    let zeros = |output: &str| to("Expand", &["zero", "count"], output, &[]);
    let value = |x: f32| ("value", Tensor(floats("", &[1], &[x])));
    let known = [
        vec![zeros("h")],
        vec![to("ConstantOfShape", &["count"], "h", &[])],
        vec![to("ConstantOfShape", &["count"], "h", &[value(0.0)])],
        vec![zeros("a"), to("Transpose", &["a"], "h", &[])],
        vec![
            zeros("a"),
            zeros("b"),
            to("Concat", &["a", "b"], "h", &[("axis", Int(0))]),
        ],
    ];
    for nodes in known {
        let y = start(&nodes).unwrap().y;
        assert_eq!(y, array![[[[0.5_f32.tanh()]]]]);
    }
    let unknown = [
        vec![to("Expand", &["one", "count"], "h", &[])],
        vec![to("ConstantOfShape", &["count"], "h", &[value(1.0)])],
        vec![
            zeros("a"),
            to("Concat", &["a", "one"], "h", &[("axis", Int(0))]),
        ],
        vec![zeros("a"), to("Reshape", &["one", "a"], "h", &[])],
    ];
    for nodes in unknown {
        says(
            start(&nodes),
            &["initial_h is not given, expected the value \"h\""],
        );
    }
}

#[test]
fn files_that_go_on_for_ever() {
    let start = Instant::now();
    let identity = |from: &str, to: &str| node("Identity", "", &[from], &[to], &[]);
    let circle = [identity("W", "a"), identity("a", "W")];
    says(made(&circle, &[]), &["at most 64 operators before a node"]);
    // 2^60 numbers, of which the last operator shows two; and as many steps without any.
    for first in [vec![1.0; 4], vec![]] {
        let mut nodes = vec![step(
            "Slice",
            &["60"],
            &[("starts", Ints(vec![0])), ("ends", Ints(vec![2]))],
        )];
        for k in 0..60 {
            let from = format!("{k}");
            let twice = [("axis", Int(0))];
            nodes.push(node(
                "Concat",
                "",
                &[&from, &from],
                &[&format!("{}", k + 1)],
                &twice,
            ));
        }
        let arrays = [floats("0", &[first.len()], &first)];
        says(made(&nodes, &arrays), &["bytes of constants in a file"]);
    }
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
}

/// An input or a value of a graph, whose axes have these lengths, -1 where it is not told.
fn value(number: u8, name: &str, lengths: &[i64]) -> Vec<u8> {
    let length = |&n: &i64| field(1, &if n < 0 { field(2, b"n") } else { int(1, n) });
    let shape: Vec<u8> = lengths.iter().flat_map(length).collect();
    let kind = field(1, &[int(1, 1), field(2, &shape)].concat());
    field(
        number,
        &[field(1, name.as_bytes()), field(2, &kind)].concat(),
    )
}

/// What PyTorch writes where nothing is optimised: gates are cut out at multiples of the hidden size, which is the length of
/// an axis of the initial state.
#[test]
fn places_that_are_lengths_of_axes() {
    let with = |value: &[u8], options: &[(&str, Attribute)], factor: Vec<u8>| {
        let nodes = [
            node("Shape", "shape", &["h"], &["units"], options),
            node("Mul", "", &["two", "units"], &["end"], &[]),
            node("Slice", "", &["a", "units", "end", "last"], &["W"], &[]),
            node("RNN", "rnn", &["X", "W", "R", "", "", "h"], &["Y"], &[]),
        ];
        let arrays = [
            counted("a", &[1, 1, 5]),
            floats("R", &[1, 1, 1], &[0.5]),
            list("last", &[2]),
            factor,
        ];
        let graph = graph(&nodes, &arrays, &["X"]);
        let mut node = File::read(model(&[&graph, value].concat()))?.only::<f32>()?;
        node.take_initial_states();
        Ok(node.rnn::<SimpleRnn<f32>>()?.kernel().into_iter().collect())
    };
    let two = || ints("two", &[], &[2]);
    let last = [("start", Int(-1))];
    let found: Result<Vec<f32>> = with(&value(11, "h", &[1, -1, 2]), &last, two());
    assert_eq!(found.unwrap(), [2.0, 3.0]);
    let first = [("start", Int(0)), ("end", Int(-2))];
    let found = with(&value(11, "h", &[2, -1, 2]), &first, two());
    assert_eq!(found.unwrap(), [2.0, 3.0]);
    for (lengths, options) in [(&[1, 2, -1][..], &last[..]), (&[1, -1, 2], &[])] {
        says(
            with(&value(11, "h", lengths), options, two()),
            &["W", "the output of Shape \"shape\""],
        );
    }
    says(
        with(
            &value(11, "h", &[1, -1, 2]),
            &last,
            floats("two", &[], &[2.0]),
        ),
        &["W", "the output of Mul"],
    );
    // Of an array that is there.
    let shape = node("Shape", "", &["a"], &["shape"], &[]);
    let steps = [shape, step("Reshape", &["b", "shape"], &[])];
    let arrays = [counted("b", &[2]), from(&[1, 1, 2])];
    assert_eq!(kernel(&steps, &arrays), [0.0, 1.0]);
}

#[test]
fn arrays_of_a_million_axes() {
    let start = Instant::now();
    let axes: Vec<i64> = (0..1 << 20).rev().collect();
    let steps = [
        step("Unsqueeze", &["a", "list"], &[]),
        step("Reshape", &["a", "list"], &[]),
        step("Transpose", &["many"], &[("perm", Ints(axes.clone()))]),
        step("Squeeze", &["many", "list"], &[]),
    ];
    let ones = |n: usize| floats("many", &vec![1; n], &[0.5]);
    for step in steps {
        let arrays = [from(&[1]), list("list", &axes), ones(axes.len())];
        let found = made(&[step], &arrays);
        says(found, &["at most 64 axes"]);
    }
    assert!(
        start.elapsed() < Duration::from_secs(30),
        "{:?}",
        start.elapsed()
    );
}
