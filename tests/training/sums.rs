//! What a step adds up: calls of a shared layer, samples with padding, losses and penalties, accumulated gradients.
#![allow(clippy::float_cmp)] // bits are what many of them are about

use crate::common::data;
use crate::steps::{self, close, dense, matrix, plain, training};
use ndarray::{Array2, Array3, ArrayD, Axis, arr1, arr2, s};
use recurrent::train::*;
use recurrent::*;
use serde_json::Value;
use std::sync::Arc;

/// What Keras found, from `tests/data/make_steps.py`, to f32.
fn keras(path: &[&str]) -> f64 {
    let bytes = std::fs::read(data::tests().join("data/steps.json")).unwrap();
    let mut value: Value = serde_json::from_slice(&bytes).unwrap();
    for name in path {
        value = value[*name].take();
    }
    value.as_f64().unwrap()
}

#[test]
fn a_shared_layer_learns_from_all_its_calls() {
    let (a, b, y) = (matrix(3, 2, 1), matrix(3, 2, 2), matrix(3, 2, 3));
    let build = |names: [&str; 2]| {
        let mut graph = Model::graph();
        let inputs = ["a", "b"].map(|name| graph.input(name));
        let first = graph.layer(names[0], dense(2, 2, 7)).unwrap();
        let second = if names[0] == names[1] {
            first
        } else {
            graph.layer(names[1], dense(2, 2, 7)).unwrap()
        };
        let [of_a] = graph.call(first, [inputs[0]]).unwrap();
        let [of_b] = graph.call(second, [inputs[1]]).unwrap();
        let product = graph.layer("product", Merge::Multiply).unwrap();
        let [product] = graph.call(product, [of_a, of_b]).unwrap();
        let model = graph.finish([product]).unwrap();
        let mut training = training(model).build().unwrap();
        let inputs = vec![Tensor::new(&a), Tensor::new(&b)];
        training
            .gradients(&Batch::all(inputs, vec![Target::new(&y)]))
            .unwrap()
    };
    let (loss, shared) = build(["both", "both"]);
    let (same, apart) = build(["one", "two"]);
    assert_eq!(loss, same);
    for name in ["kernel", "bias"] {
        let sum =
            apart.get(&format!("one/{name}")).unwrap() + apart.get(&format!("two/{name}")).unwrap();
        close(name, shared.get(&format!("both/{name}")).unwrap(), &sum);
    }
}

/// A shared normalisation of momentum ½ that is called on 2 and then on 8.
#[test]
fn each_call_of_a_shared_normalisation_moves_its_averages() {
    let zeros = ndarray::Array1::zeros(1);
    let norm = BatchNormalization::from_weights(None, None, zeros, arr1(&[1.0])).unwrap();
    let norm: Arc<dyn AnyLayer<f64>> = Arc::new(norm.momentum(0.5));
    for nested in [false, true] {
        let mut graph = Model::graph();
        let inputs = ["a", "b"].map(|name| graph.input(name));
        let of: Box<dyn AnyLayer<f64>> = if nested {
            Box::new(Model::new().add_as("norm", Arc::clone(&norm)))
        } else {
            Box::new(Arc::clone(&norm))
        };
        let id = graph.layer("outer", of).unwrap();
        let calls = inputs.map(|input| graph.call::<1>(id, [input]).unwrap()[0]);
        let add = graph.layer("add", Merge::Add).unwrap();
        let [sum] = graph.call(add, calls).unwrap();
        let head = graph.layer("head", dense(1, 1, 1)).unwrap();
        let [y] = graph.call(head, [sum]).unwrap();
        let mut training = training(graph.finish([y]).unwrap()).build().unwrap();
        let inputs = [2.0, 8.0].map(|x| Tensor::new(&arr2(&[[x], [x]]))).to_vec();
        let y = Array2::zeros((2, 1));
        training
            .step(&Batch::all(inputs, vec![Target::new(&y)]))
            .unwrap();
        let path = if nested {
            "outer/norm/moving_mean"
        } else {
            "outer/moving_mean"
        };
        let moved = training.model().get(path).unwrap()[0];
        assert_eq!(moved, keras(&["shared_normalization"]));
    }
}

#[test]
fn padding_changes_no_gradient() {
    let (x, y) = steps::data();
    let lengths = [6, 2, 4];
    let of = || training(plain(false)).build().unwrap();
    let padded_x = Array3::from_shape_fn(x.dim(), |(row, t, k)| {
        if t < lengths[row] {
            x[[row, t, k]]
        } else {
            f64::NAN
        }
    });
    let weights = arr2(&[[0.5], [2.0], [1.0]]);
    for weighted in [false, true] {
        let mut batch = Batch::new(&padded_x, &y).lengths(&lengths);
        if weighted {
            batch = batch.sample_weights(&weights);
        }
        let (loss, together) = of().gradients(&batch).unwrap();
        // The mean is over the real timesteps of all samples: a long sample counts more.
        let (mut sum, mut parts) = (0.0, Vec::<(String, ArrayD<f64>)>::new());
        let all: usize = lengths.iter().sum();
        for (row, &length) in lengths.iter().enumerate() {
            let rows = row..=row;
            let (x, y) = (
                x.slice(s![rows.clone(), ..length, ..]),
                y.slice(s![rows, ..length, ..]),
            );
            let weight = if weighted { weights[[row, 0]] } else { 1.0 };
            let share = weight * length as f64 / all as f64;
            let (loss, alone) = of().gradients(&Batch::new(&x, &y)).unwrap();
            sum += share * loss;
            for (path, array) in alone.iter() {
                match parts.iter_mut().find(|(at, _)| at == path) {
                    Some((_, sum)) => *sum += &(array * share),
                    None => parts.push((path.into(), array * share)),
                }
            }
        }
        assert!((loss - sum).abs() < 1e-12);
        assert_eq!(together.iter().len(), parts.len());
        for (path, sum) in &parts {
            close(path, together.get(path).unwrap(), sum);
        }
    }
}

#[test]
fn a_loss_sees_what_keras_sees() {
    let kernel = arr2(&[[800.0, 0.0], [0.0, 0.0]]);
    let scores = || Dense::from_weights(kernel.clone(), Some(arr1(&[0.0, 0.0]))).unwrap();
    let softmax = || scores().with_activation(Activation::Softmax).unwrap();
    let (x, y) = (arr2(&[[1.0, 0.0]]), arr1(&[1.0]));
    for (name, model) in [
        ("dense", Model::new().add(softmax())),
        (
            "activation",
            Model::new().add(scores()).add(Activation::Softmax),
        ),
        ("softmax", Model::new().add(scores()).add(Softmax::new())),
        (
            "reshape",
            Model::new().add(softmax()).add(Reshape::new(&[2]).unwrap()),
        ),
    ] {
        let training = Training::of(model).loss(Loss::sparse_categorical_crossentropy());
        let mut training = training.optimizer(Adam::keras(0.1)).build().unwrap();
        let (loss, gradients) = training.gradients(&Batch::new(&x, &y)).unwrap();
        let seen = keras(&["loss_behind", name]);
        assert!((loss - seen).abs() < 1e-5, "{name}: {loss}");
        // Clipped probabilities pass no gradient on, scores do.
        let of_bias = if seen == 800.0 {
            [1.0, -1.0]
        } else {
            [0.0, 0.0]
        };
        let found = gradients.get("dense/bias").unwrap();
        assert_eq!(found, &arr1(&of_bias).into_dyn(), "{name}");
        let step = training.step(&Batch::new(&x, &y)).unwrap();
        assert_eq!(step.outputs[0].values, arr2(&[[1.0, 0.0]]).into_dyn());
    }
    // A softmax that something else reads is an output like any other.
    let mut graph = Model::graph();
    let x_in = graph.input("x");
    let probabilities = graph.layer("dense", softmax()).unwrap();
    let [p] = graph.call(probabilities, [x_in]).unwrap();
    let twice = graph.finish([p, p]).unwrap();
    let loss = Loss::sparse_categorical_crossentropy;
    let training = Training::of(twice).loss(loss()).loss(loss());
    let mut training = training.optimizer(Adam::keras(0.1)).build().unwrap();
    let targets = vec![Target::new(&y), Target::new(&y)];
    let step = training
        .step(&Batch::all(vec![Tensor::new(&x)], targets))
        .unwrap();
    assert!((step.losses[1] - keras(&["loss_behind", "reshape"])).abs() < 1e-5);
}

#[test]
fn penalties_are_those_of_weights_that_learn() {
    let ones = |from, to| Dense::from_weights(Array2::<f64>::ones((from, to)), None).unwrap();
    let (x, y) = (Array2::zeros((2, 3)), Array2::zeros((2, 1)));
    let of = |frozen: bool| {
        let model = Model::new().add_as("a", ones(3, 2)).add_as("b", ones(2, 1));
        let builder = training(model).regularizer(["a"], Regularizer::l2(0.01).unwrap());
        let builder = builder.regularizer(["b"], Regularizer::l2(0.1).unwrap());
        let builder = if frozen {
            builder.freeze(["a"])
        } else {
            builder
        };
        let (loss, gradients) = builder
            .build()
            .unwrap()
            .gradients(&Batch::new(&x, &y))
            .unwrap();
        (
            loss,
            gradients.get("a/kernel").map(|a| a[[0, 0]]),
            gradients.get("b/kernel").unwrap()[[0, 0]],
        )
    };
    let (loss, a, b) = of(false);
    assert!((loss - keras(&["penalties", "both"])).abs() < 1e-7 && a == Some(0.02) && b == 0.2);
    let (loss, a, _) = of(true);
    assert!((loss - keras(&["penalties", "first_frozen"])).abs() < 1e-7 && a.is_none());
    let shared: Arc<dyn AnyLayer<f64>> = Arc::new(ones(3, 3));
    let model = Model::new().add(Arc::clone(&shared)).add(shared);
    let builder = training(model).regularizer(["dense"], Regularizer::l2(0.1).unwrap());
    let y = Array2::zeros((2, 3));
    let loss = builder.build().unwrap().step(&Batch::new(&x, &y)).unwrap();
    assert!((loss.loss - keras(&["penalties", "shared"])).abs() < 1e-7 && loss.losses == [0.0]);
}

#[test]
fn losses_of_several_outputs_are_weighted() {
    let (x, y, z) = (matrix(3, 2, 1), matrix(3, 2, 2), matrix(3, 1, 3));
    let of = |weights: [f64; 2]| {
        let mut graph = Model::graph();
        let input = graph.input("x");
        let body = graph.layer("body", dense(2, 2, 7)).unwrap();
        let head = graph.layer("head", dense(2, 1, 8)).unwrap();
        let [a] = graph.call(body, [input]).unwrap();
        let [b] = graph.call(head, [a]).unwrap();
        let training = Training::of(graph.finish([a, b]).unwrap())
            .weighted_loss(Loss::mean_squared_error(), weights[0])
            .weighted_loss(Loss::mean_absolute_error(), weights[1]);
        let mut training = training.optimizer(Sgd::keras(0.1)).build().unwrap();
        let targets = vec![Target::new(&y), Target::new(&z)];
        let batch = Batch::all(vec![Tensor::new(&x)], targets);
        let (loss, gradients) = training.gradients(&batch).unwrap();
        let step = training.step(&batch).unwrap();
        assert_eq!(step.loss, loss);
        (step, gradients)
    };
    let [both, first, second] = [[2.0, 0.5], [1.0, 0.0], [0.0, 1.0]].map(of);
    // The output that the head reads has the gradient of its own loss, too.
    let alone = Model::new().add_as("body", dense(2, 2, 7));
    let alone = training(alone)
        .build()
        .unwrap()
        .gradients(&Batch::new(&x, &y));
    let alone = alone.unwrap().1;
    for name in ["body/kernel", "body/bias"] {
        close(name, first.1.get(name).unwrap(), alone.get(name).unwrap());
    }
    assert_eq!(both.0.losses, [first.0.loss, second.0.loss]);
    assert!((both.0.loss - 2.0 * first.0.loss - 0.5 * second.0.loss).abs() < 1e-15);
    for (path, array) in both.1.iter() {
        let sum = first.1.get(path).unwrap() * 2.0 + second.1.get(path).unwrap() * 0.5;
        close(path, array, &sum);
    }
}

#[test]
fn accumulated_steps_count_and_update_once() {
    let (x, y) = steps::data();
    let optimizer = Optimizer::of(Sgd::keras(0.5)).gradient_accumulation_steps(3);
    let builder = Training::of(plain(false)).loss(Loss::mean_squared_error());
    let mut training = builder.optimizer(optimizer).build().unwrap();
    let before = training.model().get("dense/kernel").unwrap();
    let mut sum = ArrayD::zeros(before.raw_dim());
    for row in 0..3 {
        assert_eq!(training.model().get("dense/kernel").unwrap(), before);
        let rows = row..=row;
        let (x, y) = (x.slice(s![rows.clone(), .., ..]), y.slice(s![rows, .., ..]));
        sum += training
            .gradients(&Batch::new(&x, &y))
            .unwrap()
            .1
            .get("dense/kernel")
            .unwrap();
        training.step(&Batch::new(&x, &y)).unwrap();
    }
    assert_eq!((training.steps(), training.optimizer().step()), (3, 1));
    let want = &before - &(sum / 3.0 * 0.5);
    close(
        "kernel",
        &training.model().get("dense/kernel").unwrap(),
        &want,
    );
    assert_eq!(want.len_of(Axis(0)), 4);
}
