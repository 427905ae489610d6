//! States: a training that is resumed, and states that do not fit.

use super::engine::{Arrays, arrays_of, builders, gradients_of, model};
use ndarray::ArrayD;
use recurrent::train::{Adam, Lion, Optimizer, OptimizerBuilder, OptimizerState, Sgd};

#[test]
fn what_is_resumed_goes_on_with_the_same_bits() {
    for builder in builders() {
        for stop in 0..7 {
            let (mut weights, mut optimizer) =
                (arrays_of(&model()), builder.clone().build().unwrap());
            let paused = |step: u32| if step < 2 { "head/bias" } else { "" };
            let step = |optimizer: &mut Optimizer<f32>, weights: &mut Arrays<f32>, step| {
                let mut gradients = gradients_of(weights, step);
                gradients.retain(|path| path != paused(step));
                optimizer.update_arrays(weights, &gradients).unwrap();
            };
            (0..stop).for_each(|at| step(&mut optimizer, &mut weights, at));
            let mut again = builder.clone().build().unwrap();
            again.resume(optimizer.state()).unwrap();
            assert_eq!(again.state(), optimizer.state());
            let mut copy = weights.clone();
            for at in stop..9 {
                step(&mut optimizer, &mut weights, at);
                step(&mut again, &mut copy, at);
            }
            assert_eq!(copy, weights);
            assert_eq!(again.state(), optimizer.state());
            assert_eq!(again.step(), optimizer.step());
        }
    }
}

#[test]
fn a_state_that_does_not_fit_is_refused() {
    let mut weights = arrays_of(&model());
    let builder = || Optimizer::<f32>::of(Adam::keras(0.1)).gradient_accumulation_steps(2);
    let mut optimizer = builder().build().unwrap();
    for step in 0..3 {
        let gradients = gradients_of(&weights, step);
        optimizer.update_arrays(&mut weights, &gradients).unwrap();
    }
    let state = optimizer.state();
    assert_eq!((state.step, state.accumulated), (1, 1));
    let refused = |builder: OptimizerBuilder<f32>, expected: &str| {
        let mut other = builder.build().unwrap();
        let before = other.state();
        let said = other.resume(state.clone()).unwrap_err().to_string();
        assert_eq!(said, expected);
        assert_eq!(other.state(), before);
    };
    refused(
        Optimizer::of(Adam::keras(0.1)),
        "accumulated is 1, expected fewer than gradient_accumulation_steps, 1",
    );
    let of = |rule: OptimizerBuilder<f32>| rule.gradient_accumulation_steps(2);
    refused(
        of(Adam::keras(0.1).amsgrad(true).into()),
        "number of slots is 2, expected 3 of the rule for \"head/bias\"",
    );
    refused(
        of(Lion::keras(0.1).into()),
        "slots is \"velocity\", expected those of this optimiser for \"head/bias\"",
    );
    refused(
        of(Sgd::keras(0.1).into()),
        "slots is \"momentum\", expected those of this optimiser for \"head/bias\"",
    );
    let changed = |change: &dyn Fn(&mut OptimizerState<f32>)| {
        let mut state = state.clone();
        change(&mut state);
        let mut other = builder().build().unwrap();
        other.resume(state).map(|()| other)
    };
    assert!(changed(&|_| ()).is_ok());
    for product in [-1.0, 2.0, f64::NAN] {
        assert!(changed(&|state| state.product = product).is_err());
    }
    assert!(changed(&|state| state.learning_rate = Some(f64::NAN)).is_err());
    assert!(changed(&|state| state.weights.push(state.weights[0].clone())).is_err());
    // Of another shape, it is the next update that sees it, and nothing moves.
    for slot in 0..3 {
        let mut other =
            changed(&|state| state.weights[1].slots[slot].1 = ArrayD::zeros(vec![7])).unwrap();
        let before = (weights.clone(), other.state());
        let gradients = gradients_of(&weights, 3);
        let said = other
            .update_arrays(&mut weights, &gradients)
            .unwrap_err()
            .to_string();
        assert!(said.contains("of shape [7] for \"head/kernel\""), "{said}");
        assert_eq!((weights.clone(), other.state()), before);
    }
    for step in [0, (1 << 52) + 1, u64::MAX] {
        assert!(changed(&|state| state.step = step).is_err(), "{step}");
    }
    // The largest count is no overflow.
    let mut last = changed(&|state| state.step = 1 << 52).unwrap();
    let gradients = gradients_of(&weights, 3);
    last.update_arrays(&mut weights, &gradients).unwrap();
}
