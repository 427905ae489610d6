//! Groups, names, clipping and constraints, beside what the golden data hold.

use ndarray::{ArrayD, arr1, arr2};
use recurrent::train::{
    Adagrad, Adam, AdamW, Clip, Constraint, Gradients, Optimizer, OptimizerBuilder, Regularizer,
    RmsProp, Sgd,
};

type Arrays<A> = Vec<(String, ArrayD<A>)>;

fn arrays() -> Arrays<f64> {
    vec![
        (
            "body/kernel".into(),
            arr2(&[[1.0, -2.0], [0.5, 3.0]]).into_dyn(),
        ),
        ("body/bias".into(), arr1(&[0.25, -1.0]).into_dyn()),
        ("head/kernel".into(), arr2(&[[2.0], [-0.5]]).into_dyn()),
    ]
}

fn gradients() -> Gradients<f64> {
    let arrays = arrays().into_iter();
    Gradients::from_arrays(
        arrays
            .map(|(path, w)| (path, w.mapv(|w| w * w - 0.75)))
            .collect(),
    )
}

/// The weights after three updates.
fn after(builder: OptimizerBuilder<f64>) -> Arrays<f64> {
    let (mut optimizer, mut weights) = (builder.build().unwrap(), arrays());
    for _ in 0..3 {
        optimizer.update_arrays(&mut weights, &gradients()).unwrap();
    }
    weights
}

#[test]
fn a_group_learns_as_with_a_rate_and_decay_of_its_own() {
    let grouped = Optimizer::of(Adam::keras(0.25))
        .weight_decay(0.5)
        .group(["head"], 0.5, 0.125);
    let [plain, own] = [(0.25, 0.5), (0.125, 0.125)]
        .map(|(rate, decay)| after(Optimizer::of(Adam::keras(rate)).weight_decay(decay)));
    assert_eq!(after(grouped), [&plain[..2], &own[2..]].concat());
}

/// Moves 1.0 by gradients of 0.5 with these rates, one after the other.
fn moved(builder: impl Into<OptimizerBuilder<f64>>, rates: &[f64]) -> f64 {
    let mut optimizer = builder.into().build().unwrap();
    let mut weights = [("w".into(), arr1(&[1.0]).into_dyn())];
    let gradients = Gradients::from_arrays(vec![("w".into(), arr1(&[0.5]).into_dyn())]);
    for &rate in rates {
        optimizer.set_learning_rate(rate).unwrap();
        optimizer.update_arrays(&mut weights, &gradients).unwrap();
    }
    weights[0].1[0]
}

#[test]
fn the_rate_is_inside_of_velocities_in_keras_and_outside_in_pytorch() {
    let rates = [0.5, 0.25];
    // Velocities of Keras: -0.25, then -0.125 - 0.125; of PyTorch: 0.5, then 0.25 + 0.5.
    assert_eq!(
        moved(Sgd::keras(1.0).momentum(0.5), &rates),
        1.0 - 0.25 - 0.25
    );
    assert_eq!(
        moved(Sgd::torch(1.0).momentum(0.5), &rates),
        1.0 - 0.25 - 0.25 * 0.75
    );
    // With rho 0 a step is the sign of the gradient.
    let keras = RmsProp::keras(1.0).rho(0.0).epsilon(0.0).momentum(0.5);
    let torch = RmsProp::torch(1.0).rho(0.0).epsilon(0.0).momentum(0.5);
    assert_eq!(moved(keras, &rates), 1.0 - 0.5 - (0.25 + 0.25));
    assert_eq!(moved(torch, &rates), 1.0 - 0.5 - 0.25 * (0.5 + 1.0));
}

#[test]
fn the_rate_of_pytorchs_adagrad_falls_with_the_updates() {
    // With an epsilon that is all of the divisor, but for the roots 0.5 and 0.5·√2.
    let after = |lr_decay, t: f64| {
        let rule = Adagrad::torch(1.0).epsilon(1.5).lr_decay(lr_decay);
        let roots = [2.0, 1.5 + 0.5 * 2_f64.sqrt()];
        let want = 1.0 - 0.5 / roots[0] - 0.5 / roots[1] / t;
        assert!((moved(rule, &[1.0, 1.0]) - want).abs() < 1e-15);
    };
    after(0.0, 1.0);
    after(3.0, 4.0);
}

#[test]
fn excluded_weights_do_not_decay_even_in_a_group() {
    let builder = Optimizer::of(AdamW::keras(0.25))
        .group(["body"], 1.0, 0.5)
        .exclude_from_weight_decay(["bias"]);
    let decayed = after(Optimizer::of(Adam::keras(0.25)).weight_decay(0.5));
    let default = after(Optimizer::of(Adam::keras(0.25)).weight_decay(0.004));
    let plain = after(Optimizer::of(Adam::keras(0.25)));
    let weights = after(builder);
    assert_eq!(weights[0], decayed[0]);
    assert_eq!(weights[1], plain[1]);
    assert_eq!(weights[2], default[2]);
    assert_ne!(decayed[1], plain[1]);
}

#[test]
fn a_weight_stays_the_same_bits_where_nothing_moves_it() {
    let zero = || ("w".to_string(), arr1(&[-0.0_f64, 0.0]).into_dyn());
    for builder in [
        Optimizer::of(Sgd::keras(0.5)),
        Optimizer::of(Sgd::torch(0.5)),
    ] {
        let (mut optimizer, mut weights) = (builder.build().unwrap(), [zero()]);
        let gradients = Gradients::from_arrays(vec![("w".into(), ArrayD::zeros(vec![2]))]);
        optimizer.update_arrays(&mut weights, &gradients).unwrap();
        assert!(weights[0].1[0].is_sign_negative() && weights[0].1[1].is_sign_positive());
    }
}

#[test]
fn coupled_decay_is_the_gradient_of_a_penalty() {
    // PyTorch's: the gradient of ½ · decay · w².
    let coupled = after(Optimizer::of(Adam::torch(0.25)).weight_decay(0.5));
    let mut optimizer = Optimizer::of(Adam::torch(0.25)).build().unwrap();
    let (penalty, mut weights) = (Regularizer::l2(0.25).unwrap(), arrays());
    for _ in 0..3 {
        let mut gradients = gradients();
        for ((_, w), (_, g)) in weights.iter().zip(gradients.iter_mut()) {
            penalty.add_gradient(w, g).unwrap();
        }
        optimizer.update_arrays(&mut weights, &gradients).unwrap();
    }
    assert_eq!(weights, coupled);
}

#[test]
fn the_defaults_are_those_of_pytorch() {
    let same = |short: OptimizerBuilder<f64>, long: OptimizerBuilder<f64>| {
        assert_eq!(after(short), after(long));
    };
    let adam = |rate: f64| Adam::torch(rate).beta_1(0.9).beta_2(0.999);
    same(Adam::torch(0.25).into(), adam(0.25).epsilon(1e-8).into());
    same(
        AdamW::torch(0.25).into(),
        Optimizer::of(AdamW::torch(0.25).epsilon(1e-8)).weight_decay(0.01),
    );
    same(
        RmsProp::torch(0.25).into(),
        RmsProp::torch(0.25).rho(0.99).epsilon(1e-8).into(),
    );
    let adagrad = Adagrad::torch(0.25).epsilon(1e-10);
    same(
        Adagrad::torch(0.25).into(),
        adagrad.initial_accumulator_value(0.0).into(),
    );
}

#[test]
fn names_that_select_nothing_or_twice_are_refused() {
    let sgd = || Optimizer::of(Sgd::keras(0.1));
    let unit = Constraint::unit_norm;
    let of = |builder: OptimizerBuilder<f64>| {
        let (mut optimizer, mut weights) = (builder.build().unwrap(), arrays());
        let said = optimizer
            .update_arrays(&mut weights, &gradients())
            .unwrap_err();
        assert_eq!(weights, arrays());
        said.to_string()
    };
    let nothing = "name of a weight is \"hea\", expected a part of one of body/kernel, body/bias, head/kernel";
    assert_eq!(
        of(sgd().exclude_from_weight_decay(["bias", "hea"])),
        nothing
    );
    assert_eq!(of(sgd().group(["hea"], 1.0, 0.0)), nothing);
    assert_eq!(of(sgd().constraint(["hea"], unit())), nothing);
    // What is resumed has slots, and its names are checked none the less.
    let mut before = sgd().build().unwrap();
    before.update_arrays(&mut arrays(), &gradients()).unwrap();
    let mut wrong = sgd().group(["hea"], 1.0, 0.0).build().unwrap();
    wrong.resume(before.state()).unwrap();
    let said = wrong
        .update_arrays(&mut arrays(), &gradients())
        .unwrap_err();
    assert_eq!(said.to_string(), nothing);
    assert_eq!(
        of(sgd().group(["body"], 1.0, 0.0).group(["bias"], 1.0, 0.0)),
        "weight is \"body/bias\", expected one with one of the groups only"
    );
    assert_eq!(
        of(sgd()
            .constraint(["kernel"], unit())
            .constraint(["head"], unit())),
        "weight is \"head/kernel\", expected one with one of the constraints only"
    );
    assert_eq!(
        of(sgd().constraint(["body"], unit().axis([1]))),
        "axis of the constraint is 1, expected one of the 1 of the weight"
    );
    let mut weight = arr1(&[1.0]).into_dyn();
    for axis in [-2, 1, isize::MIN, isize::MAX] {
        assert!(unit().axis([axis]).apply(&mut weight).is_err(), "{axis}");
    }
}

#[test]
fn small_and_large_norms_come_nearer_to_their_bounds() {
    // Columns with the norms 1, 3 and 5, and bounds of 2 and 4.
    let mut weight = arr2(&[[0.6_f64, 0.0, 3.0], [0.8, 3.0, 4.0]]).into_dyn();
    let half = Constraint::min_max_norm(2.0, 4.0, 0.5);
    half.apply(&mut weight).unwrap();
    let want = arr2(&[[0.9, 0.0, 2.7], [1.2, 3.0, 3.6]]).into_dyn();
    for (got, want) in weight.iter().zip(&want) {
        assert!((got - want).abs() < 1e-6, "{got}, expected {want}");
    }
}

#[test]
fn clipping_does_not_depend_on_how_gradients_lie_or_are_listed() {
    let one = gradients();
    let other: Arrays<f64> = one
        .iter()
        .map(|(path, g)| (path.into(), turned(g)))
        .collect();
    let other = other.into_iter().rev().collect();
    let other = Gradients::from_arrays(other);
    for clip in [
        Clip::Value(0.3),
        Clip::Norm(0.3),
        Clip::GlobalNorm(0.3),
        Clip::TorchNorm(0.3),
    ] {
        let moved = [&one, &other].map(|gradients| {
            let mut optimizer = Optimizer::of(Adam::keras(0.1)).clip(clip).build().unwrap();
            let mut weights = arrays();
            optimizer.update_arrays(&mut weights, gradients).unwrap();
            weights
        });
        assert_eq!(moved[0], moved[1], "{clip:?}");
    }
}

/// The same array, in column-major order.
fn turned(array: &ArrayD<f64>) -> ArrayD<f64> {
    let mut turned = ArrayD::zeros(ndarray::ShapeBuilder::f(array.raw_dim()));
    turned.assign(array);
    turned
}

#[test]
fn clipping_of_nothing_and_of_too_much() {
    let of = |g: f64| Gradients::from_arrays(vec![("w".into(), arr1(&[g, 0.0]).into_dyn())]);
    for clip in [
        Clip::Value(1.0),
        Clip::Norm(1.0),
        Clip::GlobalNorm(1.0),
        Clip::TorchNorm(1.0),
    ] {
        let mut zeros = of(0.0);
        clip.apply(&mut zeros).unwrap();
        assert_eq!(zeros, of(0.0), "{clip:?}");
        clip.apply(&mut Gradients::<f64>::from_arrays(vec![]))
            .unwrap();
    }
    assert_eq!(Gradients::<f64>::from_arrays(vec![]).norm().to_bits(), 0);
    for clip in [Clip::Norm(1.0), Clip::GlobalNorm(1.0), Clip::TorchNorm(1.0)] {
        let mut huge = of(1e200);
        let said = clip.apply(&mut huge).unwrap_err().to_string();
        assert_eq!(said, "norm of the gradients is inf, expected a finite one");
        assert_eq!(huge, of(1e200));
    }
    // In f32, too, the norm is one of f64.
    let mut huge = Gradients::from_arrays(vec![("w".into(), arr1(&[3e30_f32, 4e30]).into_dyn())]);
    assert!((huge.norm() - 5e30).abs() < 1e24);
    Clip::GlobalNorm(1.0).apply(&mut huge).unwrap();
    assert!((huge.norm() - 1.0).abs() < 1e-6);
}

#[test]
fn the_variance_of_a_centred_rmsprop_does_not_fall_below_zero() {
    // Large gradients that are all alike: v - a² is 0 but for rounding, which can be negative, and far above epsilon.
    for rule in [RmsProp::keras(1e-3), RmsProp::torch(1e-3)] {
        let mut optimizer = Optimizer::of(rule.centered(true).rho(0.5)).build().unwrap();
        let numbers = |i: usize| 100.0 + i as f32 * 0.37;
        let mut weights = [("w".into(), ArrayD::zeros(vec![64]))];
        let gradient = ArrayD::from_shape_fn(vec![64], |at| numbers(at[0]));
        let gradients = Gradients::from_arrays(vec![("w".into(), gradient)]);
        for _ in 0..50 {
            optimizer.update_arrays(&mut weights, &gradients).unwrap();
        }
    }
}

#[test]
fn gradients_are_kept_by_path() {
    let mut gradients = gradients();
    gradients.retain(|path| path.starts_with("body/"));
    let paths: Vec<&str> = gradients.iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["body/kernel", "body/bias"]);
}
