//! Layers, models and states written down and read again: the same bits, or an `Err` that says why not.
#![allow(clippy::too_many_lines)] // lists of cases

mod cells;
#[path = "../common/data.rs"]
mod data;
#[allow(dead_code)] // other tests use more of it
#[path = "../keras/family.rs"]
mod family;
mod files;
mod hostile;
mod layers;
mod own;
mod process;
mod refused;
#[path = "../common/says.rs"]
mod says;
mod states;
#[path = "../support/mod.rs"]
mod support;
mod types;
#[path = "../common/written.rs"]
mod written;

use ndarray::{ArrayD, IxDyn};
use recurrent::saved::{self, Saved};
use recurrent::{AnyLayer, Element, Initializer, Model, Tensor};

/// Through a file and back; the file of what came back is the same file.
#[track_caller]
fn again<L: Saved>(layer: &L) -> L {
    let bytes = saved::write(layer).unwrap();
    let back = saved::read(&bytes).unwrap_or_else(|error| panic!("{error}"));
    assert!(saved::write::<L>(&back).unwrap() == bytes, "another file");
    back
}

/// The bits of all numbers.
fn bits<A: Element>(array: &ArrayD<A>) -> (Vec<usize>, Vec<u64>) {
    let bits = array.iter().map(|x| x.as_f64().to_bits()).collect();
    (array.shape().into(), bits)
}

/// Asserts that outputs are the same, and their masks.
#[track_caller]
fn same<A: Element>(what: &str, left: &[Tensor<A>], right: &[Tensor<A>]) {
    assert_eq!(left.len(), right.len(), "{what}");
    for (left, right) in left.iter().zip(right) {
        assert_eq!(left.mask, right.mask, "{what}");
        assert!(bits(&left.values) == bits(&right.values), "{what}");
    }
}

/// Numbers in [-1, 1).
fn numbers<A: Element>(shape: &[usize], seed: u64) -> ArrayD<A> {
    let count = shape.iter().product();
    let (min, max) = (-1.0, 1.0);
    let numbers = Initializer::RandomUniform { min, max }.vector(count, seed);
    ArrayD::from_shape_vec(IxDyn(shape), numbers.unwrap().to_vec()).unwrap()
}

/// Asserts that a layer comes back in a model as it is in one.
#[track_caller]
fn same_in_model<A: Element>(layer: impl AnyLayer<A> + 'static, inputs: &[Tensor<A>]) {
    let mut graph = Model::graph();
    let nodes: Vec<_> = inputs.iter().map(|_| graph.input("x")).collect();
    let id = graph.layer("the layer", layer).unwrap();
    let outputs = graph.call_all(id, nodes).unwrap();
    let model = graph.finish(outputs).unwrap();
    let back = again(&model);
    assert_eq!(back.summary(), model.summary());
    let run = |model: &Model<A>| model.forward_all(inputs.to_vec()).unwrap();
    same(&format!("{model:?}"), &run(&back), &run(&model));
}
