//! The engine: layers, models and arrays alike; all weights or none; frozen weights.

use ndarray::{Array2, Array3, ArrayD, arr1};
use recurrent::train::{
    Adadelta, Adagrad, Adam, AdamW, Adamax, Clip, Constraint, CosineDecay, Ema, ExponentialDecay,
    Ftrl, Gradients, Lion, Nadam, Optimizer, OptimizerBuilder, RmsProp, Sgd,
};
use recurrent::{BatchNormalization, Bidirectional, Dense, Layer, Lstm, Model, Recurrent};
use std::sync::Arc;

pub type Arrays<A> = Vec<(String, ArrayD<A>)>;

/// Some number for each place of an array, another in each step.
fn numbers(shape: &[usize], seed: u32) -> ArrayD<f32> {
    let mut state = seed.wrapping_mul(2_654_435_769);
    ArrayD::from_shape_simple_fn(shape, || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    })
}

pub fn gradients_of(weights: &Arrays<f32>, step: u32) -> Gradients<f32> {
    let arrays = weights.iter().zip(10 * step..);
    let arrays = arrays.map(|((path, w), seed)| (path.clone(), numbers(w.shape(), seed)));
    Gradients::from_arrays(arrays.collect())
}

pub fn model() -> Model<f32> {
    Model::new()
        .add(Layer::new(Lstm::builder(3, 5).seed(7).build().unwrap()))
        .add_as(
            "head",
            Dense::from_weights(Array2::ones((5, 2)), arr1(&[0.0, 1.0])).unwrap(),
        )
}

pub fn arrays_of(model: &Model<f32>) -> Arrays<f32> {
    let weights = model
        .weights()
        .into_iter()
        .filter(|weight| weight.trainable);
    weights
        .map(|weight| (weight.path.clone(), model.get(&weight.path).unwrap()))
        .collect()
}

/// One of each rule and option.
pub fn builders() -> Vec<OptimizerBuilder<f32>> {
    let ema = Ema::new().momentum(0.75);
    vec![
        Optimizer::of(Sgd::keras(0.1)),
        Optimizer::of(Sgd::keras(0.1).momentum(0.9).nesterov(true)),
        Optimizer::of(Sgd::torch(0.1).momentum(0.9).dampening(0.5)).weight_decay(0.1),
        Optimizer::of(RmsProp::keras(0.1).momentum(0.5).centered(true)),
        Optimizer::of(RmsProp::torch(0.1)).clip(Clip::TorchNorm(1.0)),
        Optimizer::of(Adam::keras(0.1).amsgrad(true)),
        Optimizer::of(Adam::torch(0.1)).clip(Clip::Norm(0.5)),
        Optimizer::of(AdamW::keras(CosineDecay::new(0.1, 5).warmup(3, 0.2))),
        Optimizer::of(Nadam::keras(0.1)).use_ema(ema),
        Optimizer::of(Adagrad::keras(0.1)).gradient_accumulation_steps(3),
        Optimizer::of(Adagrad::torch(0.1).lr_decay(0.5)),
        Optimizer::of(Adadelta::keras(1.0)).use_ema(ema.overwrite_frequency(2)),
        Optimizer::of(Adamax::keras(0.1)).constraint(["head"], Constraint::max_norm(1.0)),
        Optimizer::of(Lion::keras(0.01))
            .gradient_accumulation_steps(2)
            .use_ema(ema),
        Optimizer::of(Ftrl::keras(0.1).l1_regularization_strength(0.01)),
    ]
}

#[test]
fn a_layer_a_model_and_arrays_move_alike() {
    for builder in builders() {
        let (mut model, mut optimizer) = (model(), builder.clone().build().unwrap());
        let (mut arrays, mut of_arrays) = (arrays_of(&model), builder.build().unwrap());
        for step in 0..6 {
            let gradients = gradients_of(&arrays, step);
            optimizer.update(&mut model, &gradients).unwrap();
            of_arrays.update_arrays(&mut arrays, &gradients).unwrap();
            assert_eq!(arrays_of(&model), arrays);
        }
        assert_eq!(optimizer.state(), of_arrays.state());
    }
    // A layer alone has paths without its name, and what it computes changes.
    let mut lstm = Lstm::<f32>::builder(3, 5).seed(7).build().unwrap();
    let x = Array3::ones((1, 2, 3));
    let before = lstm.run(&x).last().unwrap();
    let kernel = ("kernel".to_string(), numbers(&[3, 20], 1));
    let mut optimizer = Optimizer::of(Sgd::keras(0.5)).build().unwrap();
    let (old, g) = (lstm.kernel().to_owned(), kernel.1.clone());
    optimizer
        .update(&mut lstm, &Gradients::from_arrays(vec![kernel]))
        .unwrap();
    assert_eq!(
        lstm.kernel().to_owned().into_dyn(),
        old.into_dyn() - g * 0.5
    );
    assert_ne!(lstm.run(&x).last().unwrap(), before);
    // So does what is inside of another.
    let lstm = || Lstm::<f32>::builder(3, 2).build().unwrap();
    let mut both = Layer::new(Bidirectional::new(lstm(), lstm()));
    let bias = |name: &str| (format!("{name}/bias"), ArrayD::from_elem(vec![8], -1.0));
    let gradients = Gradients::from_arrays(vec![bias("backward"), bias("forward")]);
    optimizer.update(&mut both, &gradients).unwrap();
    let both = Model::new().add_as("both", both);
    for name in ["both/forward/bias", "both/backward/bias"] {
        assert_eq!(both.get(name).unwrap()[0], 0.5);
    }
}

#[test]
fn a_rate_can_be_read_and_set_and_is_resumed() {
    let builder = || Optimizer::of(Sgd::keras(ExponentialDecay::new(0.5, 1, 0.5)));
    let mut optimizer = builder().build().unwrap();
    let mut weights = [("w".to_string(), arr1(&[0.0_f32]).into_dyn())];
    let one = Gradients::from_arrays(vec![("w".into(), arr1(&[-1.0]).into_dyn())]);
    let mut rates = Vec::new();
    for _ in 0..2 {
        rates.push(optimizer.learning_rate());
        optimizer.update_arrays(&mut weights, &one).unwrap();
    }
    assert_eq!(rates, [0.5, 0.25]);
    assert_eq!(weights[0].1[0], 0.75);
    optimizer.set_learning_rate(2.0).unwrap();
    optimizer.update_arrays(&mut weights, &one).unwrap();
    assert_eq!(weights[0].1[0], 2.75);
    let mut again = builder().build().unwrap();
    again.resume(optimizer.state()).unwrap();
    assert_eq!(again.learning_rate(), 2.0);
    // A schedule goes on from the updates so far.
    optimizer
        .set_learning_rate(ExponentialDecay::new(8.0, 1, 0.5))
        .unwrap();
    assert_eq!((optimizer.step(), optimizer.learning_rate()), (3, 1.0));
}

#[test]
fn a_weight_without_a_gradient_does_not_move() {
    for builder in builders() {
        let builder = builder.weight_decay(0.5);
        let (mut weights, mut optimizer) = (arrays_of(&model()), builder.build().unwrap());
        let frozen = ["head/kernel", "lstm/bias"];
        let before = weights.clone();
        for step in 0..6 {
            let mut gradients = gradients_of(&weights, step);
            gradients.retain(|path| !frozen.contains(&path));
            optimizer.update_arrays(&mut weights, &gradients).unwrap();
        }
        for ((path, before), (_, after)) in before.iter().zip(&weights) {
            assert_eq!(before == after, frozen.contains(&path.as_str()), "{path}");
        }
        let state = optimizer.state();
        assert!(
            state
                .weights
                .iter()
                .all(|weight| !frozen.contains(&weight.path.as_str()))
        );
        // One that freezes later keeps its slots.
        let slots = |optimizer: &Optimizer<f32>| {
            let weights = optimizer.state().weights.into_iter();
            weights
                .filter(|weight| weight.path == "head/bias")
                .collect::<Vec<_>>()
        };
        let (kept, bias) = (slots(&optimizer), weights[4].clone());
        assert_eq!(bias.0, "head/bias");
        for step in 6..12 {
            let mut gradients = gradients_of(&weights, step);
            gradients.retain(|path| path == "lstm/kernel");
            optimizer.update_arrays(&mut weights, &gradients).unwrap();
        }
        assert_eq!((slots(&optimizer), &weights[4]), (kept, &bias));
    }
}

#[test]
fn pytorch_counts_the_updates_of_each_array_apart() {
    let rules = [
        Optimizer::of(Adam::torch(0.1)),
        Optimizer::of(Adagrad::torch(0.1).lr_decay(0.5)),
        Optimizer::of(Sgd::torch(0.1).momentum(0.9).dampening(0.5)),
    ];
    for builder in rules {
        let mut weights = arrays_of(&model());
        let mut optimizer = builder.clone().build().unwrap();
        for step in 0..3 {
            let mut gradients = gradients_of(&weights, step);
            gradients.retain(|path| path != "head/bias");
            optimizer.update_arrays(&mut weights, &gradients).unwrap();
        }
        // A new optimiser moves it in the same way.
        let (mut copy, mut fresh) = (weights.clone(), builder.build().unwrap());
        for step in 3..6 {
            let gradients = gradients_of(&weights, step);
            optimizer.update_arrays(&mut weights, &gradients).unwrap();
            fresh.update_arrays(&mut copy, &gradients).unwrap();
        }
        assert_eq!(copy[4], weights[4]);
        assert_ne!(copy[3], weights[3]);
    }
}

#[test]
fn a_gradient_of_one_call_counts_in_the_mean_of_all() {
    let mut optimizer = Optimizer::of(Sgd::keras(1.0))
        .gradient_accumulation_steps(4)
        .build()
        .unwrap();
    let mut weights = [
        ("a".to_string(), arr1(&[0.0]).into_dyn()),
        ("b".to_string(), arr1(&[0.0]).into_dyn()),
    ];
    for step in 0..8 {
        let mut gradients = Gradients::from_arrays(vec![
            ("a".into(), arr1(&[-4.0]).into_dyn()),
            ("b".into(), arr1(&[-4.0]).into_dyn()),
        ]);
        gradients.retain(|path| path == "a" || step == 1);
        optimizer.update_arrays(&mut weights, &gradients).unwrap();
        assert_eq!(optimizer.step(), if step < 3 { 0 } else { (step + 1) / 4 });
    }
    assert_eq!((weights[0].1[0], weights[1].1[0]), (8.0, 1.0));
}

#[test]
fn averages_take_the_place_of_weights() {
    let builder = Optimizer::of(Sgd::keras(1.0)).use_ema(Ema::new().momentum(0.5));
    let (mut model, mut optimizer) = (model(), builder.build().unwrap());
    let bias =
        |g: f32| Gradients::from_arrays(vec![("head/bias".into(), arr1(&[g, g]).into_dyn())]);
    let said = optimizer
        .overwrite_with_averages(&mut model)
        .unwrap_err()
        .to_string();
    assert!(
        said.starts_with("number of averages is 0, expected some"),
        "{said}"
    );
    let kernel = model.get("head/kernel").unwrap();
    optimizer.update(&mut model, &bias(-1.0)).unwrap(); // 1, 2
    optimizer.update(&mut model, &bias(-1.0)).unwrap(); // 2, 3
    assert_eq!(
        model.get("head/bias").unwrap(),
        arr1(&[2.0, 3.0]).into_dyn()
    );
    optimizer.overwrite_with_averages(&mut model).unwrap();
    assert_eq!(
        model.get("head/bias").unwrap(),
        arr1(&[1.5, 2.5]).into_dyn()
    );
    assert_eq!(model.get("head/kernel").unwrap(), kernel);
    // Of another model, it does not fit.
    let dense = Dense::from_weights(Array2::ones((5, 3)), arr1(&[0.0, 1.0, 2.0])).unwrap();
    let mut other = Model::new().add_as("head", dense);
    let said = optimizer
        .overwrite_with_averages(&mut other)
        .unwrap_err()
        .to_string();
    let expected =
        "average is of shape [2] for \"head/bias\", expected the shape [3] of the weight";
    assert_eq!(said, expected);
}

/// What makes an update fail, and what the error says.
fn failures() -> Vec<(&'static str, Box<dyn Fn(&mut Arrays<f32>)>, &'static str)> {
    fn boxed(change: impl Fn(&mut Arrays<f32>) + 'static) -> Box<dyn Fn(&mut Arrays<f32>)> {
        Box::new(change)
    }
    vec![
        (
            "another path",
            boxed(|g| g[4].0 = "head/scale".into()),
            "path of a gradient is \"head/scale\", expected one of the trainable weights lstm/kernel, lstm/recurrent_kernel, \
             lstm/bias, head/kernel, head/bias",
        ),
        (
            "another shape",
            boxed(|g| g[4].1 = ArrayD::zeros(vec![2, 1])),
            "gradient is of shape [2, 1] for \"head/bias\", expected the shape [2] of the weight",
        ),
        (
            "NaN",
            boxed(|g| g[4].1[1] = f32::NAN),
            "gradient is NaN in \"head/bias\", expected finite numbers",
        ),
        (
            "infinite",
            boxed(|g| g[4].1[0] = f32::NEG_INFINITY),
            "gradient is -inf in \"head/bias\", expected finite numbers",
        ),
        (
            "twofold",
            boxed(|g| g[4].0 = "lstm/bias".into()),
            "path is twofold: \"lstm/bias\", expected one of one weight only",
        ),
        (
            "too large for the weights or the slots",
            boxed(|g| g[4].1.fill(f32::MAX)),
            "in \"head/bias\", expected finite numbers",
        ),
    ]
}

#[test]
fn after_an_error_nothing_has_moved() {
    for builder in builders() {
        for (name, change, expected) in failures() {
            let (mut model, mut optimizer) = (model(), builder.clone().build().unwrap());
            let weights = arrays_of(&model);
            for step in 0..5 {
                let gradients = gradients_of(&weights, step);
                let mut wrong: Arrays<f32> = gradients
                    .iter()
                    .map(|(p, g)| (p.into(), g.clone()))
                    .collect();
                change(&mut wrong);
                let before = (arrays_of(&model), optimizer.state());
                let failed = optimizer.update(&mut model, &Gradients::from_arrays(wrong));
                match failed {
                    // A number may be large, if it is only kept, or clipped, or its sign is all that counts.
                    Ok(()) if name.starts_with("too large") => break,
                    Ok(()) => panic!("{name} is taken"),
                    Err(error) => assert!(error.to_string().ends_with(expected), "{name}: {error}"),
                }
                assert_eq!((arrays_of(&model), optimizer.state()), before, "{name}");
                optimizer.update(&mut model, &gradients).unwrap();
            }
        }
    }
    // Some of them do overflow.
    let mut optimizer = Optimizer::of(Adam::keras(0.1)).build().unwrap();
    let mut weights = [("w".to_string(), arr1(&[0.0_f32]).into_dyn())];
    let huge = Gradients::from_arrays(vec![("w".into(), arr1(&[1e30]).into_dyn())]);
    let said = optimizer
        .update_arrays(&mut weights, &huge)
        .unwrap_err()
        .to_string();
    assert_eq!(
        said,
        "updated slot is inf in \"w\", expected finite numbers"
    );
    let mut optimizer = Optimizer::of(Sgd::keras(1e30)).build().unwrap();
    let said = optimizer
        .update_arrays(&mut weights, &huge)
        .unwrap_err()
        .to_string();
    assert_eq!(
        said,
        "updated weight is -inf in \"w\", expected finite numbers"
    );
    let mut optimizer = Optimizer::of(Sgd::keras(0.0))
        .gradient_accumulation_steps(3)
        .build()
        .unwrap();
    let huge = Gradients::from_arrays(vec![("w".into(), arr1(&[3e38]).into_dyn())]);
    optimizer.update_arrays(&mut weights, &huge).unwrap();
    let before = optimizer.state();
    let said = optimizer
        .update_arrays(&mut weights, &huge)
        .unwrap_err()
        .to_string();
    assert_eq!(
        said,
        "sum of the gradients is inf in \"w\", expected finite numbers"
    );
    assert_eq!(optimizer.state(), before);
    assert_eq!(weights[0].1[0], 0.0);
}

#[test]
fn what_is_borrowed_or_shared_keeps_its_numbers() {
    let dense = Dense::from_weights(Array2::<f32>::eye(3), None).unwrap();
    let kernel = |name: &str| (format!("{name}/kernel"), ArrayD::ones(vec![3, 3]));
    let gradients = Gradients::from_arrays(vec![kernel("own"), kernel("shared")]);
    let shared = Arc::new(dense.clone());
    let mut model = Model::new()
        .add_as("own", dense.clone())
        .add_as("shared", Arc::clone(&shared));
    let mut optimizer = Optimizer::of(Sgd::keras(0.5)).build().unwrap();
    optimizer.update(&mut model, &gradients).unwrap();
    assert_eq!(model.get("shared/kernel").unwrap()[[0, 1]], -0.5);
    assert_eq!(shared.kernel()[[0, 1]], 0.0);

    // A borrowed layer cannot move, and then nothing does.
    let lstm: &'static Lstm<f32> = Box::leak(Box::new(Lstm::builder(3, 2).build().unwrap()));
    let mut model = Model::new()
        .add_as("own", dense)
        .add_as("borrowed", Layer::new(lstm));
    let before = arrays_of(&model);
    let gradients = gradients_of(&before, 0);
    let mut optimizer = Optimizer::of(Adam::keras(0.5)).build().unwrap();
    let said = optimizer.update(&mut model, &gradients).unwrap_err();
    let expected = "weight is \"borrowed/kernel\", expected one of a layer that is owned: it is borrowed, or shared and no copy \
                    can be made";
    assert_eq!(said.to_string(), expected);
    assert_eq!(arrays_of(&model), before);
    assert_eq!((optimizer.step(), optimizer.state().weights.len()), (0, 0));
}

#[test]
fn statistics_have_no_gradient() {
    let [one, zero] = [1.0_f32, 0.0].map(|x| arr1(&[x, x]));
    let norm = BatchNormalization::from_weights(one.clone(), zero.clone(), zero, one).unwrap();
    let mut model = Model::new().add_as("norm", norm);
    let mean = vec![("norm/moving_mean".into(), arr1(&[1.0, 1.0]).into_dyn())];
    let mut optimizer = Optimizer::of(Sgd::keras(0.5)).build().unwrap();
    let said = optimizer
        .update(&mut model, &Gradients::from_arrays(mean))
        .unwrap_err()
        .to_string();
    assert!(
        said.starts_with("path of a gradient is \"norm/moving_mean\", expected one of"),
        "{said}"
    );
    assert!(!said.ends_with("moving_mean"), "{said}");
}
