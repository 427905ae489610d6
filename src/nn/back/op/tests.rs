//! Operations against central differences.

use crate::nn::op::{Along, Arrange, Binary, Constant, Op, OpLayer, Product, Reduce, Unary};
use crate::train::check_gradient;
use crate::{Initializer, Model, Tensor};
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use ndarray::Array3;

const SPREAD: Initializer = Initializer::RandomUniform {
    min: -1.0,
    max: 1.0,
};

fn x(rows: usize, columns: usize, seed: u64) -> Array3<f64> {
    let flat = SPREAD.matrix(2 * rows, columns, seed);
    let flat = flat.expect("numbers");
    flat.into_shape_with_order((2, rows, columns))
        .expect("their shape")
}

fn check(op: Op, inputs: &[Array3<f64>]) {
    let name = alloc::format!("{op:?}");
    let mut graph = Model::graph();
    let nodes: Vec<_> = inputs.iter().map(|_| graph.input("x")).collect();
    let layer = OpLayer {
        name: "op".to_string(),
        op,
    };
    let id = graph.layer("op", layer).expect("a layer");
    let outputs = graph.call_all(id, &nodes).expect("a call");
    let mut model = graph.finish(&outputs).expect("a model");
    let inputs: Vec<Tensor<f64>> = inputs.iter().map(|x| Tensor::new(x)).collect();
    let found = check_gradient(&mut model, &inputs, &[]).expect("gradients");
    assert!(found.worst <= 1e-7 && found.count > 0, "{name}: {found:?}");
}

#[test]
fn products_of_matrices() {
    for transposed in [[false, false], [false, true], [true, false], [true, true]] {
        let dim = |is_transposed, rows: usize, columns: usize| {
            if is_transposed {
                (columns, rows)
            } else {
                (rows, columns)
            }
        };
        let (a, b) = (dim(transposed[0], 3, 4), dim(transposed[1], 4, 5));
        let op = Op::Product(Product {
            operands: [None, None],
            transposed,
        });
        check(op, &[x(a.0, a.1, 1), x(b.0, b.1, 2)]);
    }
}

#[test]
fn a_product_with_a_constant() {
    let constant = Constant::Array {
        shape: vec![4, 5],
        numbers: SPREAD
            .matrix::<f64>(4, 5, 3)
            .expect("numbers")
            .into_iter()
            .collect(),
    };
    let op = Op::Product(Product {
        operands: [None, Some(constant)],
        transposed: [false, false],
    });
    check(op, &[x(3, 4, 1)]);
}

#[test]
fn sums_and_products_so_far() {
    for of in [Binary::Add, Binary::Multiply] {
        for axis in [1, 2] {
            check(Op::Cumulate(of, axis), &[x(3, 4, 1)]);
        }
        let mut with_zero = x(3, 4, 1);
        with_zero[[1, 1, 2]] = 0.0;
        check(Op::Cumulate(of, 1), &[with_zero]);
    }
}

#[test]
fn reductions() {
    for of in [Along::LogSumExp, Along::Var, Along::Std] {
        for axes in [vec![1], vec![2]] {
            let keepdims = axes[0] == 1;
            let op = Op::Reduce(Reduce { of, axes, keepdims });
            check(op, &[x(3, 4, 1)]);
        }
    }
    for of in [Along::Var, Along::Std] {
        let (axes, keepdims) = (vec![1, 2], false);
        check(Op::Reduce(Reduce { of, axes, keepdims }), &[x(3, 4, 1)]);
    }
    check(Op::Unary(Unary::Erf), &[x(3, 4, 1)]);
}

#[test]
fn zeros_of_a_padding_are_nobodys() {
    let pad = Arrange::Pad(vec![[0, 0], [1, 2], [2, 1]]);
    check(Op::Arrange(pad), &[x(3, 4, 1)]);
}
