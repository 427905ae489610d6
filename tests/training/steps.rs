//! What no golden case says of a step: errors, seeds, frozen weights, windows.
#![allow(clippy::float_cmp)] // bits are what many of them are about

use crate::layer_differences::numbers;
use ndarray::{Array2, Array3, ArrayD, Ix1, Ix2, Ix3, s};
use recurrent::train::*;
use recurrent::*;

fn vector(len: usize, seed: u64) -> ndarray::Array1<f64> {
    numbers(&[len], seed).into_dimensionality::<Ix1>().unwrap()
}

pub fn matrix(rows: usize, columns: usize, seed: u64) -> Array2<f64> {
    let array = numbers(&[rows, columns], seed);
    array.into_dimensionality::<Ix2>().unwrap()
}

fn cube(shape: [usize; 3], seed: u64) -> Array3<f64> {
    numbers(&shape, seed).into_dimensionality::<Ix3>().unwrap()
}

pub fn dense(from: usize, to: usize, seed: u64) -> Dense<f64> {
    Dense::from_weights(matrix(from, to, seed), Some(vector(to, seed + 100))).unwrap()
}

pub fn norm(features: usize) -> BatchNormalization<f64> {
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
pub fn plain(stateful: bool) -> Model<f64> {
    Model::new()
        .add(
            Layer::new(lstm(2, 4))
                .return_sequences(true)
                .stateful(stateful),
        )
        .add(dense(4, 3, 5))
}

pub fn training(model: Model<f64>) -> TrainingBuilder<f64> {
    Training::of(model)
        .loss(Loss::mean_squared_error())
        .optimizer(Optimizer::of(Adam::keras(0.01)).use_ema(Ema::new()))
}

/// A batch of 3 samples and 6 timesteps.
pub fn data() -> (Array3<f64>, Array3<f64>) {
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

pub fn close(what: &str, got: &ArrayD<f64>, want: &ArrayD<f64>) {
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
    let wrong: Vec<(Batch<f64>, &str)> = vec![
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

/// A variance that overflows, with a loss that does not: what is divided by it is 0.
#[test]
fn an_average_that_is_not_finite_moves_nothing() {
    let (x, y) = data();
    let model = Model::new().add(norm(2)).add(dense(2, 3, 1));
    let mut training = training(model).build().unwrap();
    let before = everything(&training);
    let error = training
        .step(&Batch::new(&(x * 1e200), &y))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("batch_normalization/moving_variance"),
        "{error}"
    );
    assert!(everything(&training) == before);
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
    let tail = y.slice(s![.., 2.., ..]);
    let (first, rest) = (x.slice(s![.., ..2, ..]), x.slice(s![.., 2.., ..]));
    let window = training(model(true))
        .build()
        .unwrap()
        .step(&Batch::new(&x, &y));
    let window = window.unwrap().state;
    for (lengths, start) in [
        (None, None),
        (Some([6, 3, 4]), None),
        (None, Some(&window)),
        (Some([3, 6, 5]), Some(&window)),
    ] {
        let mut burnt = training(model(true)).build().unwrap();
        let mut batch = Batch::new(&x, &tail).burn_in(2);
        if let Some(lengths) = &lengths {
            batch = batch.lengths(lengths);
        }
        if let Some(start) = start {
            batch = batch.initial_state(start.clone());
        }
        let got = burnt.step(&batch).unwrap();

        let mut by_hand = training(model(true)).build().unwrap();
        let is_real = |row: usize, t| lengths.is_none_or(|lengths| t < lengths[row]);
        let mask = Array2::from_shape_fn((3, 6), |(row, t)| is_real(row, t));
        let (of_first, of_rest) = (mask.slice(s![.., ..2]), mask.slice(s![.., 2..]));
        let state = {
            let model = model(true);
            let mut session = Session::new(&model);
            if let Some(start) = start {
                session.resume(start.clone()).unwrap();
            }
            session
                .forward_all([Tensor::new(&first).masked(&of_first)])
                .unwrap();
            session.snapshot().unwrap().unwrap()
        };
        let mut batch = Batch::new(&rest, &tail).initial_state(state);
        if lengths.is_some() {
            batch = batch.mask(&of_rest);
        }
        let want = by_hand.step(&batch).unwrap();
        assert_eq!(got.loss.to_bits(), want.loss.to_bits());
        assert_eq!(got.state, want.state);
        assert!(everything(&burnt) == everything(&by_hand));
    }
}

/// The last output of a sample that ends inside of the burn-in is 0, whatever came before: it must not be learnt.
#[test]
fn a_sample_that_ends_inside_of_the_burn_in_is_refused() {
    let (x, y) = data();
    let tail = y.slice(s![.., 2.., ..]);
    let mut training = training(model(true)).build().unwrap();
    let batch = Batch::new(&x, &tail).burn_in(2).lengths(&[6, 2, 3]);
    let error = training.step(&batch).unwrap_err().to_string();
    assert_eq!(
        error,
        "length is 2, expected more than the 2 of the burn-in"
    );
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
    for batch in [
        Batch::new(&x, &y).initial_state(none),
        Batch::new(&x, &y).initial_state(state), // of a model whose layer keeps its state
        Batch::new(&x, &y).burn_in(2),
    ] {
        let error = training.step(&batch).unwrap_err().to_string();
        let said = "state to go on from is given, expected none, as no layer of the model keeps one: \
                    see `Layer::stateful`";
        assert_eq!(error, said);
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
fn a_layer_that_is_shared_across_models_is_refused() {
    let weights = Initializer::GlorotUniform.matrix(3, 3, 1).unwrap();
    let dense = std::sync::Arc::new(Dense::<f64>::from_weights(weights, None).unwrap());
    let inner = Model::new().add_as("a", std::sync::Arc::clone(&dense));
    let model = || Model::new().add_as("inner", Model::new().add(std::sync::Arc::clone(&dense)));
    let built = |model: Model<f64>| {
        let training = Training::of(model).loss(Loss::mean_squared_error());
        let built = training.optimizer(Adam::keras(0.01)).build();
        built.map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(built(model()), Ok(()));
    assert_eq!(
        built(model().add_as("inner_2", inner)).unwrap_err(),
        "model to train is inner/dense and inner_2/a, expected no layer that is shared between a model and one inside it"
    );
    // Called twice by one model it has one path.
    let twice = Model::new().add(std::sync::Arc::clone(&dense)).add(dense);
    assert_eq!(built(twice), Ok(()));
}
