//! `fit` and `evaluate` against those of Keras, epoch by epoch: `tests/data/make_fit.py`; and what is wrong.

use crate::common::data::tests;
use ndarray::{Array1, Array2, Array3, ArrayD, s};
#[cfg(feature = "saved")]
use recurrent::saved;
use recurrent::train::{
    Adam, Batch, EarlyStopping, Ema, Ended, Examples, Go, History, Loss, Metric, Optimizer,
    ReduceOnPlateau, Sgd, Training, TrainingState,
};
use recurrent::{Dense, Dropout, Initializer, Layer, Lstm, Model};

#[cfg(feature = "keras")]
mod keras {
    use super::*;
    use recurrent::Tensor;
    use recurrent::keras::{self, Reader};
    use recurrent::train::{Evaluate, Evaluation, Fit, Target};
    use serde_json::Value;

    struct Case(Value);

    impl Case {
        fn load(id: &str) -> Self {
            let bytes = std::fs::read(tests().join("data/fit/cases.json")).unwrap();
            let cases: Vec<Value> = serde_json::from_slice(&bytes).unwrap();
            Case(cases.into_iter().find(|case| case["id"] == id).unwrap())
        }

        fn array(of: &Value) -> ArrayD<f64> {
            let shape: Vec<usize> = serde_json::from_value(of["shape"].clone()).unwrap();
            let numbers: Vec<f64> = serde_json::from_value(of["values"].clone()).unwrap();
            ArrayD::from_shape_vec(shape, numbers).unwrap()
        }

        fn data(&self) -> [ArrayD<f64>; 2] {
            ["x", "y"].map(|name| Self::array(&self.0[name]))
        }

        fn validation(&self) -> [ArrayD<f64>; 2] {
            [0, 1].map(|at| Self::array(&self.0["validation"][at]))
        }

        fn path(&self, end: &str) -> std::path::PathBuf {
            let id = self.0["id"].as_str().unwrap();
            tests().join(format!("data/fit/{id}{end}.h5"))
        }

        fn training(
            &self,
            loss: Loss<f64>,
            optimizer: impl Into<recurrent::train::OptimizerBuilder<f64>>,
        ) -> Training<f64> {
            let training = Reader::new().load_training(self.path("")).unwrap();
            training.loss(loss).optimizer(optimizer).build().unwrap()
        }

        /// Compares every value of every epoch, and the weights at the end.
        fn check(&self, history: &History, training: &Training<f64>) {
            for (name, values) in self.0["history"].as_object().unwrap() {
                let expected: Vec<f64> = serde_json::from_value(values.clone()).unwrap();
                let found = history.get(name).unwrap_or_else(|| panic!("{name}"));
                assert_eq!(
                    found.len(),
                    expected.len(),
                    "{name}: {found:?}, {expected:?}"
                );
                for (a, b) in found.iter().zip(&expected) {
                    assert!(is_near(name, *a, *b), "{name}: {found:?}, {expected:?}");
                }
            }
            let after: Model<f64> = keras::load(self.path("_after")).unwrap();
            for weight in after.weights() {
                let expected = after.get(&weight.path).unwrap();
                let found = training.model().get(&weight.path).unwrap();
                for (a, b) in found.iter().zip(&expected) {
                    assert!(is_near("", *a, *b), "{}: {found} {expected}", weight.path);
                }
            }
        }

        fn check_evaluated(&self, found: &Evaluation) {
            for (name, expected) in self.0["evaluated"].as_object().unwrap() {
                let (found, expected) = (found.get(name).unwrap(), expected.as_f64().unwrap());
                assert!(
                    is_near(name, found, expected),
                    "{name}: {found}, {expected}"
                );
            }
        }
    }

    /// Keras adds 10⁻⁷ to a divisor of its F1.
    fn is_near(name: &str, found: f64, expected: f64) -> bool {
        let allowed = if name.ends_with("f1") { 1e-6 } else { 1e-9 };
        (found - expected).abs() <= allowed * expected.abs().max(1.0)
    }

    fn numbers() -> [Metric; 3] {
        [
            Metric::mean_absolute_error(),
            Metric::mean_squared_error(),
            Metric::root_mean_squared_error(),
        ]
    }

    fn with<'f>(fit: Fit<'f, f64>, metrics: &[Metric]) -> Fit<'f, f64> {
        metrics.iter().cloned().fold(fit, Fit::metric)
    }

    #[test]
    fn the_last_samples_are_held_back() {
        let case = Case::load("split");
        let [x, y] = case.data();
        let mut training = case.training(Loss::mean_squared_error(), Sgd::keras(0.125));
        let data = Batch::new(&x, &y);
        let fit = training.fit(&data).batch_size(3).epochs(3).shuffle(false);
        let history = with(fit, &numbers()).validation_split(0.3).run().unwrap();
        case.check(&history, &training);
        assert_eq!(history.epochs[2].steps, 3); // 3, 3 and 1 of 7 samples
        let evaluate = training.evaluate(&data).batch_size(3);
        let evaluate = numbers().into_iter().fold(evaluate, Evaluate::metric);
        case.check_evaluated(&evaluate.run().unwrap());
    }

    #[test]
    fn masks_and_weights_count() {
        let case = Case::load("masked");
        let ([x, y], [vx, vy]) = (case.data(), case.validation());
        let loss = Loss::sparse_categorical_crossentropy();
        let mut training = case.training(loss, Sgd::keras(0.5).momentum(0.5));
        let weights = Case::array(&case.0["sample_weight"]);
        let data = Batch::new(&x, &y).sample_weights(&weights);
        let metrics = [
            Metric::accuracy(),
            Metric::top_k_accuracy(2),
            Metric::accuracy().weighted().named("weighted"),
        ];
        let held_back = Batch::new(&vx, &vy);
        let fit = training.fit(&data).batch_size(4).epochs(3).shuffle(false);
        let fit = with(fit, &metrics).validation_data(&held_back);
        let history = fit.run().unwrap();
        case.check(&history, &training);
        let data = Batch::new(&x, &y);
        let evaluate = training.evaluate(&data).batch_size(4);
        let evaluate = metrics.into_iter().fold(evaluate, Evaluate::metric);
        case.check_evaluated(&evaluate.run().unwrap());
    }

    #[test]
    fn a_training_ends_early_with_its_best_weights() {
        let case = Case::load("early");
        let ([x, y], [vx, vy]) = (case.data(), case.validation());
        let loss = Loss::binary_crossentropy();
        let mut training = case.training(loss, Sgd::keras(1.0).momentum(0.875));
        let data = Batch::new(&x, &y).class_weights(&[(0, 1.0), (1, 2.5)]);
        let metrics = [
            Metric::accuracy(),
            Metric::precision(),
            Metric::recall(),
            Metric::f1(),
        ];
        let held_back = Batch::new(&vx, &vy);
        let fit = training.fit(&data).batch_size(4).epochs(12).shuffle(false);
        let fit = with(fit, &metrics).validation_data(&held_back);
        let history = fit
            .early_stopping(EarlyStopping::new().patience(3).restore_best_weights(true))
            .reduce_on_plateau(
                ReduceOnPlateau::new()
                    .factor(0.5)
                    .patience(2)
                    .min_lr(0.015_625),
            )
            .run()
            .unwrap();
        assert_eq!((history.ended, history.best_epoch), (Ended::Early, Some(4)));
        case.check(&history, &training);
        let evaluate = training.evaluate(&data).batch_size(4);
        let evaluate = metrics.into_iter().fold(evaluate, Evaluate::metric);
        case.check_evaluated(&evaluate.run().unwrap());
    }

    #[test]
    fn weights_end_as_their_averages() {
        let case = Case::load("averaged");
        let [x, y] = case.data();
        let of = Optimizer::of(Sgd::keras(0.125)).use_ema(Ema::new().momentum(0.75));
        let mut training = case.training(Loss::mean_absolute_error(), of);
        let data = Batch::new(&x, &y);
        let fit = training.fit(&data).batch_size(3).epochs(3).shuffle(false);
        let history = fit.run().unwrap();
        case.check(&history, &training);
        case.check_evaluated(&training.evaluate(&data).batch_size(3).run().unwrap());
    }

    #[test]
    fn windows_go_on_from_each_other() {
        let case = Case::load("stateful");
        let [x, y] = case.data();
        let mut training = case.training(Loss::mean_squared_error(), Sgd::keras(0.125));
        let data = Batch::all(vec![Tensor::new(&x)], vec![Target::new(&y)]);
        let history = training.fit(&data).windows(4).run().unwrap();
        case.check(&history, &training);
    }
}

fn x(samples: usize) -> Array3<f64> {
    Array3::from_shape_fn((samples, 6, 2), |(i, t, k)| {
        ((i * 7 + t * 3 + k * 5) % 11) as f64 / 11.0 - 0.4
    })
}

fn y(samples: usize) -> Array2<f64> {
    Array2::from_shape_fn((samples, 1), |(i, _)| ((i * 5) % 7) as f64 / 7.0)
}

fn training() -> Training<f64> {
    let lstm = Lstm::builder(2, 3)
        .dropout(0.2)
        .recurrent_dropout(0.1)
        .seed(1);
    let head = Initializer::GlorotUniform.matrix(3, 1, 2).unwrap();
    let model = Model::new()
        .add(Layer::new(lstm.build().unwrap()))
        .add(Dropout::new(0.3).unwrap())
        .add(Dense::from_weights(head, None).unwrap());
    let optimizer = Optimizer::of(Adam::keras(0.05)).use_ema(Ema::new().momentum(0.9));
    let training = Training::of(model).loss(Loss::mean_squared_error()).seed(5);
    training
        .optimizer(optimizer.gradient_accumulation_steps(2))
        .build()
        .unwrap()
}

fn bits(training: &Training<f64>) -> Vec<u64> {
    let weights = training.model().weights().into_iter();
    let arrays = weights.map(|weight| training.model().get(&weight.path).unwrap());
    arrays
        .flat_map(|array| array.iter().map(|x| x.to_bits()).collect::<Vec<_>>())
        .collect()
}

/// The state after it was written and read.
#[cfg(feature = "saved")]
fn in_a_file(state: TrainingState<f64>) -> TrainingState<f64> {
    let bytes = saved::write_training(&state).unwrap();
    let again = saved::read_training(&bytes).unwrap();
    assert_eq!(saved::write_training(&again).unwrap(), bytes);
    again
}

#[cfg(not(feature = "saved"))]
fn in_a_file(state: TrainingState<f64>) -> TrainingState<f64> {
    state
}

#[test]
fn a_resumed_series_goes_on_in_the_middle_of_it() {
    let start = || {
        let lstm = Lstm::<f64>::builder(2, 2)
            .dropout(0.3)
            .seed(1)
            .build()
            .unwrap();
        let lstm = Layer::new(lstm).return_sequences(true).stateful(true);
        let training = Training::of(Model::new().add(lstm)).loss(Loss::mean_squared_error());
        training.optimizer(Adam::keras(0.1)).build().unwrap()
    };
    let (x, y) = (
        x(5),
        Array3::from_shape_fn((5, 6, 2), |(i, t, k)| ((i + t * 2 + k) % 3) as f64),
    );
    let data = Batch::new(&x, &y);
    let run = |training: &mut Training<f64>, until: u64| {
        let mut state = None;
        let fit = training
            .fit(&data)
            .batch_size(2)
            .epochs(2)
            .windows(2)
            .metric(Metric::auc());
        let fit = fit.each_step(|end| {
            if end.training.steps() == until {
                state = Some(end.training.state().unwrap());
                return Go::Stop;
            }
            Go::On
        });
        (fit.run().unwrap(), state)
    };
    let mut whole = start();
    let (history, _) = run(&mut whole, 0);
    for until in 1..18 {
        let (_, state) = run(&mut start(), until);
        let mut again = start();
        again.resume(in_a_file(state.unwrap())).unwrap();
        assert_eq!(run(&mut again, 0).0, history, "after {until} steps");
        assert_eq!(bits(&again), bits(&whole), "after {until} steps");
    }
}

/// Whatever stands in a file, reading it ends in a state or in an error.
#[cfg(feature = "saved")]
#[test]
fn files_of_states_are_not_trusted() {
    let (x, y) = (x(8), y(8));
    let data = Batch::new(&x, &y);
    let (mut state, mut trained) = (None, training());
    let fit = trained
        .fit(&data)
        .batch_size(3)
        .epochs(3)
        .validation_split(0.2);
    let fit = fit.early_stopping(EarlyStopping::new().patience(2).restore_best_weights(true));
    let fit = fit
        .reduce_on_plateau(ReduceOnPlateau::new())
        .metric(Metric::auc());
    let fit = fit.each_step(|end| {
        state = Some(end.training.state().unwrap());
        Go::On
    });
    fit.run().unwrap();
    let bytes = saved::write_training(&state.unwrap()).unwrap();
    let read = |bytes: &[u8]| saved::read_training::<f64>(bytes);
    let message = |found: recurrent::Result<_>| match found {
        Err(error) => error.to_string(),
        Ok(()) => "nothing is wrong".into(),
    };
    let narrow = message(saved::read_training::<f32>(&bytes).map(|_| ()));
    assert!(
        narrow.contains("expected numbers of 32 bits, as the training has"),
        "{narrow}"
    );
    let model = saved::write(trained.model()).unwrap();
    let other = message(read(&model).map(|_| ()));
    assert!(
        other.contains("no file of `saved::write_training`"),
        "{other}"
    );
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap());
    let header = 8 + usize::try_from(header).unwrap();
    let mut refused = 0;
    for at in 0..header {
        for change in [1, 16, 128] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            if let Ok(state) = read(&changed) {
                let _ = training().resume(state); // an error, or a training
            } else {
                refused += 1;
            }
        }
    }
    assert!(refused > header, "{refused} of {}", 3 * header);
    for length in (0..bytes.len()).step_by(97) {
        assert!(read(&bytes[..length]).is_err());
    }
}

/// With dropout, accumulated gradients, averages, a shuffle, an early stopping, a falling rate and a metric.
#[test]
fn resumed_is_uninterrupted() {
    let (x, y) = (x(20), y(20));
    let lengths: Vec<usize> = (0..20).map(|i| 1 + i * 5 % 6).collect();
    let data = Batch::new(&x, &y).lengths(&lengths);
    let run = |training: &mut Training<f64>, until: u64| {
        let mut state = None;
        let fit = training
            .fit(&data)
            .batch_size(4)
            .epochs(8)
            .validation_split(0.2);
        let fit = fit
            .metric(Metric::mean_absolute_error())
            .sort_by_length(true);
        let stopping = EarlyStopping::new().patience(2).restore_best_weights(true);
        let plateau = ReduceOnPlateau::new().patience(1).factor(0.5);
        let fit = fit.early_stopping(stopping).reduce_on_plateau(plateau);
        let history = fit.each_step(|end| {
            if end.training.steps() == until {
                state = Some(end.training.state().unwrap());
                return Go::Stop;
            }
            Go::On
        });
        (history.run().unwrap(), state)
    };
    let mut whole = training();
    let (history, _) = run(&mut whole, u64::MAX);
    let steps: u64 = history.epochs.iter().map(|epoch| epoch.steps).sum();
    assert!(steps > 15);
    let expected = bits(&whole);
    for until in 1..steps {
        let (stopped, state) = run(&mut training(), until);
        assert_eq!(stopped.ended, Ended::Stopped);
        let mut again = training();
        again.resume(in_a_file(state.unwrap())).unwrap();
        assert_eq!(run(&mut again, u64::MAX).0, history, "after {until} steps");
        assert_eq!(bits(&again), expected, "after {until} steps");
    }
}

#[test]
fn a_state_of_another_training_is_refused() {
    let state = training().state().unwrap();
    let model = || Model::<f64>::new().add(Layer::new(Lstm::builder(2, 3).build().unwrap()));
    let of = |seed| {
        let training = Training::of(model())
            .loss(Loss::mean_squared_error())
            .seed(seed);
        training.optimizer(Adam::keras(0.1)).build().unwrap()
    };
    let found = of(5).resume(state.clone()).unwrap_err().to_string();
    assert_eq!(found, "state has 4 weights, expected 3");
    let found = of(6).resume(state).unwrap_err().to_string();
    assert_eq!(found, "seed is 5, expected 6");
    let other = Training::of(training().into_model())
        .loss(Loss::mean_squared_error())
        .seed(5);
    let mut other = other.optimizer(Adam::keras(0.1)).build().unwrap();
    let found = other
        .resume(training().state().unwrap())
        .unwrap_err()
        .to_string();
    assert!(
        found.starts_with("option of the state is optimizer: "),
        "{found}"
    );
}

#[test]
fn windows_are_steps_with_the_state_of_the_one_before() {
    let lstm = || Layer::new(Lstm::<f64>::builder(2, 2).seed(1).build().unwrap());
    let start = || {
        let model = Model::new().add(lstm().return_sequences(true).stateful(true));
        let training = Training::of(model).loss(Loss::mean_squared_error());
        training.optimizer(Sgd::keras(0.5)).build().unwrap()
    };
    let (x, y) = (
        x(3),
        Array3::from_shape_fn((3, 6, 2), |(i, t, k)| ((i + t * 2 + k) % 3) as f64),
    );
    let lengths = [6, 3, 5];
    let mut fitted = start();
    let data = Batch::new(&x, &y).lengths(&lengths);
    fitted
        .fit(&data)
        .shuffle(false)
        .windows(2)
        .burn_in(1)
        .run()
        .unwrap();
    let mut stepped = start();
    let first = s![.., ..3, ..];
    let (x0, y0) = (x.slice(first), y.slice(s![.., 1..3, ..]));
    let batch = Batch::new(&x0, &y0).lengths(&[3, 3, 3]).burn_in(1);
    let state = stepped.step(&batch).unwrap().state;
    let (x1, y1) = (x.slice(s![.., 3..5, ..]), y.slice(s![.., 3..5, ..]));
    let batch = Batch::new(&x1, &y1)
        .lengths(&[2, 0, 2])
        .initial_state(state);
    let state = stepped.step(&batch).unwrap().state;
    let (x2, y2) = (x.slice(s![.., 5.., ..]), y.slice(s![.., 5.., ..]));
    let batch = Batch::new(&x2, &y2)
        .lengths(&[1, 0, 0])
        .initial_state(state);
    stepped.step(&batch).unwrap();
    assert_eq!((fitted.steps(), bits(&fitted)), (3, bits(&stepped)));
}

/// Batches that are made are those of arrays.
#[test]
fn batches_are_taken_as_they_come() {
    let (x, y) = (x(8), y(8));
    let mut of_arrays = training();
    let data = Batch::new(&x, &y);
    let history = of_arrays
        .fit(&data)
        .batch_size(4)
        .epochs(2)
        .shuffle(false)
        .run()
        .unwrap();
    let mut of_batches = training();
    let batches = |_| {
        [0, 4].map(|at| {
            Examples::new(
                &x.slice(s![at..at + 4, .., ..]),
                &y.slice(s![at..at + 4, ..]),
            )
        })
    };
    assert_eq!(
        of_batches.fit_batches(batches).epochs(2).run().unwrap(),
        history
    );
    assert_eq!(bits(&of_batches), bits(&of_arrays));
}

#[test]
fn a_training_ends_where_it_is_told() {
    let (x, y) = (x(8), y(8));
    let data = Batch::new(&x, &y);
    let mut ended = training();
    let history = ended.fit(&data).batch_size(4).epochs(9).each_epoch(|end| {
        assert_eq!(end.epoch.get("loss"), Some(end.epoch.loss));
        if end.epoch.epoch == 2 {
            Go::Stop
        } else {
            Go::On
        }
    });
    let history = history.run().unwrap();
    assert_eq!((history.ended, history.epochs.len()), (Ended::Stopped, 3));
    assert!(
        history.to_string().starts_with("epoch 1: loss 0."),
        "{history}"
    );
    // The next fit starts anew, with the weights that are there.
    assert_eq!(ended.fit(&data).run().unwrap().epochs[0].epoch, 0);
    let history = training();
    let mut history = history;
    let history = history
        .fit(&data)
        .epochs(9)
        .deadline(std::time::Duration::ZERO)
        .run()
        .unwrap();
    assert_eq!((history.ended, history.epochs.len()), (Ended::Deadline, 0));
}

#[test]
fn what_does_not_fit_is_refused() {
    let (x, y) = (x(8), y(8));
    let (few, none) = (y.slice(s![..5, ..]), x.slice(s![..0, .., ..]));
    let nan = Array2::from_elem((8, 1), f64::NAN);
    let data = Batch::new(&x, &y);
    let message = |run: &dyn Fn(&mut Training<f64>) -> recurrent::Result<History>| {
        let mut training = training();
        let before = bits(&training);
        let found = run(&mut training).unwrap_err().to_string();
        assert_eq!((training.steps(), bits(&training)), (0, before));
        // It can be used all the same.
        training.fit(&data).run().unwrap();
        found
    };
    for (found, expected) in [
        (
            message(&|of| of.fit(&data).batch_size(0).run()),
            "batch_size is 0, expected at least 1",
        ),
        (
            message(&|of| of.fit(&data).validation_split(1.0).run()),
            "validation_split is 1, expected 0 or more, below 1",
        ),
        (
            message(&|of| of.fit(&data).validation_split(0.9).run()),
            "validation_split is 0.9 of 8 samples, expected one that leaves samples on both sides",
        ),
        (
            message(&|of| of.fit(&Batch::new(&x, &few)).run()),
            "y_true has 5 samples, expected 8",
        ),
        (
            message(&|of| of.fit(&Batch::new(&none, &y)).run()),
            "number of samples is 0, expected at least 1",
        ),
        (
            message(&|of| of.fit(&data.clone().lengths(&[6; 7])).run()),
            "lengths has 7 samples, expected 8",
        ),
        (
            message(&|of| of.fit(&data).sort_by_length(true).run()),
            "lengths is none, expected some, to sort by them",
        ),
        (
            message(&|of| of.fit(&data).burn_in(1).run()),
            "burn_in is 1, expected 0 without windows",
        ),
        (
            message(&|of| of.fit(&data).metric(Metric::auc().of_output(1)).run()),
            "output of a metric is 1, expected below 1, the number of outputs",
        ),
        (
            message(&|of| {
                of.fit(&data)
                    .metric(Metric::auc())
                    .metric(Metric::auc())
                    .run()
            }),
            "name is two of \"auc\", expected one for each metric: see `Metric::named`",
        ),
        (
            message(&|of| of.fit(&data.clone().burn_in(2)).run()),
            "state or burn-in of the examples is some, expected none: every batch starts anew (see `windows`)",
        ),
        (
            message(&|of| of.fit_batches(|_| std::iter::empty()).run()),
            "number of batches is 0, expected at least 1",
        ),
        (
            message(&|of| of.fit(&Batch::new(&x, &nan)).run()),
            "number is NaN: loss of output 0 in step 0, expected a finite one",
        ),
    ] {
        assert_eq!(found, expected);
    }
    // What is known after an epoch only.
    let stopping = EarlyStopping::new().monitor("val_acc");
    let found = training()
        .fit(&data)
        .early_stopping(stopping)
        .run()
        .unwrap_err()
        .to_string();
    let expected =
        "value to monitor is \"val_acc\", expected one of loss, learning_rate, gradient_norm";
    assert_eq!(found, expected);
}

#[test]
fn metrics_leave_out_what_is_masked() {
    let lstm = Lstm::<f64>::builder(2, 1).seed(1).build().unwrap();
    let model = Model::new().add(Layer::new(lstm).return_sequences(true));
    let training = Training::of(model).loss(Loss::mean_squared_error());
    let training = training.optimizer(Adam::keras(0.1)).build().unwrap();
    let (mut x, y) = (x(2), Array3::ones((2, 6, 1)));
    let found = |x: &Array3<f64>| {
        let data = Batch::new(x, &y).lengths(&[6, 2]);
        let of = training
            .evaluate(&data)
            .metric(Metric::mean_absolute_error());
        of.metric(Metric::auc()).run().unwrap()
    };
    let before = found(&x);
    assert!(before.get("auc").unwrap().is_nan()); // nothing is negative
    x.slice_mut(s![1, 2.., ..]).fill(f64::NAN);
    assert_eq!(
        found(&x).get("mean_absolute_error"),
        before.get("mean_absolute_error")
    );
    let classes = Array1::from_elem(2, 1.0);
    let wrong = training
        .evaluate(&Batch::new(&x, &classes))
        .metric(Metric::auc())
        .run();
    assert!(wrong.is_err());
}
