//! Options out of their range: no optimiser is built of them.

use recurrent::train::{
    Adadelta, Adagrad, Adam, AdamW, Adamax, Clip, Constraint, CosineDecay, Ema, ExponentialDecay,
    Ftrl, Gradients, LearningRate, Lion, Nadam, Optimizer, OptimizerBuilder,
    PiecewiseConstantDecay, ReduceOnPlateau, Regularizer, RmsProp, Sgd,
};

type Builder = OptimizerBuilder<f64>;

/// Numbers that are never a rate, a limit or a factor.
const BAD: [f64; 4] = [-1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

/// Every option that is a number, with what has to be refused beside [`BAD`].
#[allow(clippy::too_many_lines)] // a list
fn options() -> Vec<(&'static str, Box<dyn Fn(f64) -> Builder>, &'static [f64])> {
    macro_rules! option {
        ($name:literal, $bad:expr, |$x:ident| $make:expr) => {
            (
                $name,
                Box::new(|$x: f64| Builder::from($make)) as Box<dyn Fn(f64) -> Builder>,
                &$bad as &'static [f64],
            )
        };
    }
    vec![
        option!("learning_rate", [], |x| Sgd::keras(x)),
        option!("learning_rate", [], |x| Sgd::torch(x)),
        option!("learning_rate", [], |x| RmsProp::torch(x)),
        option!("learning_rate", [], |x| AdamW::torch(x)),
        option!("learning_rate", [], |x| Adagrad::torch(x)),
        option!("momentum", [1.5], |x| Sgd::keras(0.1).momentum(x)),
        option!("dampening", [0.5, 1.5], |x| Sgd::keras(0.1)
            .momentum(0.9)
            .dampening(x)),
        option!("dampening", [1.5], |x| Sgd::torch(0.1)
            .momentum(0.9)
            .dampening(x)),
        option!("nesterov", [0.5], |x| Sgd::torch(0.1)
            .momentum(0.9)
            .nesterov(true)
            .dampening(x)),
        option!("nesterov", [0.0], |x| Sgd::torch(0.1)
            .momentum(x)
            .nesterov(true)),
        option!("rho", [1.5], |x| RmsProp::keras(0.1).rho(x)),
        option!("momentum", [1.5], |x| RmsProp::keras(0.1).momentum(x)),
        option!("epsilon", [], |x| RmsProp::keras(0.1).epsilon(x)),
        option!("beta_1", [1.0], |x| Adam::keras(0.1).beta_1(x)),
        option!("beta_2", [1.0], |x| Adam::torch(0.1).beta_2(x)),
        option!("epsilon", [], |x| Adam::keras(0.1).epsilon(x)),
        option!("beta_1", [1.0], |x| Nadam::keras(0.1).beta_1(x)),
        option!("beta_2", [1.0], |x| Nadam::keras(0.1).beta_2(x)),
        option!("epsilon", [], |x| Nadam::keras(0.1).epsilon(x)),
        option!("initial_accumulator_value", [], |x| Adagrad::keras(0.1)
            .initial_accumulator_value(x)),
        option!("epsilon", [], |x| Adagrad::keras(0.1).epsilon(x)),
        option!("lr_decay", [], |x| Adagrad::torch(0.1).lr_decay(x)),
        option!("lr_decay", [0.1], |x| Adagrad::keras(0.1).lr_decay(x)),
        option!("rho", [1.5], |x| Adadelta::keras(0.1).rho(x)),
        option!("epsilon", [], |x| Adadelta::keras(0.1).epsilon(x)),
        option!("beta_1", [1.0], |x| Adamax::keras(0.1).beta_1(x)),
        option!("beta_2", [1.0], |x| Adamax::keras(0.1).beta_2(x)),
        option!("epsilon", [], |x| Adamax::keras(0.1).epsilon(x)),
        option!("beta_1", [1.0], |x| Lion::keras(0.1).beta_1(x)),
        option!("beta_2", [1.0], |x| Lion::keras(0.1).beta_2(x)),
        // -1 is a power; the negative of every bad number is none.
        option!("learning_rate_power", [0.5], |x| Ftrl::keras(0.1)
            .learning_rate_power(x.abs())),
        option!("initial_accumulator_value", [], |x| Ftrl::keras(0.1)
            .initial_accumulator_value(x)),
        option!("l1_regularization_strength", [], |x| Ftrl::keras(0.1)
            .l1_regularization_strength(x)),
        option!("l2_regularization_strength", [], |x| Ftrl::keras(0.1)
            .l2_regularization_strength(x)),
        option!("l2_shrinkage_regularization_strength", [], |x| Ftrl::keras(
            0.1
        )
        .l2_shrinkage_regularization_strength(x)),
        option!("beta", [], |x| Ftrl::keras(0.1).beta(x)),
        option!("initial_learning_rate", [], |x| Sgd::keras(
            ExponentialDecay::new(x, 10, 0.5)
        )),
        option!("decay_rate", [0.0], |x| Sgd::keras(ExponentialDecay::new(
            0.1, 10, x
        ))),
        option!("values", [], |x| Sgd::keras(PiecewiseConstantDecay::new(
            [3],
            [0.1, x]
        ))),
        option!("initial_learning_rate", [], |x| Sgd::keras(
            CosineDecay::new(x, 10)
        )),
        option!("alpha", [], |x| Sgd::keras(
            CosineDecay::new(0.1, 10).alpha(x)
        )),
        option!("warmup_target", [], |x| Sgd::keras(
            CosineDecay::new(0.1, 10).warmup(3, x)
        )),
        option!("clipvalue", [0.0], |x| sgd().clip(Clip::Value(x))),
        option!("clipnorm", [0.0], |x| sgd().clip(Clip::Norm(x))),
        option!("global_clipnorm", [0.0], |x| sgd()
            .clip(Clip::GlobalNorm(x))),
        option!("max_norm", [0.0], |x| sgd().clip(Clip::TorchNorm(x))),
        option!("weight_decay", [], |x| sgd().weight_decay(x)),
        option!("factor of a group", [], |x| sgd().group(["a"], x, 0.0)),
        option!("weight_decay of a group", [], |x| sgd().group(
            ["a"],
            1.0,
            x
        )),
        option!("ema_momentum", [1.5], |x| sgd()
            .use_ema(Ema::new().momentum(x))),
        option!("max_value", [], |x| sgd()
            .constraint(["a"], Constraint::max_norm(x))),
        option!("min_value", [], |x| sgd()
            .constraint(["a"], Constraint::min_max_norm(x, 9.0, 1.0))),
        option!("max_value", [0.5], |x| sgd()
            .constraint(["a"], Constraint::min_max_norm(1.0, x, 1.0))),
        option!("rate", [1.5], |x| sgd()
            .constraint(["a"], Constraint::min_max_norm(0.0, 1.0, x))),
    ]
}

fn sgd() -> Builder {
    Optimizer::of(Sgd::keras(0.1))
}

#[test]
fn an_option_out_of_its_range_is_refused_when_the_optimiser_is_built() {
    let options = options();
    for (name, make, more) in &options {
        let own = |bad: &&f64| *name != "nesterov" || more.contains(bad);
        for &bad in BAD.iter().chain(*more).filter(own) {
            match make(bad).build() {
                Ok(_) => panic!("{name} {bad} is taken"),
                Err(error) => {
                    let said = error.to_string();
                    assert!(
                        said.starts_with(&format!("{name} is ")),
                        "{name} {bad}: {said}"
                    );
                }
            }
        }
    }
    assert!(options.len() > 50);
}

#[test]
fn counts_of_zero_and_schedules_without_sense_are_refused() {
    let boundaries = |at: &[u64], values: &[f64]| {
        let values = values.iter().copied();
        Optimizer::of(Sgd::keras(PiecewiseConstantDecay::new(
            at.iter().copied(),
            values,
        )))
    };
    for (builder, said) in [
        (
            sgd().gradient_accumulation_steps(0),
            "gradient_accumulation_steps is 0, expected 1 or more",
        ),
        (
            sgd().use_ema(Ema::new().overwrite_frequency(0)),
            "ema_overwrite_frequency is 0, expected 1 or more",
        ),
        (
            Optimizer::of(Sgd::keras(ExponentialDecay::new(0.1, 0, 0.5))),
            "decay_steps is 0, expected 1 or more",
        ),
        (
            Optimizer::of(Sgd::keras(CosineDecay::new(0.1, 0))),
            "decay_steps is 0, expected 1 or more",
        ),
        (
            boundaries(&[5, 5], &[0.1, 0.1, 0.1]),
            "boundaries is [5, 5], expected ascending ones",
        ),
        (
            boundaries(&[5], &[0.1]),
            "number of values is 1, expected 2, one more than boundaries",
        ),
        (
            boundaries(&[], &[]),
            "number of values is 0, expected 1, one more than boundaries",
        ),
    ] {
        assert_eq!(builder.build().unwrap_err().to_string(), said);
    }
}

#[test]
fn rates_stay_finite_however_late() {
    let rates: [LearningRate; 4] = [
        ExponentialDecay::new(0.1, 1, 0.5).into(),
        ExponentialDecay::new(0.1, 1, 0.5).staircase(true).into(),
        PiecewiseConstantDecay::new([0, u64::MAX], [0.1, 0.2, 0.3]).into(),
        CosineDecay::new(0.1, u64::MAX).warmup(u64::MAX, 0.5).into(),
    ];
    for rate in rates {
        for step in [0, 1, 1 << 40, u64::MAX - 1, u64::MAX] {
            assert!((0.0..=0.5).contains(&rate.at(step)), "{rate:?} at {step}");
        }
    }
    // One that grows is refused when it is too large, and nothing has moved.
    let growing = ExponentialDecay::new(1.0, 1, 1e200);
    let mut optimizer = Optimizer::of(Sgd::keras(growing)).build().unwrap();
    let one = || vec![("w".to_string(), ndarray::arr1(&[1e-250]).into_dyn())];
    let (mut weights, gradients) = (one(), Gradients::from_arrays(one()));
    optimizer.update_arrays(&mut weights, &gradients).unwrap();
    optimizer.update_arrays(&mut weights, &gradients).unwrap();
    let before = (weights.clone(), optimizer.state());
    let said = optimizer
        .update_arrays(&mut weights, &gradients)
        .unwrap_err()
        .to_string();
    assert_eq!(
        said,
        "learning_rate is inf, expected a finite number, 0 or more"
    );
    assert_eq!((weights, optimizer.state()), before);
}

#[test]
fn what_is_given_outside_of_an_optimiser_is_checked_there() {
    let mut optimizer = sgd().build().unwrap();
    for bad in BAD {
        assert!(optimizer.set_learning_rate(bad).is_err(), "{bad}");
        assert_eq!(optimizer.learning_rate(), 0.1);
        assert!(Regularizer::l1(bad).is_err(), "{bad}");
        assert!(Regularizer::l2(bad).is_err(), "{bad}");
        let mut gradients = Gradients::from_arrays(vec![]);
        assert!(
            Clip::Norm(bad).apply::<f64>(&mut gradients).is_err(),
            "{bad}"
        );
        let plateau = ReduceOnPlateau::new();
        assert!(
            plateau.clone().factor(bad).observe(1.0, 0.1).is_err(),
            "{bad}"
        );
        assert!(
            plateau.clone().min_lr(bad).observe(1.0, 0.1).is_err(),
            "{bad}"
        );
        assert!(
            plateau.clone().min_delta(bad).observe(1.0, 0.1).is_err(),
            "{bad}"
        );
        assert!(plateau.clone().observe(1.0, bad).is_err(), "{bad}");
    }
    assert!(
        ReduceOnPlateau::new()
            .factor(1.0)
            .observe(1.0, 0.1)
            .is_err()
    );
}
