//! What no golden case says of a step: errors, seeds, frozen weights, windows, shared layers, padding.
#![allow(clippy::float_cmp)] // bits are what many of them are about

use crate::layer_differences::numbers;
use ndarray::{Array2, Array3, ArrayD, Axis, Ix1, Ix2, Ix3, arr1, arr2, s};
use recurrent::train::*;
use recurrent::*;
use std::sync::Arc;

fn vector(len: usize, seed: u64) -> ndarray::Array1<f64> {
    numbers(&[len], seed).into_dimensionality::<Ix1>().unwrap()
}

fn matrix(rows: usize, columns: usize, seed: u64) -> Array2<f64> {
    let array = numbers(&[rows, columns], seed);
    array.into_dimensionality::<Ix2>().unwrap()
}

fn cube(shape: [usize; 3], seed: u64) -> Array3<f64> {
    numbers(&shape, seed).into_dimensionality::<Ix3>().unwrap()
}

fn dense(from: usize, to: usize, seed: u64) -> Dense<f64> {
    Dense::from_weights(matrix(from, to, seed), Some(vector(to, seed + 100))).unwrap()
}

fn norm(features: usize) -> BatchNormalization<f64> {
    let (mean, variance) = (vector(features, 11), vector(features, 12).mapv(f64::abs));
    let [gamma, beta] = [13, 14].map(|seed| Some(vector(features, seed)));
    BatchNormalization::from_weights(gamma, beta, mean, variance).unwrap()
}

fn lstm(features: usize, units: usize) -> Lstm<f64> {
    Lstm::builder(features, units).seed(3).build().unwrap()
}

/// An LSTM, a normalisation, dropout, a dense layer: all that can move.
fn model(stateful: bool) -> Model<f64> {
    Model::new()
        .add(
            Layer::new(lstm(2, 4))
                .return_sequences(true)
                .stateful(stateful),
        )
        .add(norm(4))
        .add(Dropout::new(0.4).unwrap())
        .add(dense(4, 3, 5))
}

/// The same without what is another in a training than in inference.
fn plain(stateful: bool) -> Model<f64> {
    Model::new()
        .add(
            Layer::new(lstm(2, 4))
                .return_sequences(true)
                .stateful(stateful),
        )
        .add(dense(4, 3, 5))
}

fn training(model: Model<f64>) -> TrainingBuilder<f64> {
    Training::of(model)
        .loss(Loss::mean_squared_error())
        .optimizer(Optimizer::of(Adam::keras(0.01)).use_ema(Ema::new()))
}

/// A batch of 3 samples and 6 timesteps.
fn data() -> (Array3<f64>, Array3<f64>) {
    (cube([3, 6, 2], 1), cube([3, 6, 3], 2))
}

fn bits(array: &ArrayD<f64>) -> Vec<u64> {
    array.iter().map(|x| x.to_bits()).collect()
}

/// The bits of all weights and averages, and all that the optimiser keeps.
fn everything(training: &Training<f64>) -> (Vec<(String, Vec<u64>)>, OptimizerState<f64>, u64) {
    let model = training.model();
    let weights = model.weights().into_iter();
    let weights = weights.map(|weight| {
        let array = model.get(&weight.path).unwrap();
        (weight.path, bits(&array))
    });
    let (weights, state) = (weights.collect(), training.optimizer().state());
    (weights, state, training.steps())
}

fn close(what: &str, got: &ArrayD<f64>, want: &ArrayD<f64>) {
    assert_eq!(got.shape(), want.shape(), "{what}");
    for (got, want) in got.iter().zip(want) {
        assert!(
            (got - want).abs() <= 1e-12 * want.abs().max(1.0),
            "{what}: {got}, {want}"
        );
    }
}

/// The array with this number at this place.
fn with(array: &Array3<f64>, number: f64) -> Array3<f64> {
    let mut array = array.clone();
    array[[1, 2, 0]] = number;
    array
}

#[test]
fn an_error_moves_nothing() {
    let (x, y) = data();
    let (nan_x, inf_y) = (with(&x, f64::NAN), with(&y, f64::INFINITY));
    let short = y.slice(s![.., ..5, ..]).to_owned();
    let few = x.slice(s![.., .., ..1]).to_owned();
    let another = training(plain(true))
        .build()
        .unwrap()
        .step(&Batch::new(&x, &y))
        .unwrap()
        .state;
    let other_samples = another.arrays()[0].clone().unwrap();
    let other_samples = other_samples
        .iter()
        .map(|a| a.slice(s![..2, ..]).to_owned())
        .collect();
    let other_samples = ModelState::from_arrays(vec![Some(other_samples)]);
    let masked = Array2::from_elem((3, 6), true);
    let many = ModelState::from_arrays(vec![another.arrays()[0].clone(); 2]);
    type Wrong<'a> = (Batch<'a, f64>, &'a str);
    let wrong: Vec<Wrong> = vec![
        (Batch::new(&nan_x, &y), "loss of output 0 in step 2"),
        (Batch::new(&x, &inf_y), "loss of output 0 in step 2"),
        (Batch::new(&few, &y), "layer 0 (lstm): "),
        (Batch::new(&x, &short), "loss is "),
        (
            Batch::all(vec![Tensor::new(&x)], vec![]),
            "number of targets is 0, expected 1",
        ),
        (
            Batch::all(vec![], vec![Target::new(&y)]),
            "number of inputs is 0",
        ),
        (Batch::new(&x, &y).lengths(&[6, 7, 0]), "length"),
        (Batch::new(&x, &y).lengths(&[6, 6]), "lengths"),
        (
            Batch::new(&x, &y).mask(&masked).lengths(&[6, 6, 6]),
            "none beside a mask",
        ),
        (Batch::new(&x, &y).initial_state(many), "that of another"),
        (Batch::new(&x, &y).initial_state(other_samples), "samples"),
        (
            Batch::new(&x, &y).burn_in(7),
            "at least the 7 of the burn-in",
        ),
        (Batch::new(&x, &y).burn_in(2), "loss is "),
    ];
    let mut training = training(model(true)).build().unwrap();
    let mut twin = self::training(model(true)).build().unwrap();
    for _ in 0..2 {
        training.step(&Batch::new(&x, &y)).unwrap();
        twin.step(&Batch::new(&x, &y)).unwrap();
    }
    let before = everything(&training);
    for (batch, said) in wrong {
        let error = training.step(&batch).unwrap_err().to_string();
        assert!(error.contains(said), "{error}: {said}");
        assert!(everything(&training) == before, "{said}");
        assert!(training.gradients(&batch).is_err());
    }
    // And the next step is as if nothing had happened.
    let next = training.step(&Batch::new(&x, &y)).unwrap();
    assert_eq!(
        next.loss.to_bits(),
        twin.step(&Batch::new(&x, &y)).unwrap().loss.to_bits()
    );
    assert!(everything(&training) == everything(&twin));
}

#[test]
fn what_is_not_finite_moves_nothing() {
    let (x, y) = data();
    let check = |mut training: Training<f64>, said: &str| {
        let before = everything(&training);
        let error = training.step(&Batch::new(&x, &y)).unwrap_err().to_string();
        assert!(error.contains(said), "{error}: {said}");
        assert!(everything(&training) == before, "{said}");
    };
    let wrong_gradient = Loss::of(|y: ndarray::ArrayViewD<f64>, _| {
        let mut d = y.to_owned();
        d[[0, 0, 0]] = f64::INFINITY;
        Ok((1.0, d))
    });
    let of = |loss| {
        Training::of(model(true))
            .loss(loss)
            .optimizer(Adam::keras(0.1))
            .build()
    };
    check(of(wrong_gradient).unwrap(), "gradient of");
    let refuses = Loss::of(|_, _| Err(Regularizer::l2(-1.0).unwrap_err()));
    check(of(refuses).unwrap(), "l2 is -1");
    let huge = Regularizer::l2(f64::MAX).unwrap();
    check(
        training(model(true))
            .regularizer(["dense"], huge)
            .build()
            .unwrap(),
        "loss in step 0",
    );
    // An update that overflows comes last, when the moving averages have moved: they go back.
    let overflows = Training::of(model(true)).weighted_loss(Loss::mean_squared_error(), 1e9);
    let overflows = overflows.optimizer(Sgd::keras(f64::MAX)).build().unwrap();
    check(overflows, "updated weight");
}

#[test]
fn a_step_moves_all_that_it_has_to() {
    let (x, y) = data();
    let mut training = training(model(false)).build().unwrap();
    let before = everything(&training);
    training.gradients(&Batch::new(&x, &y)).unwrap();
    assert!(everything(&training) == before, "gradients move nothing");
    let step = training.step(&Batch::new(&x, &y)).unwrap();
    assert_eq!((step.losses.len(), step.losses[0]), (1, step.loss));
    for ((path, before), (_, after)) in before.0.iter().zip(&everything(&training).0) {
        assert_ne!(before, after, "{path}");
    }
    assert_eq!((training.steps(), training.optimizer().step()), (1, 1));
}

#[test]
fn the_seed_decides_every_bit() {
    let (x, y) = data();
    let run = |seed| {
        let mut training = training(model(false)).seed(seed).build().unwrap();
        let steps = (0..4).map(|_| training.step(&Batch::new(&x, &y)).unwrap());
        let outputs: Vec<_> = steps.map(|step| bits(&step.outputs[0].values)).collect();
        (outputs, everything(&training))
    };
    assert!(run(7) == run(7));
    let (outputs, _) = run(7);
    assert_ne!(outputs[0], run(8).0[0]);
    // Another step has other masks: with weights that stand still, only they differ.
    let mut still = Training::of(model(false)).loss(Loss::mean_squared_error());
    still = still.optimizer(Sgd::keras(0.0)).seed(7);
    let mut still = still.build().unwrap();
    let [a, b] = [0; 2].map(|_| still.step(&Batch::new(&x, &y)).unwrap());
    assert_eq!(bits(&a.outputs[0].values), outputs[0]);
    assert_ne!(a.outputs, b.outputs);
    // A failed step has no number.
    let mut failed = training(model(false)).seed(7).build().unwrap();
    failed
        .step(&Batch::new(&with(&x, f64::NAN), &y))
        .unwrap_err();
    let first = failed.step(&Batch::new(&x, &y)).unwrap();
    assert_eq!(bits(&first.outputs[0].values), outputs[0]);
}

#[test]
fn frozen_weights_stand_still() {
    let (x, y) = data();
    let run = |frozen: &[&str]| {
        let builder = training(model(false)).freeze(frozen.iter().copied());
        let mut training = builder.build().unwrap();
        let before = everything(&training);
        for _ in 0..3 {
            training.step(&Batch::new(&x, &y)).unwrap();
        }
        let after = everything(&training);
        let pairs = before.0.into_iter().zip(&after.0);
        let still = pairs.filter(|(before, after)| before == *after);
        let still: Vec<String> = still.map(|((path, _), _)| path).collect();
        for path in &still {
            assert!(
                training.optimizer().slot(path, "momentum").is_none(),
                "{path}"
            );
        }
        still
    };
    assert_eq!(run(&[]), [""; 0]);
    assert_eq!(
        run(&["lstm/bias", "dense"]),
        ["lstm/bias", "dense/kernel", "dense/bias"]
    );
    // A normalisation that is frozen as a whole keeps its averages; frozen in part it does not.
    assert_eq!(run(&["gamma"]), ["batch_normalization/gamma"]);
    let whole = ["gamma", "beta", "moving_mean", "moving_variance"];
    let whole = whole.map(|name| format!("batch_normalization/{name}"));
    assert_eq!(run(&["batch_normalization"]), whole);
}

#[test]
fn windows_carry_what_a_session_carries() {
    let (x, y) = data();
    let (x1, x2) = (x.slice(s![.., ..4, ..]), x.slice(s![.., 4.., ..]));
    let (y1, y2) = (y.slice(s![.., ..4, ..]), y.slice(s![.., 4.., ..]));
    let mut training = training(plain(true)).build().unwrap();
    let before = plain(true);
    let mut session = Session::new(&before);
    let first = training.step(&Batch::new(&x1, &y1)).unwrap();
    assert_eq!(first.outputs[0].values, session.forward(&x1).unwrap());
    let snapshot = session.snapshot().unwrap().unwrap();
    assert_eq!(first.state, snapshot);
    // The next window goes on with the new weights.
    let after = training.model().forward(&x2).unwrap();
    let model = Model::new()
        .add(Layer::new(lstm(2, 4)).return_sequences(true).stateful(true))
        .add(dense(4, 3, 5));
    let mut moved = model;
    for weight in moved.weights() {
        moved
            .set(&weight.path, &training.model().get(&weight.path).unwrap())
            .unwrap();
    }
    let mut session = Session::new(&moved);
    session.resume(snapshot).unwrap();
    let second = Batch::new(&x2, &y2).initial_state(first.state);
    let second = training.step(&second).unwrap();
    assert_eq!(second.outputs[0].values, session.forward(&x2).unwrap());
    assert_ne!(second.outputs[0].values, after);
    assert_eq!(Some(second.state), session.snapshot().unwrap());
}

#[test]
fn a_burn_in_is_a_run_and_a_step() {
    let (x, y) = data();
    let lengths = [6, 3, 1];
    for lengths in [None, Some(&lengths)] {
        let tail = y.slice(s![.., 2.., ..]);
        let mut burnt = training(model(true)).build().unwrap();
        let mut batch = Batch::new(&x, &tail).burn_in(2);
        if let Some(lengths) = lengths {
            batch = batch.lengths(lengths);
        }
        let got = burnt.step(&batch).unwrap();

        let mut by_hand = training(model(true)).build().unwrap();
        let mask = Array2::from_shape_fn((3, 6), |(row, t)| {
            lengths.is_none_or(|lengths| t < lengths[row])
        });
        let state = {
            let model = model(true);
            let mut session = Session::new(&model);
            let (first, mask) = (x.slice(s![.., ..2, ..]), mask.slice(s![.., ..2]));
            session
                .forward_all([Tensor::new(&first).masked(&mask)])
                .unwrap();
            session.snapshot().unwrap().unwrap()
        };
        let rest = x.slice(s![.., 2.., ..]);
        let mut batch = Batch::new(&rest, &tail).initial_state(state);
        let rest = mask.slice(s![.., 2..]);
        if lengths.is_some() {
            batch = batch.mask(&rest);
        }
        let want = by_hand.step(&batch).unwrap();
        assert_eq!(got.loss.to_bits(), want.loss.to_bits());
        assert_eq!(got.state, want.state);
        assert!(everything(&burnt) == everything(&by_hand));
    }
}

#[test]
fn a_window_of_the_whole_sequence_is_one_step() {
    let (x, y) = data();
    let mut window = training(model(true)).build().unwrap();
    let mut whole = training(model(false)).build().unwrap();
    for _ in 0..3 {
        let [a, b] = [&mut window, &mut whole].map(|of| of.step(&Batch::new(&x, &y)).unwrap());
        assert_eq!(a.loss.to_bits(), b.loss.to_bits());
        assert_eq!(b.state.arrays(), [None]);
        assert!(everything(&window) == everything(&whole));
    }
}

#[test]
fn a_state_that_nothing_goes_on_from_is_refused() {
    let (x, y) = data();
    let state = training(plain(true))
        .build()
        .unwrap()
        .step(&Batch::new(&x, &y))
        .unwrap()
        .state;
    let mut training = training(plain(false)).build().unwrap();
    let none = training.step(&Batch::new(&x, &y)).unwrap().state;
    for (batch, said) in [
        (
            Batch::new(&x, &y).initial_state(none),
            "initial state is some, expected none",
        ),
        (
            Batch::new(&x, &y).burn_in(2),
            "burn-in is some, expected none",
        ),
    ] {
        let error = training.step(&batch).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    // A state for layers that do not keep theirs cannot be told from one for those that do.
    training
        .step(&Batch::new(&x, &y).initial_state(state))
        .unwrap();
}

#[test]
fn a_shared_layer_learns_from_all_its_calls() {
    let (a, b, y) = (matrix(3, 2, 1), matrix(3, 2, 2), matrix(3, 2, 3));
    let build = |names: [&str; 2]| {
        let mut graph = Model::graph();
        let inputs = ["a", "b"].map(|name| graph.input(name));
        let first = graph.layer(names[0], dense(2, 2, 7)).unwrap();
        let second = match names[0] == names[1] {
            true => first,
            false => graph.layer(names[1], dense(2, 2, 7)).unwrap(),
        };
        let [of_a] = graph.call(first, [inputs[0]]).unwrap();
        let [of_b] = graph.call(second, [inputs[1]]).unwrap();
        let product = graph.layer("product", Merge::Multiply).unwrap();
        let [product] = graph.call(product, [of_a, of_b]).unwrap();
        let model = graph.finish(&[product]).unwrap();
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

/// Keras 3.15: a shared `BatchNormalization(momentum=0.5)` that sees 2 and then 8 has moved to 4.5.
#[test]
fn each_call_of_a_shared_normalisation_moves_its_averages() {
    let zeros = ndarray::Array1::zeros(1);
    let norm = BatchNormalization::from_weights(None, None, zeros, arr1(&[1.0])).unwrap();
    let norm: Arc<dyn AnyLayer<f64>> = Arc::new(norm.momentum(0.5));
    for nested in [false, true] {
        let mut graph = Model::graph();
        let inputs = ["a", "b"].map(|name| graph.input(name));
        let of = match nested {
            true => {
                Box::new(Model::new().add_as("norm", Arc::clone(&norm))) as Box<dyn AnyLayer<f64>>
            }
            false => Box::new(Arc::clone(&norm)),
        };
        let id = graph.layer("outer", of).unwrap();
        let calls = inputs.map(|input| graph.call::<1>(id, [input]).unwrap()[0]);
        let add = graph.layer("add", Merge::Add).unwrap();
        let [sum] = graph.call(add, calls).unwrap();
        let head = graph.layer("head", dense(1, 1, 1)).unwrap();
        let [y] = graph.call(head, [sum]).unwrap();
        let mut training = training(graph.finish(&[y]).unwrap()).build().unwrap();
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
        assert_eq!(training.model().get(path).unwrap()[0], 4.5);
    }
}

/// A layer that nobody can go back over.
struct OneWay;

impl AnyLayer<f64> for OneWay {
    fn name(&self) -> &'static str {
        "one_way"
    }
    fn forward(&self, input: Tensor<f64>) -> Result<Tensor<f64>> {
        Ok(input)
    }
}

#[test]
fn a_layer_without_a_backward_pass_is_refused() {
    let model = plain(false).add_as("last", Box::new(OneWay) as Box<dyn AnyLayer<f64>>);
    let error = training(model).build().err().unwrap().to_string();
    assert_eq!(
        error,
        "layer to train is last, expected one with a backward pass"
    );
}

#[test]
fn options_are_checked() {
    let error = |builder: TrainingBuilder<f64>| builder.build().err().unwrap().to_string();
    let none = Training::of(plain(false)).optimizer(Adam::keras(0.1));
    assert!(error(none).contains("number of losses is 0, expected 1"));
    let two = training(plain(false)).loss(Loss::mean_squared_error());
    assert!(error(two).contains("number of losses is 2, expected 1"));
    let bare = Training::of(plain(false)).loss(Loss::mean_squared_error());
    assert!(error(bare).contains("optimizer is none"));
    assert!(error(training(plain(false)).freeze(["head"])).contains("that of a trainable weight"));
    assert!(error(training(model(false)).freeze(["moving_mean"])).contains("lstm/kernel"));
    let l2 = Regularizer::l2(0.1).unwrap();
    assert!(error(training(plain(false)).regularizer(["kern"], l2)).contains("dense/kernel"));
    let nan = Training::of(plain(false)).weighted_loss(Loss::mean_squared_error(), f64::NAN);
    assert!(error(nan.optimizer(Adam::keras(0.1))).contains("weight of a loss is NaN"));
}

#[test]
fn padding_changes_no_gradient() {
    let (x, y) = data();
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

/// Keras 3.15 on TensorFlow: 800 behind Dense(softmax), Activation and Softmax, 16.118 behind a Reshape.
#[test]
fn a_loss_sees_what_keras_sees() {
    let kernel = arr2(&[[800.0, 0.0], [0.0, 0.0]]);
    let scores = || Dense::from_weights(kernel.clone(), Some(arr1(&[0.0, 0.0]))).unwrap();
    let softmax = || scores().with_activation(Activation::Softmax).unwrap();
    let (x, y) = (arr2(&[[1.0, 0.0]]), arr1(&[1.0]));
    for (model, seen) in [
        (Model::new().add(softmax()), true),
        (Model::new().add(scores()).add(Activation::Softmax), true),
        (Model::new().add(scores()).add(Softmax::new()), true),
        (
            Model::new().add(softmax()).add(Reshape::new(&[2]).unwrap()),
            false,
        ),
    ] {
        let training = Training::of(model).loss(Loss::sparse_categorical_crossentropy());
        let mut training = training.optimizer(Adam::keras(0.1)).build().unwrap();
        let (loss, gradients) = training.gradients(&Batch::new(&x, &y)).unwrap();
        let of_bias = gradients.get("dense/bias").unwrap();
        if seen {
            assert_eq!((loss, of_bias), (800.0, &arr1(&[1.0, -1.0]).into_dyn()));
        } else {
            assert!((loss - 16.118).abs() < 1e-3);
            assert_eq!(of_bias, &arr1(&[0.0, 0.0]).into_dyn());
        }
        let step = training.step(&Batch::new(&x, &y)).unwrap();
        assert_eq!(step.outputs[0].values, arr2(&[[1.0, 0.0]]).into_dyn());
    }
    // A softmax that something else reads is an output like any other.
    let mut graph = Model::graph();
    let x_in = graph.input("x");
    let probabilities = graph.layer("dense", softmax()).unwrap();
    let [p] = graph.call(probabilities, [x_in]).unwrap();
    let twice = graph.finish(&[p, p]).unwrap();
    let loss = Loss::sparse_categorical_crossentropy;
    let training = Training::of(twice).loss(loss()).loss(loss());
    let mut training = training.optimizer(Adam::keras(0.1)).build().unwrap();
    let targets = vec![Target::new(&y), Target::new(&y)];
    let step = training
        .step(&Batch::all(vec![Tensor::new(&x)], targets))
        .unwrap();
    assert!((step.losses[1] - 16.118).abs() < 1e-3);
}

/// Keras 3.15: 0.06 and 0.2, and 0.2 alone when the first layer is frozen; 0.9 for a shared layer, once.
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
    assert!((loss - 0.26).abs() < 1e-15 && a == Some(0.02) && b == 0.2);
    let (loss, a, _) = of(true);
    assert!((loss - 0.2).abs() < 1e-15 && a.is_none());
    let shared: Arc<dyn AnyLayer<f64>> = Arc::new(ones(3, 3));
    let model = Model::new().add(Arc::clone(&shared)).add(shared);
    let builder = training(model).regularizer(["dense"], Regularizer::l2(0.1).unwrap());
    let y = Array2::zeros((2, 3));
    let loss = builder.build().unwrap().step(&Batch::new(&x, &y)).unwrap();
    assert!((loss.loss - 0.9).abs() < 1e-15 && loss.losses == [0.0]);
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
        let training = Training::of(graph.finish(&[a, b]).unwrap())
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
    assert_eq!(both.0.losses, [first.0.loss, second.0.loss]);
    assert!((both.0.loss - 2.0 * first.0.loss - 0.5 * second.0.loss).abs() < 1e-15);
    for (path, array) in both.1.iter() {
        let sum = first.1.get(path).unwrap() * 2.0 + second.1.get(path).unwrap() * 0.5;
        close(path, array, &sum);
    }
}

#[test]
fn accumulated_steps_count_and_update_once() {
    let (x, y) = data();
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
