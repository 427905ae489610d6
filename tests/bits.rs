//! The promise of the crate: the same bits on every instruction set with a fused multiply-add, whatever the shape, the
//! activations, the masks and the directions. (Batches and streams on each of them: `batches`, `streaming`.)

mod support;

use recurrent::{Activation, Causal, Element, Gru, Initializer, Isa, Lstm, SimpleRnn, State};
use std::fmt::Debug;
use support::{Shape, input, mask};

const SPREAD: Initializer = Initializer::RandomUniform {
    min: -1.5,
    max: 1.5,
};

/// All that a layer says: plain, masked and backwards, and streamed.
fn said<R>(layer: &R, of: Shape) -> (Vec<f64>, Vec<R::State>)
where
    R: Causal<State: State>,
{
    let (x, mask) = (input::<R::Elem>(of, 7), mask(of, 8));
    let (mut numbers, mut states) = (Vec::new(), Vec::new());
    let (h, state) = layer.run(&x).sequences_and_state().unwrap();
    numbers.extend(h.iter().map(|h| h.as_f64()));
    states.push(state);
    let run = layer.run(&x).mask(&mask).go_backwards();
    let (h, state) = run.sequences_and_state().unwrap();
    numbers.extend(h.iter().map(|h| h.as_f64()));
    states.push(state);
    let mut live = layer.stream(of.samples);
    for x in x.axis_iter(ndarray::Axis(1)) {
        numbers.extend(live.push(x).unwrap().iter().map(|h| h.as_f64()));
    }
    states.push(live.into_state());
    (numbers, states)
}

/// The layers differ in their instruction sets only.
fn agree<R>(what: &str, of: Shape, make: impl Fn(Isa) -> R)
where
    R: Causal<State: State + PartialEq + Debug>,
{
    let all: Vec<_> = Isa::all().map(|isa| (isa, said(&make(isa), of))).collect();
    let (best, expected) = all.last().unwrap();
    for (isa, found) in &all {
        if isa.is_fused() && best.is_fused() {
            assert!(
                found == expected,
                "{what} {of:?}: {isa:?} and {best:?} differ"
            );
        } else {
            for (a, b) in found.0.iter().zip(&expected.0) {
                let near = if size_of::<R::Elem>() == 4 {
                    2e-5
                } else {
                    1e-12
                };
                assert!(
                    (a - b).abs() <= near,
                    "{what} {of:?}: {isa:?} {a}, {best:?} {b}"
                );
            }
        }
    }
}

fn every_cell<A: Element>(of: Shape, gate: Activation, act: Activation) {
    let Shape {
        features, units, ..
    } = of;
    agree(&format!("SimpleRnn {act:?}"), of, |isa| {
        let rnn = SimpleRnn::<A>::builder(features, units)
            .seed(1)
            .bias_initializer(SPREAD);
        rnn.activation(act).with_isa(isa).build().unwrap()
    });
    agree(&format!("Lstm {gate:?} {act:?}"), of, |isa| {
        let lstm = Lstm::<A>::builder(features, units)
            .seed(1)
            .bias_initializer(SPREAD);
        let lstm = lstm.activation(act).recurrent_activation(gate);
        lstm.with_isa(isa).build().unwrap()
    });
    agree(&format!("Lstm variant {gate:?} {act:?}"), of, |isa| {
        let lstm = Lstm::<A>::builder(features, units)
            .seed(1)
            .bias_initializer(SPREAD);
        let lstm = lstm.activation(act).recurrent_activation(gate);
        let matrix = |rows, columns| SPREAD.matrix(rows, columns, 9).unwrap();
        let lstm = lstm
            .peepholes(matrix(3, units))
            .clip(0.8)
            .input_forget(units > 9);
        let lstm = lstm.projection(matrix(units, 1 + units / 3)).with_isa(isa);
        lstm.build().unwrap()
    });
    for reset_after in [true, false] {
        agree(&format!("Gru {reset_after} {gate:?} {act:?}"), of, |isa| {
            let gru = Gru::<A>::builder(features, units)
                .seed(1)
                .bias_initializer(SPREAD);
            let gru = gru.activation(act).recurrent_activation(gate);
            gru.reset_after(reset_after).with_isa(isa).build().unwrap()
        });
    }
}

#[test]
fn instruction_sets_agree_to_the_bit() {
    println!("on {:?}", Isa::all().collect::<Vec<_>>());
    let shapes = [1, 2, 3, 7, 8, 9, 13].into_iter().flat_map(|samples| {
        [1, 2, 5, 15, 16, 17, 24, 33, 40, 48, 52, 65]
            .into_iter()
            .map(move |units| Shape {
                samples,
                timesteps: 3,
                features: 1 + (samples * units) % 11,
                units,
            })
    });
    for of in shapes {
        every_cell::<f32>(of, Activation::Sigmoid, Activation::Tanh);
        every_cell::<f64>(of, Activation::Sigmoid, Activation::Tanh);
    }
}

#[test]
fn with_any_activation() {
    let of = Shape {
        samples: 3,
        timesteps: 4,
        features: 3,
        units: 19,
    };
    let gates = [Activation::HARD_SIGMOID_KERAS2, Activation::HARD_SIGMOID];
    let acts = [
        Activation::Linear,
        Activation::Relu,
        Activation::Softsign,
        Activation::Elu { alpha: 1.0 },
        Activation::Gelu { approximate: false },
    ];
    for gate in gates {
        for act in acts {
            every_cell::<f32>(of, gate, act);
            every_cell::<f64>(of, gate, act);
        }
    }
}
