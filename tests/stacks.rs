//! A stack goes through time in stretches; nobody can tell: it says what the upper layer says over all of the lower one.

mod support;

use ndarray::Array2;
use recurrent::{Deep, Gru, Initializer, Lstm, Recurrent, Run, SimpleRnn};
use support::{Shape, input, mask};

/// So wide that only three timesteps go from the lower layer to the upper one at a time.
const OF: Shape = Shape {
    samples: 40,
    timesteps: 20,
    features: 3,
    units: 211,
};

enum Real {
    All,
    Steps(Array2<bool>),
    Lengths(Vec<usize>),
}

/// How a call goes through time.
struct Way {
    real: Real,
    backwards: bool,
    in_time_order: bool,
    zero: bool,
}

impl Way {
    fn go<'a, R: Recurrent>(&'a self, run: Run<'a, R>) -> Run<'a, R> {
        let run = match &self.real {
            Real::All => run,
            Real::Steps(mask) => run.mask(mask),
            Real::Lengths(lengths) => run.lengths(lengths),
        };
        let run = if self.backwards {
            run.go_backwards()
        } else {
            run
        };
        let run = if self.in_time_order {
            run.in_time_order()
        } else {
            run
        };
        if self.zero {
            run.zero_output_for_mask()
        } else {
            run
        }
    }
}

/// What tells stretches apart: rows that are masked at first, at last, longer than a stretch, and wholly.
fn real() -> Vec<Real> {
    let noise = mask(OF, 2);
    let without = |from: usize, to: usize| {
        Real::Steps(Array2::from_shape_fn(noise.dim(), |(row, t)| {
            row == 7 || (row != 8 && !(from..to).contains(&t) && noise[[row, t]])
        }))
    };
    let lengths = (0..OF.samples).map(|row| (7 * row) % (OF.timesteps + 1));
    vec![
        Real::All,
        without(0, 0),
        without(0, 8),
        without(5, 14),
        without(11, 20),
        Real::Lengths(lengths.collect()),
    ]
}

#[test]
fn a_stack_is_one_layer_over_the_other() {
    a_stack_is_two_layers(false);
}

#[test]
fn a_stack_backwards_is_one_layer_over_the_other() {
    a_stack_is_two_layers(true);
}

fn a_stack_is_two_layers(backwards: bool) {
    let spread = Initializer::GlorotUniform;
    let lower = Lstm::<f64>::builder(OF.features, OF.units).recurrent_initializer(spread);
    let lower = lower.build().unwrap();
    let upper = Gru::<f64>::builder(OF.units, 5).build().unwrap();
    let top = SimpleRnn::<f64>::builder(5, 2).build().unwrap();
    let two = lower.clone().then(upper.clone());
    let three = two.clone().then(top.clone());
    let second = Lstm::<f64>::builder(OF.units, 4).build().unwrap();
    let pair = lower.clone().then(second.clone());
    let deep = Deep::new([lower.clone(), second]).unwrap();
    let x = input(OF, 1);
    for real in real() {
        let mut way = Way {
            real,
            backwards,
            in_time_order: false,
            zero: false,
        };
        for bits in 0..4 {
            way.in_time_order = bits & 1 > 0;
            way.zero = bits & 2 > 0;
            let below = way.go(lower.run(&x)).in_time_order().sequences().unwrap();
            let (last, state) = way.go(upper.run(&below)).last_and_state().unwrap();
            let sequences = way.go(upper.run(&below)).sequences().unwrap();
            let (h, (_, end)) = way.go(two.run(&x)).last_and_state().unwrap();
            assert_eq!((&h, &end), (&last, &state));
            assert_eq!(way.go(two.run(&x)).sequences().unwrap(), sequences);

            let below = way
                .go(upper.run(&below))
                .in_time_order()
                .sequences()
                .unwrap();
            let expected = way.go(top.run(&below)).last().unwrap();
            assert_eq!(way.go(three.run(&x)).last().unwrap(), expected);
            let expected = way.go(top.run(&below)).sequences().unwrap();
            assert_eq!(way.go(three.run(&x)).sequences().unwrap(), expected);

            let (expected, (first, second)) = way.go(pair.run(&x)).last_and_state().unwrap();
            let (last, states) = way.go(deep.run(&x)).last_and_state().unwrap();
            assert_eq!((last, states), (expected, vec![first, second]));
            let expected = way.go(pair.run(&x)).sequences().unwrap();
            assert_eq!(way.go(deep.run(&x)).sequences().unwrap(), expected);
        }
    }
}
